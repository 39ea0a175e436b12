"""What a coverage gives on a day: a certificate, a letter of past coverage, or nothing and why.

This is the one place of the rule (docs/spec.md#what-a-day-gives). Links, pages, and issuing all ask
here. The date decides, not the word:

    in force                        certificate; a nonrenewal ahead isn't mentioned
    cancellation ahead              by the company's setting: certificate with the date, a request to staff, or nothing
    its date has passed, unsettled  nothing that speaks of today; letters about what ended before it still
    bound, to begin                 certificate with its future dates
    ended                           letter of past coverage
    changed in mid-term             one chain of coverage: the segment of today speaks for all of it
    not bound                       nothing
    data too old                    nothing that speaks of today; letters still
    no form where the state wants   nothing, and a request to staff

A certificate is of one insured in one term and holds several parts. Each is judged for itself (`judge_parts`), and the
certificate holds those that give the same. It can be about another day of the term than today: what is in force on that
day, as far as we know today.

Days are the named insured's (`Policy.today`). A period's first day is in, its last day is out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings

from core.areas import hook
from core.freshness import is_stale
from core.states import STATES
from core.templatetags.show import day_long, moment
from policies.freshness import data_as_of
from policies.models import Company, Coverage, Policy, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Says whether a company has the form that a paper needs; the area that keeps the registry offers it.
FORM_HOOK = "has_certificate_form"
PART_ORDER = {part: place for place, part in enumerate(Coverage.Part.values)}


class Paper(StrEnum):
    """What can be issued; `credentialing.models.Certificate.Kind` keeps the same values."""

    COI = "coi"
    PENDING_CANCELLATION = "coi_pending_cancellation"
    RENEWAL = "coi_renewal"
    LETTER = "past_coverage_letter"


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What may be issued, and the dates that it may state.

    `kind`: a `Paper`, or empty where nothing may be issued; `reason` then says why, in a sentence for the user.
    `starts`, `ends`: the period of the coverage, over all its segments in the term. `ends` is the term's end also where
    a cancellation is pending; it is the day of the cancellation where the policy is cancelled as of a later date.
    `cancellation_effective`: the day of a cancellation that is ahead, which the certificate states.
    `begins`: the first day, where it is still to come; `renewal`: and the whole term is.
    `how_it_ended` (letters only): 'cancelled' (only where the company says so on its letters), 'left' (this insured's
    coverage ended before the term did), or 'ended'. Never the carrier's reason.
    `lacks_form`: the `Paper` that only isn't issued because the state wants an approved form, and the company has none.
    `as_of`: the as-of time of the data that it was judged from; None where there is no data.
    """

    kind: str
    reason: str = ""
    starts: dt.date | None = None
    ends: dt.date | None = None
    cancellation_effective: dt.date | None = None
    begins: dt.date | None = None
    renewal: bool = False
    how_it_ended: str = ""
    lacks_form: str = ""
    as_of: dt.datetime | None = field(default=None, compare=False)

    @property
    def allows(self) -> bool:
        """Whether anything may be issued."""
        return bool(self.kind)

    @property
    def is_letter(self) -> bool:
        """Whether it is the letter of past coverage."""
        return self.kind == Paper.LETTER

    @property
    def speaks_of_today(self) -> bool:
        """Whether it speaks of today or the future, which old data can't."""
        return self.allows and not self.is_letter


@dataclass(frozen=True, slots=True)
class Part:
    """One coverage of an insured in a term: the segment that speaks for it on a day, and what it gives."""

    coverage: Coverage
    gives: Eligibility


def judge_now(coverage: Coverage, *, asked: dt.date | None = None) -> Eligibility:
    """Return what the coverage gives today, about today or the day asked for.

    It comes `with_policy`. One query a request, for the data's age, and one where a state wants an approved form.
    """
    policy = coverage.term.policy
    return judge(
        coverage,
        today=policy.today(),
        as_of=data_as_of(policy.source),
        asked=asked,
        has_form=partial(has_form_for, coverage),
    )


def judge_parts(coverages: Sequence[Coverage], *, asked: dt.date | None = None) -> list[Part]:
    """Return the parts of one insured's coverage in one term: professional liability first, then entity, general, and
    excess.

    `coverages` are all of them, and come `with_policy`. Of the segments of each, the one that speaks on the day is
    judged.
    """
    parts = [
        Part(coverage, judge_now(coverage, asked=asked))
        for coverage in coverages
        if coverage.leads_on(asked or coverage.term.policy.today())
    ]
    return sorted(parts, key=lambda part: (PART_ORDER[part.coverage.part], part.coverage.effective, part.coverage.pk))


