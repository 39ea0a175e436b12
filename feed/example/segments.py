"""The coverages of one invented policy as effective-dated segments: what changed within a term, and what it cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from feed.example.members import JOINS, LEAVES, LIMITS, SPECIALTY, Member, Outline, limits_sold
from feed.example.people import pick
from feed.example.practices import LIGHTER, Specialty
from feed.example.rows import Ids
from feed.example.terms import Schedule, Term, years_later

DAY = dt.timedelta(days=1)
# Limits of an excess layer above the primary ones, and its share of their premium.
EXCESS = (1_000_000, 3_000_000)
EXCESS_SHARE = 0.15
# Limits of general liability, and its share of the entity's premium.
GENERAL = (1_000_000, 3_000_000)
GENERAL_SHARE = 0.4
GROWTH = 1.03
# Higher limits cost more.
LIMITS_FACTOR = 1.12
# Changes within a term take effect about this long after its start.
CHANGE_AFTER, JOIN_AFTER = dt.timedelta(days=120), dt.timedelta(days=150)
LEFT, LAPSED = "Left the group", "Cancelled for nonpayment, then reinstated with a lapse"
Pair = tuple[int, int]


class Segment(NamedTuple):
    """One row of coverage. `annual`: the premium of a whole year; `premium`: of this segment, in dollars.

    `continues`: the id of the segment before. `prior`: the limits before, and the day from which incidents have these.
    `change`: what began the segment, one of `CHANGES`, or what ends it.
    """

    id: str
    place: int
    part: str
    form: str
    retroactive: dt.date | None
    prior_acts: bool
    limits: Pair
    specialty: Specialty
    effective: dt.date
    expires: dt.date
    annual: int
    premium: int
    continues: str = ""
    reason: str = ""
    prior: tuple[dt.date, Pair] | None = None
    change: str = ""


class Charge(NamedTuple):
    """What a change within a term adds to its premium, or takes off; `place` of the insured, if it belongs to one."""

    posted: dt.date
    amount: int
    words: str
    place: int | None = None


class _Piece(NamedTuple):
    """A stretch of a member's coverage within a term."""

    effective: dt.date
    expires: dt.date
    limits: Pair
    specialty: Specialty
    continues: bool = False
    reason: str = ""
    change: str = ""


