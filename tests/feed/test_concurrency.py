"""Loads beside loads and beside readers, and loads that die, on real connections and processes."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from core.feedspec import Load
from feed.load import loader
from feed.load.loader import LoadBusyError, RunBusyError, execute, load_package
from feed.load.run_lock import RunKeeper, take_load_lock
from feed.load.table_map import TableMap, table_maps
from feed.models import Run, Source
from feed.tasks import load_run, retry_stale_runs
from policies.models import Coverage, Policy
from tests.feed.packages import Package, book_of, load, small_book, snapshot

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60


def is_worked_on(run_id: int) -> bool:
    """Whether some process holds the run's lock."""
    with RunKeeper(run_id) as keeper:
        return not keeper.held


def in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Run a call in a thread of its own connection; what it returns or raises is added to the list."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001  # handed to the test
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def in_the_middle(monkeypatch: pytest.MonkeyPatch, hook: Callable[[Load], None]) -> None:
    """Let a hook run when all rows of a load are applied and nothing is committed."""
    found = tuple(
        TableMap(replace(table_map.table, after=(*table_map.table.after, hook)))
        if table_map.file == "coverages.csv"
        else table_map
        for table_map in table_maps()
    )
    monkeypatch.setattr(loader, "table_maps", lambda: found)


@contextmanager
def another_load() -> Any:
    """Somebody else's load is under way."""
    begun, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            take_load_lock(cursor, wait=True)
            begun.set()
            done.wait(PATIENCE)

    thread, _ = in_thread(hold)
    begun.wait(PATIENCE)
    try:
        yield done
    finally:
        done.set()
        thread.join()


def test_two_loads_at_once_go_one_after_the_other(tmp_path: Path) -> None:
    package = Package(book_of(5)).write(tmp_path / "package")
    threads = [in_thread(lambda: load_package(package)) for _ in range(2)]
    for thread, _ in threads:
        thread.join()

    assert sorted(results[0].status for _, results in threads) == [Run.Status.APPLIED, Run.Status.UNCHANGED]
    assert Policy.objects.count() == 5


def test_packages_of_two_sources_at_once_are_both_applied(tmp_path: Path) -> None:
    packages = [Package(small_book(), source=source).write(tmp_path / source) for source in ("core", "legacy")]
    threads = [in_thread(partial(load_package, package)) for package in packages]
    for thread, _ in threads:
        thread.join()
    assert [results[0].status for _, results in threads] == [Run.Status.APPLIED] * 2
    assert Policy.objects.count() == 2


def test_a_load_waits_for_another_and_says_for_which(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    now = timezone.now()
    other = Run.objects.create(name="night.zip", status=Run.Status.CHECKING, started_at=now)
    Run.objects.create(name="dead.zip", status=Run.Status.CHECKING, started_at=now - dt.timedelta(days=1))
    words = f"Waiting for another load: run {other.pk}, night.zip"
    with another_load() as done, RunKeeper(other.pk):
        thread, results = in_thread(lambda: load_package(package))
        until(lambda: Run.objects.filter(phase=words).exists())
        assert not results
        behind = Run.objects.create(origin=Run.Origin.UPLOAD, path=str(package))
        load_run(behind.pk)
        behind.refresh_from_db()
        assert (behind.status, behind.phase) == (Run.Status.RECEIVED, words)
        done.set()
        thread.join()
    assert (results[0].status, results[0].phase) == (Run.Status.APPLIED, "")


def test_progress_by_file_is_seen_while_a_package_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[dict[str, Any]]] = []
    in_the_middle(monkeypatch, lambda load: seen.append(in_another_connection(load.run_id)))

    run = load(tmp_path, {**small_book(), "licenses.csv": []})

    assert {"file": "insureds.csv", "rows": 2, "read": 2, "step": "applied"} in seen[0]
    assert [line["file"] for line in seen[0]][:2] == ["companies.csv", "agencies.csv"]
    assert Run.objects.get(pk=run.pk).progress == []


def in_another_connection(run_id: int) -> list[dict[str, Any]]:
    """Return the run's progress as a page sees it now."""
    thread, results = in_thread(lambda: Run.objects.get(pk=run_id).progress)
    thread.join()
    progress: list[dict[str, Any]] = results[0]
    return progress


