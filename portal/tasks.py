"""Background work of the portal itself."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.alerts import alert_staff
from portal.models import MaintenanceWindow


@shared_task
def watch_maintenance() -> int:
    """Tell staff once about each window that still closes something past its expected end; returns how many."""
    now = timezone.now()
    late = [window for window in MaintenanceWindow.objects.not_over(now) if window.is_overrun(now)]
    told = 0
    for window in late:
        if MaintenanceWindow.objects.filter(pk=window.pk, overrun_told_at=None).update(overrun_told_at=now):
            told += 1
            alert_staff(
                "Maintenance is past its expected end",
                "Customers still see the page of maintenance. End it in admin under Maintenance windows, or by "
                "manage.py maintenance off; or give it a new expected end.",
            )
    return told
