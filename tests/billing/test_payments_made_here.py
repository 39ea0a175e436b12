"""Payments made here and the feed: they stay until it echoes them, and never count twice."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from pytest_django import Settings

from billing.models import Allocation, BillingAccount, Payment
from feed.models import Run
from tests.feed.packages import AS_OF, Book, Row, errors, load, payment_row, row, small_book, warnings

# Payments are made a day after the first package's data is of.
pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(AS_OF + dt.timedelta(days=1), tick=False)]
LATER = AS_OF + dt.timedelta(days=1, minutes=10)
PARTIES = ("companies.csv", "policyholders.csv", "policies.csv", "terms.csv", "billing_accounts.csv")


@pytest.fixture(autouse=True)
def _no_guard(settings: Settings) -> None:
    settings.FEED_RETIRE_SHARE = 1


@pytest.fixture
def account(tmp_path: Path) -> BillingAccount:
    """Return the small book's account, as the first package brings it: with the payment P1, applied to the term."""
    files = (*PARTIES, "payments.csv", "allocations.csv")
    run = load(tmp_path, {file: small_book()[file] for file in files})
    assert run.status == Run.Status.APPLIED
    return BillingAccount.objects.get()


def payments(*rows: Row) -> Book:
    """Return a package of the payment P1 and these."""
    return {"payments.csv": [*small_book()["payments.csv"], *rows]}


def make(account: BillingAccount, amount: str = "250.00") -> Payment:
    return Payment.make_here(account=account, amount=Decimal(amount), method=Payment.Method.ACH)


def echo(payment: Payment, key: str = "P2", **values: str) -> Row:
    """Return the carrier's row of a payment made here."""
    fields = {"amount": f"{payment.amount}", "method": "ach", "received": f"{payment.received}"} | values
    return payment_row(key, payment.public_id, **fields)


def counted() -> Decimal:
    """Return what all payments that aren't retired add up to."""
    total: Decimal = Payment.objects.not_retired().aggregate(total=Sum("amount"))["total"]
    return total


def facts(payment: Payment) -> tuple[Any, ...]:
    payment.refresh_from_db()
    return payment.external_id, payment.status, payment.retired_at


def test_it_stays_when_a_full_package_leaves_it_out(tmp_path: Path, account: BillingAccount) -> None:
    payment = make(account)
    run = load(tmp_path, payments(), sequence=2, as_of=LATER)
    assert run.total("retired") == 0
    assert facts(payment) == (None, "pending", None)
    assert not payment.is_seen_by_carrier
    assert Payment.objects.not_seen_by_carrier().get() == payment
    assert counted() == Decimal("4755.00")


@pytest.mark.parametrize("mode", ["full", "delta"])
def test_its_echo_becomes_the_same_row(tmp_path: Path, account: BillingAccount, mode: str) -> None:
    payment = make(account)
    book = payments(echo(payment, reference="R-7")) if mode == "full" else {"payments.csv": [echo(payment)]}

    run = load(tmp_path, book, sequence=2, mode=mode, as_of=LATER)

    assert (errors(run), warnings(run)) == ([], [])
    assert facts(payment) == ("P2", "applied", None)
    assert payment.is_seen_by_carrier
    assert not Payment.objects.not_seen_by_carrier().exists()
    assert (Payment.objects.count(), counted()) == (2, Decimal("4755.00"))
    again = load(tmp_path, book, sequence=3, mode=mode, as_of=LATER)
    assert (again.total("inserted"), again.total("updated"), again.total("retired")) == (0, 0, 0)


def test_once_echoed_it_still_stays_when_a_later_package_leaves_it_out(tmp_path: Path, account: BillingAccount) -> None:
    payment = make(account)
    load(tmp_path, payments(echo(payment)), sequence=2, as_of=LATER)
    load(tmp_path, payments(), sequence=3, as_of=LATER)
    assert facts(payment) == ("P2", "applied", None)


def test_the_carriers_own_payments_are_retired_when_left_out(tmp_path: Path, account: BillingAccount) -> None:
    make(account)
    load(tmp_path, {"payments.csv": [], "allocations.csv": []}, sequence=2, as_of=LATER)
    assert counted() == Decimal("250.00")


def test_an_older_package_takes_nothing_back_that_the_portal_learned_later(
    tmp_path: Path, account: BillingAccount
) -> None:
    payment = make(account)
    payment.learn(Payment.Status.RETURNED)
    older = payments(echo(payment, status="applied", amount="240.00", reference="R-7"))

    load(tmp_path, older, sequence=2, as_of=AS_OF)

    assert facts(payment) == ("P2", "returned", None)
    assert (payment.amount, payment.reference) == (Decimal("250.00"), "")
    load(tmp_path, older, sequence=3, as_of=LATER)
    assert facts(payment) == ("P2", "applied", None)
    assert (payment.amount, payment.reference) == (Decimal("240.00"), "R-7")


