"""Telling staff that something needs a person."""

from __future__ import annotations

import structlog
from django.db import Error, transaction

from core import mail

log = structlog.get_logger(__name__)


def alert_staff(subject: str, body: str) -> None:
    """Mail to `settings.STAFF_ALERT_EMAILS`, and write a line in the log whatever becomes of the mail.

    Never raises: a database that is down is logged. Neither subject nor body holds personal data.
    """
    log.warning("staff_alert", subject=subject)
    try:
        with transaction.atomic():
            mail.alert(subject, body)
    except Error as error:
        log.error("staff_alert_not_stored", subject=subject, error=type(error).__name__)  # noqa: TRY400
