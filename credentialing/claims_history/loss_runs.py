"""Loss runs: what a state wants of them, asking for one, and telling the agent of record (docs/spec.md#b-05)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.dates import carrier_today
from core.events import record_event
from core.pdf import unprintable
from credentialing import emails
from credentialing.certificates.snapshot import texts_of
from credentialing.claims_history.issuing import UNPRINTABLE, store_papers, tell_staff
from credentialing.claims_history.snapshot import NotIssuableError, digest_of, loss_run
from credentialing.events import ClaimsPaperEvent
from credentialing.models import ClaimsPaper, ClaimsRequest, LossRunRule
from policies.models import Membership, Policy
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    import uuid
    from typing import Any

    from accounts.models import User

CAPABILITY = Capability.VIEW_LOSS_RUN


@dataclass(frozen=True)
class Terms:
    """What holds for the loss runs of one policyholder with one company."""

    state: str
    days: int
    tell_agent: bool
    show_reserves: bool


@dataclass(frozen=True)
class Scope:
    """What a loss run is of: one policy, or all policies on its billing account that the user may see.

    All of one policyholder and one company. `account`: the name on the paper, empty for one policy.
    """

    policies: list[Policy]
    account: str = ""

    @property
    def policy(self) -> Policy:
        return self.policies[0]


def terms_for(policy: Policy) -> Terms:
    """Return what the policyholder's state, or else the carrier, says of loss runs. One query."""
    state = policy.policyholder.state
    rule = LossRunRule.objects.filter(state=state).first()
    by_carrier = policy.company.external_id in settings.LOSS_RUNS_WITH_RESERVES
    return Terms(
        state=state,
        days=rule.days if rule else settings.LOSS_RUN_DAYS,
        tell_agent=bool(rule and rule.tell_agent),
        show_reserves=by_carrier or bool(rule and rule.show_reserves),
    )


def scope_of(user: User, policy: Policy, *, whole_account: bool) -> Scope:
    """Return what a loss run is of. `policy` was fetched through `visible_to(user)`. One query for an account."""
    if not whole_account or not policy.billing_account_key:
        return Scope([policy])
    return Scope(on_account(user, policy), account=policy.billing_account_key)


def on_account(user: User, policy: Policy) -> list[Policy]:
    """Return the policies on the policy's billing account, itself first, of the same policyholder and company, that the
    user may have loss runs of."""
    if not policy.billing_account_key:
        return [policy]
    reach = reach_with(user, CAPABILITY)
    others = Policy.objects.not_retired().filter(
        reach.policies(),
        source=policy.source,
        billing_account_key=policy.billing_account_key,
        policyholder=policy.policyholder_id,
        company=policy.company_id,
    )
    found = others.exclude(pk=policy.pk).select_related("company", "policyholder").order_by("number_normalized", "pk")
    return [policy, *found]


def acting_membership(user: User, policy: Policy) -> Membership:
    """Return the membership by which the user asks: the policyholder's before the agency's. Raises StopIteration where
    none has the right."""
    memberships = reach_with(user, CAPABILITY).memberships
    holding = (m for m in memberships if m.policyholder_id == policy.policyholder_id)
    today = carrier_today()
    in_office = {one.agency_id for one in policy.appointments if one.is_in_office(today)}
    serving = (m for m in memberships if m.agency_id in in_office)
    return next(found for group in (holding, serving) for found in group)


def preview(scope: Scope, terms: Terms, years: int | None) -> dict[str, Any]:
    """Return the snapshot that a loss run would have now. Raises NotIssuableError."""
    policy = scope.policy
    return loss_run(
        scope.policies,
        policyholder=policy.policyholder,
        years=years,
        reserves=terms.show_reserves,
        account=scope.account,
        today=carrier_today(),
    )


