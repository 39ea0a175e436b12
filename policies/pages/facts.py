"""What a page says about a coverage beyond its form, dates, and limits: in words, from `policies.models.details`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from core.money import whole_dollars
from core.templatetags.show import day
from policies.models import Coverage, EreOffer
from policies.models.details import details_of
from policies.words import lower_first

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from policies.models.details import Details, EndorsementRow, FundRow, SegmentRow, SuspensionRow, TailRow


class Line(NamedTuple):
    """One line of a fact, with a note in smaller type."""

    text: str
    note: str = ""


class Fact(NamedTuple):
    """A fact with its heading; `short` is how a row's summary names it, in the middle of a sentence."""

    heading: str
    lines: list[Line]
    short: str = ""


class Facts(NamedTuple):
    """What belongs to a coverage. `today`: why today isn't covered, in a few words. `gap`: a gap before it.

    `suspended`: the days of it that aren't covered, each to the first that is again; `leave` says the same in words.
    """

    facts: list[Fact]
    gap: str
    today: list[str]
    suspended: list[tuple[dt.date, dt.date]]
    leave: list[Line]

    @property
    def now(self) -> list[str]:
        """Days not covered that one should know of at once."""
        return [self.gap, *self.today] if self.gap else self.today

    @property
    def summary(self) -> str:
        """What opens to the facts: "Fund and 2 endorsements", "Leave, changes, and more"."""
        named = [fact.short for fact in self.facts if fact.short][:MOST_NAMED]
        if not named:
            return "Coverage details" if self.facts else ""
        return _sentence(_listed([*named, "more"] if len(named) < len(self.facts) else named))


MOST_NAMED = 3
DEFENSE, BASIS = dict(Coverage.Defense.choices), dict(Coverage.DeductibleBasis.choices)


def facts_of(coverage: Coverage, on: dt.date, *, whole: bool, tails: bool) -> Facts:
    """Return what belongs to a coverage that was read with its details, its term, and its segments. No query.

    `whole`: for those who see the policy whole, with the cost center. `tails`: for those who may see tails.
    """
    return _Reading(coverage, details_of(coverage), on).facts(whole=whole, tails=tails)


class _Reading:
    """The details of one coverage, read on a day."""

    def __init__(self, coverage: Coverage, details: Details, on: dt.date) -> None:
        self.coverage, self.details, self.on = coverage, details, on
        self.starts, self.ends = coverage.period
        self.suspended = self._suspensions() if details.suspensions else []
        self.gap = self._gap() if details.segments else None
        self.leave = self._leave()

    def facts(self, *, whole: bool, tails: bool) -> Facts:
        c = self.coverage
        # Most coverages have few of them: no object is made for the others.
        found: list[tuple[str, list[Line], str]] = [
            ("Days not covered", self._not_covered(), "leave" if self.suspended else "gap"),
            ("Changes in this term", self._changes() if self.details.segments else [], "changes"),
            ("Prior limits", self._prior_limits(), "prior limits"),
            ("Limits shared with", _lines(c.limits_shared_with), ""),
            ("Defense costs", _lines(DEFENSE.get(c.defense, c.defense).capitalize()), ""),
            (
                "Deductible applies to",
                _lines(BASIS.get(c.deductible_basis, "").capitalize() if c.deductible else ""),
                "",
            ),
            ("Scope of coverage", _lines(c.scope), ""),
            ("Covered states", _lines(c.states), ""),
            ("Locum tenens", _lines(c.locum), ""),
            ("Practice site", _lines(c.site), ""),
            ("Cost center", _lines(c.cost_center if whole else ""), ""),
            ("Patient compensation fund", self._funds(), "fund"),
            ("Additional benefits", [Line(extra.label, extra.limit) for extra in self.details.extras], ""),
            self._endorsements(),
            ("Tail (extended reporting)", self._tails() if tails else [], "tail"),
        ]
        before = f"Not covered {_span(*self.gap)}" if self.gap else ""
        suspended = [(first, last or self.ends) for first, last, _ in self.suspended]
        facts = [Fact(heading, lines, short) for heading, lines, short in found if lines]
        return Facts(facts, before, list(self._today()), suspended, self.leave)

    def _suspensions(self) -> list[tuple[dt.date, dt.date | None, SuspensionRow]]:
        """Return the days on which the coverage is suspended, as far as it goes."""
        found = []
        for one in self.details.suspensions:
            first, last = max(one.starts, self.starts), one.ends
            if first < self.ends and (last is None or first < last):
                found.append((first, min(last, self.ends) if last else None, one))
        return sorted(found, key=lambda each: each[0])

    def _gap(self) -> tuple[dt.date, dt.date] | None:
        """Return the days between the coverage of this part before, in the same term, and this one; None without."""
        ended = [self.coverage.term.end_of(other.expires) for other in self.details.segments]
        goes_on = any(o.effective < self.starts < o.expires or o.expires == self.starts for o in self.details.segments)
        last = max((end for end in ended if end < self.starts), default=None)
        return None if last is None or goes_on else (last, self.starts)

    def _not_covered(self) -> list[Line]:
        return [*([Line(_span(*self.gap), "Gap in coverage")] if self.gap else []), *self.leave]

    def _leave(self) -> list[Line]:
        return [
            Line(_span(first, last), one.reason if one.is_leave else "Suspended") for first, last, one in self.suspended
        ]

    def _today(self) -> Iterator[str]:
        for first, last, one in self.suspended:
            if first <= self.on and (last is None or self.on < last):
                what = "On leave" if one.is_leave else "Suspended"
                yield f"{what}, not covered until {day(last)}" if last else f"{what}, not covered for now"

    def _changes(self) -> list[Line]:
        """Return the steps of the chain of segments: what changed, and when."""
        by_id: dict[int | None, Coverage | SegmentRow] = {other.pk: other for other in self.details.segments}
        by_id[self.coverage.pk] = self.coverage
        chain = [by_id[link.pk] for link in self.coverage.links if link.pk in by_id and link.starts < self.ends]
        lines = []
        for before, after in pairwise(chain):
            verb = "changed" if after.effective <= self.on else "will change"
            steps = list(_steps(before, after))
            what = _listed([name for name, _ in steps]) or "coverage"
            note = "; ".join(words for _, words in steps)
            lines.append(Line(f"{what.capitalize()} {verb} on {day(after.effective)}", note))
        return lines

    def _prior_limits(self) -> list[Line]:
        return [
            Line(
                f"{whole_dollars(one.limit_per_claim)} / {whole_dollars(one.limit_aggregate)}",
                f"for incidents before {day(one.incidents_before)}",
            )
            for one in self.details.prior_limits
        ]

    def _funds(self) -> list[Line]:
        if self.details.funds:
            return [_fund(one) for one in self.details.funds]
        return [Line(self.coverage.fund, self.coverage.fund_limits)] if self.coverage.fund else []

    def _endorsements(self) -> tuple[str, list[Line], str]:
        rows = self.details.endorsements
        lines = [self._endorsement(one) for one in rows] if rows else [Line(t) for t in self.coverage.endorsement_list]
        count = len(lines)
        return "Endorsements", lines, f"{count} endorsement{'' if count == 1 else 's'}"

    def _endorsement(self, one: EndorsementRow) -> Line:
        notes = []
        if one.effective and one.effective != self.starts:
            notes.append(f"{'from' if one.effective > self.on else 'since'} {day(one.effective)}")
        if one.expires and one.expires != self.ends:
            notes.append(f"{'until' if one.expires > self.on else 'ended'} {day(one.expires)}")
        if one.on_certificate:
            notes.append("printed on certificates")
        return Line(f"{one.form} {one.title}", _sentence(", ".join(notes)))

    def _tails(self) -> list[Line]:
        """Return how the tail is: in place, elected, or on offer; once coverage has ended, that there is none."""
        if self.coverage.form == Coverage.Form.OCCURRENCE:
            return [Line("Not needed: occurrence form")] if self._is_over() else []
        on_record = [one for one in self.details.tails if one.status in EreOffer.ON_RECORD]
        if on_record:
            return [_tail(one) for one in on_record]
        open_ = [
            one
            for one in self.details.tails
            if one.status == EreOffer.Status.OFFERED and (one.decide_by is None or one.decide_by >= self.on)
        ]
        if open_:
            options = ", ".join(dict.fromkeys(lower_first(one.option_in_words) for one in open_))
            until = min((one.decide_by for one in open_ if one.decide_by), default=None)
            return [Line("Offered", f"{options}; decide by {day(until)}" if until else options)]
        return [Line("None on record")] if self._is_over() else []

    def _is_over(self) -> bool:
        return is_over(self.coverage, self.ends, self.details, self.on)


