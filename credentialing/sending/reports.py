"""What becomes known of a mail afterward: delivered, opened, or returned.

By reports of a mail service (`webhooks`), by the reader who follows the mail's link, or by the mail server that refuses
the address at once.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.events import record_event
from credentialing import emails
from credentialing.events import DeliveryEvent
from credentialing.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Delivery.Status
TAGS = {
    State.DELIVERED: DeliveryEvent.DELIVERED,
    State.OPENED: DeliveryEvent.OPENED,
    State.BOUNCED: DeliveryEvent.BOUNCED,
}


def of_message(*, message_id: str, public_id: str) -> list[Delivery]:
    """Return the deliveries of a mail, by the service's own id of it or by the public id that we sent along."""
    lead = Delivery.objects.filter(public_id=public_id).first() if public_id else None
    found = Q(message_id=message_id) if message_id else Q(pk__in=[])
    if lead is not None:
        found |= Q(pk=lead.pk)
        if lead.message_id:
            found |= Q(message_id=lead.message_id)
    return list(Delivery.objects.filter(found).select_related("sent_by", "certificate").order_by("pk"))


def note(deliveries: Sequence[Delivery], status: Delivery.Status, *, at: dt.datetime, bounce: str = "") -> int:
    """Note what was reported of the deliveries of one mail, and return of how many it is news.

    What was known already counts nowhere. Who sent a mail that came back is told, once for the mail.
    """
    at = min(at, timezone.now())
    with transaction.atomic():
        news = [each for each in deliveries if each.told(status, at=at, bounce=bounce)]
        for each in news:
            record_event(TAGS[status], subject=each, on_behalf_of=each.sent_by, **each.facts)
        if news and status == State.BOUNCED:
            emails.undelivered(news[0])
    return len(news)


def refused(deliveries: Sequence[Delivery]) -> None:
    """Note that the mail server turned the address down when the mail was handed over. The rows are locked."""
    now = timezone.now()
    rows = Delivery.objects.filter(pk__in=[each.pk for each in deliveries])
    rows.update(status=State.HANDED_OVER, handed_over_at=now)
    note(deliveries, State.BOUNCED, at=now, bounce=Delivery.Bounce.INVALID)


def opened_by_link(delivery: Delivery) -> None:
    """Note that the reader followed the link in the mail."""
    note([delivery], State.OPENED, at=timezone.now())
