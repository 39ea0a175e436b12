"""Deliveries: certificates that go to holders by email, and what became of each (S-36, B-03)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from core.events import record_event
from core.fields import PublicIdField
from core.work import Work
from credentialing.events import DeliveryEvent
from credentialing.models.certificates import Certificate
from credentialing.models.holders import of_own_party
from credentialing.models.notices import Notice, NoticeRun
from policies.models import reach_of

if TYPE_CHECKING:
    from accounts.models import User


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of certificates that a party of the user issued: they name the holder's address, which no other
        party sees (docs/decisions/0013-holders-of-the-issuing-party.md)."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(of_own_party(reach_of(user).scope, "certificate__membership__"))

    def undelivered(self) -> Self:
        """Return those that came back or were given up, and that nothing sent later has replaced."""
        return self.filter(status__in=Delivery.UNDELIVERED, correction=None)


class Delivery(Work):
    """One certificate to one address. The row is the task that hands the mail over.

    After `handed_over` the portal knows only what a mail service reports, in any order and any number of times; with
    plain SMTP it stays `handed_over`. What is told later never takes back what is further on: a mail that was opened
    had been delivered (`told`).
    """

    class Purpose(models.TextChoices):
        """Why it is sent."""

        ASKED = "asked", "Sent by hand"
        RENEWAL = "renewal", "Renewal"
        NOTICE = "notice", "Notice"
        FRESH = "fresh", "After reinstatement"

    class Status(models.TextChoices):
        """What became of it. `held` waits for staff; `failed` could not be handed over."""

        HELD = "held", "Held for review"
        QUEUED = "queued", "Waiting to be sent"
        HANDED_OVER = "handed_over", "Sent"
        DELIVERED = "delivered", "Delivered"
        OPENED = "opened", "Opened"
        BOUNCED = "bounced", "Returned"
        FAILED = "failed", "Not sent"
        DROPPED = "dropped", "Not needed"

    class Bounce(models.TextChoices):
        """Why a mail service says that a mail didn't arrive."""

        INVALID = "invalid", "The address isn’t valid."
        BOUNCED = "bounced", "The receiving server turned it down."
        TIMED_OUT = "timed_out", "The receiving server didn’t answer."
        BLOCKED = "blocked", "The receiving server blocked it."
        SPAM = "spam", "The receiver reported it as spam."
        UNSUBSCRIBED = "unsubscribed", "The receiver doesn’t want these emails."
        EARLIER = "earlier", "An earlier email to this address came back."
        NO_ADDRESS = "no_address", "We don’t have an email address."
        OTHER = "other", "The mail service couldn’t deliver it."

    UNDELIVERED = (Status.BOUNCED, Status.FAILED)
    # What a report may add to, least first.
    STEPS = (Status.HANDED_OVER, Status.DELIVERED, Status.BOUNCED, Status.OPENED)

    TASK = "credentialing.tasks.send_delivery"
    # About two hours, for a mail server that is down, as for other mails.
    MAX_ATTEMPTS = 10
    PAUSE = dt.timedelta(seconds=15)
    LOST_BEGUN = dt.timedelta(seconds=10)
    LOST_WAITING = dt.timedelta(seconds=30)
    # Thousands may be due at once: so many are in the queue, and the rest is handed over as they go.
    MOST_IN_QUEUE = 40

    public_id = PublicIdField()
    # What makes it this one; the same key is sent once.
    key = models.CharField(max_length=200, unique=True)
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.ASKED)
    certificate = models.ForeignKey(
        Certificate, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    # Instead of a certificate: what a standing holder hears of a policy.
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries")
    # The notices of which load it goes with; they may be held.
    run = models.ForeignKey(NoticeRun, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries")
    # In lower case; empty where we have none, so that people see what they have to send another way.
    to = models.EmailField("address", max_length=254, blank=True)
    holder_name = models.CharField(max_length=200, blank=True, default="")
    # The insured that the arrangement names; empty where it is about everyone on the policy.
    about = models.CharField(max_length=200, blank=True, default="", db_default="")
    # The holder's, by which its other deliveries are found (`Holder.fingerprint`).
    fingerprint = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    # Nobody: the portal, for a standing holder.
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Those of one bundle to one address go in one mail, up to `mailing.MOST_ATTACHED`.
    bundle = models.CharField(max_length=100, blank=True, default="")
    # The one that this one corrects: its address was wrong.
    corrects = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="correction", editable=False
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    bounce = models.CharField(max_length=12, choices=Bounce, blank=True, default="")
    # What a mail service calls the mail; empty with plain SMTP. All of one mail have the same.
    message_id = models.CharField(max_length=200, blank=True, default="")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(certificate__isnull=False, notice=None) | Q(certificate=None, notice__isnull=False),
                name="credentialing_delivery_of_one",
            ),
        ]
        permissions = [("retry_delivery", "Can try failed deliveries again")]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="credentialing_deliv_queued"),
            models.Index(fields=["message_id"], condition=~Q(message_id=""), name="credentialing_deliv_message"),
            models.Index(fields=["to"], condition=Q(bounced_at__isnull=False), name="credentialing_deliv_bounced"),
            models.Index(fields=["status", "-id"], name="credentialing_deliv_status"),
            models.Index(fields=["bundle", "to"], condition=~Q(bundle=""), name="credentialing_deliv_bundle"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the page of its certificate, where its state is shown."""
        return reverse("credentialing:certificate", args=[self.certificate.public_id]) if self.certificate else ""

    @property
    def is_undelivered(self) -> bool:
        return self.status in self.UNDELIVERED

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody sent it, and may mend its address."""
        return self.purpose == self.Purpose.ASKED

    @property
    def at(self) -> dt.datetime:
        """When it came to what it is now."""
        times = {
            self.Status.HANDED_OVER: self.handed_over_at,
            self.Status.DELIVERED: self.delivered_at,
            self.Status.OPENED: self.opened_at,
            self.Status.BOUNCED: self.bounced_at,
        }
        return times.get(self.Status(self.status)) or self.created_at

    def given_up(self) -> None:
        """Record it, and tell who sent it; staff find it on their desk in admin."""
        from credentialing import emails

        record_event(DeliveryEvent.FAILED, subject=self, on_behalf_of=self.sent_by, **self.facts)
        emails.undelivered(self)

    def retried(self, *, by: models.Model) -> None:
        """Record who tried it again."""
        record_event(DeliveryEvent.RETRIED, subject=self, by=by, **self.facts)

    @property
    def facts(self) -> dict[str, Any]:
        """What the event log says of it: never the address."""
        return {"purpose": self.purpose, "serial": self.certificate.serial if self.certificate else ""}

    def told(self, status: Delivery.Status, *, at: dt.datetime, bounce: str = "") -> bool:
        """Note what was reported of it, once; False where that was known. The status never goes back.

        One statement for each, so that two reports at once are both noted.
        """
        column = {
            self.Status.DELIVERED: "delivered_at",
            self.Status.OPENED: "opened_at",
            self.Status.BOUNCED: "bounced_at",
        }[status]
        rows = Delivery.objects.filter(pk=self.pk)
        new = rows.filter(**{f"{column}__isnull": True}).update(
            **{column: at}, **({"bounce": bounce} if bounce else {})
        )
        earlier = self.STEPS[: self.STEPS.index(status)]
        rows.filter(status__in=earlier).update(status=status)
        return bool(new)
