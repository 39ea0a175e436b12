"""The money of the example book: it adds up to the cent, whatever happened to a policy."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pytest

from feed.example import write_example_feed
from tests.feed.example_books import rows

NOTHING = Decimal(0)
BY_INSTALLMENTS = {"premium", "endorsement", "return_premium", "tax", "fund_surcharge", "credit"}
OTHER_FEES = {"nsf_fee", "late_fee"}
DAYS = (dt.date(2026, 11, 20), dt.date(2024, 2, 29), dt.date(2025, 12, 31))


class Money:
    """The rows of a book that money is about."""

    def __init__(self, package: Path, today: dt.date) -> None:
        self._package, self.today = package, today.isoformat()
        self.terms = {one["term_id"]: one for one in self.rows("terms.csv")}
        self.policies = {one["policy_number"]: one for one in self.rows("policies.csv")}

    def rows(self, file: str) -> list[dict[str, str]]:
        return rows(self._package, file)

    @cached_property
    def installments(self) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = defaultdict(list)
        for one in sorted(self.rows("installments.csv"), key=lambda one: one["due"]):
            found[one["term_id"]].append(one)
        return found

    @cached_property
    def posted(self) -> dict[str, dict[str, Decimal]]:
        """Term and kind of transaction → the sum."""
        found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for one in self.rows("transactions.csv"):
            found[one["term_id"]][one["kind"]] += Decimal(one["amount"])
        return found

    @cached_property
    def allocated(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for one in self.rows("allocations.csv"):
            found[one["term_id"]] += Decimal(one["amount"])
        return found

    def covering(self, term: str) -> Decimal:
        """Return what covers a term's installments: a write-off covers like money, a refund takes it away."""
        return self.allocated[term] - self.posted[term]["writeoff"] - self.posted[term]["refund"]

    def past_due(self, policy: str) -> Decimal:
        """Return what was due before today on a policy's terms and isn't covered, with fees."""
        total = NOTHING
        for term, row in self.terms.items():
            if row["policy_number"] == policy:
                due = [one for one in self.installments[term] if one["due"] < self.today]
                owed = sum((Decimal(one["amount"]) + Decimal(one["fee"]) for one in due), NOTHING)
                owed += sum(self.posted[term][kind] for kind in OTHER_FEES)
                total += max(NOTHING, owed - self.covering(term))
        return total

    def paid_through(self, term: str) -> str:
        """Return the day before the first installment that isn't covered, or the term's last day (S-27)."""
        money = self.covering(term)
        row = self.terms[term]
        for one in self.installments[term]:
            money -= Decimal(one["amount"]) + Decimal(one["fee"])
            if money < 0:
                return day_before(one["due"]) if one["due"] > row["effective"] else ""
        policy = self.policies[row["policy_number"]]
        return day_before(policy["cancellation_effective"] if row["status"] == "cancelled" else row["expires"])


def day_before(day: str) -> str:
    return (dt.date.fromisoformat(day) - dt.timedelta(days=1)).isoformat()


@pytest.fixture(scope="module", params=[(1, DAYS[0]), (2, DAYS[1]), (3, DAYS[2])], ids=str)
def money(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Money:
    """Return the money of a book with every kind of thing that happens to it."""
    seed, today = request.param
    out = tmp_path_factory.mktemp("money") / "book"
    as_of = dt.datetime.combine(today, dt.time(2), tzinfo=dt.UTC)
    write_example_feed(out, policies=300, seed=seed, today=today, as_of=as_of)
    return Money(out, today)


def test_a_terms_installments_add_up_to_its_charges_without_fees(money: Money) -> None:
    assert len(money.installments) > 200
    for term, installments in money.installments.items():
        charged = sum((amount for kind, amount in money.posted[term].items() if kind in BY_INSTALLMENTS), NOTHING)
        assert sum(Decimal(one["amount"]) for one in installments) == charged, term
        assert all(Decimal(one["amount"]) >= 0 for one in installments), term


def test_premiums_endorsements_and_returns_come_to_the_premium_of_the_term_and_its_coverages(money: Money) -> None:
    covered: dict[str, Decimal] = defaultdict(Decimal)
    for one in money.rows("coverages.csv"):
        covered[one["term_id"]] += Decimal(one["premium"])
    charged = 0
    for term, amount in covered.items():
        kinds = money.posted[term]
        assert amount == Decimal(money.terms[term]["premium"]), term
        assert amount == kinds["premium"] + kinds["endorsement"] + kinds["return_premium"], term
        charged += bool(kinds["endorsement"] or kinds["return_premium"])
    assert charged > 20


def test_an_installments_fee_is_posted_when_it_is_due(money: Money) -> None:
    for term, installments in money.installments.items():
        asked = sum((Decimal(one["fee"]) for one in installments if one["due"] <= money.today), NOTHING)
        assert money.posted[term]["installment_fee"] == asked, term
    assert any(kinds["installment_fee"] for kinds in money.posted.values())


def test_only_money_that_counts_is_allocated_and_all_of_it(money: Money) -> None:
    allocated: dict[str, Decimal] = defaultdict(Decimal)
    for one in money.rows("allocations.csv"):
        allocated[one["payment_id"]] += Decimal(one["amount"])
    payments = money.rows("payments.csv")
    assert {one["status"] for one in payments} == {"applied", "pending", "returned", "refunded", "void"}
    for one in payments:
        counts = one["status"] == "applied"
        assert allocated.get(one["payment_id"], NOTHING) == (Decimal(one["amount"]) if counts else 0)
        assert one["received"] <= money.today


def test_what_an_agency_bills_or_a_finance_company_paid_has_no_installments(money: Money) -> None:
    elsewhere = {term for term, one in money.terms.items() if one["billing"] != "direct"}
    assert elsewhere & set(money.posted)
    assert not elsewhere & set(money.installments)


def test_paid_through_is_the_day_before_the_first_installment_that_is_not_covered(money: Money) -> None:
    checked = 0
    for term, row in money.terms.items():
        if term in money.installments and row["status"] != "accepted" and row["effective"] <= money.today:
            assert row["paid_through"] == money.paid_through(term), term
            checked += 1
    assert checked > 200


def test_a_cancellation_ahead_is_cured_by_what_is_past_due(money: Money) -> None:
    pending = [one for one in money.policies.values() if one["status"] == "pending_cancellation"]
    assert len(pending) > 3
    for one in pending:
        assert Decimal(one["cure_amount"]) == money.past_due(one["policy_number"]) > 0
        assert one["status_reason_code"] == "nonpayment"
    others = [one for one in money.policies.values() if one["status"] == "active"]
    behind = [one for one in others if money.past_due(one["policy_number"]) > 0]
    assert len(behind) < len(others) / 10


def test_a_fee_for_a_payment_that_was_late_or_came_back_is_paid_with_the_next_one(money: Money) -> None:
    paid = {
        row["policy_number"]
        for term, row in money.terms.items()
        if sum(money.posted[term][kind] for kind in OTHER_FEES)
    }
    active = [policy for policy in paid if money.policies[policy]["status"] == "active"]
    assert len(active) > 3
    assert all(money.past_due(policy) == 0 for policy in active)


def test_nothing_is_left_of_a_policy_that_ended_long_ago(money: Money) -> None:
    long_ago = (dt.date.fromisoformat(money.today) - dt.timedelta(days=100)).isoformat()
    ended = {term for term, one in money.terms.items() if one["status"] == "cancelled"
             and money.policies[one["policy_number"]]["cancellation_effective"] < long_ago}  # fmt: skip
    assert len(ended) > 3
    for term in ended:
        assert sum(money.posted[term].values()) == money.allocated[term], term
