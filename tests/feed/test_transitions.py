"""Messages about what changed in policies, terms, and coverages: from changes only, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from core.models import OutboxMessage
from feed.models import Run
from policies.change_requests.forms import Item
from policies.models import Coverage, Insured, Policy, Term
from tests.book import holder_of
from tests.factories import UserFactory
from tests.feed.packages import Book, errors, load, policy_rows, small_book
from tests.policies.changes import a_change

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_guard(settings: Settings) -> None:
    settings.FEED_RETIRE_SHARE = settings.FEED_CANCEL_SHARE = 1


# The files around policies; what isn't in a package says nothing.
OF_POLICIES = (
    "agents_of_record.csv", "terms.csv", "coverages.csv", "suspensions.csv", "endorsements.csv", "prior_limits.csv",
    "extras.csv", "fund_enrollments.csv", "ere_offers.csv",
)  # fmt: skip


class Nights:
    """Packages of one source, night after night."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sequence = folder, 0

    def told(self, book: Book, **options: Any) -> list[tuple[str, dict[str, Any]]]:
        """Load the next package; return topic and payload of each message that it published."""
        self.sequence += 1
        before = set(OutboxMessage.objects.values_list("pk", flat=True))
        run = load(self.folder, book, sequence=self.sequence, **options)
        assert run.status == Run.Status.APPLIED, errors(run)
        new = OutboxMessage.objects.exclude(pk__in=before).order_by("topic", "key").values_list("topic", "payload")
        found = list(new)
        assert all(payload.pop("run") == run.pk for _, payload in found)
        return found

    def topics(self, book: Book, **options: Any) -> list[str]:
        return [topic for topic, _ in self.told(book, **options)]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def segment(book: Book, **values: str) -> dict[str, str]:
    """Return a segment that continues the book's first coverage from July on, and end that one there."""
    first = book["coverages.csv"][0]
    following = first | {"coverage_id": "CV9", "effective": "2026-07-01", "continues": first["coverage_id"]} | values
    first["expires"] = "2026-07-01"
    return following


def test_what_happens_to_a_policy_is_told_once(nights: Nights) -> None:
    book = small_book()
    policy = book["policies.csv"][0]
    assert nights.topics(book) == [], "a first load tells nothing"
    steps = {
        "pending_cancellation": ["policy.pending_cancellation"],
        "active": ["policy.reinstated"],
        "cancelled": ["policy.cancelled"],
        "nonrenewed": ["policy.nonrenewed", "policy.reinstated"],
        "expired": [],
    }
    for status, topics in steps.items():
        policy |= {"status": status, "status_date": "2026-10-01", "cancellation_effective": "2026-12-01"}
        assert nights.topics({"policies.csv": [policy]}, mode="delta") == topics, status
        assert nights.topics(book) == [], f"{status}: the same again, as a full package"


def test_a_policy_that_comes_back_is_announced_as_it_is_now(nights: Nights) -> None:
    book = small_book()
    nights.told(book)
    gone: Book = {name: [] for name in OF_POLICIES if name in book}
    gone["policies.csv"] = [policy_rows("MPL-9")]
    assert nights.topics(gone) == []
    assert nights.topics(book) == ["coverage.suspended"], "unchanged, but for a suspension that is back"
    nights.told(gone)
    book["policies.csv"][0]["status"] = "cancelled"
    assert nights.topics(book) == ["coverage.suspended", "policy.cancelled"]


def test_a_renewal_is_told_when_it_is_bound(nights: Nights) -> None:
    book = small_book()
    later = book["terms.csv"][0] | {"term_id": "T2", "effective": "2027-01-01", "expires": "2028-01-01"}
    nights.told(book)
    earlier = later | {"term_id": "T0", "status": "expired", "effective": "2025-01-01", "expires": "2026-01-01"}
    assert nights.topics({"terms.csv": [earlier]}, mode="delta") == [], "a past term isn't a renewal"
    assert nights.topics({"terms.csv": [later | {"status": "offered"}]}, mode="delta") == []
    assert nights.told({"terms.csv": [later]}, mode="delta") == [
        (
            "policy.renewed",
            {
                "policy": Policy.objects.get().public_id, "term": Term.objects.get(external_id="T2").public_id,
                "effective": "2027-01-01", "expires": "2028-01-01",
            },
        )
    ]  # fmt: skip
    assert nights.topics({"terms.csv": [later]}, mode="delta") == []
    # A new policy with two terms is none.
    new = [later | {"term_id": f"N{term}", "policy_number": "MPL-2"} for term in (1, 2)]
    new[0] |= {"effective": "2026-01-01", "expires": "2027-01-01"}
    assert nights.topics({"policies.csv": [policy_rows("MPL-2")], "terms.csv": new}, mode="delta") == []


def test_a_rewrite_is_told_with_the_policy_that_replaces_it(nights: Nights) -> None:
    book = small_book()
    nights.told(book)
    book["policies.csv"][0] |= {"status": "cancelled", "status_date": "2026-10-01", "replaced_by": "MPL-2"}
    book["policies.csv"].append(policy_rows("MPL-2"))
    told = dict(nights.told(book))
    old, new = Policy.objects.order_by("number")
    assert sorted(told) == ["policy.cancelled", "policy.rewritten"]
    assert told["policy.rewritten"] == {"policy": old.public_id, "replaced_by": new.public_id}
    assert nights.topics(book) == []


