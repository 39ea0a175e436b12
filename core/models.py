"""The ground floor's tables: the event log, the outbox, mails, uploaded files, and the throttle."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from core.alerts import alert_staff
from core.mail import Mail
from core.uploads.models import Upload
from core.work import Work

__all__ = ["Event", "Mail", "OutboxMessage", "Throttle", "Upload"]


class EventQuerySet(models.QuerySet["Event"]):
    def about_user(self, user_id: int) -> EventQuerySet:
        """Return what a user did, what was done to the account, and what was done in the user's name; newest first."""
        return self.filter(
            models.Q(actor_id=user_id)
            | models.Q(on_behalf_of_id=user_id)
            | models.Q(subject_type=settings.AUTH_USER_MODEL.lower(), subject_id=str(user_id))
        ).order_by("-at", "-id")


class Event(models.Model):
    """One line of the log: who, for whom, what, when, where (docs/security.md#audit). Written by
    `core.events.record_event`.

    Append-only: triggers of the database refuse UPDATE, TRUNCATE, and DELETE of anything younger than five years,
    whatever a session sets. Actors are kept as id and name, not as foreign keys, so that a line stays what it was when
    it was written.
    """

    at = models.DateTimeField(default=timezone.now, editable=False)
    tag = models.CharField(max_length=100)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    on_behalf_of_id = models.BigIntegerField(null=True)
    on_behalf_of_name = models.CharField(max_length=150, blank=True)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.CharField(max_length=60, blank=True)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    session_id = models.CharField(max_length=22, blank=True)
    data = models.JSONField(default=dict)

    objects: models.Manager[Event] = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = [
            models.Index(fields=["-at", "-id"], name="event_at"),
            models.Index(fields=["actor_id", "-at"], name="event_actor"),
            models.Index(fields=["on_behalf_of_id", "-at"], name="event_on_behalf_of"),
            models.Index(fields=["subject_type", "subject_id", "-at"], name="event_subject"),
            models.Index(fields=["tag", "-at"], name="event_tag"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.tag}"


class OutboxMessage(Work):
    """What one app tells another durably (docs/architecture.md#outbox): written in the transaction of the transition
    itself, delivered by a task to the handlers of its topic. The same topic and key is told once."""

    class Status(models.TextChoices):
        """What became of a message; `failed` needs a person."""

        QUEUED = "queued", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    TASK = "core.tasks.deliver"
    MAX_ATTEMPTS = 10
    PAUSE = dt.timedelta(seconds=15)
    MOST_IN_QUEUE = 500

    topic = models.CharField(max_length=100)
    key = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["topic", "key"], name="outbox_once")]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=models.Q(status="queued"), name="outbox_queued"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"

    def given_up(self) -> None:
        """Tell staff."""
        alert_staff(
            "An outbox message could not be delivered",
            f"Message {self.pk} ({self.topic}) was tried {self.attempts} times. The log tells why.",
        )


class Throttle(models.Model):
    """Counters of `core.throttle`: the times of the counted hits of one key within its window, and until when the key
    is blocked. Keys that identify a person or an address are kept as keyed hashes.

    `refused` and `refused_since` count what was turned away since the refusal that became the event `refusal_event`
    (`core.refusals`)."""

    scope = models.CharField(max_length=60)
    key = models.CharField(max_length=64)
    hits = ArrayField(models.DateTimeField(), default=list)
    # The times of the tries that are being judged just now.
    pending = ArrayField(models.DateTimeField(), null=True, default=None)
    # What the latest statement decided; read back by the statement itself.
    granted = models.BooleanField(default=True)
    blocked_until = models.DateTimeField(null=True, blank=True)
    refused = models.PositiveIntegerField(default=0, db_default=0)
    refused_since = models.DateTimeField(null=True, blank=True)
    refusal_event = models.BigIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="throttle_once")]
        indexes = [models.Index(fields=["updated_at"], name="throttle_updated")]

    def __str__(self) -> str:
        return f"{self.scope}: {len(self.hits)}"
