"""What a coverage gives on a day: a certificate, a letter of past coverage, or nothing and why.

This is the one place of the rule (SPEC: what each status gives):

    active                          certificate
    pending cancellation            certificate with the date stated
    bound term to come              certificate with its future dates
    cancelled, expired, nonrenewed  letter of past coverage with its end date; so too where the coverage of one insured
                                    has ended, and for a past term of an active policy
    pending, or only offered        nothing
    data too old                    nothing until fresh data has come

Days are the named insured's (`Policy.today`); a period's first day is in, its last day is out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.templatetags.show import day_long, moment
from credentialing.freshness import data_as_of, is_stale
from credentialing.models import Certificate
from policies.models import Policy, Term

if TYPE_CHECKING:
    from policies.models import Coverage

KIND = Certificate.Kind


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be issued.

    `kind` is empty where nothing may, and `reason` then says why in a sentence. `ends` is the day on which the coverage
    ends or ended; `how_it_ended` one of cancelled, expired, nonrenewed, left, past_term (letters only).
    """

    kind: str
    reason: str = ""
    ends: dt.date | None = None
    cancellation_effective: dt.date | None = None
    begins: dt.date | None = None
    renewal: bool = False
    how_it_ended: str = ""

    @property
    def allows(self) -> bool:
        """Whether anything may be issued."""
        return bool(self.kind)

    @property
    def is_letter(self) -> bool:
        """Whether it is the letter of past coverage."""
        return self.kind == KIND.PAST_COVERAGE


def judge_now(coverage: Coverage) -> Verdict:
    """The verdict today, with the data's age asked for. `coverage` comes with its term, policy and policyholder."""
    policy = coverage.term.policy
    verdict = judge(coverage, day=policy.today(), as_of=data_as_of(policy.source))
    if verdict.how_it_ended in (Policy.Status.EXPIRED, Policy.Status.NONRENEWED) and _was_renewed(coverage.term):
        return replace(verdict, how_it_ended="past_term")
    return verdict


def judge(coverage: Coverage, *, day: dt.date, as_of: dt.datetime | None) -> Verdict:
    """The verdict on `day` from data as of `as_of`; no query where the coverage comes with its term and policy."""
    if as_of is None:
        return _nothing("The company’s data has not been loaded yet.")
    if is_stale(coverage.term.policy.source, as_of):
        return _nothing(
            f"The company’s data is from {moment(as_of)}, too old to certify from. Certificates can be issued again as "
            "soon as fresh data has come."
        )
    return _by_term(coverage, day) or _by_policy(coverage, day)


def _by_term(coverage: Coverage, day: dt.date) -> Verdict | None:
    """What the term's own status decides; None where it is bound, and where it is past."""
    term = coverage.term
    status = Term.Status
    if term.status == status.OFFERED:
        return _nothing("This term is offered, not bound. An offer is not coverage.")
    if term.status == status.ACCEPTED:
        return _nothing("This term is accepted, but the company has not bound it yet.")
    if term.status == status.DECLINED:
        return _nothing("The offer of this term was declined, so there is no coverage to certify.")
    if term.status == status.CANCELLED and coverage.effective > day:
        return _nothing("This term was cancelled before it began.")
    return None


def _by_policy(coverage: Coverage, day: dt.date) -> Verdict:
    """What the policy's status and the dates decide, for a term that is or was bound."""
    term, policy = coverage.term, coverage.term.policy
    if policy.status == Policy.Status.PENDING:
        return _nothing("This policy is pending: the company has not put it in force.")
    if policy.has_ended:
        return _letter_of_ended_policy(coverage, day)
    if term.status != Term.Status.BOUND or coverage.expires <= day:
        return _letter_of_ended_coverage(coverage, day)
    if policy.status == Policy.Status.PENDING_CANCELLATION:
        return _pending_cancellation(coverage, day)
    if coverage.effective > day:
        return Verdict(
            KIND.RENEWAL, ends=coverage.expires, begins=coverage.effective, renewal=_is_renewal(coverage, day)
        )
    return Verdict(KIND.COI, ends=coverage.expires)


def _pending_cancellation(coverage: Coverage, day: dt.date) -> Verdict:
    """A certificate that states the date of the cancellation; nothing where that date has come or isn't known."""
    cancelled = coverage.term.policy.cancellation_effective
    if cancelled is None:
        return _nothing("This policy is pending cancellation, and the company has not given the date yet.")
    if cancelled <= day:
        return _nothing(
            f"This policy was to be cancelled on {day_long(cancelled)}. The company has not said yet whether it was."
        )
    if cancelled <= coverage.effective:
        return _nothing(f"This policy is to be cancelled on {day_long(cancelled)}, before this coverage begins.")
    begins = coverage.effective if coverage.effective > day else None
    return Verdict(
        KIND.PENDING_CANCELLATION,
        ends=coverage.expires,
        # A cancellation after this coverage has run out doesn't touch it, but it is the policy's status all the same.
        cancellation_effective=cancelled,
        begins=begins,
        renewal=begins is not None and _is_renewal(coverage, day),
    )


def _letter_of_ended_policy(coverage: Coverage, day: dt.date) -> Verdict:
    """The letter of a policy that was cancelled, has expired or was not renewed."""
    policy = coverage.term.policy
    ends = coverage.expires
    if policy.status == Policy.Status.CANCELLED:
        cancelled = policy.cancellation_effective or policy.status_date
        if cancelled is None and ends > day:
            return _nothing("This policy was cancelled, and the company has not given the date yet.")
        if cancelled is not None and cancelled < ends:
            ends = cancelled
    if ends <= coverage.effective or coverage.effective > day:
        return _nothing("This coverage never took effect.")
    return Verdict(KIND.PAST_COVERAGE, ends=ends, how_it_ended=_how(coverage, ends))


def _letter_of_ended_coverage(coverage: Coverage, day: dt.date) -> Verdict:
    """The letter of coverage that has ended while the policy goes on: a past term, or an insured who has left."""
    if coverage.expires > day:
        return _nothing("This term has ended early, and the company has not given the end date of the coverage yet.")
    return Verdict(KIND.PAST_COVERAGE, ends=coverage.expires, how_it_ended=_how(coverage, coverage.expires))


def _how(coverage: Coverage, ends: dt.date) -> str:
    """How the coverage ended: with its policy or its term, or before both because the insured left."""
    term, policy = coverage.term, coverage.term.policy
    if policy.status == Policy.Status.CANCELLED and ends == (policy.cancellation_effective or policy.status_date):
        return "cancelled"
    if ends < term.expires and term.status != Term.Status.CANCELLED:
        return "left"
    return str(policy.status) if policy.status in (Policy.Status.EXPIRED, Policy.Status.NONRENEWED) else "past_term"


def _was_renewed(term: Term) -> bool:
    """Whether another term came after this one, so that its end was not the policy's."""
    taken_up = (Term.Status.BOUND, Term.Status.EXPIRED, Term.Status.CANCELLED)
    return Term.objects.live().filter(policy=term.policy, effective__gte=term.expires, status__in=taken_up).exists()


def _is_renewal(coverage: Coverage, day: dt.date) -> bool:
    """Whether the whole term is still to come, not only this insured's place in the current one."""
    return coverage.term.effective > day


def _nothing(reason: str) -> Verdict:
    return Verdict("", reason=reason)
