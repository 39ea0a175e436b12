"""Random sequences of packages with payments made here and the carrier's own: none is lost, none counts twice."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.models import BillingAccount, Payment
from feed.models import Run
from tests.feed.packages import AS_OF, Row, load, payment_row, small_book

pytestmark = pytest.mark.django_db

PARTIES = ("companies.csv", "policyholders.csv", "policies.csv", "terms.csv", "billing_accounts.csv")
KEYS = ("P1", "P2", "P3")
MADE_HERE = 2


class Carrier:
    """The carrier's payments by id, each with the payment made here that it echoes (by number) or none; and what the
    portal should make of its packages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sequence = 1
        load(folder, {file: small_book()[file] for file in PARTIES})
        account = BillingAccount.objects.get()
        self.made = [
            Payment.make_here(account=account, amount=Decimal(100 + number), method="ach")
            for number in range(MADE_HERE)
        ]
        self.rows: dict[str, int | None] = {}
        self._sent: dict[str, int | None] = {}
        # What the portal should hold: which id each payment made here has; those deleted; the carrier's own by id.
        self.ids: dict[int, str] = {}
        self.deleted: set[int] = set()
        self.own: set[str] = set()

    def enter(self, key: str, echo: int | None) -> None:
        """Enter a payment; an echo that another has moves to it."""
        self.rows = {other: which for other, which in self.rows.items() if which is None or which != echo}
        self.rows[key] = echo

    def send(self, mode: str) -> None:
        """Send a package, and work out what it means."""
        if mode == "full":
            said, gone = self.rows, set[str]()
        else:
            said = {key: echo for key, echo in self.rows.items() if self._sent.get(key, "none") != echo}
            gone = self._sent.keys() - self.rows.keys()
        rows = [self._row(key, echo) for key, echo in said.items()]
        rows += [self._row(key, None) | {"op": "delete"} for key in gone]
        self._sequence += 1
        as_of = AS_OF + dt.timedelta(days=400, minutes=self._sequence)
        book = {"payments.csv": rows}
        run = load(self._folder, book, sequence=self._sequence, mode=mode, as_of=as_of)
        assert run.status == Run.Status.APPLIED, [run.outcome, *run.findings.all()]
        self._sent = dict(self.rows)
        self._follow(said, gone, is_full=mode == "full")

    def _row(self, key: str, echo: int | None) -> Row:
        if echo is None:
            return payment_row(key, amount=f"{KEYS.index(key) + 1}.00")
        return payment_row(key, self.made[echo].public_id, amount=f"{self.made[echo].amount}")

    def _follow(self, said: dict[str, int | None], gone: set[str], *, is_full: bool) -> None:
        echoed = {key: echo for key, echo in said.items() if echo is not None}
        taken = {number: key for number, key in self.ids.items() if number in echoed.values() or key in echoed}
        self.ids = {number: key for number, key in self.ids.items() if number not in taken}
        self.ids |= {echo: key for key, echo in echoed.items()}
        self.own -= set(echoed) | gone
        if is_full:
            self.own &= set(said)
        self.own |= {key for key in said if key not in self.ids.values()}
        by_id = {key: number for number, key in self.ids.items()}
        self.deleted |= {by_id[key] for key in gone if key in by_id}
        self.deleted -= {by_id[key] for key in said if key in by_id}


def step() -> st.SearchStrategy[tuple[Any, ...]]:
    key, number = st.sampled_from(KEYS), st.sampled_from([None, *range(MADE_HERE)])
    return st.one_of(
        st.tuples(st.just("set"), key, number),
        st.tuples(st.just("set"), key, number),
        st.tuples(st.just("drop"), key),
        st.tuples(st.just("send"), st.sampled_from(["full", "delta"])),
    )


# The same sequences every time, as in tests/feed/test_sequences.py.
@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(step(), min_size=6, max_size=16))
def test_each_payment_made_here_is_one_row_whatever_the_carrier_sends(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder, override_settings(FEED_RETIRE_SHARE=1), transaction.atomic():
        carrier = Carrier(Path(folder) / "packages")
        for what, *details in steps:
            if what == "set":
                carrier.enter(*details)
            elif what == "drop":
                carrier.rows.pop(details[0], None)
            else:
                carrier.send(*details)
        carrier.send("delta")
        carrier.send("full")
        found = Payment.objects.filter(made_at__isnull=False)
        assert {payment.public_id: (payment.external_id, payment.retired_at is not None) for payment in found} == {
            payment.public_id: (carrier.ids.get(number), number in carrier.deleted)
            for number, payment in enumerate(carrier.made)
        }
        own = Payment.objects.not_retired().filter(made_at=None)
        assert sorted(own.values_list("external_id", flat=True)) == sorted(carrier.own)
        transaction.set_rollback(True)
