"""The drawing of a policy's terms over the years: bars on a line, with today marked.

Positions are percentages of the drawing's width, so that it fits every screen with type of one size. The page gives the
same facts as a table beside it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.templatetags.show import day, day_long
from policies.models import Term
from policies.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from policies.models import Coverage
    from policies.pages.tails import Reporting

MOST_TICKS = 6
# How far a tail without an end is drawn, at least.
OPEN_END = dt.timedelta(days=365)
KINDS = (
    ("past", "Expired"),
    ("current", "In force"),
    ("next", "Upcoming"),
    ("ended", "Cancelled"),
    ("ghost", "After the cancellation"),
    ("prior", "Other carriers"),
    ("gap", "No coverage on record"),
    ("leave", "Not covered"),
    ("tail", "Tail (extended reporting)"),
)
Days = tuple[dt.date, dt.date]

FEWEST_TERMS = 2
"""One bar alone says nothing that the dates beside it don't."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of days: `left` and `width` in percent; `kind` names its look, as in `KINDS`.

    A term that was cut short has a second bar for the rest, a `ghost`. A `tail` is drawn below the others.
    """

    left: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the axis: the beginning of a year, or a retroactive date."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What components/timeline.html draws. `retroactive`: where claims-made coverage begins to reach back to."""

    bars: list[Bar]
    ticks: list[Tick]
    today: float | None
    retroactive: float | None
    retroactive_label: str
    summary: str
    title: str = "Terms over the years"
    # Retroactive dates within the years that are drawn; the first is where it begins, if it reaches back.
    dates: tuple[Tick, ...] = ()

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The looks that occur, with what they mean."""
        drawn = {bar.kind for bar in self.bars}
        return [(kind, label) for kind, label in KINDS if kind in drawn]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The dates of one bar. `until`: where it would have ended if it hadn't been cut short."""

    starts: dt.date
    ends: dt.date
    until: dt.date
    kind: str
    title: str


def timeline_of(terms: Iterable[Term], today: dt.date) -> Timeline | None:
    """Return the timeline of a policy's terms without declined ones; None where there is nothing to draw.

    The terms come with their policy.
    """
    stretches = []
    for term in terms:
        if term.status != Term.Status.DECLINED:
            ends = max(term.ends, term.effective)
            title = term.get_status_display()
            stretches.append(Stretch(term.effective, ends, term.expires, _kind_of_term(term, today), title))
    return drawn(stretches, today)


def timeline_of_coverages(
    coverages: Iterable[tuple[Coverage, Word]], today: dt.date, *, suspended: Iterable[Days] = ()
) -> Timeline | None:
    """Return the timeline of one insured's coverages, back to the earliest retroactive date: a bar for each term, and
    one more after each gap in it. `suspended`: days of them that aren't covered."""
    found, retroactive = stretches_of(coverages)
    return drawn(found, today, retroactive=retroactive, suspended=suspended)


def stretches_of(coverages: Iterable[tuple[Coverage, Word]]) -> tuple[list[Stretch], dt.date | None]:
    """Return the stretches of one insured's coverages, and the earliest retroactive date."""
    by_term: dict[int, list[tuple[Coverage, Word]]] = {}
    retroactive = None
    for coverage, word in coverages:
        if coverage.term.status == Term.Status.DECLINED:
            continue
        by_term.setdefault(coverage.term_id, []).append((coverage, word))
        if coverage.retroactive_date is not None:
            retroactive = min(retroactive or coverage.retroactive_date, coverage.retroactive_date)
    return [stretch for own in by_term.values() for stretch in _without_overlaps(own)], retroactive


def _without_overlaps(own: list[tuple[Coverage, Word]]) -> list[Stretch]:
    """Return the days that coverages of one term cover together; the word is that of the one that ends last."""
    stretches: list[Stretch] = []
    for coverage, word in sorted(own, key=lambda pair: pair[0].period):
        starts, ends = coverage.period
        kind, title = KIND_OF_WORD.get(word, "past"), str(word)
        if stretches and starts <= stretches[-1].ends:
            last = stretches.pop()
            if last.ends >= ends:
                kind, title, ends = last.kind, last.title, last.ends
            starts = last.starts
        stretches.append(Stretch(starts, ends, ends, kind, title))
    return stretches


