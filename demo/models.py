"""The demo's outbox: messages that would have been sent (never written outside demo and tests)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class DemoMessage(models.Model):
    """An email, text message, or call that the demo stores instead of sending (docs/developers/index.md#commands)."""

    class Kind(models.TextChoices):
        """How it would have been sent."""

        EMAIL = "email", "Email"
        SMS = "sms", "Text message"
        VOICE = "voice", "Voice call"

    kind = models.CharField(max_length=8, choices=Kind)
    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=300, blank=True, default="")
    body = models.TextField(blank=True, default="")
    code = models.CharField(max_length=12, blank=True, default="")
    links = ArrayField(models.TextField(), default=list, blank=True)
    # Whether the demo may play the mail service that reports what becomes of it.
    is_reported = models.BooleanField(default=False, db_default=False)
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-sent_at", "-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.to}"

    @property
    def reference(self) -> str:
        """What the demo, as a mail service, calls it."""
        return f"demo-{self.pk}"


class DemoAttachment(models.Model):
    """A file that goes with an email."""

    message = models.ForeignKey(DemoMessage, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=300)
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.name
