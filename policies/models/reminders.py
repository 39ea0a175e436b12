"""Reminders of renewal that were sent."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from policies.models.term import Term


class RenewalReminder(models.Model):
    """One reminder: that a term ends, to one user, `days` (a setting's step) before. Never sent twice (S-33)."""

    term = models.ForeignKey(Term, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    days = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["term", "user", "days"], name="policies_reminder_once")]

    def __str__(self) -> str:
        return f"term {self.term_id}, {self.days} days ahead"