def chosen_part(parts: Sequence[Part], coverage: Coverage) -> Part:
    """Return the part that a coverage belongs to: its own chain of segments. Raises LookupError without one."""
    chain = {segment.pk for segment in coverage.links}
    found = next((part for part in parts if part.coverage.pk in chain), None)
    if found is None:
        raise LookupError(f"No part has coverage {coverage.pk}.")
    return found


def judge(
    coverage: Coverage,
    *,
    today: dt.date,
    as_of: dt.datetime | None,
    asked: dt.date | None = None,
    has_form: Callable[[Eligibility], bool] | None = None,
) -> Eligibility:
    """Return what the coverage gives on `today`, from data as of `as_of`.

    `asked`: the day that the certificate is to be about. The portal certifies what it knows today, so another day only
    chooses among that. `has_form`: whether the company has the form that a paper needs; without it none is needed.
    """
    if as_of is None:
        return _nothing("We haven’t received any data for this policy yet.")
    about = asked if asked is not None else today
    eligibility = _on(coverage, today, about)
    if eligibility.speaks_of_today and is_too_old(as_of, coverage.term.policy.source):
        eligibility = _nothing(
            f"Our data is from {moment(as_of)}, too old to certify coverage from. You can create certificates again as "
            "soon as we have current data."
        )
    if about != today:
        eligibility = _about(about, eligibility, coverage)
    if eligibility.allows and has_form is not None and not has_form(eligibility):
        eligibility = replace(_nothing(_without_form(coverage, eligibility)), lacks_form=eligibility.kind)
    return replace(eligibility, as_of=as_of)


def form_state(coverage: Coverage) -> str:
    """Return the state whose rules on certificates apply: the insured's, or the named insured's where that is empty."""
    return coverage.insured.state or coverage.term.policy.policyholder.state


def has_form_for(coverage: Coverage, eligibility: Eligibility) -> bool:
    """Whether a paper may go out as far as its form is concerned: the state doesn't want one, or the company has it.

    For `judge`, where many are judged with an age of the data that is known; `judge_now` asks by itself.
    """
    state = form_state(coverage)
    if state not in settings.CERTIFICATE_FORM_STATES:
        return True
    offered = hook(FORM_HOOK)
    if offered is None:
        return True
    policy = coverage.term.policy
    return bool(offered(policy.company_id, state, letter=eligibility.is_letter, day=policy.today()))


def _without_form(coverage: Coverage, eligibility: Eligibility) -> str:
    papers = "letters of past coverage" if eligibility.is_letter else "certificates"
    state = form_state(coverage)
    return (
        f"{STATES.get(state, state)} accepts {papers} only on a form that was approved there, and we don’t have one "
        f"for {coverage.term.policy.company.name} online yet."
    )


def is_too_old(as_of: dt.datetime, source: str) -> bool:
    """Whether data is too old to certify from."""
    return settings.STALE_FEED_BLOCKS_CERTIFICATES and is_stale(as_of, source=source)


def _on(coverage: Coverage, today: dt.date, about: dt.date) -> Eligibility:
    """Return what the coverage gives today about a day, from fresh data."""
    starts, ends = coverage.period
    refusal = (
        _unbound(coverage)
        or _cut_short(coverage, ends, today)
        or _unsettled(coverage, ends, today)
        or _without_effect(coverage, today)
    )
    if refusal:
        return _nothing(refusal)
    if coverage.expires <= about and ends > coverage.expires:
        return _nothing(
            f"This coverage changed on {day_long(coverage.expires)}. Its paper comes from the coverage as changed."
        )
    if ends <= today:
        return Eligibility(Paper.LETTER, starts=starts, ends=ends, how_it_ended=_how_it_ended(coverage, ends))
    # About today, a change ahead speaks for itself; about another day, it belongs to the coverage that runs.
    first = coverage.effective if about == today else starts
    begins = first if first > today else None
    eligibility = Eligibility(
        Paper.RENEWAL if begins else Paper.COI,
        starts=begins or starts,
        ends=ends,
        begins=begins,
        renewal=coverage.term.effective > today,
    )
    cancels = coverage.term.policy.cancels_on(today)
    return _cancellation_ahead(eligibility, cancels, coverage) if cancels else eligibility


