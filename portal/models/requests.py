"""Requests to support (S-46): what customers ask, what staff answer, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from core.requests import Message, Request, RequestQuerySet, due_from_now  # noqa: F401  # a migration names it here
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


class SupportMessage(Message):
    """What one side wrote in a request to support."""

    request = models.ForeignKey(SupportRequest, on_delete=models.CASCADE, related_name="messages")

    class Meta(Message.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="portal_supportmessage_once"),
        ]
