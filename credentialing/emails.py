"""The mails of credentialing, one function for each. A mail holds no name: anyone may have typed it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from core import mail
from core.alerts import alert_staff
from core.dates import carrier_today
from core.throttle import Limit
from credentialing.models import Batch, Delivery
from policies.models import Membership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import User
    from credentialing.models import Authorization, ClaimsRequest, HolderRequest, Packet

READY, FAILED = "batch_ready", "batch_failed"
UNDELIVERED = "delivery_undelivered"
STAFF_TOLD = Limit("credentialing:undelivered", 1, dt.timedelta(hours=1))


def loss_run_for_client(to: str, *, number: str, key: str) -> None:
    """Tell an agency of record that its client asked for a loss run of a policy."""
    context = {"number": number, "page": _page("credentialing:loss-runs")}
    mail.send("loss_run_for_client", to=to, context=context, key=key)


def claims_request_settled(request: ClaimsRequest) -> None:
    """Tell who asked for a claims paper that staff have settled it."""
    user: User = request.asked_by
    if user.email:
        context = {
            "what": request.get_kind_display().lower(),
            "done": request.status != request.Status.DECLINED,
            "page": _page("credentialing:claims-papers"),
        }
        mail.send("claims_request_settled", to=user.email, context=context, key=request.public_id)


def holder_request_decided(asked: HolderRequest) -> None:
    """Tell who sent a request about holders that staff have decided it."""
    user: User = asked.user
    if user.email:
        context = {
            "done": asked.status == asked.Status.DONE,
            "address": settings.PUBLIC_URL.rstrip("/") + asked.get_absolute_url(),
        }
        mail.send("holder_request_decided", to=user.email, context=context, key=asked.public_id)


def authorization_changed(authorization: Authorization, *, revoked: bool) -> None:
    """Tell the insured's own account that an authorization was given or revoked."""
    user: User = authorization.given_by
    if user.email:
        context = {"revoked": revoked, "page": _page("credentialing:authorizations")}
        key = f"{authorization.public_id}:{'revoked' if revoked else 'given'}"
        mail.send("authorization_changed", to=user.email, context=context, key=key)


def packet_built(packet: Packet) -> None:
    """Tell the insured that someone else built a packet about them."""
    page = f"{settings.PUBLIC_URL.rstrip('/')}{packet.get_absolute_url()}"
    people = Membership.objects.filter(insured=packet.insured_id, revoked_at=None).exclude(user=packet.built_by)
    for membership in people.select_related("user", "given_under"):
        if membership.user.email and membership.is_in_effect(carrier_today()):
            key = f"{packet.public_id}:{membership.user_id}"
            mail.send("packet_built", to=membership.user.email, context={"page": page}, key=key)


def packet_secrets(packet: Packet) -> None:
    """Mail a packet's link and password to where they were asked for; both are drawn when the mail is sent
    (`credentialing.packets.building`)."""
    context = {"packet": packet.public_id, "generation": packet.generation}
    for name, to in (("packet_link", packet.link_to), ("packet_password", packet.password_to)):
        if to:
            mail.send(name, to=to, context=context, key=f"{packet.public_id}:{packet.generation}")


def _page(name: str) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse(name)}"


def batch_ended(batch: Batch, *, key: str) -> None:
    """Tell the user who started a batch that it has come to its end. `key`: which end, where it was tried again."""
    user = batch.started_by
    if user.email:
        name = FAILED if Batch.objects.filter(pk=batch.pk, status=Batch.Status.FAILED).exists() else READY
        mail.send(name, to=user.email, context={"batch": batch.public_id}, key=f"{batch.public_id}:{key}")


def complete_batch(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the mail says of a batch; None where the user doesn't see it anymore. The hook `mail.batch_…`."""
    batch = Batch.objects.select_related("started_by").get(public_id=stored["batch"])
    if not Batch.objects.visible_to(batch.started_by).filter(pk=batch.pk).exists():
        return None
    return {
        "address": settings.PUBLIC_URL + batch.get_absolute_url(),
        "issued": batch.issued,
        "refused": batch.refused,
        "failed": batch.failed,
        "until": batch.file_until,
    }


def undelivered(delivery: Delivery) -> None:
    """Tell who sent a certificate that its mail came back, or couldn't be sent; staff, of what the portal sent by
    itself, once an hour."""
    user = delivery.sent_by
    if user is not None and user.email:
        key = f"{delivery.public_id}:{timezone.now():%Y%m%d%H%M%S%f}"
        mail.send(UNDELIVERED, to=user.email, context={"delivery": delivery.public_id}, key=key)
    elif user is None and STAFF_TOLD.hit("").allowed:
        alert_staff(
            "Mail to holders came back",
            "At least one email that the portal sent to a standing holder came back or couldn’t be sent. Look for it "
            "in admin under Deliveries, and correct the address in holders.csv.",
        )


def complete_undelivered(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the mail says of a delivery; None where it has been corrected meanwhile. The hook
    `mail.delivery_undelivered`."""
    delivery = Delivery.objects.undelivered().select_related("certificate").filter(public_id=stored["delivery"]).first()
    if delivery is None or delivery.certificate is None:
        return None
    return {
        "serial": delivery.certificate.serial,
        "paper": delivery.certificate.paper,
        "returned": delivery.status == Delivery.Status.BOUNCED,
        "address": settings.PUBLIC_URL + delivery.get_absolute_url(),
    }
