"""A letter's list: the ended coverage of one insured with one company, as far as the issuer sees it.

Insureds list every term that they had with the company. A group or its agent lists the coverage on that policyholder's
policies: it's up to the insureds to say where else they were insured.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.eligibility import PART_ORDER, judge_now
from policies.models import Coverage, Membership, Policy, Term, reach_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from accounts.models import User
    from policies.eligibility import Eligibility, Part


@dataclass(frozen=True)
class History:
    """The ended coverages, latest first. `whole`: all with the company, not only one policyholder's.

    `goes_on`: what of the insured's coverage goes on under the letter's policy: 'term' (a later term, so only the term
    has ended), 'part' (another part of the same term), or empty. `continued`: the insured's coverage on the policy that
    continues it.
    """

    coverages: list[Coverage]
    whole: bool
    goes_on: str
    continued: Coverage | None = None


class Histories:
    """What letters list that `user` issues, for as many insureds as there are. One query, and what the rule asks."""

    def __init__(self, coverages: Collection[Coverage], *, user: User) -> None:
        self._own_insureds = set(reach_of(user).insured_ids)
        self._seen: defaultdict[int, list[Coverage]] = defaultdict(list)
        insured_ids = {coverage.insured_id for coverage in coverages}
        if insured_ids:
            for seen in Coverage.objects.visible_to(user).with_policy().filter(insured__in=insured_ids):
                self._seen[seen.insured_id].append(seen)

    def of(self, part: Part, *, membership: Membership) -> History:
        """Return what the letter of `part` lists when it is issued by `membership`.

        Its coverage comes `with_policy`; its eligibility is the one that allows the letter.
        """
        coverage, eligibility = part.coverage, part.gives
        policy, whole = coverage.term.policy, _is_insured(coverage, self._own_insureds, membership)
        seen = self._seen[coverage.insured_id]
        if not whole:
            seen = [each for each in seen if each.term.policy.policyholder_id == policy.policyholder_id]
        of_company = [each for each in seen if each.term.policy.company_id == policy.company_id]
        goes_on = _goes_on(of_company, coverage, eligibility)
        return History(
            coverages=sorted(
                _ended(of_company, {coverage.pk: eligibility}),
                key=lambda each: (-each.effective.toordinal(), PART_ORDER[each.part]),
            ),
            whole=whole,
            goes_on=goes_on,
            continued=None if goes_on else _continued(seen, coverage, eligibility),
        )


def _goes_on(seen: list[Coverage], coverage: Coverage, eligibility: Eligibility) -> str:
    """See `History.goes_on`."""
    later = [
        each
        for each in seen
        if each.term.policy_id == coverage.term.policy_id
        and each.term.status in Term.TAKEN_UP
        and eligibility.ends is not None
        and each.ends > eligibility.ends
    ]
    if any(each.term_id == coverage.term_id for each in later):
        return "part"
    return "term" if later else ""


def _continued(seen: list[Coverage], coverage: Coverage, eligibility: Eligibility) -> Coverage | None:
    """Return the insured's coverage of the same part that went on without a gap on the policy that replaced this one.

    Only one that the issuer sees, and may speak of: a group doesn't say where else its clinicians were insured.
    """
    policy, ends = coverage.term.policy, eligibility.ends
    if policy.replaced_by_id is None or ends is None:
        return None
    found = [
        each
        for each in seen
        if each.term.policy_id == policy.replaced_by_id
        and each.part == coverage.part
        and each.term.status in Term.TAKEN_UP
        and each.term.policy.status != Policy.Status.PENDING
        and each.effective <= ends < each.ends
    ]
    return min(found, key=lambda each: (each.effective, each.pk), default=None)


def _is_insured(coverage: Coverage, own_insureds: set[int], membership: Membership) -> bool:
    """Whether the insured issues the letter, as such or as their own policyholder."""
    if membership.role == Membership.Role.INSURED:
        return True
    is_own_policy = coverage.term.policy.policyholder.insured_id == coverage.insured_id
    return is_own_policy and coverage.insured_id in own_insureds


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
