"""Sending certificates by email: one, or many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from core import mail, work
from core.events import record_event, record_many
from credentialing.events import DeliveryEvent
from credentialing.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.models import User
    from credentialing.models import Certificate

Purpose, State = Delivery.Purpose, Delivery.Status


@dataclass(frozen=True)
class Asked:
    """A certificate that is to go to an address. `key` makes it this one; `by` is None where the portal sends it.

    `bundle`: those of one bundle to one address go in one mail.
    """

    certificate: Certificate
    to: str
    holder_name: str
    key: str
    by: User | None = None
    purpose: Delivery.Purpose = Purpose.ASKED
    bundle: str = ""
    fingerprint: str = ""


def renewal_key(fingerprint: str, insured: str, term: str) -> str:
    """Return the key of the delivery of a renewal's certificate: each holder, insured, and term once. `fingerprint`:
    the holder's; the others are public ids."""
    return f"renewal:{fingerprint[:32]}:{insured}:{term}"


def send(
    *,
    certificate: Certificate,
    to: str,
    by: User | None,
    key: str,
    purpose: Delivery.Purpose = Purpose.ASKED,
    corrects: Delivery | None = None,
) -> Delivery:
    """Send a certificate to an address; the same key again gives the same delivery.

    `by`: None where the portal sends it for a standing holder. `corrects`: the delivery whose address was wrong.
    """
    with transaction.atomic():
        delivery, is_new = Delivery.objects.get_or_create(
            key=key,
            defaults={
                "certificate": certificate,
                "to": address(to),
                "holder_name": certificate.holder_name,
                "fingerprint": certificate.holder.fingerprint if certificate.holder else "",
                "sent_by": by,
                "purpose": purpose,
                "corrects": corrects,
            },
        )
        if is_new:
            record_event(DeliveryEvent.ASKED, subject=delivery, by=by, **delivery.facts)
            work.hand_over(delivery)
    return delivery


def send_many(*, asked: Sequence[Asked], status: Delivery.Status = State.QUEUED) -> int:
    """Send certificates to their addresses, by one INSERT; beat hands them over, some at a time. Return how many are
    new: what has a key that was used before is left alone.

    What nobody asked for doesn't go to an address from which mail came back: it counts as returned at once, and
    people find it where the others are. `status`: `held` keeps them for staff.
    """
    with transaction.atomic():
        dead = addresses_that_bounced(one.to for one in asked if one.purpose != Purpose.ASKED)
        now = timezone.now()
        rows = [_row(one, status, dead) for one in asked]
        keys = [row.key for row in rows]
        there = set(Delivery.objects.filter(key__in=keys).values_list("key", flat=True))
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        new = list(
            Delivery.objects.filter(key__in=set(keys) - there, created_at__gte=now).select_related(
                "certificate", "sent_by"
            )
        )
        record_many(DeliveryEvent.ASKED, [(each, each.sent_by, each.facts) for each in new])
    return len(new)


def _row(asked: Asked, status: Delivery.Status, dead: set[str]) -> Delivery:
    to = address(asked.to)
    row = Delivery(
        key=asked.key,
        certificate=asked.certificate,
        to=to,
        holder_name=asked.holder_name[:200],
        sent_by=asked.by,
        purpose=asked.purpose,
        bundle=asked.bundle,
        fingerprint=asked.fingerprint or (asked.certificate.holder.fingerprint if asked.certificate.holder else ""),
        status=status,
        # Beat finds it: thousands at once would fill the queue.
        is_enqueued=False,
    )
    if asked.purpose != Purpose.ASKED or not mail.is_address(to):
        check_address(row, dead)
    return row


def check_address(row: Delivery, dead: set[str]) -> None:
    """Note on a new row that nothing can go to its address, so that people find it among those that came back. `dead`:
    the addresses from which mail came back."""
    bounce = ""
    if not row.to:
        bounce = Delivery.Bounce.NO_ADDRESS
    elif not mail.is_address(row.to):
        bounce = Delivery.Bounce.INVALID
    elif row.to in dead:
        bounce = Delivery.Bounce.EARLIER
    if bounce:
        row.status, row.bounced_at, row.bounce = State.BOUNCED, timezone.now(), bounce


def addresses_that_bounced(addresses: Iterable[str]) -> set[str]:
    """Return those from which the latest mail came back. One query."""
    wanted = {address(one) for one in addresses if one}
    if not wanted:
        return set()
    latest = (
        Delivery.objects.filter(to__in=wanted, handed_over_at__isnull=False)
        .order_by("to", "-handed_over_at", "-pk")
        .distinct("to")
        .values_list("to", "status")
    )
    return {to for to, status in latest if status == State.BOUNCED}


def address(typed: str) -> str:
    """Return an address as it is compared and kept."""
    return typed.strip().lower()
