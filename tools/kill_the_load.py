"""Loads that die at a random moment: the book is the old one or the new one, whole (docs/developers/killed-loads.md).

`python -m tools.kill_the_load [--times 20] [--policies 400] [--seed N]` starts a PostgreSQL of its own in a temporary
folder, loads a book, and then again and again begins to load another. At a random moment KILL ends the loader, the
database's process behind it, or the whole PostgreSQL. Then every row of every feed table is compared with both books.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VICTIMS = ("loader", "backend", "postgres")
DAY = dt.date(2026, 10, 1)
# How long the database may take to recover from a kill, in seconds.
RECOVERY = 60


def main(arguments: list[str]) -> int:
    """Run the tries and print each; 1 if the database was between two books even once."""
    parser = argparse.ArgumentParser(description="Kill loads of the feed, and look at what they leave.")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--policies", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="killed-loads-") as folder, _services(Path(folder)):
        trial = Trial(Path(folder), policies=options.policies, chance=random.Random(options.seed))  # noqa: S311
        results = [trial.run(number) for number in range(1, options.times + 1)]
    print(f"{len(results)} kills: " + ", ".join(f"{count} × {word}" for word, count in Counter(results).items()))
    return int("BETWEEN" in results)


@contextmanager
def _services(folder: Path) -> Iterator[None]:
    """Start the services in an open folder (PostgreSQL may run as another user), and bring the tables up to date."""
    folder.chmod(0o755)
    # Any difference may be applied: what a review would hold is not the question here.
    os.environ |= {
        "PORTAL_MODE": "demo",
        "PORTAL_DATA_DIR": str(folder / "data"),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "LOG_LEVEL": "ERROR",
        "FEED_RETIRE_SHARE": "1",
        "FEED_CANCEL_SHARE": "1",
        "FEED_HOLD_NOTICES_FROM": "1000000",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    import django
    from django.conf import settings
    from django.core.management import call_command

    from embedded import client

    django.setup()
    client.start(settings.DATA_DIR)
    try:
        call_command("migrate", verbosity=0, interactive=False)
        yield
    finally:
        client.stop_all()


class Trial:
    """Two books that replace each other, one kill after another."""

    def __init__(self, folder: Path, *, policies: int, chance: random.Random) -> None:
        self._folder = folder
        self._policies = policies
        self._chance = chance
        self._sequence = 0
        self._books: list[str] = []
        # The second book is that of a month later: other statuses, terms, and dates.
        for days in (0, 30):
            self._load(self._package(days)).wait()
            self._seconds = _seconds_of_last_load()
            self._books.append(book())
        if self._books[0] == self._books[1]:
            raise RuntimeError("Both books are the same, so that a half of one can't be told from the other.")
        self._now = 1

    def run(self, number: int) -> str:
        """Begin to load the other book, kill, and return what the database holds: 'old', 'new', or 'BETWEEN'."""
        from django.db import connection

        before = book(retired=True)
        victim = self._chance.choice(VICTIMS)
        package, last = self._package((0, 30)[1 - self._now]), _last_run()
        process = self._load(package)
        while _last_run() == last and process.poll() is None:
            time.sleep(0.01)
        # A little after its end, too, since the commit is one of the moments.
        moment = self._chance.uniform(0, 1.1) * self._seconds
        time.sleep(moment)
        self._kill(victim, process)
        process.wait()
        connection.close()
        self._recover()
        found = book()
        word = "BETWEEN"
        if found == self._books[1 - self._now]:
            self._now, word = 1 - self._now, "new"
        elif found == self._books[self._now] and book(retired=True) == before:
            word = "old"
        told = self._told()
        print(f"{number:3}  {victim:8} after {moment:5.2f} s of about {self._seconds:.2f}: {word} book. {told}")
        return word

    def _package(self, days: int) -> Path:
        """Write the book of a day under the next number."""
        from feed.example import write_example_feed

        self._sequence += 1
        path = self._folder / f"package{self._sequence}"
        as_of = dt.datetime.combine(DAY, dt.time(2), dt.UTC) + dt.timedelta(hours=self._sequence)
        today = DAY + dt.timedelta(days=days)
        write_example_feed(path, policies=self._policies, seed=7, today=today, as_of=as_of, sequence=self._sequence)
        return path

    def _load(self, package: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "manage.py", "load_feed", str(package)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _kill(self, victim: str, process: subprocess.Popen[bytes]) -> None:
        """Send KILL. The backend is the one that holds the loader's lock; there is none before and after the load."""
        if victim == "postgres":
            os.kill(_postmaster(), signal.SIGKILL)
        elif victim == "backend" and (pid := _backend()):
            os.kill(pid, signal.SIGKILL)
        else:
            process.kill()

    def _recover(self) -> None:
        """Wait until PostgreSQL answers again, and do what the beat's next round does with the run that died."""
        from django.db import OperationalError, connection

        from feed.tasks import retry_stale_runs

        limit = time.monotonic() + RECOVERY
        while True:
            try:
                connection.ensure_connection()
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                break
            except OperationalError:
                connection.close()
                if time.monotonic() > limit:
                    raise
                time.sleep(0.1)
        from feed.models import Run

        old = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        Run.objects.unfinished().filter(started_at__isnull=False).update(started_at=old)
        Run.objects.unfinished().update(created_at=old)
        retry_stale_runs()

    @staticmethod
    def _told() -> str:
        from feed.models import Run

        run = Run.objects.order_by("-pk").first()
        return f"{run.get_status_display()}. {run.outcome}" if run else ""


def book(*, retired: bool = False) -> str:
    """Return a digest of the rows in the feed's tables, whatever their ids and times: those that the carrier still
    sends, or those that it doesn't, too."""
    from django.db import connection

    from feed.load.table_map import table_maps

    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for table_map in table_maps():
            values = [f't."{target.column}"::text' for target in table_map.targets if target.reference is None]
            joins = ""
            for number, reference in enumerate(table_map.table.references):
                parent = next(one for one in table_maps() if one.file == reference.file)
                column = table_map.field(reference.field).column
                joins += f' LEFT JOIN {parent.db_table} r{number} ON r{number}.id = t."{column}"'
                values.append(f"r{number}.external_id")
            columns = ", ".join(["t.source", "t.external_id", "(t.retired_at IS NULL)::text", *values])
            cursor.execute(
                f"SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM "  # noqa: S608  # our own names
                f"(SELECT concat_ws('|', {columns}) AS line FROM {table_map.db_table} t{joins} "
                f"{'' if retired else 'WHERE t.retired_at IS NULL'}) lines"
            )
            digest.update(f"{table_map.file} {cursor.fetchone()[0]}\n".encode())
    return digest.hexdigest()


def _last_run() -> int | None:
    from feed.models import Run

    return Run.objects.order_by("-pk").values_list("pk", flat=True).first()


def _seconds_of_last_load() -> float:
    from feed.models import Run

    run = Run.objects.latest("pk")
    if run.status != Run.Status.APPLIED or run.started_at is None or run.finished_at is None:
        raise RuntimeError(f"The book was not loaded: {run.get_status_display()}. {run.outcome}")
    return (run.finished_at - run.started_at).total_seconds()


def _postmaster() -> int:
    """Return the process that all of PostgreSQL's others come from."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    return int((folder / "postmaster.pid").read_text().splitlines()[0])


def _backend() -> int | None:
    """Return the database's process that works for the loader, if there is one."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1"
        )
        found: Any = cursor.fetchone()
    return found[0] if found else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
