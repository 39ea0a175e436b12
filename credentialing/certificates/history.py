"""A letter's list: the ended coverage of one insured with one company, as far as the issuer sees it.

Insureds list every term that they had with the company. A group or its agent lists the coverage on that policyholder's
policies: it's up to the insureds to say where else they were insured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.eligibility import judge_now
from policies.models import Coverage, Membership, Policy, Term, reach_of

if TYPE_CHECKING:
    from accounts.models import User
    from policies.eligibility import Eligibility

PART_ORDER = {part: place for place, part in enumerate(Coverage.Part.values)}


@dataclass(frozen=True)
class History:
    """The ended coverages, latest first. `whole`: all with the company, not only one policyholder's.

    `goes_on`: the insured has later coverage under the letter's policy, so only the term has ended. `continued`: the
    insured's coverage on the policy that continues it.
    """

    coverages: list[Coverage]
    whole: bool
    goes_on: bool
    continued: Coverage | None = None


def history_of(coverage: Coverage, eligibility: Eligibility, *, user: User, membership: Membership) -> History:
    """Return what the letter of `coverage` lists when `user` issues it by `membership`. One query, one more where
    another policy continues this one, and what the rule asks.

    `coverage` comes `with_policy`; `eligibility` is the one that allows the letter.
    """
    policy = coverage.term.policy
    seen = Coverage.objects.visible_to(user).with_policy()
    seen = seen.filter(insured=coverage.insured, term__policy__company=policy.company)
    whole = _is_insured(coverage, user, membership)
    if not whole:
        seen = seen.filter(term__policy__policyholder=policy.policyholder)
    everything = list(seen)
    goes_on = any(
        each.term.policy_id == policy.pk
        and each.term.status in Term.TAKEN_UP
        and eligibility.ends is not None
        and each.ends > eligibility.ends
        for each in everything
    )
    return History(
        coverages=sorted(
            _ended(everything, {coverage.pk: eligibility}),
            key=lambda each: (-each.effective.toordinal(), PART_ORDER[each.part]),
        ),
        whole=whole,
        goes_on=goes_on,
        continued=None if goes_on else _continued(coverage, eligibility, user=user, whole=whole),
    )


def _continued(coverage: Coverage, eligibility: Eligibility, *, user: User, whole: bool) -> Coverage | None:
    """Return the insured's coverage of the same part that went on without a gap on the policy that replaced this one.

    Only one that the issuer sees, and may speak of: a group doesn't say where else its clinicians were insured.
    """
    policy, ends = coverage.term.policy, eligibility.ends
    if policy.replaced_by_id is None or ends is None:
        return None
    seen = Coverage.objects.visible_to(user).with_policy()
    seen = seen.filter(insured=coverage.insured, part=coverage.part, term__policy=policy.replaced_by_id)
    if not whole:
        seen = seen.filter(term__policy__policyholder=policy.policyholder)
    seen = seen.filter(term__status__in=Term.TAKEN_UP, effective__lte=ends, expires__gt=ends)
    found = (one for one in seen.order_by("effective", "pk") if one.ends > ends)
    return next((one for one in found if one.term.policy.status != Policy.Status.PENDING), None)


def _is_insured(coverage: Coverage, user: User, membership: Membership) -> bool:
    """Whether the insured issues the letter, as such or as their own policyholder."""
    if membership.role == Membership.Role.INSURED:
        return True
    is_own_policy = coverage.term.policy.policyholder.insured_id == coverage.insured_id
    return is_own_policy and coverage.insured_id in reach_of(user).insured_ids


def _ended(everything: list[Coverage], judged: dict[int, Eligibility]) -> list[Coverage]:
    """Return those that give a letter, and the segments before a change in mid-term that belong to them."""
    found = {}
    for last in everything:
        eligibility = judged.get(last.pk) or judge_now(last)
        if not eligibility.is_letter or eligibility.starts is None or eligibility.ends is None:
            continue
        for each in everything:
            is_segment = (each.term_id, each.part, each.form) == (last.term_id, last.part, last.form)
            if is_segment and eligibility.starts <= each.effective < each.ends <= eligibility.ends:
                found[each.pk] = each
    return list(found.values())
