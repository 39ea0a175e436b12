"""The terms of an invented policy: when they begin and end, and how far they are paid."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from feed.example.members import Outline
from feed.example.people import drawn
from feed.example.stories import NO_STORY, NONRENEWED, REWRITTEN, REWRITTEN_FROM, STORIES

YEAR = dt.timedelta(days=365)
DAY = dt.timedelta(days=1)
RENEWALS = (("offered", 0.45), ("bound", 0.40), ("accepted", 0.10), ("declined", 0.05))
LAST_STATUS = {"pending": "accepted", "cancelled": "cancelled", "expired": "expired"}
# Days left of a policy that won't be renewed.
NONRENEWED_LEFT = 70
# Renewal offers are made this many days before a term ends.
RENEWAL_AHEAD = 120
# Days after a term's start on which policies are cancelled, and on which one lapses, for so long.
CANCELLED_AFTER = dt.timedelta(days=200)
LAPSES_AFTER, LAPSE = dt.timedelta(days=125), dt.timedelta(days=21)
# An installment is overdue for at least so long when the policy is to be cancelled.
OVERDUE = dt.timedelta(days=25)


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
    """The policy's terms, earliest first; `began` and `ends` are those of the current or last one.

    `lapse`: the days without coverage between a cancellation and the reinstatement.
    """

    terms: tuple[Term, ...]
    began: dt.date
    ends: dt.date
    lapse: tuple[dt.date, dt.date] | None = None

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
    """Return the policy's terms."""
    began = outline.began or _began(outline, rng=rng, today=today)
    expires = years_later(began, 1)
    ends = began + CANCELLED_AFTER if outline.status == "cancelled" else expires
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
        status = outline.story.renewal or drawn(rng, RENEWALS)
        # An offer isn't coverage.
        renewal = _term(outline, expires, years_later(expires, 1), status, covered=status == "bound", offer=expires)
        terms.append(renewal)
    lapse = (began + LAPSES_AFTER, began + LAPSES_AFTER + LAPSE) if outline.story.lapse else None
    return Schedule(terms=tuple(terms), began=began, ends=ends, lapse=lapse)


def story_began(index: int, today: dt.date) -> dt.date | None:
    """Return the first day of a story's current or last term, or None if it is drawn."""
    story = STORIES.get(index, NO_STORY)
    rewritten = (today - dt.timedelta(days=120)).replace(day=1)
    told = {
        NONRENEWED: years_later(today + dt.timedelta(days=NONRENEWED_LEFT), -1),
        REWRITTEN: rewritten,
        REWRITTEN_FROM: (rewritten - dt.timedelta(days=240)).replace(day=1),
    }
    if story.lapse or story.change:
        return (today - dt.timedelta(days=200)).replace(day=1)
    # A tail that can still be chosen, or that is chosen but not paid, and a policy that can still be reinstated.
    if story.tail == "elected" or (story.reason == "nonpayment" and not story.tail):
        return today - CANCELLED_AFTER - dt.timedelta(days=20)
    return told.get(index)


def _began(outline: Outline, *, rng: Random, today: dt.date) -> dt.date:
    """Return the first day of the current or last term: mostly the first of a month, otherwise the 15th."""
    if outline.status == "nonrenewed":
        # It ends in ten weeks, or ended lately and the carrier hasn't said more yet.
        left = NONRENEWED_LEFT if rng.random() < 0.7 else -int(rng.random() * 60)
        return years_later(today + dt.timedelta(days=left), -1)
    if outline.status == "pending":
        return today + dt.timedelta(days=10 + int(rng.random() * 40))
    if outline.status == "pending_cancellation":
        # A quarter's installment has been overdue for about a month.
        return months_later((today - OVERDUE).replace(day=1), -3 * (1 + int(rng.random() * 2)))
    ended = outline.status in {"cancelled", "expired"}
    if ended:
        lately = outline.status == "cancelled" and rng.random() < 0.3
        began = today - dt.timedelta(days=int(215 + rng.random() * 45 if lately else 400 + rng.random() * 500))
    else:
        since = 300 if outline.story.renewal else 100 if outline.named else 15 + int(rng.random() * 320)
        began = today - dt.timedelta(days=since)
    began = began.replace(day=1 if rng.random() < 0.8 else 15)
    return today - dt.timedelta(days=300) if began + YEAR <= today and not ended else began


def _term(
    outline: Outline, effective: dt.date, expires: dt.date, status: str, *, covered: bool = True,
    offer: dt.date | None = None,
) -> Term:  # fmt: skip
    return Term(f"T{outline.index:06}-{effective.year}", status, effective, expires, covered, offer)
