"""The money of one invented policy: what was charged, how it's paid by installments, and what has come in.

Amounts are in cents. Everything follows docs/feed-format.md#money: the installments of a term add up to its charges
without fees, and a payment covers the oldest installments of its term first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from feed.example.members import Outline
from feed.example.people import drawn
from feed.example.segments import Charge, Segments
from feed.example.terms import DAY, OVERDUE, Schedule, Term, months_later

# Payment plan → how many installments, and the months between them.
PLANS = {"annual": (1, 12), "semiannual": (2, 6), "quarterly": (4, 3), "monthly": (12, 1), "tenpay": (10, 1)}
# Fees in cents: for each installment but the first, unless AutoPay collects; for a payment that came back; when late.
INSTALLMENT_FEE, RETURNED_FEE, LATE_FEE = 6_00, 25_00, 10_00
OTHER_FEES = {"nsf_fee", "late_fee"}
# Taxes of surplus lines, and what funds charge, as shares of the premium.
SURPLUS_LINES_TAX, FUND_SURCHARGE = 0.036, 0.15
SURPLUS_LINES = "C2"
AUTOPAY = (("none", 0.74), ("carrier", 0.18), ("portal", 0.08))
METHODS = (("ach", 0.45), ("check", 0.30), ("card", 0.25))
# What happens to a payment of the current term, by story and by share of policies.
RETURNED, AHEAD, TWICE, VOID, LATE, BEHIND = "returned", "pending", "refunded", "void", "late", "behind"
INCIDENTS = {4: RETURNED, 14: LATE, 25: VOID, 27: AHEAD, 28: TWICE}
INCIDENT_SHARES = (
    ("", 0.84), (LATE, 0.05), (BEHIND, 0.04), (AHEAD, 0.03), (RETURNED, 0.02), (TWICE, 0.01), (VOID, 0.01)
)  # fmt: skip
# An agency that bills for the carrier, or a company that finances the premium, pays it so long after the term's start.
AGENCY_PAYS, FINANCE_PAYS = dt.timedelta(days=45), dt.timedelta(days=5)
WRITTEN_OFF_AFTER, REFUNDED_AFTER = dt.timedelta(days=90), dt.timedelta(days=15)
LATE_BY, FEE_AFTER, AGAIN_AFTER = dt.timedelta(days=12), dt.timedelta(days=10), dt.timedelta(days=9)
# Policies further back in the book have the money of their current term only.
EARLIER_TERMS_UP_TO = 2_000


class Posting(NamedTuple):
    """A transaction; `place` of the insured, if it belongs to one."""

    posted: dt.date
    kind: str
    amount: int
    words: str
    place: int | None = None


class Payment(NamedTuple):
    """Money that came in for a term."""

    received: dt.date
    amount: int
    method: str
    status: str = "applied"
    reference: str = ""


@dataclass
class Installment:
    """A part of a term's amount. `pays_on`: the day of its payment, or None if there is none; `billed` with fees."""

    number: int
    due: dt.date
    amount: int
    fee: int
    pays_on: dt.date | None
    settled: bool = False
    billed: int = 0


@dataclass
class TermLedger:
    """One term's money."""

    term: Term
    installments: list[Installment] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    # Fees that a later payment includes.
    fees_due: int = 0

    def post(self, posted: dt.date, kind: str, amount: int, words: str, place: int | None = None) -> None:
        """Add a transaction, unless it's of nothing."""
        if amount:
            self.postings.append(Posting(posted, kind, amount, words, place))

    def money(self) -> int:
        """Return what covers the installments: payments that count and write-offs, without what was paid out."""
        moved = sum(one.amount for one in self.postings if one.kind in {"refund", "writeoff"})
        return sum(one.amount for one in self.payments if one.status == "applied") - moved

    def owed(self, day: dt.date) -> int:
        """Return what was due before a day and isn't covered, with fees."""
        due = sum(one.amount + one.fee for one in self.installments if one.due < day)
        fees = sum(one.amount for one in self.postings if one.kind in OTHER_FEES and one.posted < day)
        return max(0, due + fees - self.money())

    def balance(self) -> int:
        """Return what is still to be paid of everything charged; negative if money is left over."""
        return sum(one.amount for one in self.postings) - sum(
            one.amount for one in self.payments if one.status == "applied"
        )


