"""What a user may do with a policy: the memberships that reach it, read through the table in `policies.roles`.

A membership opens a capability when all of these are true. One such membership is enough.

    offered        the company has the service switched on, where the rule names one
    billed         we bill the latest term directly, where the rule asks for it
    role           the role has the capability; once coverage has ended, it also has to keep it
    administrator  the membership is an administrator's, where the rule asks for it
    granted        the capability was granted to this membership, where the rule asks for it of the role, or where the
                   membership opens only what is named; to a delegate's, everything but seeing is given one by one,
                   and its giver still has it
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from core.dates import carrier_today
from policies.models import Membership, Policy, Reach, Term, reach_of
from policies.roles import BASE, RULES, Capability, Rule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator

    from django.db.models import QuerySet

    from accounts.models import User


def require(user: User, capability: Capability, policy: Policy) -> None:
    """Raise `PermissionDenied` (403) unless the user may; fetch the policy through `visible_to` first, for the 404."""
    if capability not in capabilities(user, policy, among=[capability]):
        raise PermissionDenied(f"{capability} is not open to this user for this policy")


def capabilities(user: User, policy: Policy, *, among: Collection[Capability] = tuple(Capability)) -> set[Capability]:
    """Return everything that the user may do with the policy: the union over their memberships.

    Empty for an outsider; then the policy isn't in `visible_to(user)` either. `among` narrows the question to some
    capabilities. At most one query for the agents of record, one for the policy's terms, and one for an insured's
    coverages, each only where an answer depends on it.
    """
    possible = {capability for capability in among if _is_possible(RULES[capability], policy)}
    granted: set[Capability] = set()
    reach = reach_of(user)
    for membership in _reaching(reach, policy):
        access = _Access(reach, membership, policy)
        granted.update(capability for capability in possible - granted if access.opens(capability))
        if granted == possible:
            break
    if policy.policyholder_id in reach.child_ids:
        # A parent's administrators see a child's policies; what is done with them is the child's.
        granted.update(possible & BASE)
    return granted


def reaching(user: User, policy: Policy) -> list[Membership]:
    """Return the user's memberships by which they see this policy."""
    return list(_reaching(reach_of(user), policy))


def by_which(user: User, capability: Capability, policy: Policy, *, after_end: bool = False) -> Membership | None:
    """Return the membership by which the user may do something with a policy; None where they may not.

    Who may by several acts as the policyholder first, then as the agent. `after_end`: a role that has the capability
    keeps it for this once coverage has ended, as to ask for reinstatement.
    """
    rule = RULES[capability]
    if not _is_possible(rule, policy):
        return None
    if after_end:
        rule = replace(rule, historic=rule.roles)
    reach = reach_of(user)
    return next((m for m in _reaching(reach, policy) if _Access(reach, m, policy).has(rule, capability)), None)


def holds(user: User, capability: Capability) -> bool:
    """Whether any of the user's memberships has the capability, on whatever policy: to offer what leads to it."""
    return bool(_having(reach_of(user), capability))


def reach_with(user: User, capability: Capability, *, asks_policy: bool = False) -> Reach:
    """Return the part of the user's reach that comes by memberships with the capability: for rows of many policies.

    Raises ValueError for a capability that also depends on the policy: its company, who bills it, or whether it has
    ended. `asks_policy`: the caller judges each policy by that itself.
    """
    rule = RULES[capability]
    depends = rule.service is not None or rule.direct_billing or rule.historic != rule.roles
    if depends and not asks_policy:
        raise ValueError(f"{capability} depends on the policy")
    return _having(reach_of(user), capability)


def _having(reach: Reach, capability: Capability) -> Reach:
    """Return the part of a reach whose memberships have the role, the rank, and the grant for a capability."""
    rule = RULES[capability]
    return Reach(
        tuple(
            each
            for each in reach.memberships
            if each.role in rule.roles
            and (each.administrator or not rule.administrators)
            and _is_granted(each, rule, capability)
        )
    )


def _is_granted(membership: Membership, rule: Rule, capability: Capability) -> bool:
    giver = membership.given_under
    if giver is not None:
        given = capability in BASE or capability in membership.capabilities
        return given and _is_granted(giver, rule, capability)
    if membership.named_only:
        return capability in membership.capabilities
    return membership.role not in rule.switch or capability in membership.capabilities


