"""What an account's details were before a change, and the usernames it had."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.fields import PublicIdField


class DetailChange(models.Model):
    """One change of an account's details, with the former values. Staff read them behind a lock: an intruder may have
    made the change (docs/security.md#lockout). `change`: one of `accounts.services.changes.Change`. Forgotten after a
    year (`settings.DETAIL_CHANGES_KEPT`)."""

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="detail_changes")
    change = models.CharField(max_length=30)
    former = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-at", "-id")
        indexes = [
            models.Index(fields=["user", "-at"], name="detail_change_of_user"),
            models.Index(fields=["at"], name="detail_change_at"),
        ]

    def __str__(self) -> str:
        return f"{self.change} {self.public_id}"


class FormerUsername(models.Model):
    """A username that an account had. It stays the account's for good: nobody else gets it, and the carrier's feed
    still finds the account by it (docs/security.md#usernames)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="former_usernames")
    username_key = models.CharField(max_length=200, unique=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return self.username_key
