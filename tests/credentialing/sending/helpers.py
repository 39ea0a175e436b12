"""Short ways to what the tests of sending do again and again."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone

from accounts.models import User
from credentialing.models import Certificate, Delivery
from credentialing.sending import mailing, services

HOSPITAL = "credentialing@brendan.example"


def form(to: str = HOSPITAL, **fields: Any) -> dict[str, Any]:
    """Return what the second page of the form sends."""
    return {"idempotency_key": str(uuid.uuid4()), "to": to, "confirmed": "on", **fields}


def asked(certificate: Certificate, by: User, to: str = HOSPITAL, **more: Any) -> Delivery:
    """Return a delivery that waits for its worker."""
    return services.send(certificate=certificate, to=to, by=by, key=uuid.uuid4().hex, **more)


def sent(certificate: Certificate, by: User, to: str = HOSPITAL) -> Delivery:
    """Return a delivery that the mail server has."""
    delivery = asked(certificate, by, to)
    mailing.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.HANDED_OVER
    return delivery


def bounced(certificate: Certificate, by: User, to: str = HOSPITAL) -> Delivery:
    """Return a delivery that came back."""
    delivery = sent(certificate, by, to)
    assert delivery.told(Delivery.Status.BOUNCED, at=timezone.now(), bounce=Delivery.Bounce.INVALID)
    delivery.refresh_from_db()
    return delivery