def drawn(
    stretches: list[Stretch],
    today: dt.date,
    *,
    retroactive: dt.date | None = None,
    dates: Iterable[dt.date] = (),
    suspended: Iterable[Days] = (),
    tails: Iterable[Reporting] = (),
    noun: str = "term",
    title: str = "Terms over the years",
) -> Timeline | None:
    """Return the drawing, or None for no stretch or a single one that no retroactive date reaches back from and no tail
    follows.

    `dates`: all retroactive dates, of which `retroactive` is the first. `suspended` days are drawn over the stretches,
    `tails` below them. `noun`: what a stretch is called; `title`: what the drawing is.
    """
    tails = list(tails)
    in_order = sorted(stretches, key=lambda stretch: (stretch.starts, stretch.until))
    reaches_back = bool(in_order) and retroactive is not None and retroactive < in_order[0].starts
    if not in_order or (len(in_order) < FEWEST_TERMS and not reaches_back and not tails):
        return None
    first = retroactive if retroactive is not None and reaches_back else in_order[0].starts
    last_covered = max(stretch.until for stretch in in_order)
    last = max([last_covered, *(tail.ends or max(tail.starts, today) + OPEN_END for tail in tails)])
    span = max((last - first).days, 1)

    def at(date: dt.date) -> float:
        return round(100 * (date - first).days / span, 2)

    def bar(starts: dt.date, ends: dt.date, kind: str, title: str) -> Bar:
        return Bar(at(starts), round(at(ends) - at(starts), 2), kind, f"{title}: {day(starts)} to {day(ends)}")

    bars = []
    for one in in_order:
        if one.starts < one.ends:
            bars.append(bar(one.starts, one.ends, one.kind, one.title))
        if one.ends < one.until:
            bars.append(bar(one.ends, one.until, "ghost", "After the cancellation"))
    bars += [bar(starts, ends, "leave", "Not covered") for starts, ends in suspended if first <= starts < ends <= last]
    bars += [_bar_of_tail(tail, at, last) for tail in tails if first <= tail.starts]
    counted = sum(one.kind != "gap" for one in in_order)
    shown = sorted({*dates} or ({first} if reaches_back else set()))
    inside = [date for date in shown if first <= date <= last]
    return Timeline(
        bars,
        _ticks(first, last, at),
        at(today) if first <= today <= last else None,
        at(first) if reaches_back else None,
        _label_of(inside),
        f"{counted} {noun}{'' if counted == 1 else 's'} from {day(in_order[0].starts)} to {day(last_covered)}",
        title,
        tuple(Tick(at(date), f"Retroactive date {day_long(date)}") for date in inside),
    )


def _bar_of_tail(tail: Reporting, at: Callable[[dt.date], float], last: dt.date) -> Bar:
    until = f"to {day(tail.ends)}" if tail.ends else "without an end"
    width = round(at(tail.ends or last) - at(tail.starts), 2)
    return Bar(at(tail.starts), width, "tail", f"{tail.title}: {day(tail.starts)} {until}")


def _label_of(dates: list[dt.date]) -> str:
    """Return 'Retroactive date May 1, 2011', or 'Retroactive dates May 1, 2011; Jul 1, 2015'."""
    named = "; ".join(map(day, dates))
    return f"Retroactive date{'' if len(dates) == 1 else 's'} {named}" if dates else ""


KIND_OF_WORD = {
    Word.IN_FORCE: "current",
    Word.PENDING_CANCELLATION: "current",
    Word.UPCOMING: "next",
    Word.PENDING: "next",
    Word.CANCELLED: "ended",
}


def _kind_of_term(term: Term, today: dt.date) -> str:
    if term.in_force_on(today):
        return "current"
    if term.status == Term.Status.CANCELLED or term.ends < term.expires:
        return "ended"
    return "next" if term.effective > today else "past"


def _ticks(first: dt.date, last: dt.date, at: Callable[[dt.date], float]) -> list[Tick]:
    years = range(first.year + 1, last.year + 1)
    step = max(1, -(-len(years) // MOST_TICKS))
    return [Tick(at(first.replace(year=year, month=1, day=1)), str(year)) for year in years[::step]]
