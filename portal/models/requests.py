"""Requests to support (S-46): what customers ask, what staff answer, and until when."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from core.events import record_event
from core.fields import PublicIdField
from policies.models import Policy
from portal import emails
from portal.events import PortalEvent

if TYPE_CHECKING:
    from accounts.models import User

LONGEST_TEXT = 4000


def due_from_now() -> dt.datetime:
    """Return the time by which a request that comes now is answered."""
    return timezone.now() + settings.SUPPORT_ANSWER_WITHIN


class SupportRequestQuerySet(models.QuerySet["SupportRequest"]):
    """Requests, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return the user's own requests. Staff see all of them, in admin."""
        return self.filter(user_id=user.pk)

    def waiting(self) -> Self:
        """Return those that wait for staff, the most urgent first."""
        return self.filter(status__in=SupportRequest.WAITING).order_by("due_at", "id")

    def overdue(self, now: dt.datetime | None = None) -> Self:
        """Return those that wait for staff past their due time."""
        return self.waiting().filter(due_at__lt=now or timezone.now())


class SupportRequest(models.Model):
    """One matter between a customer and staff, with messages both ways.

    `waiting` statuses have a clock: `due_at` is 48 hours (setting) after the customer's last word.
    """

    class Kind(models.TextChoices):
        """What it is about."""

        QUESTION = "question", "Question"
        MISSING = "missing", "Something is missing"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        ANSWERED = "answered", "Answered"
        CLOSED = "closed", "Closed"

    WAITING = (Status.OPEN, Status.IN_PROGRESS)

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="support_requests")
    kind = models.CharField(max_length=12, choices=Kind)
    # A key of `settings.SUPPORT_TOPICS`, and of the page that it was asked on (`portal.support.places`).
    topic = models.CharField(max_length=40)
    place = models.CharField("page", max_length=40, blank=True, default="")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=due_from_now)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    # When staff, the customer, or the carrier's own system last decided or wrote; an older answer of the carrier
    # changes no status. Empty until someone does.
    acted_at = models.DateTimeField(null=True, blank=True, editable=False)
    idempotency_key = models.UUIDField(default=uuid.uuid4, editable=False)

    objects = SupportRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        permissions = [("answer_supportrequest", "Can answer and close requests to support")]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="portal_supportrequest_once"),
        ]
        indexes = [
            models.Index(fields=["user", "-changed_at", "-id"], name="portal_supportrequest_own"),
            models.Index(
                fields=["due_at"], condition=Q(status__in=("open", "in_progress")), name="portal_supportrequest_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.topic_label}"

    def get_absolute_url(self) -> str:
        return reverse("support-request", args=[self.public_id])

    @property
    def topic_label(self) -> str:
        """The topic in words. One that the settings no longer have keeps its key."""
        _, label = settings.SUPPORT_TOPICS.get(self.topic, ("", self.topic))
        return label

    @property
    def desk(self) -> str:
        """The key of the desk that answers it (`settings.SUPPORT`)."""
        desk, _ = settings.SUPPORT_TOPICS.get(self.topic, ("service", ""))
        return desk

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for staff."""
        return self.status in self.WAITING

    @property
    def is_overdue(self) -> bool:
        """Whether it waits for staff past its due time."""
        return self.is_waiting and self.due_at < timezone.now()

    @property
    def is_closed(self) -> bool:
        return self.status == self.Status.CLOSED

    # Verbs. Each locks the row, so that two at once follow one another.

    def reply(self, *, text: str, key: uuid.UUID) -> SupportMessage | None:
        """Add the customer's own words. It waits for staff again, with a new clock; None where it was closed."""
        with transaction.atomic():
            now = self._locked()
            if self.is_closed:
                return None
            message, is_new = SupportMessage.objects.get_or_create(
                request=self,
                idempotency_key=key,
                defaults={"author": self.user, "text": text, "sent_at": now},
            )
            if is_new:
                if not self.is_waiting:
                    self.status = self.Status.IN_PROGRESS if self.assigned_to_id else self.Status.OPEN
                    self.due_at = due_from_now()
                self._acted(now)
                record_event(PortalEvent.REQUEST_REPLIED, subject=self, by=self.user)
                emails.request_waits(self, key=str(key))
            return message

    def assign(self, to: User | None, *, by: User) -> bool:
        """Give it to a member of staff, or back to everyone; returns whether that changed anything."""
        with transaction.atomic():
            now = self._locked()
            if self.is_closed or self.assigned_to_id == (to.pk if to else None):
                return False
            was_open = self.status == self.Status.OPEN
            self.assigned_to = to
            if self.is_waiting:
                self.status = self.Status.IN_PROGRESS if to else self.Status.OPEN
            self._acted(now)
            record_event(
                PortalEvent.REQUEST_TAKEN,
                subject=self,
                by=by,
                on_behalf_of=self.user,
                assigned_to=to.get_username() if to else "",
            )
            if was_open and to is not None:
                emails.request_step(self, "request_taken")
            return True

    def answer(self, *, text: str, by: User, key: uuid.UUID, closes: bool = False) -> SupportMessage:
        """Send staff's words to the customer; `closes`: nothing else is to be done. The same key answers once."""
        with transaction.atomic():
            now = self._locked()
            message, is_new = SupportMessage.objects.get_or_create(
                request=self,
                idempotency_key=key,
                defaults={"author": by, "from_staff": True, "text": text, "sent_at": now},
            )
            if is_new:
                self.status = self.Status.CLOSED if closes else self.Status.ANSWERED
                self.assigned_to = self.assigned_to or by
                self._acted(now)
                tag = PortalEvent.REQUEST_CLOSED if closes else PortalEvent.REQUEST_ANSWERED
                record_event(tag, subject=self, by=by, on_behalf_of=self.user)
                emails.request_step(self, "request_answered", key=str(message.pk))
            return message

    def close(self, *, by: User) -> bool:
        """End it without another word; returns False where it was closed already."""
        with transaction.atomic():
            now = self._locked()
            if self.is_closed:
                return False
            self.status = self.Status.CLOSED
            self._acted(now)
            record_event(PortalEvent.REQUEST_CLOSED, subject=self, by=by, on_behalf_of=self.user)
            if by.pk != self.user_id:
                emails.request_step(self, "request_closed")
            return True

    def take_answer(self, status: str | None, *, text: str, updated: dt.datetime, key: uuid.UUID) -> None:
        """Take the answer of the carrier's own system: where it is with the request, and its words, if any.

        `status`: None leaves it. So does an answer from before what staff or the customer did last; its words are shown
        all the same. The same key is taken once.
        """
        with transaction.atomic():
            now = self._locked()
            was = self.status
            if status and (self.acted_at is None or updated >= self.acted_at):
                if status in self.WAITING and not self.is_waiting:
                    self.due_at = due_from_now()
                self.status = status
                self.acted_at = min(updated, now)
            says = bool(text) and self._say(text, now=now, key=key)
            if self.status != was or says:
                self._changed(now)
                self._tell_of_answer(was, says=says, key=key)

    def _say(self, text: str, *, now: dt.datetime, key: uuid.UUID) -> bool:
        """Add the carrier's words, no matter who wrote them there; return whether they're new."""
        words = {"from_staff": True, "text": text, "sent_at": now}
        _, is_new = SupportMessage.objects.get_or_create(request=self, idempotency_key=key, defaults=words)
        return is_new

    def _tell_of_answer(self, was: str, *, says: bool, key: uuid.UUID) -> None:
        """Record what the carrier's answer did, and mail it as staff's own steps are."""
        closed = self.is_closed and was != self.Status.CLOSED
        if closed or says:
            tag = PortalEvent.REQUEST_CLOSED if closed else PortalEvent.REQUEST_ANSWERED
            record_event(tag, subject=self, on_behalf_of=self.user, source="feed")
            emails.request_step(self, "request_answered" if says else "request_closed", key=str(key))
        elif was == self.Status.OPEN:
            record_event(PortalEvent.REQUEST_TAKEN, subject=self, on_behalf_of=self.user, source="feed")
            emails.request_step(self, "request_taken")

    def _locked(self) -> dt.datetime:
        """Lock the row and take over what another one changed meanwhile; returns the time."""
        row = SupportRequest.objects.select_for_update().get(pk=self.pk)
        self.status, self.assigned_to_id, self.due_at = row.status, row.assigned_to_id, row.due_at
        self.acted_at = row.acted_at
        return timezone.now()

    def _acted(self, now: dt.datetime) -> None:
        """Store what staff or the customer changed."""
        self.acted_at = now
        self._changed(now)

    def _changed(self, now: dt.datetime) -> None:
        self.changed_at = now
        self.save(update_fields=["status", "assigned_to", "due_at", "changed_at", "acted_at"])


class SupportMessage(models.Model):
    """What one side wrote. Messages are only added, and never mailed. What the carrier's own system wrote has no
    author."""

    request = models.ForeignKey(SupportRequest, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    from_staff = models.BooleanField(default=False)
    text = models.TextField(max_length=LONGEST_TEXT)
    sent_at = models.DateTimeField(default=timezone.now, editable=False)
    idempotency_key = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        ordering = ["sent_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="portal_supportmessage_once"),
        ]

    def __str__(self) -> str:
        return f"{'Staff' if self.from_staff else 'Customer'}, {timezone.localtime(self.sent_at):%Y-%m-%d %H:%M}"