def test_a_load_that_does_not_wait_is_back_to_received(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    with another_load(), pytest.raises(LoadBusyError):
        load_package(package, wait=False)
    run = Run.objects.get()
    assert (run.status, run.attempts) == (Run.Status.RECEIVED, 0)
    assert execute(run).status == Run.Status.APPLIED


def test_a_worker_behind_another_load_leaves_the_run_for_later(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    run = Run.objects.create(origin=Run.Origin.UPLOAD, path=str(package))
    with another_load():
        load_run(run.pk)
    run.refresh_from_db()
    assert run.status == Run.Status.RECEIVED
    load_run(run.pk)
    run.refresh_from_db()
    assert run.status == Run.Status.APPLIED


def test_two_workers_never_work_on_one_run(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    run = Run.objects.create(origin=Run.Origin.UPLOAD, path=str(package))
    with RunKeeper(run.pk):
        assert is_worked_on(run.pk)
        with pytest.raises(RunBusyError):
            execute(run)
    assert not is_worked_on(run.pk)
    assert Run.objects.get().status == Run.Status.RECEIVED


def test_readers_keep_reading_and_see_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path, small_book())
    seen: list[Any] = []
    locks: list[str] = []

    def read() -> tuple[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '10s'")
        return Coverage.objects.get(external_id="CV1").specialty, Policy.objects.count()

    def look(load: Load) -> None:
        assert Policy.objects.count() == 5
        thread, results = in_thread(read)
        thread.join()
        seen.extend(results)
        locks.extend(
            mode
            for (mode,) in load.rows(
                "SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
                "WHERE l.pid = pg_backend_pid() AND l.granted AND c.relpersistence = 'p' "
                "AND c.relname LIKE 'policies%%'"
            )
        )

    in_the_middle(monkeypatch, look)
    book = book_of(5)
    book["coverages.csv"][0]["specialty"] = "Pediatrics"
    run = load(tmp_path, book, sequence=2)

    assert run.status == Run.Status.APPLIED
    assert seen == [("Family medicine, no surgery", 1)]
    assert read() == ("Pediatrics", 5)
    assert locks
    assert not {"AccessExclusiveLock", "ExclusiveLock", "ShareLock", "ShareRowExclusiveLock"} & set(locks)


def test_progress_is_seen_while_the_load_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def look(_load: Load) -> None:
        thread, results = in_thread(
            lambda: Run.objects.values_list("status", "phase", "bytes_total", "bytes_done").get()
        )
        thread.join()
        seen.extend(results)

    in_the_middle(monkeypatch, look)
    load(tmp_path, small_book())

    ((status, phase, total, done),) = seen
    assert (status, phase) == (Run.Status.CHECKING, "Running follow-ups")
    assert (total, done) == (sum(len(data) for data in Package(small_book()).files.values()),) * 2


def test_an_error_in_the_middle_leaves_nothing_and_the_run_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, small_book())
    before = snapshot()

    def fail(_load: Load) -> None:
        raise OperationalError("the connection was lost")

    with monkeypatch.context() as patch:
        in_the_middle(patch, fail)
        with pytest.raises(OperationalError):
            load(tmp_path, book_of(5), sequence=2)

    run = Run.objects.latest("pk")
    assert (run.status, run.attempts, is_worked_on(run.pk)) == (Run.Status.CHECKING, 1, False)
    assert (snapshot(), Source.objects.get().sequence) == (before, 1)
    assert execute(run).status == Run.Status.APPLIED
    assert (Policy.objects.count(), run.attempts) == (5, 2)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; fail after PATIENCE seconds."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit, "the condition never came true"
        time.sleep(0.02)


def start_and_kill(run: Run, folder: Path) -> None:
    """Execute a run in a process of its own, and kill it when every row is applied and nothing committed."""
    sign = folder / "applied"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.credentialing.worker_settings",
        "PORTAL_MODE": "test",
        "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "TEST_FILES": str(folder),
        "RUN": str(run.pk),
        "SIGN": str(sign),
    }
    process = subprocess.Popen([sys.executable, "-m", "tests.feed.slow_load"], env=environment)
    try:
        until(lambda: sign.exists() or process.poll() is not None)
        assert sign.exists(), "the load ended before its middle"
        assert is_worked_on(run.pk)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    sign.unlink()
    until(lambda: not is_worked_on(run.pk))


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_run_still_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, small_book())
    before = snapshot()
    package = Package(book_of(5), sequence=2).write(tmp_path / "next")
    run = Run.objects.create(origin=Run.Origin.UPLOAD, path=str(package))

    start_and_kill(run, tmp_path)

    run.refresh_from_db()
    assert (run.status, run.attempts) == (Run.Status.CHECKING, 1)
    assert snapshot() == before
    enqueued: list[int] = []

    def enqueue(_task: Any, run_id: int) -> bool:
        enqueued.append(run_id)
        return True

    monkeypatch.setattr("feed.tasks.enqueue", enqueue)
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - dt.timedelta(minutes=2))
    assert retry_stale_runs() == 1
    assert enqueued == [run.pk]
    load_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.attempts, Policy.objects.count()) == (Run.Status.APPLIED, 2, 5)