class Segments:
    """The segments of a policy's members, term by term."""

    def __init__(
        self, outline: Outline, ids: Ids, schedule: Schedule, members: Sequence[Member], *, rng: Random, today: dt.date
    ) -> None:
        self._outline, self._ids, self._schedule, self._members = outline, ids, schedule, members
        self._today = today
        by_chance = rng.random() < 0.75
        claims_made = by_chance if outline.story.claims_made is None else outline.story.claims_made
        if (outline.state.occurrence and outline.program == "physicians") or outline.program == "student":
            claims_made = False
        self.claims_made = claims_made
        sold = limits_sold(outline.program, outline.state, outline.practice)
        self._limits = sold[0] if outline.story.change == LIMITS else pick(rng, sold)
        self._higher = max(sold)
        in_new_york = outline.state.code == "NY" and outline.program == "physicians" and not outline.named
        self._excess = (rng.random() < 0.15 and in_new_york) or outline.story.excess
        self._first = outline.insured_since or schedule.first_covered
        self._kept: dict[str, list[Segment]] = {}

    def of(self, term: Term) -> list[Segment]:
        """Return a term's segments, the members in order."""
        if term.id not in self._kept:
            self._kept[term.id] = [one for place in range(len(self._members)) for one in self._of(term, place)]
        return self._kept[term.id]

    def premium(self, term: Term) -> int:
        """Return what a term's coverages cost together; of an offered term, what they would."""
        return sum(one.premium for one in self.of(term))

    def charges(self, term: Term) -> list[Charge]:
        """Return what the term costs at its start, and what changed since; together they are its premium."""
        start = 0
        changes: list[Charge] = []
        for place, segments in _by_member(self.of(term)):
            first, last = segments[0], segments[-1]
            paid = first.annual if first.effective == term.effective else 0
            start += paid
            if delta := sum(one.premium for one in segments) - paid:
                whole = self._whole_policy(term)
                day, words = whole or (_changed(first, last), _words(first, last))
                changes.append(Charge(day, delta, words, None if whole else place))
        together: dict[tuple[dt.date, str, int | None], int] = {}
        for one in changes:
            key = (one.posted, one.words, one.place)
            together[key] = together.get(key, 0) + one.amount
        later = [Charge(day, amount, words, place) for (day, words, place), amount in together.items() if amount]
        begin = Charge(term.effective, start, "Premium", 0 if self._outline.is_solo else None)
        return [begin, *sorted(later, key=lambda one: one.posted)]

    def specialty_now(self, place: int) -> Specialty:
        """Return a member's specialty today, which may have changed within the term."""
        member = self._members[place]
        return LIGHTER[member.specialty.code] if self._changes(member) == SPECIALTY else member.specialty

    def _whole_policy(self, term: Term) -> tuple[dt.date, str] | None:
        """Return the day on which the whole policy's premium changed, and why; None if it didn't."""
        if term.status == "cancelled":
            return self._schedule.ends, "Return premium, pro rata"
        if self._schedule.lapse and term.effective == self._schedule.began:
            return self._schedule.lapse[1], "Return premium for the days without coverage"
        return None

    def _changes(self, member: Member) -> str:
        """Return what has happened to a member within the current term; nothing if its day is still to come."""
        if not member.change or self._outline.status not in {"active", "pending_cancellation"}:
            return ""
        if member.change == LIMITS and (self._limits == self._higher or self._schedule.lapse):
            return ""
        return member.change if self._change_day(member.change) < self._today else ""

    def _change_day(self, change: str) -> dt.date:
        began, ends = self._schedule.began, self._schedule.ends
        if change == LEAVES:
            return min(max(began + dt.timedelta(days=30), self._today - dt.timedelta(days=12)), ends - DAY)
        day = began + (JOIN_AFTER if change == JOINS else CHANGE_AFTER)
        return day.replace(day=1)

    def _of(self, term: Term, place: int) -> Iterator[Segment]:
        member = self._members[place]
        change = self._changes(member)
        current = self._schedule.began
        left = change == LEAVES and term.effective > current
        if left or (change == JOINS and term.effective < current):
            return
        pieces = self._pieces(term, member, change)
        part = "professional" if member.person else "entity"
        yield from self._rows(term, place, part, pieces)
        if self._excess and not member.shares_limits and member.person:
            yield self._layer(term, place, "excess", pieces, EXCESS, EXCESS_SHARE)
        if self._outline.program == "facility" and place == self._outline.clinicians:
            yield self._layer(term, place, "general", pieces, GENERAL, GENERAL_SHARE)

    def _pieces(self, term: Term, member: Member, change: str) -> list[_Piece]:
        """Return the stretches of a member's coverage within a term."""
        began, later = term.effective == self._schedule.began, term.effective > self._schedule.began
        ends = self._schedule.ends if term.status == "cancelled" else term.expires
        reason = ""
        if term.status == "cancelled":
            reason = "Policy rewritten" if self._outline.rewritten_as else "Policy cancelled"
        specialty = LIGHTER[member.specialty.code] if change == SPECIALTY and later else member.specialty
        limits = self._higher if change == LIMITS and later else self._limits
        whole = _Piece(term.effective, ends, limits, specialty, reason=reason)
        if began and (lapse := self._schedule.lapse):
            return [
                whole._replace(expires=lapse[0], reason=LAPSED),
                whole._replace(effective=lapse[1]),
            ]
        day = self._change_day(change) if change and began else None
        if day is None:
            return [whole]
        if change == LEAVES:
            return [whole._replace(expires=day, reason=LEFT, change=LEAVES)]
        if change == JOINS:
            return [whole._replace(effective=day, change=JOINS)]
        after = whole._replace(effective=day, continues=True, change=change)
        if change == LIMITS:
            after = after._replace(limits=self._higher)
        else:
            after = after._replace(specialty=LIGHTER[member.specialty.code])
        return [whole._replace(expires=day), after]

    def _rows(self, term: Term, place: int, part: str, pieces: list[_Piece]) -> Iterator[Segment]:
        member = self._members[place]
        prior_acts = member.prior_acts and self.claims_made
        since = min(member.person.joined if member.person else self._schedule.began, self._first)
        raised = self._change_day(LIMITS) if self._changes(member) == LIMITS else None
        before = ""
        for number, piece in enumerate(pieces):
            annual = self._annual(member, term, piece)
            own = self._ids.coverage(term.effective.year, place, suffix="B" if number else "")
            yield Segment(
                id=own,
                place=place,
                part=part,
                form="claims_made" if self.claims_made else "occurrence",
                retroactive=since if self.claims_made and not prior_acts else None,
                prior_acts=prior_acts,
                limits=piece.limits,
                specialty=piece.specialty,
                effective=piece.effective,
                expires=piece.expires,
                annual=annual,
                premium=_pro_rata(annual, term, piece),
                continues=before if piece.continues else "",
                reason=piece.reason,
                prior=(raised, self._limits) if raised and piece.limits == self._higher and self.claims_made else None,
                change=piece.change,
            )
            before = own

    def _layer(self, term: Term, place: int, part: str, pieces: list[_Piece], limits: Pair, share: float) -> Segment:
        """Return a layer above a member's coverage, or beside it, for as long as that lasts."""
        member = self._members[place]
        change = pieces[0].change if pieces[0].change in {LEAVES, JOINS} else ""
        whole = pieces[-1]._replace(effective=pieces[0].effective, change=change)
        annual = max(1, round(self._annual(member, term, pieces[0]) * share))
        # Higher limits were bought later: earlier acts have the primary limit only.
        since = min(years_later(self._schedule.began.replace(day=1), -3), self._first)
        joined = member.person.joined if member.person else since
        claims_made = self.claims_made and part == "excess"
        return Segment(
            id=self._ids.coverage(term.effective.year, place, suffix="X" if part == "excess" else "G"),
            place=place,
            part=part,
            form="claims_made" if claims_made else "occurrence",
            retroactive=max(joined, since) if claims_made else None,
            prior_acts=False,
            limits=limits,
            specialty=whole.specialty,
            effective=whole.effective,
            expires=whole.expires,
            annual=annual,
            premium=_pro_rata(annual, term, whole),
            reason=whole.reason,
            change=whole.change,
        )

    def _annual(self, member: Member, term: Term, piece: _Piece) -> int:
        """Return the premium of a whole year in dollars."""
        years = term.effective.year - self._schedule.began.year
        changed = piece.specialty.premium / member.specialty.premium if member.specialty.premium else 1
        raised = LIMITS_FACTOR if piece.limits != self._limits else 1
        return max(1, round(member.premium * GROWTH**years * changed * raised))


def _pro_rata(annual: int, term: Term, piece: _Piece) -> int:
    days, year = (piece.expires - piece.effective).days, (term.expires - term.effective).days
    return annual if days == year else max(1, round(annual * days / year))


def _by_member(segments: Sequence[Segment]) -> Iterator[tuple[int, list[Segment]]]:
    """Yield each layer of each member's coverage: the segments that follow one another."""
    layers: dict[tuple[int, str], list[Segment]] = {}
    for one in segments:
        layers.setdefault((one.place, one.part), []).append(one)
    for (place, _), found in layers.items():
        yield place, found


def _changed(first: Segment, last: Segment) -> dt.date:
    """Return the day of a member's change."""
    if first.change == LEAVES or (first is last and not first.change):
        return last.expires
    return last.effective


def _words(first: Segment, last: Segment) -> str:
    return {
        LEAVES: "Insured left",
        JOINS: "Insured added",
        LIMITS: "Limits increased",
        SPECIALTY: "Specialty changed",
    }.get(last.change or first.change, "Insured left")
