"""Maintenance: what is closed, since when and until when, and the notice ahead of it (S-17)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core import memo
from core.events import record_event
from core.fields import PublicIdField
from portal.events import PortalEvent

if TYPE_CHECKING:
    from accounts.models import User

# Under this key each process keeps the windows (`portal.maintenance.closing`).
KNOWN = "portal.maintenance.windows"


class MaintenanceWindowQuerySet(models.QuerySet["MaintenanceWindow"]):
    """Windows, and which of them still matter."""

    def not_over(self, now: dt.datetime | None = None) -> Self:
        """Return those that close something until someone ends them, or are announced and not past."""
        ahead = Q(expected_end__gt=now or timezone.now())
        return self.filter(Q(closes=True) | ahead, ended_at=None).order_by("starts_at", "id")


class MaintenanceWindow(models.Model):
    """A time of maintenance, of the whole portal or of one area.

    Where it `closes`, customers get a page that says so from `starts_at` until staff end it: `expected_end` is what we
    tell them, and never opens anything by itself (docs/decisions/0091-maintenance-mode.md).
    """

    public_id = PublicIdField()
    area = models.CharField(max_length=40, blank=True, default="", help_text="Empty: the whole portal.")
    starts_at = models.DateTimeField("from", default=timezone.now)
    expected_end = models.DateTimeField(null=True, blank=True, help_text="Shown to customers. Empty: not known yet.")
    closes = models.BooleanField(
        "closes the portal",
        default=True,
        help_text="From the start until you end it. Otherwise customers only see the notice, until the expected end.",
    )
    notice_from = models.DateTimeField(
        "announced from",
        null=True,
        blank=True,
        help_text="When the notice appears on the home and sign-in pages. Empty: no notice ahead.",
    )
    message = models.TextField(
        blank=True, default="", max_length=1000, help_text="What customers should know. Plain text, no markup."
    )
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When staff were told that the expected end had passed.
    overrun_told_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = MaintenanceWindowQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expected_end=None) | Q(expected_end__gt=F("starts_at")),
                name="portal_maintenance_dates",
                violation_error_message="It can't end before it begins.",
            ),
            models.CheckConstraint(
                condition=Q(closes=True) | Q(expected_end__isnull=False),
                name="portal_maintenance_notice_ends",
                violation_error_message="A notice that closes nothing needs an expected end.",
            ),
        ]

    def __str__(self) -> str:
        return f"Maintenance from {timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        memo.forget(KNOWN)

    def is_in_effect(self, now: dt.datetime) -> bool:
        """Whether it closes its area now."""
        return self.closes and self.ended_at is None and self.starts_at <= now

    def is_announced(self, now: dt.datetime) -> bool:
        """Whether its notice is shown now: ahead of it, and for what closes nothing also during it."""
        if self.ended_at is not None or self.notice_from is None or now < self.notice_from:
            return False
        if self.closes:
            return now < self.starts_at
        return self.expected_end is not None and now < self.expected_end

    def is_overrun(self, now: dt.datetime) -> bool:
        """Whether its area is still closed past the expected end."""
        return self.is_in_effect(now) and self.expected_end is not None and self.expected_end < now

    def end(self, *, by: User | None = None) -> bool:
        """End it: what it closed is open again, and its notice is gone. Returns False where it had ended already."""
        now = timezone.now()
        ended = MaintenanceWindow.objects.filter(pk=self.pk, ended_at=None).update(ended_at=now)
        memo.forget(KNOWN)
        self.refresh_from_db(fields=["ended_at"])
        if ended:
            record_event(PortalEvent.MAINTENANCE_ENDED, subject=self, by=by, area=self.area or settings.WHOLE_PORTAL)
        return bool(ended)
