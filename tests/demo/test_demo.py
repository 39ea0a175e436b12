"""The demo: a book loaded as a carrier's would be, users beside its parties, and processes that leave with it."""

import datetime as dt
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import User
from core.areas import StaffGroup
from demo.data import Book, ExampleError, load_example
from demo.environment import prepare_environment
from demo.run import port_is_free
from demo.users import DEMO_PASSWORD, make_users
from embedded.addresses import BASE_DIR, data_root
from embedded.processes import moved_clock
from feed.models import Source
from policies.models import Membership, Policy
from portal import staff
from portal.apps import PortalConfig
from tests.embedded.test_embedded import gone

NAMES = {"insured", "practitioner", "policyholder", "agent", "support"}


@pytest.fixture
def demo_folder(tmp_path: Path, settings: object) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.django_db
def test_the_book_is_loaded_and_each_user_sees_a_policy_of_her_own(demo_folder: Path) -> None:
    load_example(12)

    users = make_users()

    assert {user.username for user in users} == NAMES
    assert Policy.objects.count() == 12
    for name in NAMES - {"support"}:
        user = User.objects.get(username=name)
        assert Policy.objects.visible_to(user).exists()
        assert not user.is_staff
    assert User.objects.get(username="practitioner").memberships.count() == 2
    group = Policy.objects.visible_to(User.objects.get(username="policyholder"))
    assert set(group) <= set(Policy.objects.visible_to(User.objects.get(username="agent")))


@pytest.mark.django_db
def test_the_users_sign_in_with_the_password_that_is_printed_and_have_no_second_factor_yet(demo_folder: Path) -> None:
    load_example(12)
    make_users()

    assert authenticate(username="insured", password=DEMO_PASSWORD) is not None
    assert not User.objects.get(username="insured").authenticatordevice_set.exists()


@pytest.mark.django_db
def test_a_second_start_changes_neither_the_book_nor_what_a_user_has_done(demo_folder: Path) -> None:
    load_example(12)
    make_users()
    insured = User.objects.get(username="insured")
    insured.set_password("another-Password-2026")
    insured.save()
    insured.memberships.get().revoke(by=User.objects.get(username="support"), reason="a try")
    before = (Source.objects.get().sequence, Membership.objects.count(), User.objects.count())

    load_example(12)
    make_users()

    assert (Source.objects.get().sequence, Membership.objects.count(), User.objects.count()) == before
    assert authenticate(username="insured", password="another-Password-2026") is not None


@pytest.mark.django_db
def test_a_demo_that_is_started_days_later_gets_fresh_data_of_the_same_book(demo_folder: Path) -> None:
    load_example(12)
    Source.objects.update(as_of=timezone.now() - dt.timedelta(days=3))

    load_example(12)

    source = Source.objects.get()
    assert source.sequence == 2
    assert timezone.now() - source.as_of < dt.timedelta(minutes=1)
    assert Policy.objects.count() == 12


@pytest.mark.django_db
def test_a_book_grows_and_never_shrinks(demo_folder: Path) -> None:
    load_example(14)
    assert load_example(20).policies == 20
    assert load_example(12).policies == 20
    assert Policy.objects.not_retired().count() == 20


@pytest.mark.django_db
def test_a_book_whose_terms_have_run_out_says_so_long_after(demo_folder: Path) -> None:
    book = load_example(12)
    assert not book.has_aged
    assert Book(policies=12, today=book.today - dt.timedelta(days=61)).has_aged


@pytest.mark.django_db
def test_a_book_that_the_feed_does_not_take_stops_the_demo_with_the_reason(demo_folder: Path) -> None:
    load_example(12)
    # Written for another day, it would retire most terms: the feed holds it for a person's decision.
    Source.objects.update(as_of=timezone.now() - dt.timedelta(days=2))
    (demo_folder / "example-book.json").write_text(json.dumps({"policies": 12, "today": "1999-01-01"}))

    with pytest.raises(ExampleError, match="Held"):
        load_example(12)


@pytest.mark.django_db
def test_support_has_the_permissions_of_its_groups_in_admin_and_is_not_a_superuser(demo_folder: Path) -> None:
    load_example(12)
    make_users()

    support = User.objects.get(username="support")

    assert support.is_staff
    assert not support.is_superuser
    for permission in ("accounts.unlock_user", "feed.load_package", "policies.add_membership"):
        assert support.has_perm(permission), permission
    assert not support.has_perm("accounts.delete_user")


