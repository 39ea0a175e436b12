"""Background work of the ground floor."""

from __future__ import annotations

import structlog
from celery import shared_task

from core import events, mail, outbox, refusals, throttle, work
from core.uploads import scanning

log = structlog.get_logger(__name__)


@shared_task(expires=10)
def requeue_lost() -> int:
    """Hand over again what got lost of every kind of work; return how many. Beat calls it every few seconds."""
    return work.requeue_lost()


@shared_task
def deliver(message_id: int) -> None:
    """Hand one message of the outbox to its topic's handlers."""
    outbox.deliver(message_id)


@shared_task
def send_mail(mail_id: int) -> None:
    """Render and send one mail."""
    mail.deliver(mail_id)


@shared_task
def scan_upload(upload_id: int) -> None:
    """Scan one uploaded file for viruses."""
    scanning.scan(upload_id)


@shared_task
def keep_house() -> None:
    """Daily: forget what is past its time, in the event log, the throttle, and the mails."""
    log.info(
        "house_kept",
        events_deleted=events.forget_old(),
        throttles_forgotten=throttle.forget_old(),
        mails_forgotten=mail.forget_old(),
    )


@shared_task
def close_refusals() -> None:
    """Every minute: how often closed doors were knocked on, one event for each (`core.refusals`)."""
    refusals.close_refusals()
