"""Locks that only staff lift."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class AccountLock(models.Model):
    """A lock on an account, with who set it and why (docs/security.md#lockout). There is one at a time; it lasts until
    staff lift it with a reason. Cool-offs after wrong passwords or codes end by themselves and are no rows here:
    `accounts.services.locks.obstacles_of` shows all of them together."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="locks")
    reason = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="locks_set"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="locks_lifted"
    )
    lift_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(lifted_at=None), name="one_lock_at_a_time"),
            models.CheckConstraint(condition=Q(lifted_at=None) | ~Q(lift_reason=""), name="lock_lifted_with_a_reason"),
        ]

    def __str__(self) -> str:
        return self.reason