def ask(*, scope: Scope, years: int | None, by: User, key: uuid.UUID) -> ClaimsRequest:
    """Ask for a loss run: the portal makes it at once, or else the request waits for staff within the state's days.

    The same form again gives the same request. Where the state wants it, the agent of record is told.
    """
    policy, terms = scope.policy, terms_for(scope.policy)
    membership = acting_membership(by, policy)
    mine = ClaimsRequest.objects.filter(asked_by=by, idempotency_key=key, kind=ClaimsPaper.Kind.LOSS_RUN)
    if (before := mine.first()) is not None:
        return before
    now = timezone.now()
    request = ClaimsRequest(
        kind=ClaimsPaper.Kind.LOSS_RUN,
        company=policy.company,
        policyholder=policy.policyholder,
        policy=None if scope.account else policy,
        account=scope.account,
        years=years,
        state=terms.state,
        asked_by=by,
        membership=membership,
        asked_at=now,
        due_at=now + dt.timedelta(days=terms.days),
        idempotency_key=key,
    )
    try:
        snapshot = preview(scope, terms, years)
    except NotIssuableError as refusal:
        snapshot, request.reason = {}, str(refusal)
    if missing := unprintable("".join(texts_of(snapshot))):
        request.reason = UNPRINTABLE.format(" ".join(missing))
    try:
        with transaction.atomic():
            if not request.reason:
                (request.paper,) = store_papers([_paper(request, snapshot, by=by)], by=by)
                request.status = ClaimsRequest.Status.PORTAL
            request.save(force_insert=True)
            record_event(ClaimsPaperEvent.REQUESTED, subject=request, by=by, kind=request.kind, state=terms.state)
            if request.is_waiting:
                tell_staff(1)
            if terms.tell_agent:
                tell_agents(request, scope)
    except IntegrityError:
        # The same form at the same moment.
        found = mine.first()
        if found is None:
            raise
        return found
    return request


def make_for(request: ClaimsRequest) -> ClaimsPaper | None:
    """Make the loss run of a request that waits, now that it may be possible; None where it still isn't."""
    by = request.asked_by
    policies = Policy.objects.not_retired().select_related("company", "policyholder")
    if request.policy_id is not None:
        scope = Scope([policies.get(pk=request.policy_id)])
    else:
        found = policies.filter(
            policyholder=request.policyholder_id, company=request.company_id, billing_account_key=request.account
        )
        first = found.order_by("number_normalized", "pk").first()
        if first is None:
            return None
        scope = Scope(on_account(by, first), account=request.account)
    try:
        snapshot = preview(scope, terms_for(scope.policy), request.years)
    except NotIssuableError:
        return None
    if unprintable("".join(texts_of(snapshot))):
        return None
    (paper,) = store_papers([_paper(request, snapshot, by=by)], by=by)
    return paper


def tell_agents(request: ClaimsRequest, scope: Scope) -> None:
    """Mail the agencies of record of these policies, but the one that asked; their people read the rest here."""
    today = carrier_today()
    agencies = {
        one.agency_id: one.agency
        for policy in scope.policies
        for one in policy.appointments
        if one.is_in_office(today) and one.agency_id != request.membership.agency_id
    }
    told = [agency for agency in agencies.values() if agency.email]
    for agency in told:
        emails.loss_run_for_client(
            agency.email, number=scope.policy.number, key=f"{request.public_id}:{agency.public_id}"
        )
        record_event(ClaimsPaperEvent.AGENT_TOLD, subject=request, kind=request.kind, agency=agency.pk)
    if told:
        request.agent_told_at = timezone.now()
        ClaimsRequest.objects.filter(pk=request.pk).update(agent_told_at=request.agent_told_at)


def _paper(request: ClaimsRequest, snapshot: dict[str, Any], *, by: User) -> ClaimsPaper:
    return ClaimsPaper(
        kind=ClaimsPaper.Kind.LOSS_RUN,
        company=request.company,
        policyholder=request.policyholder,
        policy=request.policy,
        account=request.account,
        years=request.years,
        valued_on=dt.date.fromisoformat(snapshot["valued_on"]),
        snapshot=snapshot,
        snapshot_digest=digest_of(snapshot),
        subject=str(request.policyholder),
        issued_on=dt.date.fromisoformat(snapshot["issued_on"]),
        issued_by=by,
        membership=request.membership,
        idempotency_key=request.idempotency_key,
    )