def is_over(coverage: Coverage, ends: dt.date, details: Details, on: dt.date) -> bool:
    """Whether coverage has ended for good, as far as we know: before its term, or with a policy that none continues."""
    term = coverage.term
    if term.policy.replaced_by_id is not None:
        return False
    if ends > on or any(other.expires > ends for other in details.segments):
        return False
    return ends < term.expires or term.policy.has_ended(on)


def _lines(text: str) -> list[Line]:
    return [Line(text)] if text else []


def _listed(names: list[str]) -> str:
    """Return "fund", "fund and changes", or "fund, changes, and leave"."""
    if len(names) <= 2:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _span(first: dt.date, last: dt.date | None) -> str:
    return f"{day(first)} – {day(last)}" if last else f"From {day(first)} until further notice"


def _steps(before: Coverage | SegmentRow, after: Coverage | SegmentRow) -> Iterator[tuple[str, str]]:
    """Yield what differs between two segments: its name, and from what to what."""
    limits = [f"{whole_dollars(c.limit_per_claim)} / {whole_dollars(c.limit_aggregate)}" for c in (before, after)]
    if limits[0] != limits[1]:
        yield "limits", f"from {limits[0]} to {limits[1]}"
    if before.specialty != after.specialty:
        yield "specialty", f"from {before.specialty or 'none'} to {after.specialty or 'none'}"
    if before.retroactive_text != after.retroactive_text:
        yield "retroactive date", f"from {before.retroactive_text} to {after.retroactive_text}"
    if before.deductible != after.deductible:
        yield "deductible", f"from {_amount(before)} to {_amount(after)}"
    if before.limits_shared != after.limits_shared:
        yield "sharing of limits", "now shared" if after.limits_shared else "now separate"


def _amount(coverage: Coverage | SegmentRow) -> str:
    return whole_dollars(coverage.deductible) if coverage.deductible else "none"


def _fund(one: FundRow) -> Line:
    """Return an enrollment as reported to us: with its own form and dates."""
    dates = _span(one.effective, one.expires) if one.expires else f"since {day(one.effective)}"
    return Line(one.fund, ", ".join(filter(None, (one.limits, one.form.lower(), dates))))


def _tail(one: TailRow) -> Line:
    dates = f"from {day(one.starts)}" if one.starts else ""
    if one.starts and one.ends:
        dates = _span(one.starts, one.ends)
    return Line(one.option_in_words, _sentence(", ".join(filter(None, (EreOffer.ON_RECORD[one.status], dates)))))