@pytest.mark.django_db
def test_the_staffs_groups_are_brought_up_to_date_and_keep_their_members(django_user_model: type[User]) -> None:
    staff.make_staff_groups()
    group = Group.objects.get(name="Web support")
    member = django_user_model.objects.create_user("kim")
    group.user_set.add(member)
    group.permissions.clear()

    staff.make_staff_groups()

    assert User.objects.get(username="kim").has_perm("accounts.unlock_user")


@pytest.mark.django_db
def test_a_group_that_names_a_right_of_no_model_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PortalConfig, "staff_groups", (StaffGroup("Odd", "Flying.", (), ("accounts.fly",)),))

    with pytest.raises(LookupError, match=r"accounts\.fly"):
        staff.make_staff_groups()


def test_the_demo_never_uses_a_database_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORTAL_MODE", "PORTAL_DATA_DIR", "PUBLIC_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("DATABASE_URL", "postgres://real@db.example/book")
    root = data_root()

    prepare_environment(["--port", "8123"])

    assert os.environ["DATABASE_URL"] == ""
    assert os.environ["PORTAL_MODE"] == "demo"
    assert Path(os.environ["PORTAL_DATA_DIR"]) == root / "port-8123"
    assert os.environ["PUBLIC_URL"] == "http://localhost:8123"


@pytest.fixture
def everybodys_folder() -> Iterator[Path]:
    """Yield a data folder that the servers' user can enter, even below root's own temporary folder."""
    with tempfile.TemporaryDirectory(prefix="portal-demo-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def demo(folder: Path, *options: str, command: str = "demo") -> subprocess.Popen[str]:
    return subprocess.Popen(
        # As in a background command of a shell, which ignores INT for it.
        ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "manage.py", command, *options],
        cwd=BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "PORTAL_DATA_DIR": str(folder),
            "PORTAL_END_WITH_PARENT": "1",
            **moved_clock(),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_whole_demo_starts_serves_stops_on_int_and_leaves_nothing_when_killed(everybodys_folder: Path) -> None:
    port = free_port()
    options = ("--port", str(port), "--policies", "12")
    process = demo(everybodys_folder, *options)
    said = read_until_ready(process)
    assert f"http://localhost:{port}" in said
    assert all(name in said for name in NAMES)
    with urllib.request.urlopen(f"http://localhost:{port}/readyz") as answer:
        assert json.load(answer) == {"ready": True, "down": {}}
    with urllib.request.urlopen(f"http://localhost:{port}/demo/outbox.json") as answer:
        assert json.load(answer) == []
    assert not port_is_free(port)
    programs = descendants(process.pid)
    assert len([pid for pid in programs if command_of(pid) == command_of(process.pid)]) >= 6, "forked, not started"

    worker = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[-1])
    os.kill(worker, signal.SIGKILL)
    read_until(process, "ended and is started again")
    assert worker not in descendants(process.pid)

    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=300)

    assert process.returncode == 0, rest
    assert gone(everybodys_folder)

    again = demo(everybodys_folder, *options)
    read_until_ready(again)
    programs = descendants(again.pid)
    assert len(programs) >= 7
    again.kill()
    again.communicate(timeout=300)

    assert gone(everybodys_folder)
    limit = time.monotonic() + 60
    while any(map(command_of, programs)) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(map(command_of, programs))
    assert port_is_free(port)


def command_of(pid: int) -> bytes:
    """Return the command line of a process; a forked one has its parent's, one that has ended has none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on; one that has ended meanwhile has none."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [other for child in children for other in descendants(child)]


def read_until_ready(process: subprocess.Popen[str]) -> str:
    """Return what the demo says up to its last line of a start."""
    return read_until(process, "Ctrl-C")


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Return what the demo says up to the line with those words."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    pytest.fail(said)


def test_a_port_that_is_taken_is_named_before_anything_starts(everybodys_folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = demo(everybodys_folder, "--port", str(port))
        said, _ = process.communicate(timeout=300)

    assert process.returncode != 0
    assert re.search(rf"Port {port} can't be used", said)
    # No cluster, no log: only the password that settings name as they are read.
    left = [path.name for path in (everybodys_folder / f"port-{port}").rglob("*") if path.is_file()]
    assert left == ["redis.password"]


def test_a_missing_pango_is_one_sentence_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from core import system
    from portal import checks

    monkeypatch.setattr(system, "loads", lambda library: False)

    assert checks.missing_pango() == system.needs()["pango"].sentence
    assert system.needs()["pango"].packages["apt"] in checks.missing_pango()
    assert [message.id for message in checks.check_pango()] == ["portal.E001"]
