"""Opening requests to support, within the limits of a user (docs/security.md#exhaustion)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from core.events import record_event
from core.refusals import record_refusal
from core.templatetags.show import clock
from core.throttle import Limit
from portal.events import PortalEvent
from portal.models import SupportMessage, SupportRequest

if TYPE_CHECKING:
    import uuid

    from accounts.models import User
    from policies.models import Policy

HOUR = dt.timedelta(hours=1)


class TooManyError(Exception):
    """The user's limit is reached; the message says until when."""


def count_request(user: User) -> None:
    """Count a request, before it is stored: a refusal is recorded. Raises TooManyError past the limit of an hour."""
    _count(Limit("support:open", settings.SUPPORT_REQUESTS_PER_USER, HOUR), user)


def count_reply(user: User) -> None:
    """Count a reply. Raises TooManyError past the limit of an hour."""
    _count(Limit("support:reply", settings.SUPPORT_REPLIES_PER_USER, HOUR), user)


def open_request(
    *, user: User, kind: str, topic: str, place: str, policy: Policy | None, text: str, key: uuid.UUID
) -> SupportRequest:
    """Store a request with its first message, record it, and tell the customer and the desk.

    The policy was fetched through `visible_to(user)`.
    """
    with transaction.atomic():
        request = SupportRequest.objects.create(
            user=user, kind=kind, topic=topic, place=place, policy=policy, idempotency_key=key
        )
        SupportMessage.objects.create(request=request, author=user, text=text, idempotency_key=key)
        facts: dict[str, Any] = {
            "kind": kind,
            "topic": topic,
            "place": place,
            "policy": policy.public_id if policy else "",
        }
        record_event(PortalEvent.REQUEST_OPENED, subject=request, by=user, **facts)
        request.tell("request_received")
        request.tell_desk(key="opened")
    return request


def _count(limit: Limit, user: User) -> None:
    allowance = limit.hit(str(user.pk))
    if not allowance.allowed:
        record_refusal(PortalEvent.REQUEST_REFUSED, scope=limit.scope, key=str(user.pk), by=user, limit=limit.scope)
        raise TooManyError(
            f"You’ve sent a lot in the last hour. You can send more at {clock(allowance.retry_at)}, or call us."
        )
