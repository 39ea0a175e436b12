"""The terms of an invented policy: when they begin and end, and how far they are paid."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from feed.example.members import Outline
from feed.example.people import drawn

YEAR = dt.timedelta(days=365)
DAY = dt.timedelta(days=1)
RENEWALS = (("offered", 0.45), ("bound", 0.40), ("accepted", 0.10), ("declined", 0.05))
LAST_STATUS = {"pending": "accepted", "cancelled": "cancelled", "expired": "expired"}
# Days left of a policy that won't be renewed.
NONRENEWED_LEFT = 70
# Renewal offers are made this many days before a term ends.
RENEWAL_AHEAD = 120
# Payment plan → months between installments; a ten-pay plan bills the first ten months.
PLANS = {"annual": 12, "semiannual": 6, "quarterly": 3, "monthly": 1, "tenpay": 1}


@dataclass(frozen=True)
class Term:
    """A term of the policy, and whether coverages are written for it."""

    id: str
    status: str
    effective: dt.date
    expires: dt.date
    covered: bool = True
    offer_expires: dt.date | None = None


@dataclass(frozen=True)
class Schedule:
    """The policy's terms, earliest first; `began` and `ends` are those of the current or last one."""

    terms: tuple[Term, ...]
    began: dt.date
    ends: dt.date

    @property
    def first_covered(self) -> dt.date:
        """The first day of coverage in the book."""
        return min(term.effective for term in self.terms if term.covered)


def years_later(day: dt.date, years: int) -> dt.date:
    """Return the same day of another year; February 29 becomes February 28."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def months_later(day: dt.date, months: int) -> dt.date:
    """Return the same day of a later month, or day 28 where that month might not have it."""
    months += day.month - 1
    return day.replace(year=day.year + months // 12, month=months % 12 + 1, day=min(day.day, 28))


def schedule_of(outline: Outline, *, rng: Random, today: dt.date) -> Schedule:
    began = outline.began or _began(outline, rng=rng, today=today)
    expires = years_later(began, 1)
    ends = began + dt.timedelta(days=200) if outline.status == "cancelled" else expires
    if outline.rewritten_as and outline.rewritten_as.began:
        ends = outline.rewritten_as.began
    status = LAST_STATUS.get(outline.status, "bound")
    if outline.status == "nonrenewed" and expires <= today:
        status = "expired"
    terms = [_term(outline, began, expires, status)]
    earlier = 0 if outline.status == "pending" or outline.began else int(rng.random() * 3)
    for back in range(1, earlier + 1):
        start, end = years_later(began, -back), years_later(began, 1 - back)
        terms.insert(0, _term(outline, start, end, "expired", covered=back == 1))
    if outline.status == "active" and (expires - today).days < RENEWAL_AHEAD:
        status = outline.renewal or drawn(rng, RENEWALS)
        # An offer isn't coverage.
        renewal = _term(outline, expires, years_later(expires, 1), status, covered=status == "bound", offer=expires)
        terms.append(renewal)
    return Schedule(terms=tuple(terms), began=began, ends=ends)


def _began(outline: Outline, *, rng: Random, today: dt.date) -> dt.date:
    """Return the first day of the current or last term: mostly the first of a month, otherwise the 15th."""
    if outline.status == "nonrenewed":
        # It ends in ten weeks, or ended lately and the carrier hasn't said more yet.
        left = NONRENEWED_LEFT if rng.random() < 0.7 else -int(rng.random() * 60)
        return years_later(today + dt.timedelta(days=left), -1)
    if outline.status == "pending":
        return today + dt.timedelta(days=10 + int(rng.random() * 40))
    ended = outline.status in {"cancelled", "expired"}
    if ended:
        began = today - dt.timedelta(days=400 + int(rng.random() * 500))
    else:
        since = 300 if outline.renewal else 100 if outline.named else 15 + int(rng.random() * 320)
        began = today - dt.timedelta(days=since)
    began = began.replace(day=1 if rng.random() < 0.8 else 15)
    return today - dt.timedelta(days=300) if began + YEAR <= today and not ended else began


def _term(
    outline: Outline, effective: dt.date, expires: dt.date, status: str, *, covered: bool = True,
    offer: dt.date | None = None,
) -> Term:  # fmt: skip
    return Term(f"T{outline.index:06}-{effective.year}", status, effective, expires, covered, offer)


def paid_through(term: Term, plan: str, *, today: dt.date, behind: bool) -> dt.date | None:
    """Return the last day the premium received pays for, or None; one installment is missing where `behind`."""
    if term.status != "bound" or term.effective > today:
        return None
    months = PLANS[plan]
    paid = months
    while months_later(term.effective, paid) <= today:
        paid += months
    paid -= months if behind else 0
    return min(months_later(term.effective, paid), term.expires) - DAY if paid else None