def _unbound(coverage: Coverage) -> str:
    """Return why there is no coverage at all: the term was never bound."""
    if coverage.term.policy.status == Policy.Status.PENDING:
        return "This policy is pending. It isn’t in force yet."
    match coverage.term.status:
        case Term.Status.OFFERED:
            return "This term is offered, not bound. An offer isn’t coverage."
        case Term.Status.ACCEPTED:
            return "This term is accepted, but it isn’t bound yet."
        case Term.Status.DECLINED:
            return "The offer of this term was declined, so there is no coverage to certify."
    return ""


def _cut_short(coverage: Coverage, ends: dt.date, today: dt.date) -> str:
    """Return why nothing can be said: policy or term was cut short, and the carrier hasn't said when."""
    term, policy = coverage.term, coverage.term.policy
    is_cancelled = policy.status == Policy.Status.CANCELLED
    if is_cancelled and policy.cancelled_on is None and ends > today:
        return "This policy was cancelled. We don’t have the date yet."
    # A cancelled term of a cancelled policy runs to the policy's own date.
    goes_on = term.status == Term.Status.BOUND or (is_cancelled and term.status == Term.Status.CANCELLED)
    if not goes_on and ends > today:
        if coverage.effective > today:
            return "This term was withdrawn before it began."
        return "This term ended early. We don’t have the date on which the coverage ended yet."
    return ""


def _unsettled(coverage: Coverage, ends: dt.date, today: dt.date) -> str:
    """Return why nothing can be said: a cancellation is pending without a date, or its date has passed."""
    policy = coverage.term.policy
    if policy.status != Policy.Status.PENDING_CANCELLATION:
        return ""
    cancels = policy.cancellation_effective
    if cancels is None:
        return "This policy is pending cancellation. We don’t have the date yet." if ends > today else ""
    if cancels <= today and cancels < ends:
        return f"This policy was due to be cancelled on {day_long(cancels)}. We don’t know yet whether it was."
    return ""


def _without_effect(coverage: Coverage, today: dt.date) -> str:
    """Return why nothing can be certified: a cancellation comes before the coverage begins."""
    policy = coverage.term.policy
    cancels = policy.cancels_on(today)
    if cancels is not None and cancels <= coverage.effective:
        return f"This policy will be cancelled on {day_long(cancels)}, before this coverage begins."
    if coverage.ends <= coverage.effective:
        return "This coverage never took effect."
    return ""


def _cancellation_ahead(eligibility: Eligibility, cancels: dt.date, coverage: Coverage) -> Eligibility:
    """Apply the company's setting: a certificate with the date, a request to staff, or nothing. Never the reason."""
    choice = Company.PendingCancellation
    match coverage.term.policy.company.pending_cancellation:
        case choice.STATE:
            return replace(eligibility, kind=Paper.PENDING_CANCELLATION, cancellation_effective=cancels)
        case choice.STAFF:
            service = settings.SUPPORT["service"]
            return _nothing(
                "This policy is pending cancellation, so we prepare its certificates for you. To ask for one, contact "
                f"customer service: {service['phone']}, {service['email']}."
            )
    return _nothing("This policy is pending cancellation. We don’t issue certificates for it until that is settled.")


def _about(asked: dt.date, eligibility: Eligibility, coverage: Coverage) -> Eligibility:
    """Return the eligibility if the day asked for is in the term and before a known end, otherwise nothing."""
    if not eligibility.allows:
        return eligibility
    if not coverage.term.effective <= asked < coverage.term.expires:
        return _nothing(f"{day_long(asked)} isn’t in this term.")
    if eligibility.starts is not None and asked < eligibility.starts:
        verb = "began" if eligibility.is_letter or eligibility.begins is None else "begins"
        return _nothing(f"This coverage {verb} on {day_long(eligibility.starts)}, after the day that you asked for.")
    if eligibility.ends is not None and asked >= eligibility.ends:
        verb = "ended" if eligibility.is_letter else "ends"
        return _nothing(f"This coverage {verb} on {day_long(eligibility.ends)}, before the day that you asked for.")
    return eligibility


def _how_it_ended(coverage: Coverage, ends: dt.date) -> str:
    """See `Eligibility.how_it_ended`."""
    term, policy = coverage.term, coverage.term.policy
    if policy.cancelled_on == ends:
        return "cancelled" if policy.company.says_cancelled else "ended"
    return "left" if ends < term.expires and term.status != Term.Status.CANCELLED else "ended"


def _nothing(reason: str) -> Eligibility:
    return Eligibility("", reason=reason)
