"""The feed's background work: the watched folder, runs that got lost, data that grew old."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.utils import timezone
from pytest_django import Settings

from core.freshness import is_stale
from feed import freshness, watched_folder
from feed.models import Run, Source, package_storage
from feed.services import drop_held
from feed.tasks import alarm_stale_feed, clear_leftovers, load_run, retry_stale_runs, watch_folder
from policies import eligibility
from policies.models import Policy
from portal import health
from tests.factories import UserFactory
from tests.feed.packages import AS_OF, Package, book_of, load, policy_rows, small_book

pytestmark = pytest.mark.django_db


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Subjects of what staff are told."""
    told: list[str] = []

    def alert(subject: str, body: str) -> None:
        assert body
        told.append(subject)

    monkeypatch.setattr("feed.load.finish.alert_staff", alert)
    monkeypatch.setattr("feed.tasks.alert_staff", alert)
    monkeypatch.setattr("feed.lost_runs.alert_staff", alert)
    return told


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the runs that wait in the queue."""
    found: list[int] = []

    def enqueue(_task: Any, *args: int) -> bool:
        found.extend(args)
        return True

    monkeypatch.setattr("feed.watched_folder.enqueue_on_commit", enqueue)
    monkeypatch.setattr("feed.tasks.enqueue", enqueue)
    return found


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    path = tmp_path / "incoming"
    path.mkdir()
    settings.FEED_WATCH_DIR = str(path)
    return path


def put(path: Path, package: Package, *, age: int = 60) -> Path:
    """Drop a package that was last written so many seconds ago."""
    package.zip(path)
    written = time.time() - age
    os.utime(path, (written, written))
    return path


def work_off(queue: list[int]) -> None:
    """Do what the worker and beat do until nothing waits."""
    watch_folder()
    while queue:
        load_run(queue.pop(0))
        watch_folder()


def names(folder: Path) -> dict[str, list[str]]:
    """Return what lies in the sub-folders, without the runs' numbers."""
    return {
        place.name: sorted(path.name.split("-", 1)[1] for path in place.iterdir())
        for place in folder.iterdir()
        if place.is_dir() and any(place.iterdir())
    }


# The watched folder.


def test_a_package_in_the_watched_folder_is_loaded_once_and_moved(folder: Path, queue: list[int]) -> None:
    put(folder / "night.zip", Package(small_book()))

    work_off(queue)
    work_off(queue)

    run = Run.objects.get()
    assert (run.status, run.origin, run.name) == (Run.Status.APPLIED, "folder", "night.zip")
    assert names(folder) == {"done": ["night.zip"]}
    assert Path(run.path) == folder / "done" / f"{run.pk}-night.zip"
    assert Policy.objects.count() == 1


def test_packages_are_taken_in_order_of_their_numbers_whatever_their_names(folder: Path, queue: list[int]) -> None:
    put(folder / "a.zip", Package({"policies.csv": [policy_rows("MPL-3")]}, sequence=3, mode="delta"))
    put(folder / "b.zip", Package({"policies.csv": [policy_rows("MPL-2")]}, sequence=2, mode="delta"))
    put(folder / "c.zip", Package(small_book()))

    work_off(queue)

    assert [run.status for run in Run.objects.all()] == [Run.Status.APPLIED] * 3
    assert (Policy.objects.count(), Source.objects.get().sequence) == (3, 3)


def test_refused_and_held_packages_are_moved_and_staff_are_alerted(
    folder: Path, queue: list[int], alerts: list[str]
) -> None:
    put(folder / "1.zip", Package(book_of(40)))
    put(folder / "2.zip", Package({"policies.csv": book_of(40)["policies.csv"][:20]}, sequence=2))
    put(folder / "3.zip", Package(small_book()))

    work_off(queue)

    assert names(folder) == {"done": ["1.zip"], "held": ["2.zip"], "refused": ["3.zip"]}
    assert sorted(alerts) == ["A feed package is held for review", "A feed package was refused"]


def test_a_held_package_of_the_folder_is_released_from_where_it_lies(folder: Path, queue: list[int]) -> None:
    put(folder / "1.zip", Package(book_of(40)))
    put(folder / "2.zip", Package({"policies.csv": book_of(40)["policies.csv"][:20]}, sequence=2))
    work_off(queue)
    run = Run.objects.get(status="held")

    run.release(by=UserFactory.create(is_staff=True), reason="Confirmed.")
    load_run(run.pk)

    assert names(folder) == {"done": ["1.zip", "2.zip"]}
    assert Policy.objects.not_retired().count() == 20


