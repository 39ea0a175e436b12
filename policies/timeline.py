"""The drawing of a policy's terms over the years: bars on a line, with today marked.

Positions are per cent of the drawing's width, so that it fits every screen with type of one size. The page gives the
same facts as a table beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.templatetags.show import day
from policies.models import Term

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

MOST_TICKS = 6
KINDS = (("past", "Past"), ("current", "In force"), ("next", "To come"), ("ended", "Cancelled"))


@dataclass(frozen=True, slots=True)
class Bar:
    """One term: `left` and `width` in per cent; `kind` names its look: current, past, next or ended."""

    left: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The beginning of a year on the axis."""

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

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The looks that occur, with what they mean."""
        drawn = {bar.kind for bar in self.bars}
        return [(kind, label) for kind, label in KINDS if kind in drawn]


def timeline_of(terms: Iterable[Term], today: dt.date, *, retroactive: dt.date | None = None) -> Timeline | None:
    """The timeline of these terms, declined ones left out; None where there is nothing to draw."""
    drawn = sorted(
        (term for term in terms if term.status != Term.Status.DECLINED), key=lambda term: (term.effective, term.pk)
    )
    if not drawn:
        return None
    first = min(drawn[0].effective, retroactive or drawn[0].effective)
    last = max(term.expires for term in drawn)
    span = max((last - first).days, 1)

    def at(date: dt.date) -> float:
        return round(100 * (date - first).days / span, 2)

    bars = [
        Bar(at(term.effective), round(at(term.expires) - at(term.effective), 2), _kind(term, today), _title(term))
        for term in drawn
    ]
    reaches_back = retroactive is not None and retroactive < drawn[0].effective
    return Timeline(
        bars,
        _ticks(first, last, at),
        at(today) if first <= today <= last else None,
        at(retroactive) if retroactive is not None and reaches_back else None,
        f"Retroactive date {day(retroactive)}" if reaches_back else "",
        f"{len(drawn)} term{'' if len(drawn) == 1 else 's'} from {day(drawn[0].effective)} to {day(last)}",
    )


def _kind(term: Term, today: dt.date) -> str:
    if term.status == Term.Status.CANCELLED:
        return "ended"
    if term.in_force_on(today):
        return "current"
    return "next" if term.effective > today else "past"


def _title(term: Term) -> str:
    return f"{term.get_status_display()}: {day(term.effective)} to {day(term.expires)}"


def _ticks(first: dt.date, last: dt.date, at: Callable[[dt.date], float]) -> list[Tick]:
    years = range(first.year + 1, last.year + 1)
    step = max(1, -(-len(years) // MOST_TICKS))
    return [Tick(at(first.replace(year=year, month=1, day=1)), str(year)) for year in years[::step]]