def share_rows(one: User, other: User) -> bool:
    """Whether two users have a party or a policy in common by any membership that isn't revoked, whatever else keeps it
    from opening anything now. The hook `accounts.share_rows`: staff don't look at their own parties."""
    first, second = (Reach(tuple(_held(user_id=user.pk))) for user in (one, other))
    if not (first and second):
        return False
    if {m.party_key for m in first.memberships} & {m.party_key for m in second.memberships}:
        return True
    return Policy.objects.filter(first.policies()).filter(second.policies()).exists()


def _held(*, user_id: int) -> QuerySet[Membership]:
    return Membership.objects.filter(user_id=user_id, revoked_at=None)


def _is_possible(rule: Rule, policy: Policy) -> bool:
    """Whether anyone may do it: the company offers it, and we bill where billing matters."""
    if rule.service is not None and not policy.company.offers(rule.service):
        return False
    return not rule.direct_billing or _is_billed_directly(policy)


def _is_billed_directly(policy: Policy) -> bool:
    """Whether we bill the latest term that was taken up. It decides after the term, too.

    False for agency-billed and premium-financed terms, and where we don't know who bills.
    """
    for term in policy.terms_on_file:
        if term.status in (*Term.TAKEN_UP, Term.Status.ACCEPTED):
            return term.billing == Term.Billing.DIRECT
    return False


def _reaching(reach: Reach, policy: Policy) -> Iterator[Membership]:
    """Yield memberships, those that cost no query first: `capabilities` stops once everything is granted."""
    yield from _as_policyholder(reach, policy)
    yield from _as_agent(reach, policy)
    yield from _as_insured(reach, policy)


def _as_policyholder(reach: Reach, policy: Policy) -> list[Membership]:
    return [m for m in reach.memberships if m.policyholder_id == policy.policyholder_id]


def _as_agent(reach: Reach, policy: Policy) -> list[Membership]:
    """At the policy's agency of record of today. One query, for agents only."""
    if not reach.agency_ids:
        return []
    today = carrier_today()
    of_record = {appointment.agency_id for appointment in policy.appointments if appointment.is_in_office(today)}
    return [m for m in reach.memberships if m.agency_id in of_record]


def _as_insured(reach: Reach, policy: Policy) -> list[Membership]:
    """As an insured with a coverage on the policy, of any time. One query, for insureds only."""
    insured_ids = {coverage.insured_id for coverage in reach.own_coverages(policy)}
    return [m for m in reach.memberships if m.insured_id in insured_ids]


@dataclass
class _Access:
    """One membership, of those that `reach` holds, on one policy that it reaches."""

    reach: Reach
    membership: Membership
    policy: Policy

    def opens(self, capability: Capability) -> bool:
        """Whether the membership opens a capability that is possible on the policy."""
        return self.has(RULES[capability], capability)

    def has(self, rule: Rule, capability: Capability) -> bool:
        """Whether the membership meets this rule of a capability."""
        return self._has_role(rule) and self._has_rank(rule) and self._has_grant(rule, capability)

    def _has_role(self, rule: Rule) -> bool:
        role = self.membership.role
        if role not in rule.roles:
            return False
        return role in rule.historic or not self._is_historic

    def _has_rank(self, rule: Rule) -> bool:
        return self.membership.administrator or not rule.administrators

    def _has_grant(self, rule: Rule, capability: Capability) -> bool:
        """Whether it was granted, where the rule asks for that. To a delegate everything is given one by one, and
        nothing that the giver hasn't got any more."""
        return _is_granted(self.membership, rule, capability)

    @cached_property
    def _is_historic(self) -> bool:
        """Whether what the membership reaches has ended, by the named insured's day. Asked at most once."""
        today = self.policy.today()
        if self.policy.has_ended(today):
            return True
        if self.membership.role != Membership.Role.INSURED:
            return False
        return not self._insured_is_covered_after(today)

    def _insured_is_covered_after(self, day: dt.date) -> bool:
        """Whether this insured's own coverage goes on, or is to come in a term accepted or bound. An offer isn't."""
        running = {term.pk for term in self.policy.terms_on_file if term.runs_past(day)}
        return any(
            coverage.insured_id == self.membership.insured_id and coverage.term_id in running and coverage.expires > day
            for coverage in self.reach.own_coverages(self.policy)
        )