def a_held_night(folder: Path, queue: list[int]) -> Run:
    """Return the held second package of a source, whose third and fourth came after it, the fourth first."""
    put(folder / "1.zip", Package(book_of(40)))
    put(folder / "2.zip", Package({"policies.csv": book_of(40)["policies.csv"][:20]}, sequence=2))
    work_off(queue)
    for number in (4, 3):
        delta = Package({"policies.csv": [policy_rows(f"MPL-9{number}")]}, sequence=number, mode="delta")
        put(folder / f"{number}.zip", delta)
        work_off(queue)
    assert [run.waits_for for run in Run.objects.waiting()] == [Run.objects.get(status="held")] * 2
    return Run.objects.get(status="held")


def test_deltas_after_a_held_package_wait_and_go_on_when_it_is_released(
    folder: Path, queue: list[int], alerts: list[str]
) -> None:
    held = a_held_night(folder, queue)
    third = Run.objects.get(sequence=3)
    assert third.words == f"Received: Waiting for a decision about number 2 (run {held.pk}), which is held"
    assert (retry_stale_runs(), queue) == (0, []), "nothing is tried while nobody has decided"
    put(folder / "other.zip", Package(book_of(1), source="legacy"))
    work_off(queue)
    assert names(folder)["done"] == ["1.zip", "other.zip"], "nothing else waits"

    held.release(by=UserFactory.create(is_staff=True), reason="Confirmed.")
    queue.append(held.pk)
    work_off(queue)

    assert list(Run.objects.filter(source="core").values_list("status", flat=True)) == ["applied"] * 4
    assert names(folder)["done"] == ["1.zip", "2.zip", "3.zip", "4.zip", "other.zip"]
    assert alerts == ["A feed package is held for review"]