class Ledger:
    """A policy's money, term by term. `off`: dollars taken off for courses, by the term's id."""

    def __init__(
        self, outline: Outline, schedule: Schedule, segments: Segments, *, off: Mapping[str, int], billing: str,
        plan: str, reason: str, seed: int, today: dt.date,
    ) -> None:  # fmt: skip
        self._outline, self._schedule, self._segments, self._off = outline, schedule, segments, off
        self._billing, self._plan, self._reason, self._today = billing, plan, reason, today
        self._rng = Random(f"{seed}/{outline.index}/money")  # noqa: S311  # an invented book, repeatable
        unpaid = reason == "nonpayment" or outline.story.lapse
        chance, incident = drawn(self._rng, AUTOPAY), drawn(self._rng, INCIDENT_SHARES)
        collects = outline.story.autopay or ("none" if unpaid else chance)
        self.autopay = collects if billing == "direct" else "none"
        self._method = "ach" if self.autopay != "none" else drawn(self._rng, METHODS)
        quiet = outline.named or unpaid or outline.status != "active"
        self._incident = INCIDENTS.get(outline.index, "" if quiet else incident)
        self.terms = [self._of(term) for term in schedule.terms if self._has_money(term)]

    @property
    def past_due(self) -> int:
        """What was due before today and isn't paid, with fees, in cents."""
        return sum(one.owed(self._today) for one in self.terms)

    def paid_through(self, term: Term) -> dt.date | None:
        """Return the day before the first installment that the money doesn't cover, or the term's last day; None for a
        term of which nothing is paid (S-27)."""
        ledger = next((one for one in self.terms if one.term == term), None)
        if ledger is None or term.status == "accepted" or term.effective > self._today:
            return None
        ends = self._schedule.ends if term.status == "cancelled" else term.expires
        if self._billing != "direct":
            return ends - DAY if ledger.payments else None
        money = ledger.money()
        for one in ledger.installments:
            money -= one.amount + one.fee
            if money < 0:
                return one.due - DAY if one.due > term.effective else None
        return ends - DAY

    def _has_money(self, term: Term) -> bool:
        if term.effective < self._schedule.began and self._outline.index >= EARLIER_TERMS_UP_TO:
            return False
        return term.covered or term.status == "accepted"

    def _of(self, term: Term) -> TermLedger:
        ledger = TermLedger(term)
        first, *changes = self._segments.charges(term)
        start = self._begin(ledger, first.amount * 100, first.place)
        if self._billing == "direct":
            self._bill(ledger, start, changes)
        else:
            self._bill_elsewhere(ledger, start, changes)
        return ledger

    def _begin(self, ledger: TermLedger, premium: int, place: int | None) -> int:
        """Post what the term costs at its start; return the sum."""
        day, outline = ledger.term.effective, self._outline
        ledger.post(day, "premium", premium, "Premium", place)
        if outline.company == SURPLUS_LINES:
            ledger.post(day, "tax", round(premium * SURPLUS_LINES_TAX), "Surplus lines tax")
        if outline.state.fund and outline.program in {"physicians", "facility"}:
            surcharge = round(premium * FUND_SURCHARGE)
            ledger.post(day, "fund_surcharge", surcharge, f"Surcharge, {outline.state.fund.name}")
        if credit := self._off.get(ledger.term.id):
            ledger.post(day, "credit", -credit * 100, "Risk management credit", place)
        return sum(one.amount for one in ledger.postings)

    def _change(self, ledger: TermLedger, change: Charge) -> int:
        """Post a change within the term; return its amount."""
        amount = change.amount * 100
        kind = "endorsement" if amount > 0 else "return_premium"
        ledger.post(change.posted, kind, amount, change.words, change.place)
        return amount

    # Billed by an agency, or financed: no installments here.

    def _bill_elsewhere(self, ledger: TermLedger, start: int, changes: Sequence[Charge]) -> None:
        financed = self._billing == "financed"
        after = FINANCE_PAYS if financed else AGENCY_PAYS
        words = "Premium finance" if financed else "Agency statement"
        self._pay_elsewhere(ledger, ledger.term.effective + after, start, words)
        for change in changes:
            self._pay_elsewhere(ledger, change.posted + after, self._change(ledger, change), words)

    def _pay_elsewhere(self, ledger: TermLedger, day: dt.date, amount: int, words: str) -> None:
        if day <= self._today and amount > 0:
            ledger.payments.append(Payment(day, amount, "wire", reference=words))
        elif day <= self._today:
            ledger.post(day, "refund", -amount, f"Refund, {words.lower()}")

    # Billed to the policyholder.

    def _bill(self, ledger: TermLedger, start: int, changes: Sequence[Charge]) -> None:
        """Divide the charges into installments, and let everything happen in order of time."""
        self._plan_installments(ledger, start)
        for change in changes:
            self._settle(ledger, change.posted)
            amount = self._change(ledger, change)
            if ledger.term.status == "cancelled" and change.posted == self._schedule.ends:
                amount += _drop(ledger, change.posted)
            _spread(ledger, amount, change.posted, paid=self._reason != "nonpayment")
        self._settle(ledger, self._today + DAY)
        for one in ledger.installments:
            if one.due <= self._today:
                ledger.post(one.due, "installment_fee", one.fee, "Installment fee")
        self._close(ledger, changes)

    def _plan_installments(self, ledger: TermLedger, start: int) -> None:
        term, (count, step) = ledger.term, PLANS[self._plan]
        fee = INSTALLMENT_FEE if self.autopay == "none" and count > 1 else 0
        each, rest = divmod(start, count)
        for number in range(count):
            due = months_later(term.effective, number * step) if number else term.effective
            lead = dt.timedelta(days=0 if self.autopay != "none" or not number else 1 + int(self._rng.random() * 8))
            amount = each + (0 if number else rest)
            ledger.installments.append(Installment(number, due, amount, fee if number else 0, due - lead))
        if term.effective == self._schedule.began:
            self._disturb(ledger)

    def _disturb(self, ledger: TermLedger) -> None:
        """Let the current term's payments go as its story tells."""
        installments = ledger.installments
        if self._outline.status == "pending_cancellation":
            _leave_unpaid(installments, self._today - OVERDUE)
        elif self._reason == "nonpayment":
            _leave_unpaid(installments, self._schedule.ends - OVERDUE)
        elif lapse := self._schedule.lapse:
            overdue = max((one for one in installments if one.due <= lapse[0] - OVERDUE), key=lambda one: one.due)
            overdue.pays_on = lapse[1]
        if self._incident == LATE:
            over = [one for one in installments if one.due + LATE_BY < self._today and one.number]
            if over:
                over[-1].pays_on = over[-1].due + LATE_BY
                ledger.post(over[-1].due + FEE_AFTER, "late_fee", LATE_FEE, "Late fee")
                ledger.fees_due += LATE_FEE
        elif self._incident == RETURNED:
            self._return(ledger)
        elif self._incident == BEHIND:
            for one in installments:
                one.pays_on = None if self._today - OVERDUE < one.due < self._today else one.pays_on

    def _return(self, ledger: TermLedger) -> None:
        """Let the last payment that was due come back from the bank; it's made again unless it stays unpaid."""
        due = [one for one in ledger.installments if one.due + AGAIN_AFTER < self._today and one.amount]
        if not due:
            return
        last = next((one for one in due if one.pays_on is None), due[-1])
        received = last.due - 2 * DAY
        ledger.payments.append(Payment(received, last.amount + last.fee, "check", RETURNED, "Check 2047"))
        ledger.post(last.due + 3 * DAY, "nsf_fee", RETURNED_FEE, "Returned payment fee")
        if last.pays_on:
            last.pays_on = last.due + AGAIN_AFTER
            ledger.fees_due += RETURNED_FEE

    def _settle(self, ledger: TermLedger, until: dt.date) -> None:
        """Receive the payments of the days before `until`."""
        for one in ledger.installments:
            if one.settled or one.pays_on is None or one.pays_on >= until or one.pays_on > self._today:
                continue
            one.settled = True
            if not one.amount:
                continue
            fees = ledger.fees_due if self._fees_came_before(ledger, one) else 0
            ledger.fees_due -= fees
            one.billed = one.amount + one.fee
            number = 4_000 + int(self._rng.random() * 5_000)
            reference = f"Check {number}" if self._method == "check" else f"{self._method.upper()} {number}"
            ledger.payments.append(Payment(one.pays_on, one.billed + fees, self._method, reference=reference))

    def _fees_came_before(self, ledger: TermLedger, one: Installment) -> bool:
        posted = [each.posted for each in ledger.postings if each.kind in OTHER_FEES]
        return bool(posted and one.pays_on and max(posted) <= one.pays_on)

    def _close(self, ledger: TermLedger, changes: Sequence[Charge]) -> None:
        """Pay out what is left over, write off what won't come, and add the payments that don't count."""
        term, today = ledger.term, self._today
        last = max((one.posted for one in changes), default=term.effective)
        ahead = any(one.due > today and one.amount for one in ledger.installments)
        balance = ledger.balance()
        if balance < 0 and not ahead and last + REFUNDED_AFTER <= today:
            ledger.post(last + REFUNDED_AFTER, "refund", -balance, "Refund of a credit")
        if balance > 0 and term.status == "cancelled" and self._schedule.ends + WRITTEN_OFF_AFTER <= today:
            ledger.post(self._schedule.ends + WRITTEN_OFF_AFTER, "writeoff", -balance, "Written off")
        if term.effective != self._schedule.began or not ledger.payments:
            return
        first = ledger.payments[0]
        if self._incident == TWICE:
            again = first._replace(received=first.received + DAY, method="card", status="refunded")
            ledger.payments.append(again._replace(reference="Paid twice"))
        elif self._incident == VOID:
            ledger.payments.append(first._replace(method="check", status="void", reference="Entered twice"))
        elif self._incident == AHEAD:
            following = next((one for one in ledger.installments if one.due > today and one.amount), None)
            if following and not following.settled:
                amount = following.amount + following.fee
                ledger.payments.append(Payment(today - DAY, amount, "ach", "pending", "Bank transfer on its way"))


