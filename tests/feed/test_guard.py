"""A package that would retire or cancel much, or of a new source, is held for a person's decision."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from pytest_django import Settings

from core.feedspec import Tally
from core.models import Event, OutboxMessage
from feed.load import loader
from feed.load.loader import execute
from feed.load.table_map import TableMap, table_maps
from feed.models import NotHeldError, OwnUploadError, Run, Source
from feed.tasks import drop_old_held_runs
from policies.models import Policy
from tests.factories import UserFactory
from tests.feed.packages import Book, Package, book_of, load, policy_rows, small_book, snapshot

pytestmark = pytest.mark.django_db


def without_policies(book: Book, *numbers: str) -> Book:
    """Return the book's policies alone, less some."""
    return {"policies.csv": [one for one in book["policies.csv"] if one["policy_number"] not in numbers]}


def with_cancelled(book: Book, *numbers: str) -> Book:
    """Return the book's policies alone, some of them cancelled."""
    return {
        "policies.csv": [
            one | ({"status": "cancelled"} if one["policy_number"] in numbers else {}) for one in book["policies.csv"]
        ]
    }


def test_five_percent_of_a_file_may_be_retired(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    run = load(tmp_path, without_policies(book_of(40), "MPL-39", "MPL-40"), sequence=2)
    assert (run.status, run.total("retired")) == (Run.Status.APPLIED, 2)


def test_a_package_that_would_retire_more_is_held_with_its_difference(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    before = snapshot()

    run = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)

    assert run.status == Run.Status.HELD
    assert "3 of 40 rows of policies.csv (7.5%) would be retired" in run.outcome
    assert run.difference["examples"] == [
        {"file": "policies.csv", "what": "retired", "keys": ["MPL38", "MPL39", "MPL40"]}
    ]
    assert run.counts["policies.csv"]["retired"] == 3
    assert (snapshot(), Source.objects.get().sequence) == (before, 1)


def test_fewer_than_ten_rows_are_never_held_whatever_their_share(tmp_path: Path) -> None:
    book = small_book()
    book["licenses.csv"] = [book["licenses.csv"][0] | {"number": str(number)} for number in range(12)]
    load(tmp_path, book)
    nine_less = load(tmp_path, {"licenses.csv": book["licenses.csv"][:3]}, sequence=2)
    load(tmp_path, {"licenses.csv": book["licenses.csv"]}, sequence=3)
    ten_less = load(tmp_path, {"licenses.csv": book["licenses.csv"][:2]}, sequence=4)
    assert (nine_less.status, ten_less.status) == (Run.Status.APPLIED, Run.Status.HELD)


def test_two_policies_are_never_held_and_one_percent_may_be_cancelled(tmp_path: Path) -> None:
    load(tmp_path, book_of(300))
    two = load(tmp_path, with_cancelled(book_of(50), "MPL-7", "MPL-8"), sequence=2, mode="delta")
    three = load(tmp_path, with_cancelled(book_of(50), "MPL-7", "MPL-8", "MPL-9"), sequence=3, mode="delta")
    assert (two.status, three.status) == (Run.Status.APPLIED, Run.Status.APPLIED)


def test_a_package_that_would_cancel_more_is_held(tmp_path: Path) -> None:
    load(tmp_path, book_of(100))
    before = snapshot()

    run = load(tmp_path, with_cancelled(book_of(100), "MPL-7", "MPL-8", "MPL-9"), sequence=2)

    assert run.status == Run.Status.HELD
    assert run.difference["reasons"] == [
        "3 of 100 policies would be cancelled, now or at a later date (3.0%). More than 1% needs a review."
    ]
    assert run.difference["examples"] == [
        {"file": "policies.csv", "what": "cancelled", "keys": ["MPL7", "MPL8", "MPL9"]}
    ]
    assert snapshot() == before


def test_cancellations_dated_ahead_are_counted(tmp_path: Path) -> None:
    load(tmp_path, book_of(100))
    book = with_cancelled(book_of(100), "MPL-7")
    for one in book["policies.csv"][20:22]:
        one |= {"status": "pending_cancellation", "cancellation_effective": "2027-01-01"}
    run = load(tmp_path, book, sequence=2)
    assert run.status == Run.Status.HELD
    assert run.difference["examples"][0]["keys"] == ["MPL21", "MPL22", "MPL7"]


def test_policies_that_were_cancelled_before_are_not_counted_again(tmp_path: Path) -> None:
    book = with_cancelled(book_of(50), *(f"MPL-{number}" for number in range(1, 20)))
    load(tmp_path, book_of(50) | book)
    changed = [one | {"status_reason": "Practice closed"} for one in book["policies.csv"]]
    assert load(tmp_path, {"policies.csv": changed}, sequence=2).status == Run.Status.APPLIED


def test_the_first_load_of_a_known_source_is_not_held(tmp_path: Path) -> None:
    book = book_of(30)
    book |= with_cancelled(book, *(f"MPL-{number}" for number in range(1, 31)))
    assert load(tmp_path, book).status == Run.Status.APPLIED


def test_a_delta_that_would_retire_much_is_held(tmp_path: Path) -> None:
    load(tmp_path, book_of(30))
    rows = [{**policy_rows(f"MPL-{number}"), "op": "delete"} for number in range(2, 20)]
    run = load(tmp_path, {"policies.csv": rows}, sequence=2, mode="delta")
    assert (run.status, Policy.objects.not_retired().count()) == (Run.Status.HELD, 30)
    assert "18 of 30 rows of policies.csv (60.0%) would be retired" in run.outcome


def test_a_delta_that_would_cancel_much_is_held(tmp_path: Path) -> None:
    load(tmp_path, book_of(100))
    rows = with_cancelled(book_of(100), *(f"MPL-{number}" for number in range(1, 5)))["policies.csv"][:4]
    run = load(tmp_path, {"policies.csv": rows}, sequence=2, mode="delta")
    assert (run.status, Policy.objects.filter(status="cancelled").count()) == (Run.Status.HELD, 0)
    assert "4 of 100 policies would be cancelled" in run.outcome


def test_the_first_package_of_an_unknown_source_is_held_however_small_it_is(tmp_path: Path) -> None:
    run = load(tmp_path, small_book(), source="somebody")
    assert (run.status, Policy.objects.count()) == (Run.Status.HELD, 0)
    assert run.difference["reasons"] == [
        "This is the first package from the source ‘somebody’. New sources need a review."
    ]

    run.release(by=UserFactory.create(is_staff=True), reason="The new claims system; confirmed by its owner.")

    assert execute(run).status == Run.Status.APPLIED
    assert load(tmp_path, small_book(), source="somebody", sequence=2).status == Run.Status.APPLIED


def test_the_first_package_of_a_source_that_settings_name_is_not_held(tmp_path: Path, settings: Settings) -> None:
    settings.FEED_KNOWN_SOURCES = ["core", "somebody"]
    assert load(tmp_path, small_book(), source="somebody").status == Run.Status.APPLIED


def test_the_share_is_of_the_package_s_own_source(tmp_path: Path) -> None:
    load(tmp_path, book_of(100))
    load(tmp_path, book_of(10), source="legacy")
    rest = without_policies(book_of(10), "MPL-8", "MPL-9", "MPL-10")
    run = load(tmp_path, rest, source="legacy", sequence=2)
    assert "3 of 10 rows" in run.outcome


def test_a_released_package_is_applied(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    run = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)
    stan = UserFactory.create(username="stan", is_staff=True)

    run.release(by=stan, reason="The group moved to another carrier; core systems confirmed it.")
    run = execute(run)

    assert (run.status, run.total("retired")) == (Run.Status.APPLIED, 3)
    assert (Policy.objects.not_retired().count(), Source.objects.get().sequence) == (37, 2)
    assert run.released_by == stan
    released = Event.objects.get(tag="feed:package:released")
    assert (released.actor_id, "another carrier" in released.data["reason"]) == (stan.pk, True)
    assert Event.objects.get(tag="feed:package:applied", subject_id=str(run.pk)).actor_id == stan.pk


def test_the_uploader_cannot_release_a_package(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    run = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)
    stan, ruth = (UserFactory.create(username=name, is_staff=True, is_superuser=True) for name in ("stan", "ruth"))
    Run.objects.filter(pk=run.pk).update(uploaded_by=stan)

    with pytest.raises(OwnUploadError):
        run.release(by=stan, reason="Confirmed.")

    assert Run.objects.get(pk=run.pk).status == Run.Status.HELD
    assert not Event.objects.filter(tag="feed:package:released").exists()
    run.release(by=ruth, reason="Confirmed.")
    assert execute(run).status == Run.Status.APPLIED


def test_a_package_changed_since_it_was_held_is_refused(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    run = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)
    run.release(by=UserFactory.create(is_staff=True), reason="Three policies; confirmed.")
    shutil.rmtree(run.path)
    Package({"policies.csv": book_of(40)["policies.csv"][:1]}, sequence=2).write(Path(run.path))

    run = execute(run)

    assert (run.status, Policy.objects.not_retired().count()) == (Run.Status.REFUSED, 40)
    assert run.findings.get().code == "changed-since-held"


def test_a_released_package_that_would_now_do_more_is_held_again(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    held = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=5)
    stan = UserFactory.create(is_staff=True)
    load(tmp_path, book_of(42), sequence=4)

    held.release(by=stan, reason="Three policies; confirmed.")
    held = execute(held)

    assert (held.status, held.is_released, held.released_by) == (Run.Status.HELD, False, None)
    assert held.outcome.startswith("The package would now do more than when it was reviewed")
    assert "5 of 42 rows of policies.csv (11.9%) would be retired" in held.outcome
    assert Policy.objects.not_retired().count() == 42
    held.release(by=stan, reason="Five policies; confirmed.")
    assert execute(held).status == Run.Status.APPLIED
    assert Policy.objects.not_retired().count() == 37


def test_a_released_package_that_would_now_retire_other_rows_is_held_again(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    held = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=5)
    rows = [{**policy_rows("MPL-40"), "op": "delete"}, policy_rows("MPL-41")]
    assert load(tmp_path, {"policies.csv": rows}, sequence=2, mode="delta").status == Run.Status.APPLIED

    held.release(by=UserFactory.create(is_staff=True), reason="Three policies; confirmed.")
    held = execute(held)

    assert (held.status, held.is_released) == (Run.Status.HELD, False)
    assert held.difference["examples"][0]["keys"] == ["MPL38", "MPL39", "MPL41"]
    assert Policy.objects.not_retired().count() == 40


def test_other_rows_are_noticed_however_many_there_are(tmp_path: Path) -> None:
    """Only the first are named, but all are compared."""
    load(tmp_path, book_of(400))
    rest = {f"MPL-{number}" for number in range(300, 401)}
    held = load(tmp_path, without_policies(book_of(400), *rest), sequence=5)
    assert len(held.difference["examples"][0]["keys"]) == 50
    rows = [{**policy_rows("MPL-400"), "op": "delete"}, policy_rows("MPL-401")]
    assert load(tmp_path, {"policies.csv": rows}, sequence=2, mode="delta").status == Run.Status.APPLIED
    stan = UserFactory.create(is_staff=True)

    held.release(by=stan, reason="101 policies; confirmed.")
    held = execute(held)

    assert (held.status, held.is_released) == (Run.Status.HELD, False)
    held.release(by=stan, reason="101 policies, one of them another; confirmed.")
    assert execute(held).status == Run.Status.APPLIED


def test_a_released_package_that_would_now_do_less_is_applied(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    held = load(tmp_path, without_policies(book_of(40), "MPL-37", "MPL-38", "MPL-39", "MPL-40"), sequence=5)
    rows = [{**policy_rows("MPL-40"), "op": "delete"}]
    assert load(tmp_path, {"policies.csv": rows}, sequence=2, mode="delta").status == Run.Status.APPLIED
    held.release(by=UserFactory.create(is_staff=True), reason="Four policies; confirmed.")
    assert (execute(held).status, held.total("retired")) == (Run.Status.APPLIED, 3)


# What would follow from a package, counted from what its hooks published.


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Declare an area that sends a notice for each cancelled policy; from two, a package is held."""
    settings.FEED_HOLD_NOTICES_FROM = 2
    tally = Tally(
        name="notices",
        words="notices would be sent to neighbors",
        query=lambda _load: "SELECT payload->>'policy' AS policy FROM core_outboxmessage WHERE created_at = %(now)s",
        setting="FEED_HOLD_NOTICES_FROM",
    )
    found = tuple(
        TableMap(replace(table_map.table, tallies=(tally,))) if table_map.file == "licenses.csv" else table_map
        for table_map in table_maps()
    )
    monkeypatch.setattr(loader, "table_maps", lambda: found)


@pytest.mark.usefixtures("notices")
@pytest.mark.parametrize(("numbers", "status"), [(["MPL-7"], "applied"), (["MPL-7", "MPL-8"], "held")])
def test_a_package_that_would_send_notices_in_numbers_is_held(numbers: list[str], status: str, tmp_path: Path) -> None:
    load(tmp_path, book_of(300))
    rows = [one for one in with_cancelled(book_of(10), *numbers)["policies.csv"] if one["status"] == "cancelled"]

    run = load(tmp_path, {"policies.csv": rows}, sequence=2, mode="delta")

    assert run.status == status
    if status == "held":
        assert run.difference["reasons"] == ["2 notices would be sent to neighbors. 2 or more need a review."]
        assert len(run.difference["examples"][0]["keys"]) == 2
        assert not OutboxMessage.objects.exists()
        run.release(by=UserFactory.create(is_staff=True), reason="Confirmed.")
        assert execute(run).status == Run.Status.APPLIED
        assert OutboxMessage.objects.count() == 2


def test_a_decision_needs_a_reason_and_is_made_once(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    run = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)
    stan = UserFactory.create(username="stan", is_staff=True)

    with pytest.raises(ValueError, match="reason"):
        run.release(by=stan, reason="  ")
    run.release(by=stan, reason="Confirmed.")
    with pytest.raises(NotHeldError):
        run.release(by=stan, reason="Confirmed.")


def test_a_held_dry_run_cannot_be_released(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    rest = without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40")
    run = load(tmp_path, rest, sequence=2, dry_run=True)
    assert run.status == Run.Status.HELD
    with pytest.raises(NotHeldError):
        run.release(by=UserFactory.create(is_staff=True), reason="Confirmed.")


# Held packages don't stay.


def held_upload(folder: Path) -> Run:
    """Return a held package that somebody uploaded."""
    load(folder, book_of(40))
    package = Package(without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2).zip(folder / "held.zip")
    upload = ContentFile(package.read_bytes(), "held.zip")
    run = execute(Run.objects.create(origin=Run.Origin.UPLOAD, name="held.zip", upload=upload))
    assert run.status == Run.Status.HELD
    return run


def has_file(run: Run) -> bool:
    """Whether the uploaded file is still there."""
    stored = Run.objects.get(pk=run.pk).upload
    return bool(stored) and stored.storage.exists(str(stored.name))


@pytest.mark.django_db(transaction=True)
def test_a_held_package_is_dropped_when_a_later_one_of_its_source_is_applied(tmp_path: Path) -> None:
    held = held_upload(tmp_path)
    name, storage = str(held.upload.name), held.upload.storage
    load(tmp_path, book_of(10), source="legacy", sequence=9)
    assert has_file(held)

    load(tmp_path, book_of(40), sequence=3)

    held.refresh_from_db()
    assert (held.status, held.outcome) == ("dropped", "A later package of this source was applied.")
    assert not storage.exists(name)
    assert Event.objects.get(tag="feed:package:dropped").subject_id == str(held.pk)
    with pytest.raises(NotHeldError):
        held.release(by=UserFactory.create(is_staff=True), reason="Confirmed.")


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_of_a_later_package_leaves_the_held_one(tmp_path: Path) -> None:
    held = held_upload(tmp_path)
    load(tmp_path, book_of(40), sequence=3, dry_run=True)
    assert has_file(held)


@pytest.mark.django_db(transaction=True)
def test_a_held_package_that_nobody_reviews_is_dropped_after_two_weeks(tmp_path: Path) -> None:
    held = held_upload(tmp_path)
    Run.objects.filter(pk=held.pk).update(finished_at=timezone.now() - dt.timedelta(days=13, hours=23))
    assert (drop_old_held_runs(), has_file(held)) == (0, True)

    Run.objects.filter(pk=held.pk).update(finished_at=timezone.now() - dt.timedelta(days=14, hours=1))

    assert (drop_old_held_runs(), has_file(held)) == (1, False)
    held.refresh_from_db()
    assert (held.status, held.outcome) == ("dropped", "Nobody reviewed it within 14 days.")
    assert drop_old_held_runs() == 0
