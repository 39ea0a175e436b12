"""Telling staff that something needs a person."""

from __future__ import annotations

import structlog
from django.conf import settings

from core.queue import enqueue_on_commit

log = structlog.get_logger(__name__)


def alert_staff(subject: str, body: str) -> None:
    """Mail to `settings.STAFF_ALERT_EMAILS` through the queue, and a line in the log whatever becomes of the mail.

    Never raises: a queue that is down is logged. Neither subject nor body holds personal data.
    """
    log.warning("staff_alert", subject=subject)
    if settings.STAFF_ALERT_EMAILS:
        from core.tasks import mail_staff

        enqueue_on_commit(mail_staff, f"[{settings.BRAND['portal_name']}] {subject}", body)