def _leave_unpaid(installments: Sequence[Installment], day: dt.date) -> None:
    """Leave the last installment due by `day` unpaid, and all after it."""
    overdue = max((one.due for one in installments if one.due <= day), default=installments[0].due)
    for one in installments:
        if one.due >= overdue:
            one.pays_on = None


def _drop(ledger: TermLedger, day: dt.date) -> int:
    """Remove the installments from `day` on; return what they asked for."""
    gone = [one for one in ledger.installments if one.due >= day and not one.settled]
    ledger.installments = [one for one in ledger.installments if one not in gone]
    return sum(one.amount for one in gone)


def _spread(ledger: TermLedger, amount: int, day: dt.date, *, paid: bool) -> None:
    """Add an amount to the installments still to come, in equal parts, or take it off them, and then off the others.

    If none is to come, another is due after a month; `paid`: its payment will come.
    """
    ahead = [one for one in ledger.installments if one.due > day and not one.settled]
    if amount > 0 and not ahead:
        number = max((one.number for one in ledger.installments), default=-1) + 1
        ledger.installments.append(Installment(number, day + 30 * DAY, amount, 0, day + 28 * DAY if paid else None))
    elif amount > 0:
        each, rest = divmod(amount, len(ahead))
        for place, one in enumerate(ahead):
            one.amount += each + (0 if place else rest)
    else:
        _take(ahead, -amount, ledger)


def _take(ahead: Sequence[Installment], amount: int, ledger: TermLedger) -> None:
    each = amount // len(ahead) if ahead else 0
    for one in ahead:
        taken = min(each, one.amount)
        one.amount -= taken
        amount -= taken
    for one in reversed(ledger.installments):
        taken = min(amount, one.amount)
        one.amount -= taken
        amount -= taken
        one.fee = one.fee if one.amount or one.settled else 0
