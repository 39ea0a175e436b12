"""Views of the portal by staff, as a customer sees it (B-11)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.sessions import Session
from core.fields import PublicIdField


class LookEnd(models.TextChoices):
    """Why a look is over."""

    BY_HAND = "by_hand", "Ended by the staff member"
    TIME = "time", "Its time was up"
    SESSION = "session", "The staff member’s session ended"
    NOT_ALLOWED = "not_allowed", "No longer allowed"


class Look(models.Model):
    """A member of staff looks at the portal as a customer sees it, for a reason and for 15 minutes
    (docs/security.md#view-as). The request's user stays the staff member; only the rows are the subject's. A session
    has one open look at most."""

    public_id = PublicIdField()
    session = models.ForeignKey(Session, on_delete=models.SET_NULL, null=True, related_name="looks")
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="looks")
    subject = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="looked_at")
    reason = models.CharField(max_length=300)
    started_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, choices=LookEnd, blank=True, default="")

    class Meta:
        ordering = ("-started_at",)
        constraints = [
            models.UniqueConstraint(fields=["session"], condition=Q(ended_at=None), name="accounts_one_look_a_session"),
            models.CheckConstraint(condition=~Q(staff=models.F("subject")), name="accounts_look_at_another"),
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="accounts_look_ended_why",
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], condition=Q(ended_at=None), name="accounts_look_open")]

    def __str__(self) -> str:
        return f"look {self.public_id}"