def test_a_segment_with_other_limits_changes_them_and_ends_nothing(nights: Nights) -> None:
    book = small_book()
    nights.told(book)
    raised = segment(book, limit_per_claim="2000000.00", limit_aggregate="4000000.00")
    book["coverages.csv"].append(raised)
    told = nights.told(book)
    changed = Coverage.objects.get(external_id="CV9")
    assert told == [
        (
            "coverage.limits_changed",
            {
                "coverage": changed.public_id, "policy": Policy.objects.get().public_id,
                "was": ["1000000.00", "3000000.00"], "limits": ["2000000.00", "4000000.00"], "effective": "2026-07-01",
            },
        )
    ]  # fmt: skip
    assert nights.topics(book) == []
    shared = raised | {"limits_shared": "true"}
    assert nights.topics({"coverages.csv": [shared]}, mode="delta") == ["coverage.limits_changed"]


def test_a_segment_of_another_specialty_tells_nothing_and_a_leaver_ends(nights: Nights) -> None:
    book = small_book()
    nights.told(book)
    book["coverages.csv"].append(segment(book, specialty="Family medicine, minor surgery"))
    assert nights.topics(book) == []
    left = book["coverages.csv"][1] | {"expires": "2026-09-01"}
    told = nights.told({"coverages.csv": [left]}, mode="delta")
    assert [(topic, payload["expires"]) for topic, payload in told] == [("coverage.ended", "2026-09-01")]


def test_two_segments_that_come_together_tell_nothing(nights: Nights) -> None:
    book = small_book()
    raised = segment(book, limit_aggregate="4000000.00")
    without = book["coverages.csv"].pop(0)
    nights.told({file: rows for file, rows in book.items() if all(row.get("coverage_id") != "CV1" for row in rows)})
    assert nights.topics({"coverages.csv": [without, raised]}, mode="delta") == []


def test_a_suspension_is_told_and_again_when_its_days_change(nights: Nights) -> None:
    book = small_book()
    suspension = book["suspensions.csv"].pop()
    nights.told({file: rows for file, rows in book.items() if file != "suspensions.csv"})
    assert nights.topics({"suspensions.csv": [suspension]}) == [], "the file's first package"
    new = suspension | {"suspension_id": "S2", "coverage_id": "CV2"}
    assert nights.told({"suspensions.csv": [new]}, mode="delta") == [
        (
            "coverage.suspended",
            {
                "coverage": Coverage.objects.get(external_id="CV2").public_id,
                "policy": Policy.objects.get().public_id, "from": "2026-05-01", "to": "2026-06-01",
            },
        )
    ]  # fmt: skip
    assert nights.topics({"suspensions.csv": [new | {"reason_code": "other"}]}, mode="delta") == []
    assert nights.topics({"suspensions.csv": [new | {"to": ""}]}, mode="delta") == ["coverage.suspended"]


@pytest.mark.time_machine("2026-06-15 12:00Z")
def test_coverage_of_someone_new_is_told_where_an_insured_was_to_be_added(nights: Nights) -> None:
    book = small_book()
    nights.told(book)
    book["insureds.csv"].append(book["insureds.csv"][0] | {"insured_id": "I3", "first_name": "Mae"})
    unasked = book["coverages.csv"][0] | {"coverage_id": "CV3", "insured_id": "I3"}
    book["coverages.csv"].append(unasked)
    assert nights.topics(book) == [], "nobody asked for it"

    policy = Policy.objects.get()
    a_change(holder_of(UserFactory.create(), policy.policyholder).user, policy, "add_insured")
    book["insureds.csv"].append(book["insureds.csv"][0] | {"insured_id": "I4", "first_name": "Joan"})
    book["coverages.csv"].append(unasked | {"coverage_id": "CV4", "insured_id": "I4"})
    # Bo was insured before: another part of his isn’t one of someone new.
    book["coverages.csv"].append(book["coverages.csv"][1] | {"coverage_id": "CV5", "part": "excess"})

    told = nights.told(book)

    assert [topic for topic, _ in told if topic.startswith("coverage.")] == ["coverage.begun"]
    (payload,) = (payload for topic, payload in told if topic == "coverage.begun")
    assert payload["coverage"] == Coverage.objects.get(external_id="CV4").public_id
    assert "coverage.begun" not in nights.topics(book)


@pytest.mark.time_machine("2026-06-15 12:00Z")
def test_a_tail_is_told_where_the_persons_removal_was_asked_for(nights: Nights) -> None:
    book = small_book()
    nights.told(book)
    policy, ana = Policy.objects.get(), Insured.objects.get(external_id="I1")
    offer = book["ere_offers.csv"][0] | {"offer_id": "E2", "coverage_id": "CV1"}
    item = Item(action="remove", insured=ana, label="Ana")
    a_change(holder_of(UserFactory.create(), policy.policyholder).user, policy, "remove_insured", items=[item])
    OutboxMessage.objects.all().delete()
    # Bo's offer changes, too, but nobody asked to remove him.
    book["ere_offers.csv"][0]["decide_by"] = "2027-04-01"
    book["ere_offers.csv"] += [offer, offer | {"offer_id": "E3", "option": "1y", "decide_by": "2027-02-01"}]

    (told,) = nights.told(book)

    coverage = Coverage.objects.get(external_id="CV1").public_id
    assert told == ("tail.offered", {"coverage": coverage, "policy": policy.public_id, "decide_by": "2027-02-01"})
    assert nights.topics(book) == []
