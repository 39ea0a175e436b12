"""Background work of policies."""

from __future__ import annotations

import structlog
from celery import shared_task

from core.dates import carrier_today
from policies import reminders

log = structlog.get_logger(__name__)


@shared_task
def remind_of_renewals() -> None:
    """Send the reminders of renewal that are due today (beat)."""
    log.info("renewal_reminders", mails=reminders.send_due(today=carrier_today()))
