"""Requests to support (S-46): what customers ask, what staff answer, and until when."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse

from core.events import record_event
from core.requests import WAITING, Message, Request, RequestQuerySet, due_from_now
from policies.models import Policy
from portal.events import PortalEvent

if TYPE_CHECKING:
    from accounts.models import User


class SupportRequestQuerySet(RequestQuerySet):
    """Requests, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return the user's own requests. Staff see all of them, in admin."""
        return self.filter(user_id=user.pk)


class SupportRequest(Request):
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

    TAGS = PortalEvent

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="support_requests")
    kind = models.CharField(max_length=12, choices=Kind)
    # A key of `settings.SUPPORT_TOPICS`, and of the page that it was asked on (`portal.support.places`).
    topic = models.CharField(max_length=40)
    place = models.CharField("page", max_length=40, blank=True, default="")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)

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

    def take_answer(self, status: str | None, *, text: str, updated: dt.datetime, key: uuid.UUID) -> None:
        """Take the answer of the carrier's own system: where it is with the request, and its words, if any.

        `status`: None leaves it. So does an answer from before what staff or the customer did last; its words are shown
        all the same. The same key is taken once.
        """
        with transaction.atomic():
            now = self._locked()
            was = self.status
            if status and (self.acted_at is None or updated >= self.acted_at):
                if status in WAITING and not self.is_waiting:
                    self.due_at = due_from_now()
                self.status = status
                self.acted_at = min(updated, now)
            says = bool(text) and self._say_of_staff(text, by=None, now=now, key=key)[1]
            if self.status != was or says:
                self._changed(now)
                self._tell_of_answer(was, says=says, key=key)

    def _tell_of_answer(self, was: str, *, says: bool, key: uuid.UUID) -> None:
        """Record what the carrier's answer did, and mail it as staff's own steps are."""
        closed = self.is_closed and was != self.Status.CLOSED
        if closed or says:
            tag = PortalEvent.REQUEST_CLOSED if closed else PortalEvent.REQUEST_ANSWERED
            record_event(tag, subject=self, on_behalf_of=self.user, source="feed")
            self.tell("request_answered" if says else "request_closed", key=str(key))
        elif was == self.Status.OPEN:
            record_event(PortalEvent.REQUEST_TAKEN, subject=self, on_behalf_of=self.user, source="feed")
            self.tell("request_taken")


class SupportMessage(Message):
    """What one side wrote in a request to support."""

    request = models.ForeignKey(SupportRequest, on_delete=models.CASCADE, related_name="messages")

    class Meta(Message.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="portal_supportmessage_once"),
        ]
