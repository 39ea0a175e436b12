"""Requests about holders: for which policies, on whose behalf, opening, and withdrawing one (S-38)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.dates import carrier_today
from core.events import record_event
from core.refusals import record_refusal
from core.templatetags.show import clock
from core.throttle import Limit
from credentialing.events import HolderEvent
from credentialing.models import HolderMessage, HolderRequest, StandingHolder
from policies.models import Membership, Policy, Term
from policies.rights import reaching
from policies.roles import Capability

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User

HOUR = dt.timedelta(hours=1)
KIND = HolderRequest.Kind
ROLE = Membership.Role
# On whose behalf a user asks who reaches a policy in several roles.
RANK = (ROLE.POLICYHOLDER, ROLE.AGENT, ROLE.INSURED)


class TooManyError(Exception):
    """The user's limit is reached; the message says until when."""


def policies_for(user: User) -> QuerySet[Policy]:
    """Return the policies that a user may send requests about: those that they see, with a term that hasn't ended."""
    terms = Term.objects.not_retired().filter(expires__gt=carrier_today())
    seen = Policy.objects.visible_to(user).filter(pk__in=terms.order_by().values("policy_id"))
    return seen.select_related("company", "policyholder").order_by("number_normalized", "pk")


def membership_for(user: User, policy: Policy) -> Membership | None:
    """Return the membership by which a user asks about a policy."""
    found = reaching(user, policy)
    return min(found, key=lambda each: (RANK.index(ROLE(each.role)), each.pk), default=None)


def lacks_claims_access(membership: Membership) -> bool:
    """Whether a membership can be given access to claims histories: a policyholder's or an agent's without it. A
    delegate's is given by an administrator of the party."""
    return (
        membership.role != ROLE.INSURED
        and membership.given_under_id is None
        and Capability.VIEW_CLAIMS_HISTORY not in membership.capabilities
    )


def changeable(user: User) -> QuerySet[StandingHolder]:
    """Return the feed's standing holders that a user may ask to change or remove: those that they see. An insured's are
    those that name them; what everyone on the policy has is for the policyholder and the agent."""
    rows = StandingHolder.objects.visible_to(user).select_related("holder", "policy", "insured")
    return rows.order_by("holder__search_name", "policy__number_normalized", "pk")


def open_request(asked: HolderRequest, *, text: str) -> tuple[HolderRequest, bool]:
    """Store a request with its first message, record it, and tell the customer and the desk. Returns it, and whether it
    is new: the same form, or the same matter while it's open, is the request that is there.

    `asked` is unsaved; its policy, insured, and standing holder were fetched through what the user sees. Raises
    `TooManyError`.
    """
    asked.about = asked.about_now()
    if (there := _there(asked)) is not None:
        return there, False
    _count("credentialing:holder-request", settings.SUPPORT_REQUESTS_PER_USER, asked.user)
    try:
        with transaction.atomic():
            asked.save(force_insert=True)
            if text:
                key = asked.idempotency_key
                HolderMessage.objects.create(request=asked, author=asked.user, text=text, idempotency_key=key)
            record_event(
                HolderEvent.REQUEST_OPENED, subject=asked, by=asked.user, kind=asked.kind, policy=asked.policy.public_id
            )
            asked.tell("request_received")
            asked.tell_desk(key="opened")
            return asked, True
    except IntegrityError:
        if (winner := _there(asked)) is None:
            raise
        return winner, False


def count_reply(user: User) -> None:
    """Count a reply. Raises `TooManyError` past the limit of an hour."""
    _count("credentialing:holder-reply", settings.SUPPORT_REPLIES_PER_USER, user)


def withdraw(asked: HolderRequest, *, by: User) -> bool:
    """Withdraw a request that staff haven't decided; False where it has come to its end."""
    with transaction.atomic():
        locked = HolderRequest.objects.select_for_update().get(pk=asked.pk)
        if locked.is_closed:
            return False
        locked.status = HolderRequest.Status.WITHDRAWN
        locked.acted_at = locked.changed_at = timezone.now()
        locked.save(update_fields=["status", "acted_at", "changed_at"])
        record_event(HolderEvent.REQUEST_WITHDRAWN, subject=locked, by=by)
    return True


def _there(asked: HolderRequest) -> HolderRequest | None:
    own = HolderRequest.objects.filter(user=asked.user, idempotency_key=asked.idempotency_key).first()
    same: dict[str, Any] = {
        "membership": asked.membership,
        "kind": asked.kind,
        "policy": asked.policy,
        "insured": asked.insured,
        "about": asked.about,
    }
    return own or HolderRequest.objects.filter(**same).exclude(status__in=HolderRequest.ENDED).first()


def _count(scope: str, times: int, user: User) -> None:
    limit = Limit(scope, times, HOUR)
    allowance = limit.hit(str(user.pk))
    if not allowance.allowed:
        record_refusal(HolderEvent.REQUEST_REFUSED, scope=limit.scope, key=str(user.pk), by=user, limit=limit.scope)
        raise TooManyError(
            f"You’ve sent a lot in the last hour. You can send more at {clock(allowance.retry_at)}, or call us."
        )
