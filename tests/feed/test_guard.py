"""A full package that would retire or cancel much is held, with its difference, for a person's word."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import Event
from feed.loading import execute
from feed.models import NotHeldError, Run, Source
from policies.models import Policy
from tests.factories import UserFactory
from tests.feed.packages import Book, book_of, load, policy_rows, snapshot

pytestmark = pytest.mark.django_db


def without_policies(book: Book, *numbers: str) -> Book:
    """The book's policies alone, less some."""
    return {"policies.csv": [one for one in book["policies.csv"] if one["policy_number"] not in numbers]}


def with_cancelled(book: Book, *numbers: str) -> Book:
    """The book's policies alone, some of them cancelled."""
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
    assert "3 of 40 rows of policies.csv (7.5 %) would be retired" in run.outcome
    assert run.difference["examples"] == [
        {"file": "policies.csv", "what": "retired", "keys": ["MPL38", "MPL39", "MPL40"]}
    ]
    assert run.counts["policies.csv"]["retired"] == 3
    assert (snapshot(), Source.objects.get().sequence) == (before, 1)


def test_one_percent_of_the_policies_may_be_cancelled(tmp_path: Path) -> None:
    load(tmp_path, book_of(100))
    run = load(tmp_path, with_cancelled(book_of(100), "MPL-7"), sequence=2)
    assert run.status == Run.Status.APPLIED


def test_a_package_that_would_cancel_more_is_held(tmp_path: Path) -> None:
    load(tmp_path, book_of(100))
    before = snapshot()

    run = load(tmp_path, with_cancelled(book_of(100), "MPL-7", "MPL-8"), sequence=2)

    assert run.status == Run.Status.HELD
    assert run.difference["reasons"] == [
        "2 of 100 policies would be cancelled (2.0 %); 1 % pass without a person's word."
    ]
    assert run.difference["examples"] == [{"file": "policies.csv", "what": "cancelled", "keys": ["MPL7", "MPL8"]}]
    assert snapshot() == before


def test_policies_that_were_cancelled_before_are_not_counted_again(tmp_path: Path) -> None:
    book = with_cancelled(book_of(50), *(f"MPL-{number}" for number in range(1, 20)))
    load(tmp_path, book_of(50) | book)
    changed = [one | {"status_reason": "Practice closed"} for one in book["policies.csv"]]
    assert load(tmp_path, {"policies.csv": changed}, sequence=2).status == Run.Status.APPLIED


def test_a_first_load_is_never_held(tmp_path: Path) -> None:
    book = book_of(30)
    book |= with_cancelled(book, *(f"MPL-{number}" for number in range(1, 31)))
    assert load(tmp_path, book).status == Run.Status.APPLIED


def test_a_delta_is_not_held(tmp_path: Path) -> None:
    load(tmp_path, book_of(30))
    rows = [{**policy_rows(f"MPL-{number}"), "op": "delete"} for number in range(2, 20)]
    assert load(tmp_path, {"policies.csv": rows}, sequence=2, mode="delta").status == Run.Status.APPLIED


def test_the_share_is_of_the_package_s_own_source(tmp_path: Path) -> None:
    load(tmp_path, book_of(100))
    load(tmp_path, book_of(10), source="legacy")
    run = load(tmp_path, without_policies(book_of(10), "MPL-10"), source="legacy", sequence=2)
    assert "1 of 10 rows" in run.outcome


def test_a_person_s_word_lets_the_package_through(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    run = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)
    stan = UserFactory.create(username="stan", is_staff=True)

    run.release(by=stan, reason="The group moved to another carrier; core systems confirmed it.")
    run = execute(run)

    assert (run.status, run.total("retired")) == (Run.Status.APPLIED, 3)
    assert (Policy.objects.live().count(), Source.objects.get().sequence) == (37, 2)
    assert run.released_by == stan
    released = Event.objects.get(tag="feed:package:released")
    assert (released.actor_id, "another carrier" in released.data["reason"]) == (stan.pk, True)
    assert Event.objects.get(tag="feed:package:applied", subject_id=str(run.pk)).actor_id == stan.pk


def test_a_word_needs_a_reason_and_is_given_once(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    run = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)
    stan = UserFactory.create(username="stan", is_staff=True)

    with pytest.raises(ValueError, match="reason"):
        run.release(by=stan, reason="  ")
    run.release(by=stan, reason="Confirmed.")
    with pytest.raises(NotHeldError):
        run.release(by=stan, reason="Confirmed.")


def test_a_held_dry_run_can_not_be_released(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    rest = without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40")
    run = load(tmp_path, rest, sequence=2, dry_run=True)
    assert run.status == Run.Status.HELD
    with pytest.raises(NotHeldError):
        run.release(by=UserFactory.create(is_staff=True), reason="Confirmed.")


def test_a_held_package_that_was_overtaken_is_refused_even_on_a_person_s_word(tmp_path: Path) -> None:
    load(tmp_path, book_of(40))
    held = load(tmp_path, without_policies(book_of(40), "MPL-38", "MPL-39", "MPL-40"), sequence=2)
    load(tmp_path, book_of(40), sequence=3)
    held.release(by=UserFactory.create(is_staff=True), reason="Confirmed.")

    run = execute(held)

    assert run.status == Run.Status.REFUSED
    assert list(run.findings.values_list("code", flat=True)) == ["sequence-lower"]
    assert Policy.objects.live().count() == 40