def test_an_echo_from_another_source_is_not_taken_for_it(
    tmp_path: Path, account: BillingAccount, settings: Settings
) -> None:
    settings.FEED_KNOWN_SOURCES = ["core", "other"]
    payment = make(account)
    book = {file: small_book()[file] for file in PARTIES} | {"payments.csv": [echo(payment)]}

    run = load(tmp_path, book, source="other", as_of=LATER)

    assert warnings(run) == [("payments.csv", 2, "portal_payment_id", "echo-unknown")]
    assert facts(payment) == (None, "pending", None)
    assert Payment.objects.get(source="other").made_at is None


def test_an_unknown_echo_is_a_warning(tmp_path: Path, account: BillingAccount) -> None:
    make(account)
    run = load(tmp_path, payments(payment_row("P2", "never-made")), sequence=2, as_of=LATER)
    assert (run.status, warnings(run)) == (
        Run.Status.APPLIED,
        [("payments.csv", 3, "portal_payment_id", "echo-unknown")],
    )
    assert Payment.objects.get(external_id="P2").made_at is None


def test_the_same_echo_twice_is_refused(tmp_path: Path, account: BillingAccount) -> None:
    payment = make(account)
    run = load(tmp_path, payments(echo(payment), echo(payment, "P3")), sequence=2, as_of=LATER)
    assert (run.status, errors(run)) == (
        Run.Status.REFUSED,
        [("payments.csv", 4, "portal_payment_id", "echo-twice")],
    )
    assert facts(payment) == (None, "pending", None)


def test_the_carriers_row_that_came_first_without_the_echo_was_the_same_payment(
    tmp_path: Path, account: BillingAccount
) -> None:
    payment = make(account)
    plain = echo(payment) | {"portal_payment_id": ""}
    allocation = row("allocations.csv", payment_id="P2", term_id="T1", amount="250.00")
    applied = {"allocations.csv": [*small_book()["allocations.csv"], allocation]}
    load(tmp_path, payments(plain) | applied, sequence=2, as_of=LATER)
    assert counted() == Decimal("5005.00")

    run = load(tmp_path, payments(echo(payment)), sequence=3, as_of=LATER)

    assert (run.status, warnings(run)) == (Run.Status.APPLIED, [])
    assert facts(payment) == ("P2", "applied", None)
    assert counted() == Decimal("4755.00")
    assert Allocation.objects.not_retired().get(external_id="P2|T1").payment == payment
    again = load(tmp_path, payments(echo(payment)) | applied, sequence=4, as_of=LATER)
    assert (again.total("inserted"), again.total("updated"), again.total("unretired")) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["full", "delta"])
def test_another_id_at_the_carrier_makes_no_other_payment(tmp_path: Path, account: BillingAccount, mode: str) -> None:
    payment = make(account)
    load(tmp_path, payments(echo(payment)), sequence=2, as_of=LATER)
    gone = [] if mode == "full" else [echo(payment) | {"op": "delete"}]
    run = load(tmp_path, payments(echo(payment, "P9"), *gone), sequence=3, mode=mode, as_of=LATER)
    assert errors(run) == []
    assert facts(payment) == ("P9", "applied", None)
    assert counted() == Decimal("4755.00")


def test_echoes_that_were_swapped_are_put_straight(tmp_path: Path, account: BillingAccount) -> None:
    one, two = make(account), make(account, "70.00")
    load(tmp_path, payments(echo(one, "P2"), echo(two, "P3")), sequence=2, as_of=LATER)
    run = load(tmp_path, payments(echo(one, "P3"), echo(two, "P2")), sequence=3, as_of=LATER)
    assert errors(run) == []
    assert (facts(one)[0], facts(two)[0], counted()) == ("P3", "P2", Decimal("4825.00"))
    assert (one.amount, two.amount) == (Decimal("250.00"), Decimal("70.00"))


def test_an_echo_that_moves_to_another_payment_leaves_the_first_unseen_again(
    tmp_path: Path, account: BillingAccount
) -> None:
    one, two = make(account), make(account)
    load(tmp_path, payments(echo(one)), sequence=2, as_of=LATER)
    load(tmp_path, payments(echo(two)), sequence=3, as_of=LATER)
    assert (facts(one)[0], facts(two)[0]) == (None, "P2")
    assert list(Payment.objects.not_seen_by_carrier()) == [one]


def test_what_the_carrier_deletes_is_retired_and_comes_back(tmp_path: Path, account: BillingAccount) -> None:
    payment = make(account)
    load(tmp_path, payments(echo(payment)), sequence=2, as_of=LATER)
    delta = {"payments.csv": [echo(payment) | {"op": "delete"}]}
    load(tmp_path, delta, sequence=3, mode="delta", as_of=LATER)
    assert facts(payment)[2] is not None
    run = load(tmp_path, {"payments.csv": [echo(payment)]}, sequence=4, mode="delta", as_of=LATER)
    assert run.total("unretired") == 1
    assert facts(payment) == ("P2", "applied", None)


def test_a_dry_run_takes_no_echo(tmp_path: Path, account: BillingAccount) -> None:
    payment = make(account)
    run = load(tmp_path, payments(echo(payment)), sequence=2, as_of=LATER, dry_run=True)
    assert run.status == Run.Status.REHEARSED
    assert facts(payment) == (None, "pending", None)
