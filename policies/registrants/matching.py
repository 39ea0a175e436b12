"""Matching someone who asks for an account (S-06, S-07), in a worker: no answer depends on it.

The hooks `accounts.match_registrant` and `accounts.judge_parties`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from accounts.models.registrations import Reason
from accounts.registrants import Applicant, Match, Party
from policies.models import Policy, Policyholder
from policies.names import normalize_number
from policies.registrants.candidates import INSURED, POLICYHOLDER, Candidate, Comparison, candidates_on
from policies.registrants.filing import judge_parties


def match_registrant(applicant: Applicant) -> Match:
    """Return whom an applicant is on the policy they named, and what speaks against an account."""
    number = normalize_number(applicant.policy_number)
    policies = Policy.objects.not_retired().filter(number_normalized=number) if number else Policy.objects.none()
    matches = [_match_on(policy, applicant) for policy in policies.select_related("policyholder")]
    if not matches:
        return Match(reason=Reason.NO_POLICY)
    # Two sources may use one number. Someone is on one of the policies; a miss on the other says nothing.
    matches.sort(key=lambda match: not match.parties)
    return matches[0] if len([match for match in matches if match.parties]) < 2 else Match(reason=Reason.SEVERAL)


def _match_on(policy: Policy, applicant: Applicant) -> Match:
    compared = [candidate.compare(applicant) for candidate in candidates_on(policy)]
    people = [each.candidate for each in compared if each.fits]
    if not people:
        return Match(reason=_why_nobody(compared))
    if len({each.place for each in people}) < len(people):
        return Match(reason=Reason.SEVERAL)
    match = judge_parties(_parties(policy, people))
    # An account that is there, or access that someone ended, says more than the policy's state.
    if match.reason in {Reason.HAS_ACCOUNT, Reason.ACCESS_ENDED}:
        return match
    if policy.status == Policy.Status.PENDING:
        return replace(match, reason=Reason.PENDING)
    if policy.has_ended(policy.today()) or all(each.has_ended for each in people):
        return replace(match, reason=Reason.ENDED)
    return match


def _parties(policy: Policy, people: Sequence[Candidate]) -> list[Party]:
    """Return whom the candidates are, and the individual policyholder that one of them is as well."""
    parties = [each.party for each in people]
    holder = policy.policyholder
    if holder.kind == Policyholder.Kind.INDIVIDUAL and Party(kind=INSURED, id=holder.insured_id or 0) in parties:
        parties.append(Party(kind=POLICYHOLDER, id=holder.pk))
    return parties


def _why_nobody(compared: Iterable[Comparison]) -> Reason:
    """Return the nearest miss: what staff should ask about."""
    reasons = {_miss(each) for each in compared}
    nearest = (Reason.ZIP, Reason.NO_BIRTH_DATE, Reason.BIRTH_DATE, Reason.NAME)
    return next((reason for reason in nearest if reason in reasons), Reason.NO_PERSON)


def _miss(compared: Comparison) -> Reason:
    if compared.name and not compared.candidate.birth:
        return Reason.NO_BIRTH_DATE
    if compared.name and compared.birth:
        return Reason.ZIP
    if compared.name and compared.zip:
        return Reason.BIRTH_DATE
    if compared.birth and compared.zip:
        return Reason.NAME
    return Reason.NO_PERSON
