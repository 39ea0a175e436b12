"""How the tail (ERE) of claims-made coverage is: in place, on offer with so many days left, or none on record (B-07).

What the carrier sends is shown; no price and no date is computed, only the days until one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.money import dollars
from core.templatetags.show import day, day_long
from policies.models import Coverage, EreOffer
from policies.models.details import details_of
from policies.pages.facts import is_over

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from policies.pages.home import OwnCoverage

Status = EreOffer.Status
TAKEN = (Status.PAID, Status.GRANTED, Status.ELECTED)


@dataclass(frozen=True, slots=True)
class Tail:
    """The tail of one coverage. `word` and `kind` are its mark; `sentence` says until when.

    `clock`: how long one can still decide, or report; `options`: what is on offer. `is_open`: it waits for a decision.
    """

    coverage: Coverage
    ends: dt.date
    word: str
    kind: str
    sentence: str
    clock: str = ""
    options: tuple[str, ...] = ()
    is_open: bool = False
    has_ended: bool = True

    @property
    def title(self) -> str:
        """The heading of a notice about an offer: '12 days left to decide on a tail'."""
        return f"{self.clock} to decide on a tail" if self.clock else "A tail is on offer"

    @property
    def about(self) -> str:
        """Which coverage: 'Professional liability, policy MPL-100-200'."""
        return f"{self.coverage.get_part_display()}, policy {self.coverage.term.policy.number}"


@dataclass(frozen=True, slots=True)
class Reporting:
    """Days in which claims can still be reported under a tail on record; `ends` is None where they have no end."""

    starts: dt.date
    ends: dt.date | None
    title: str


def tails_of(coverages: Iterable[OwnCoverage], offers: Iterable[EreOffer]) -> list[Tail]:
    """Return the tail of each coverage that needs one or has one, the latest first: for each policy and part, of the
    last one that ended for good. `coverages`: one for each chain of segments; `offers`: of any of their segments."""
    of_chain = _by_chain(offers)
    last: dict[tuple[int, str, str], OwnCoverage] = {}
    for own in coverages:
        c = own.coverage
        place = (c.term.policy_id, c.part, c.form)
        if (own.sees_tails and _is_over(own)) or of_chain.get(_chain(c)):
            last[place] = max(last.get(place, own), own, key=lambda one: one.ends)
    found = [_tail_of(own, of_chain.get(_chain(own.coverage), [])) for own in last.values() if own.sees_tails]
    return sorted(found, key=lambda one: one.ends, reverse=True)


def reporting_of(coverages: Iterable[OwnCoverage], offers: Iterable[EreOffer]) -> list[Reporting]:
    """Return the days of the tails on record, for the drawing and its table."""
    ends = {_chain(own.coverage): own.ends for own in coverages if own.sees_tails}
    found = []
    for one in offers:
        starts = one.starts or ends.get(_chain(one.coverage))
        if one.is_in_place and starts is not None and _chain(one.coverage) in ends and _is_after(starts, one.ends):
            found.append(Reporting(starts, one.ends, f"Tail, {EreOffer.ON_RECORD[one.status]}"))
    return found


def _is_over(own: OwnCoverage) -> bool:
    return is_over(own.coverage, own.coverage.period[1], details_of(own.coverage), own.status.day)


def _is_after(starts: dt.date, ends: dt.date | None) -> bool:
    return ends is None or ends > starts


def _by_chain(offers: Iterable[EreOffer]) -> dict[tuple[int, int, str, str], list[EreOffer]]:
    found: dict[tuple[int, int, str, str], list[EreOffer]] = {}
    for one in offers:
        found.setdefault(_chain(one.coverage), []).append(one)
    return found


def _chain(c: Coverage) -> tuple[int, int, str, str]:
    return (c.term_id, c.insured_id, c.part, c.form)


def _tail_of(own: OwnCoverage, offers: list[EreOffer]) -> Tail:
    c, ends, today = own.coverage, own.ends, own.status.day
    if c.form == Coverage.Form.OCCURRENCE:
        return Tail(
            c, ends, "Not needed", "neutral", "Occurrence coverage covers events in its period: no tail needed."
        )
    offered = [one for one in offers if one.status == Status.OFFERED and _is_open(one, today)]
    if taken := [one for one in offers if one.status in TAKEN]:
        tail = _on_record(c, ends, taken, today)
        return tail if tail.kind == "good" else replace(tail, sentence=tail.sentence + _meanwhile(offers, today))
    if offered:
        tail = _on_offer(c, ends, offered, today)
        return replace(tail, sentence=tail.sentence + _meanwhile(offers, today))
    if automatic := [one for one in offers if one.status == Status.AUTOMATIC]:
        return _on_record(c, ends, automatic, today)
    return _without(c, ends, offers)


def _without(c: Coverage, ends: dt.date, offers: list[EreOffer]) -> Tail:
    """Return that there is no tail, and what became of the offer."""
    if any(one.status == Status.DECLINED for one in offers):
        return Tail(c, ends, "Declined", "neutral", "The offer was declined. No tail is on record.")
    if offers:
        until = max((one.decide_by for one in offers if one.decide_by), default=None)
        when = f" ended on {day_long(until)}" if until else " has ended"
        return Tail(c, ends, "Lapsed", "neutral", f"The offer{when}. No tail is on record.")
    return Tail(c, ends, "None on record", "neutral", "We have no tail and no offer of one on record.")


def _is_open(one: EreOffer, today: dt.date) -> bool:
    """Whether one can still decide: through the last day, or as long as the carrier names none."""
    return one.decide_by is None or one.decide_by >= today


def _on_record(c: Coverage, ends: dt.date, offers: list[EreOffer], today: dt.date) -> Tail:
    one = max(offers, key=lambda each: (each.is_in_place, each.ends is None, each.ends or ends))
    if not one.is_in_place:
        return Tail(c, ends, "Elected", "attention", f"{one.option_in_words}. Elected, payment pending.")
    option = f"{one.option_in_words}, {EreOffer.ON_RECORD[one.status]}"
    if one.ends is None:
        return Tail(c, ends, "In place", "good", f"{option}.")
    if one.ends <= today:
        return Tail(c, ends, "Ended", "neutral", f"{option}. It ended on {day_long(one.ends)}.")
    last = f"Claims can be reported before {day_long(one.ends)}."
    return Tail(c, ends, "In place", "good", f"{option}. {last}", clock=_left((one.ends - today).days - 1))


def _on_offer(c: Coverage, ends: dt.date, offers: list[EreOffer], today: dt.date) -> Tail:
    until = min((one.decide_by for one in offers if one.decide_by), default=None)
    sentence = f"You can decide through {day_long(until)}." if until else "The offer names no last day."
    return Tail(
        c,
        ends,
        "Offered",
        "attention",
        sentence,
        clock=_left((until - today).days) if until else "",
        options=tuple(_priced(one, until) for one in sorted(offers, key=lambda each: (each.price or 0, each.pk))),
        is_open=True,
        has_ended=ends <= today,
    )


def _meanwhile(offers: list[EreOffer], today: dt.date) -> str:
    """Return what an automatic tail adds to another that isn't in place yet."""
    until = max((one.ends for one in offers if one.status == Status.AUTOMATIC and one.ends), default=None)
    if until is None or until <= today:
        return ""
    return f" The automatic tail is in place: claims can be reported before {day_long(until)}."


def _left(days: int) -> str:
    """Return how many days are left after today."""
    if days <= 0:
        return "Today is the last day"
    return f"{days:,} day{'' if days == 1 else 's'} left"


def _priced(one: EreOffer, until: dt.date | None) -> str:
    """Return an option with its price as the carrier gives it: '3 years: $8,000.00, or 4 installments of $2,050.00'."""
    return "".join([one.option_in_words, *_price(one), *_last_day(one, until)])


def _price(one: EreOffer) -> Iterator[str]:
    if one.price is not None:
        yield f": {dollars(one.price)}"
        if one.installments and one.installment_amount is not None:
            yield f", or {one.installments} installments of {dollars(one.installment_amount)}"
            if one.finance_charge:
                yield f" with a finance charge of {dollars(one.finance_charge)}"


def _last_day(one: EreOffer, until: dt.date | None) -> Iterator[str]:
    if one.decide_by and one.decide_by != until:
        yield f" (through {day(one.decide_by)})"
