"""What a user may do with a policy: her memberships that reach it, read through the table in `policies.roles`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from policies.models import AgentOfRecord, Coverage, Membership, Policy, Term
from policies.roles import RULES, Capability, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from accounts.models import User


def capabilities(user: User, policy: Policy, *, among: Collection[Capability] | None = None) -> frozenset[Capability]:
    """Everything that the user may do with the policy: the union over her roles, less what the company doesn't offer.

    Empty for an outsider; then the policy isn't in `visible_to(user)` either. `among` narrows the question to some
    capabilities. Costs one query for the memberships; one more for an insured's standing and one for who bills, each
    only where an answer depends on it.
    """
    memberships = reaching(user, policy)
    if not memberships:
        return frozenset()
    known: dict[int, bool] = {}

    def is_historic(membership: Membership) -> bool:
        if membership.pk not in known:
            known[membership.pk] = _is_historic(membership, policy)
        return known[membership.pk]

    found = {
        capability
        for capability in (RULES if among is None else among)
        if (rule := RULES[capability]).service is None or policy.company.offers(rule.service)
        if any(_opens(rule, capability, membership, is_historic) for membership in memberships)
    }
    if any(RULES[capability].direct_billing for capability in found) and not _is_billed_directly(policy):
        found = {capability for capability in found if not RULES[capability].direct_billing}
    return frozenset(found)


def require(user: User, capability: Capability, policy: Policy) -> None:
    """Raise `PermissionDenied` (403) unless the user may; fetch the policy through `visible_to` first, for the 404."""
    if capability not in capabilities(user, policy, among=[capability]):
        raise PermissionDenied(f"{capability} is not open to this user for this policy")


def reaching(user: User, policy: Policy) -> list[Membership]:
    """The user's live memberships by which she sees this policy."""
    insured_here = Coverage.objects.live().filter(term__policy=policy).values("insured_id")
    serving = AgentOfRecord.objects.today().filter(policy=policy).values("agency_id")
    return list(
        Membership.objects.live()
        .filter(user=user)
        .filter(Q(policyholder_id=policy.policyholder_id) | Q(insured_id__in=insured_here) | Q(agency_id__in=serving))
    )


def _opens(
    rule: Rule, capability: Capability, membership: Membership, is_historic: Callable[[Membership], bool]
) -> bool:
    """Whether this membership opens the capability; its standing is asked for only where the role's rights differ."""
    while_current, afterwards = membership.role in rule.roles, membership.role in rule.historic
    if while_current == afterwards:
        open_now = while_current
    else:
        open_now = afterwards if is_historic(membership) else while_current
    if not open_now or (rule.administrators and not membership.administrator):
        return False
    return membership.role not in rule.switch or capability.value in membership.capabilities


def _is_historic(membership: Membership, policy: Policy) -> bool:
    """Whether what the membership reaches has ended: the policy, or this insured's coverage on it.

    A coverage still to come counts as current when its term is accepted or bound; an offer does not.
    """
    if policy.has_ended:
        return True
    if membership.role != Membership.Role.INSURED:
        return False
    still = Coverage.objects.live().filter(
        term__policy=policy,
        term__status__in=(Term.Status.BOUND, Term.Status.ACCEPTED),
        insured_id=membership.insured_id,
        expires__gt=policy.today(),
    )
    return not still.exists()


def _is_billed_directly(policy: Policy) -> bool:
    """Agency-billed and premium-financed terms have no Pay: the latest bound or accepted term decides."""
    latest = (
        Term.objects.live()
        .filter(policy=policy, status__in=(Term.Status.BOUND, Term.Status.ACCEPTED))
        .order_by("-effective")
        .first()
    )
    return latest is None or latest.billing == Term.Billing.DIRECT