def test_deltas_after_a_dropped_package_are_refused_with_the_reason(
    folder: Path, queue: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed.services.enqueue_on_commit", lambda _task, pk: queue.append(pk))
    held = a_held_night(folder, queue)
    stan = UserFactory.create(username="stan", is_staff=True)

    drop_held(run=held, by=stan, reason="A broken extract.")
    work_off(queue)

    third, fourth = Run.objects.filter(sequence__gt=2).order_by("sequence")
    assert (third.status, fourth.status) == (Run.Status.REFUSED, Run.Status.REFUSED)
    assert third.findings.get().sentence == (
        f"The delta after 1 must have sequence 2, not 3. Number 2 (run {held.pk}) was held, and dropped: "
        "Dropped by stan: A broken extract."
    )


def test_a_command_or_a_dry_run_does_not_wait_for_a_held_package_and_says_why(
    folder: Path, queue: list[int], tmp_path: Path
) -> None:
    held = a_held_night(folder, queue)
    for dry_run in (False, True):
        run = load(
            tmp_path / "by-hand", {"policies.csv": [policy_rows("MPL-3")]}, sequence=3, mode="delta", dry_run=dry_run
        )
        assert run.status == Run.Status.REFUSED
        assert run.findings.get().sentence.endswith(f"not 3. Number 2 (run {held.pk}) is held for review.")


def test_a_file_that_is_still_being_written_is_left_alone(folder: Path, queue: list[int]) -> None:
    put(folder / "now.zip", Package(small_book()), age=1)
    data = put(folder / "half.zip", Package(small_book())).read_bytes()
    (folder / "half.zip").write_bytes(data[: len(data) // 2])
    os.utime(folder / "half.zip", (time.time() - 60,) * 2)
    (folder / "night.zip.part").write_bytes(data)
    (folder / ".hidden.zip").write_bytes(data)
    (folder / "link.zip").symlink_to(folder / "now.zip")

    work_off(queue)

    assert not Run.objects.exists()


def test_a_file_that_never_becomes_an_archive_is_refused_eventually(folder: Path, queue: list[int]) -> None:
    (folder / "junk.zip").write_bytes(b"junk")
    os.utime(folder / "junk.zip", (time.time() - 3600,) * 2)
    work_off(queue)
    assert names(folder) == {"refused": ["junk.zip"]}


def test_a_file_that_may_not_be_read_is_refused_and_stops_no_other(
    folder: Path, queue: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "locked.zip", Package(small_book()))
    put(folder / "night.zip", Package(small_book()))
    plain = Path.open

    def locked(path: Path, *args: Any, **options: Any) -> Any:
        if path.name.endswith("locked.zip"):
            raise PermissionError(13, "Permission denied")
        return plain(path, *args, **options)

    monkeypatch.setattr(Path, "open", locked)
    work_off(queue)
    assert names(folder) == {"done": ["night.zip"], "refused": ["locked.zip"]}
    assert Run.objects.get(status=Run.Status.REFUSED).findings.get().code == "unreadable"


def test_one_package_at_a_time_is_taken(folder: Path, queue: list[int]) -> None:
    put(folder / "1.zip", Package(small_book()))
    put(folder / "2.zip", Package(small_book(), sequence=2))
    watch_folder()
    watch_folder()
    assert (Run.objects.count(), len(queue)) == (1, 1)


def test_a_crash_between_moving_and_storing_loses_nothing(folder: Path, queue: list[int]) -> None:
    put(folder / "1.zip", Package(small_book()))
    watch_folder()
    Run.objects.all().delete()
    queue.clear()

    work_off(queue)

    assert names(folder) == {"done": ["1.zip"]}
    assert Policy.objects.count() == 1


def test_a_crash_before_the_package_is_moved_is_cleaned_up(folder: Path, queue: list[int]) -> None:
    put(folder / "1.zip", Package(small_book()))
    watch_folder()
    Run.objects.update(status=Run.Status.APPLIED)
    watch_folder()
    assert names(folder) == {"done": ["1.zip"]}


def test_a_long_or_odd_name_and_what_others_leave_in_working_stop_nothing(folder: Path, queue: list[int]) -> None:
    put(folder / f"{'n' * 240}.zip", Package(small_book()))
    put(folder / os.fsdecode(b"odd-\xff.zip"), Package(small_book(), sequence=2))
    watch_folder()
    (folder / "working" / "notes.txt").write_text("mine")

    work_off(queue)

    assert sorted(run.status for run in Run.objects.all()) == [Run.Status.APPLIED] * 2
    assert (folder / "working" / "notes.txt").exists()
    assert {path.name[-8:] for path in (folder / "done").iterdir()} == {"nnnn.zip", "dd-\ufffd.zip"}


def test_no_folder_is_watched_unless_one_is_set(settings: Settings, tmp_path: Path) -> None:
    settings.FEED_WATCH_DIR = ""
    assert watched_folder.take_next() is None
    settings.FEED_WATCH_DIR = str(tmp_path / "nowhere")
    assert watched_folder.take_next() is None


# Runs that got lost.


def lost(tmp_path: Path, **values: Any) -> Run:
    """Return an upload that began two minutes ago and that nobody works on."""
    package = Package(small_book()).zip(tmp_path / "package.zip")
    before = timezone.now() - dt.timedelta(minutes=2)
    fields = {"origin": Run.Origin.UPLOAD, "created_at": before, "started_at": before, "status": "checking"}
    return Run.objects.create(path=str(package), **(fields | values))


def test_a_run_whose_worker_died_is_tried_again(tmp_path: Path, queue: list[int]) -> None:
    run = lost(tmp_path, attempts=1)
    assert retry_stale_runs() == 1
    assert queue == [run.pk]
    load_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.attempts) == (Run.Status.APPLIED, 2)


def test_a_run_that_lost_its_place_in_the_queue_is_enqueued_again(tmp_path: Path, queue: list[int]) -> None:
    run = lost(tmp_path, status="received", started_at=None)
    fresh = lost(tmp_path, status="received", started_at=None, created_at=timezone.now())
    retry_stale_runs()
    assert queue == [run.pk]
    assert fresh.status == "received"


def test_after_three_tries_a_run_fails_and_staff_are_alerted(
    tmp_path: Path, queue: list[int], alerts: list[str]
) -> None:
    run = lost(tmp_path, attempts=3)
    assert retry_stale_runs() == 0
    run.refresh_from_db()
    assert (run.status, run.outcome) == (
        Run.Status.FAILED, "The load was tried 3 times and never finished. Nothing was applied.",
    )  # fmt: skip
    assert (queue, alerts) == ([], ["A feed package couldn't be loaded"])


def test_a_command_that_was_ended_fails_visibly_and_is_not_repeated(
    tmp_path: Path, queue: list[int], alerts: list[str]
) -> None:
    run = lost(tmp_path, origin=Run.Origin.COMMAND, attempts=1)
    retry_stale_runs()
    run.refresh_from_db()
    assert (run.status, queue, len(alerts)) == (Run.Status.FAILED, [], 1)


def test_a_run_that_has_ended_is_not_loaded_again(tmp_path: Path) -> None:
    run = load(tmp_path, small_book())
    before = run.finished_at
    load_run(run.pk)
    load_run(999_999)
    run.refresh_from_db()
    assert (run.finished_at, run.attempts) == (before, 1)


def test_an_upload_that_a_dying_worker_left_behind_is_deleted(tmp_path: Path, queue: list[int]) -> None:
    package = Package(small_book()).zip(tmp_path / "package.zip")
    runs = {
        status: Run.objects.create(
            origin=Run.Origin.UPLOAD, status=status, upload=ContentFile(package.read_bytes(), "p.zip"), source=status
        )
        for status in ("applied", "held", "received")
    }
    retry_stale_runs()
    for status, run in runs.items():
        run.refresh_from_db()
        assert bool(run.upload) == (status != "applied")


def test_an_interrupted_load_says_so_and_staff_are_told_once(
    tmp_path: Path, queue: list[int], alerts: list[str]
) -> None:
    run = lost(tmp_path, attempts=1, progress=[{"file": "policies.csv", "rows": 1, "read": 1, "step": "applied"}])
    assert [retry_stale_runs() for _ in range(2)] == [1, 1]
    run.refresh_from_db()
    assert (run.status, run.progress, alerts) == (Run.Status.RECEIVED, [], ["A feed load was interrupted"])
    assert run.phase == "Interrupted on the first try; nothing was applied. Waiting for another try"


def test_the_next_load_begins_when_the_one_before_it_ends(tmp_path: Path, queue: list[int]) -> None:
    first, second, third = (lost(tmp_path, status="received", started_at=None) for _ in range(3))
    Run.objects.filter(pk=second.pk).update(created_at=timezone.now())
    load_run(first.pk)
    assert queue == [third.pk]


def test_an_upload_whose_request_died_is_deleted_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = package_storage()
    kept = Run.objects.create(origin=Run.Origin.UPLOAD, upload=ContentFile(b"kept", "p.zip"))
    names = [storage.save(f"feed/2026/11/{name}.zip", ContentFile(b"left")) for name in ("old", "new")]
    now, days = timezone.now(), {names[1]: 0}
    monkeypatch.setattr(
        type(storage), "get_modified_time", lambda _self, name: now - dt.timedelta(days=days.get(name, 2))
    )
    clear_leftovers()
    assert [storage.exists(name) for name in (*names, str(kept.upload.name))] == [False, True, True]


def test_samples_are_forgotten_when_nobody_can_decide_anymore(tmp_path: Path, settings: Settings) -> None:
    for number, dry_run in ((1, True), (2, False)):
        load(tmp_path, small_book(), source="somebody", sequence=number, dry_run=dry_run)
    Run.objects.update(finished_at=timezone.now() - settings.FEED_HELD_FOR - dt.timedelta(days=1))
    clear_leftovers()
    assert ["samples" in run.difference for run in Run.objects.order_by("sequence")] == [False, True]
    assert all(run.difference["reasons"] for run in Run.objects.all())


def test_findings_are_deleted_in_time_and_their_counts_stay(tmp_path: Path, settings: Settings) -> None:
    book = small_book()
    book["terms.csv"][0]["status"] = "?"
    old, new = (load(tmp_path, book) for _ in range(2))
    Run.objects.filter(pk=old.pk).update(
        finished_at=timezone.now() - settings.FEED_FINDINGS_KEPT - dt.timedelta(days=1)
    )
    clear_leftovers()
    for run, kept in ((old, 0), (new, 1)):
        run.refresh_from_db()
        assert (run.findings.count(), [(one["found"], one["kept"]) for one in run.finding_counts]) == (
            kept,
            [(1, kept)],
        )


# Freshness.


def data_is_stale() -> bool:
    as_of = freshness.as_of()
    return as_of is None or is_stale(as_of, source="core")


def test_the_portal_knows_the_time_of_its_data(tmp_path: Path, settings: Settings) -> None:
    assert freshness.as_of() is None
    assert data_is_stale()
    load(tmp_path, small_book())
    load(tmp_path, small_book(), source="legacy", as_of=AS_OF - dt.timedelta(days=400))
    assert freshness.as_of() == AS_OF - dt.timedelta(days=400)
    assert freshness.as_of("core") == AS_OF
    settings.FEED_SOURCES_AT_REST = ["legacy"]
    assert freshness.as_of() == AS_OF
    settings.FEED_SOURCES_AT_REST = ["legacy", "core"]
    assert freshness.as_of() == AS_OF - dt.timedelta(days=400)


def test_a_refused_package_does_not_make_the_data_fresher(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    book = small_book()
    book["terms.csv"][0]["status"] = "?"
    load(tmp_path, book, sequence=2, as_of=AS_OF + dt.timedelta(days=1))
    load(tmp_path, small_book(), sequence=2, as_of=AS_OF + dt.timedelta(days=1), dry_run=True)
    assert freshness.as_of() == AS_OF


def test_staff_are_alerted_to_a_stale_feed_once_and_again_after_it_was_fresh(tmp_path: Path, alerts: list[str]) -> None:
    at: Callable[[int], dt.datetime] = lambda hours: AS_OF + dt.timedelta(hours=hours)  # noqa: E731  # hours after
    with time_machine.travel(at(1), tick=False):
        load(tmp_path, small_book())
        assert (alarm_stale_feed(), data_is_stale()) == (0, False)
    with time_machine.travel(at(85), tick=False):
        assert [alarm_stale_feed() for _ in range(3)] == [1, 0, 0]
        assert data_is_stale()
    with time_machine.travel(at(100), tick=False):
        assert alarm_stale_feed() == 0
        load(tmp_path, small_book(), sequence=2, as_of=at(90))
        assert (alarm_stale_feed(), data_is_stale()) == (0, False)
    with time_machine.travel(at(175), tick=False):
        assert alarm_stale_feed() == 1
    assert alerts == ["The carrier feed 'core' is stale"] * 2


def test_a_source_at_rest_does_not_raise_an_alarm(tmp_path: Path, alerts: list[str], settings: Settings) -> None:
    settings.FEED_SOURCES_AT_REST = ["legacy"]
    load(tmp_path, small_book(), source="legacy", as_of=AS_OF - dt.timedelta(days=400))
    assert (alarm_stale_feed(), freshness.stale_since(), Source.objects.get().is_stale) == (0, None, False)
    assert alerts == []


def test_alarm_health_admin_and_certificates_agree_on_what_is_stale(
    tmp_path: Path, alerts: list[str], settings: Settings
) -> None:
    """Two sources, one of them stale: the one function decides for each."""
    load(tmp_path, small_book(), source="legacy", as_of=AS_OF - settings.FEED_STALE_AFTER)
    load(tmp_path, small_book(), as_of=AS_OF)
    with time_machine.travel(AS_OF + dt.timedelta(minutes=1), tick=False):
        assert [(one.name, one.is_stale) for one in Source.objects.order_by("name")] == [
            ("core", False), ("legacy", True),
        ]  # fmt: skip
        assert freshness.stale_since() == AS_OF - settings.FEED_STALE_AFTER
        assert [eligibility.is_too_old(one.as_of, one.name) for one in Source.objects.order_by("name")] == [
            False, True,
        ]  # fmt: skip
        assert health._feed_down() == {"feed": f"stale, as of {freshness.stale_since().isoformat()}"}  # type: ignore[union-attr]  # as above
        assert (alarm_stale_feed(), alerts) == (1, ["The carrier feed 'legacy' is stale"])


# Staff are told.


def test_staff_are_alerted_to_a_refused_package_but_not_to_a_dry_run(tmp_path: Path, alerts: list[str]) -> None:
    book = small_book()
    book["terms.csv"][0]["status"] = "?"
    load(tmp_path, book, dry_run=True)
    assert alerts == []
    load(tmp_path, book)
    assert alerts == ["A feed package was refused"]
    load(tmp_path, small_book())
    assert len(alerts) == 1
