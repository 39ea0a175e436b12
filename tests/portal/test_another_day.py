"""`make test TODAY=...`: what it understands, and that every process of a run is on the same day."""

import datetime as dt
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.system import needs
from embedded.addresses import BASE_DIR
from tools.another_day import clock
from tools.another_day.clock import DayError, environment, library, offset

NOW = dt.datetime(2026, 11, 24, 19, 0, tzinfo=dt.UTC)
NEW_YORK = ZoneInfo("America/New_York")
DAY = 86400
ASK = """
import datetime, sys, tempfile, time
from pathlib import Path
import psycopg, redis
from embedded.addresses import POSTGRES_PORT, redis_password, redis_socket, socket_dir
from embedded.client import start
folder = Path(sys.argv[1])
start(folder)
time.sleep(0.01)
with psycopg.connect(host=str(socket_dir(folder)), port=POSTGRES_PORT, user="portal", dbname="portal") as connection:
    print(connection.execute("SELECT extract(epoch FROM clock_timestamp())::bigint").fetchone()[0])
with redis.Redis(unix_socket_path=str(redis_socket(folder)), password=redis_password(folder)) as client:
    print(client.time()[0])
print(int(datetime.datetime.now(datetime.UTC).timestamp()))
"""


def lands_on(today: str) -> dt.datetime:
    return NOW + dt.timedelta(seconds=offset(today, now=NOW.timestamp()))


@pytest.mark.parametrize(
    ("today", "seconds"),
    [
        ("+400 days", 400 * DAY),
        ("-1 day", -DAY),
        (" +2 weeks ", 14 * DAY),
        ("+90 minutes", 5400),
        ("+400d", 400 * DAY),
        ("+1y", 365 * DAY),
        ("+30", 30),
    ],
)
def test_an_offset_is_from_now(today: str, seconds: int) -> None:
    assert offset(today, now=NOW.timestamp()) == seconds


@pytest.mark.parametrize(
    ("today", "moment"),
    [
        ("2028-02-29", dt.datetime(2028, 2, 29, 12, 0, tzinfo=NEW_YORK)),
        ("2026-12-31 23:58", dt.datetime(2026, 12, 31, 23, 58, tzinfo=NEW_YORK)),
        (
            "2026-12-31 23:58:30 America/Chicago",
            dt.datetime(2026, 12, 31, 23, 58, 30, tzinfo=ZoneInfo("America/Chicago")),
        ),
        ("@2027-03-14T01:57", dt.datetime(2027, 3, 14, 1, 57, tzinfo=NEW_YORK)),
        ("2026-01-01 00:00 UTC", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ],
)
def test_a_day_or_a_moment_is_where_the_clock_starts(today: str, moment: dt.datetime) -> None:
    assert lands_on(today) == moment


@pytest.mark.parametrize(
    ("today", "sentence"),
    [
        ("soon", "TODAY can't be 'soon'."),
        ("2027-02-29", "there is no such day or time"),
        ("2027-02-28 25:00", "there is no such day or time"),
        ("+4 moons", "TODAY has no unit 'moons'."),
        ("2027-02-28 10:00 Mars", "the time zone 'Mars'"),
    ],
)
def test_what_means_nothing_is_refused_with_what_would(today: str, sentence: str) -> None:
    with pytest.raises(DayError, match=sentence):
        offset(today, now=NOW.timestamp())


def test_a_machine_without_libfaketime_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = replace(needs()["libfaketime"], files=("/nowhere/at/*/all",))
    monkeypatch.setattr(clock, "needs", lambda: {"libfaketime": nowhere})
    with pytest.raises(DayError, match="apt-get install libfaketime"):
        environment({}, DAY)


def test_python_postgresql_and_redis_are_on_the_same_other_day() -> None:
    try:
        library()
    except DayError as error:
        pytest.skip(str(error))
    real = {name: value for name, value in os.environ.items() if not name.startswith(("FAKETIME", "LD_PRELOAD"))}
    with tempfile.TemporaryDirectory(prefix="portal-test-") as name:
        Path(name).chmod(0o755)  # the servers' user must be able to enter it
        command = [sys.executable, "-m", "tools.another_day", "+400 days", "-c", ASK, name]
        done = subprocess.run(command, cwd=BASE_DIR, env=real, capture_output=True, text=True, check=True)
        asked = ["date", "+%s"]
        now = int(subprocess.run(asked, env=real, capture_output=True, text=True, check=True).stdout)
    first, *clocks = done.stdout.splitlines()
    assert first.startswith("This run's clock says ")
    assert len(clocks) == 3
    assert all(abs(int(each) - now - 400 * DAY) < DAY for each in clocks)
