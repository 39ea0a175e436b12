"""What a user may do with a policy: her memberships that reach it, read through the table in `policies.roles`."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from core.dates import carrier_today
from policies.models import Coverage, Membership, Policy, Term, reach_of
from policies.roles import RULES, Capability, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from accounts.models import User


def capabilities(user: User, policy: Policy, *, among: Collection[Capability] | None = None) -> frozenset[Capability]:
    """Everything that the user may do with the policy: the union over her roles, less what the company doesn't offer.

    Empty for an outsider; then the policy isn't in `visible_to(user)` either. `among` narrows the question to some
    capabilities. At most one query per role, one for the policy's terms and one for an insured's coverages, each only
    where an answer depends on it.
    """
    wanted = {
        capability
        for capability in (RULES if among is None else among)
        if (rule := RULES[capability]).service is None or policy.company.offers(rule.service)
    }
    found: set[Capability] = set()
    for membership in _reaching(user, policy):
        historic = cache(partial(_is_historic, membership, policy))
        found |= {
            capability for capability in wanted - found if _opens(RULES[capability], capability, membership, historic)
        }
        if found == wanted:
            break
    if any(RULES[capability].direct_billing for capability in found) and not _is_billed_directly(policy):
        found = {capability for capability in found if not RULES[capability].direct_billing}
    return frozenset(found)


def require(user: User, capability: Capability, policy: Policy) -> None:
    """Raise `PermissionDenied` (403) unless the user may; fetch the policy through `visible_to` first, for the 404."""
    if capability not in capabilities(user, policy, among=[capability]):
        raise PermissionDenied(f"{capability} is not open to this user for this policy")


def reaching(user: User, policy: Policy) -> list[Membership]:
    """The user's live memberships by which she sees this policy."""
    return list(_reaching(user, policy))


def _reaching(user: User, policy: Policy) -> Iterator[Membership]:
    """The policyholder's first, which cost no query, then an agent's and an insured's, which cost one each."""
    reach = reach_of(user)
    if policy.policyholder_id in reach.policyholder_ids:
        yield from (m for m in reach.memberships if m.policyholder_id == policy.policyholder_id)
    if reach.agency_ids:
        today = carrier_today()
        serving = {appointment.agency_id for appointment in policy.appointments if appointment.is_in_office(today)}
        yield from (m for m in reach.memberships if m.agency_id in serving)
    if reach.insured_ids:
        covered = Coverage.objects.live().filter(term__policy=policy, insured_id__in=reach.insured_ids).order_by()
        insured = set(covered.values_list("insured_id", flat=True))
        yield from (m for m in reach.memberships if m.insured_id in insured)


def _opens(rule: Rule, capability: Capability, membership: Membership, is_historic: Callable[[], bool]) -> bool:
    """Whether this membership opens the capability; its standing is asked for only where the role's rights differ."""
    while_current, afterwards = membership.role in rule.roles, membership.role in rule.historic
    open_now = afterwards if while_current != afterwards and is_historic() else while_current
    if not open_now or (rule.administrators and not membership.administrator):
        return False
    return membership.role not in rule.switch or capability.value in membership.capabilities


def _is_historic(membership: Membership, policy: Policy) -> bool:
    """Whether what the membership reaches has ended by the named insured's day: the policy, or this insured's coverage.

    A coverage still to come counts as current when its term is accepted or bound; an offer does not.
    """
    today = policy.today()
    if policy.has_ended(today):
        return True
    if membership.role != Membership.Role.INSURED:
        return False
    running = [term.pk for term in policy.live_terms if term.runs_past(today)]
    own = Coverage.objects.live().filter(term_id__in=running, insured_id=membership.insured_id, expires__gt=today)
    return not running or not own.exists()


def _is_billed_directly(policy: Policy) -> bool:
    """Agency-billed and premium-financed terms have no Pay, nor have those whose billing we don't know.

    The latest term that was ever taken up decides, so that it stays so after the term.
    """
    taken_up = (*Term.TAKEN_UP, Term.Status.ACCEPTED)
    latest = next((term for term in policy.live_terms if term.status in taken_up), None)
    return latest is not None and latest.billing == Term.Billing.DIRECT
