"""Rows of one policy's money: the account, transactions, installments, invoices, payments, and allocations."""

from __future__ import annotations

import datetime as dt

from feed.example.ledger import Installment, Ledger, TermLedger
from feed.example.members import Outline
from feed.example.rows import Ids, cents
from feed.example.stories import ALL_STORIES
from feed.example.writing import PackageWriter

# Invoices go out so long before an installment is due; those of earlier terms aren't sent again.
ISSUED_BEFORE = dt.timedelta(days=20)
LAST_INVOICES = 2


def invoice_id(ids: Ids, year: int, number: int) -> str:
    """Return an invoice's number as printed."""
    return f"INV-{ids.policy:06}-{year}-{number:02}"


def bills_of(
    ledger: Ledger, outline: Outline, *, began: dt.date, today: dt.date
) -> list[tuple[TermLedger, Installment]]:
    """Return the installments that an invoice went out for, of the term that began then and later ones; further back
    in the book only the last of them."""
    bills = [
        (one, bill)
        for one in ledger.terms
        for bill in one.installments
        if one.term.effective >= began and bill.due - ISSUED_BEFORE <= today and bill.amount
    ]
    return bills if outline.index < ALL_STORIES else bills[-LAST_INVOICES:]


class MoneyRows:
    """Writes the money of one policy."""

    def __init__(
        self, outline: Outline, ids: Ids, ledger: Ledger, *, name: str, began: dt.date, today: dt.date
    ) -> None:
        self._outline, self._ids, self._ledger, self._name = outline, ids, ledger, name
        self._began, self._today = began, today

    def write(self, out: PackageWriter) -> None:
        """Add the rows; a policy that was rewritten is on the account of the one that replaced it."""
        if not self._outline.rewritten_as:
            out.add(
                "billing_accounts.csv", billing_account_id=self._ids.account, policyholder_id=self._ids.holder,
                name=self._name, autopay=self._ledger.autopay,
            )  # fmt: skip
        for ledger in self._ledger.terms:
            year = ledger.term.effective.year
            self._write_charges(out, ledger, year)
            self._write_payments(out, ledger, year)
        self._write_invoices(out)

    def _write_charges(self, out: PackageWriter, ledger: TermLedger, year: int) -> None:
        policy, account, term = self._ids.policy, self._ids.account, ledger.term
        for number, one in enumerate(ledger.postings):
            out.add(
                "transactions.csv", transaction_id=f"TX{policy:06}-{year}-{number:03}", billing_account_id=account,
                term_id=term.id, posted=one.posted.isoformat(), kind=one.kind, amount=cents(one.amount),
                description=one.words, insured_id="" if one.place is None else self._ids.insured(one.place),
            )  # fmt: skip
        for each in ledger.installments:
            out.add(
                "installments.csv", installment_id=f"IS{policy:06}-{year}-{each.number:02}",
                billing_account_id=account, term_id=term.id, due=each.due.isoformat(), amount=cents(each.amount),
                fee=cents(each.fee),
            )  # fmt: skip

    def _write_payments(self, out: PackageWriter, ledger: TermLedger, year: int) -> None:
        for number, one in enumerate(ledger.payments):
            own = f"PM{self._ids.policy:06}-{year}-{number:02}"
            out.add(
                "payments.csv", payment_id=own, billing_account_id=self._ids.account,
                received=one.received.isoformat(), amount=cents(one.amount), method=one.method,
                reference=one.reference, status=one.status,
            )  # fmt: skip
            if one.status == "applied":
                out.add("allocations.csv", payment_id=own, term_id=ledger.term.id, amount=cents(one.amount))

    def _write_invoices(self, out: PackageWriter) -> None:
        for ledger, bill in bills_of(self._ledger, self._outline, began=self._began, today=self._today):
            number = invoice_id(self._ids, ledger.term.effective.year, bill.number)
            out.add(
                "invoices.csv", invoice_id=number, billing_account_id=self._ids.account,
                issued=(bill.due - ISSUED_BEFORE).isoformat(), due=bill.due.isoformat(),
                amount=cents(bill.billed or bill.amount + bill.fee), document_id=f"DO-{number}",
            )  # fmt: skip
