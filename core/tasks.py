"""Background work of the ground floor."""

from __future__ import annotations

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from core import partitions, refusals, throttle
from core.alerts import alert_staff
from core.areas import outbox_handlers
from core.models import OutboxMessage
from core.queue import enqueue

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 10
BATCH = 500


@shared_task
def drain_outbox() -> int:
    """Enqueue what is due in the outbox: messages whose first enqueueing was lost, and those to be tried again.

    Returns how many were enqueued; beat calls it every few seconds.
    """
    due = OutboxMessage.objects.filter(
        status=OutboxMessage.Status.WAITING, next_attempt_at__lte=timezone.now()
    ).order_by("id")
    return sum(enqueue(deliver, pk) for pk in due.values_list("pk", flat=True)[:BATCH])


@shared_task
def deliver(message_id: int) -> None:
    """Hand one message to its topic's handlers.

    The attempt is counted and the next one set before the handlers run, so that a worker that dies loses nothing; a
    handler's own error ends this task and the message comes back, later each time, ten times at most.
    """
    claimed = _claim(message_id)
    if claimed is None:
        return
    with transaction.atomic():
        for path in outbox_handlers(claimed.topic):
            import_string(path)(claimed.payload, key=claimed.key)
        OutboxMessage.objects.filter(pk=message_id).update(
            status=OutboxMessage.Status.DELIVERED, delivered_at=timezone.now()
        )


def _claim(message_id: int) -> OutboxMessage | None:
    """Count an attempt; None where another worker has the message, or where it is done or has failed for good."""
    now = timezone.now()
    with transaction.atomic():
        message = (
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(pk=message_id, status=OutboxMessage.Status.WAITING, next_attempt_at__lte=now)
            .first()
        )
        if message is None:
            return None
        if message.attempts >= MAX_ATTEMPTS:
            message.status = OutboxMessage.Status.FAILED
            message.save(update_fields=["status"])
            log.error("outbox_failed", message_id=message_id, topic=message.topic)
            alert_staff(
                "An outbox message could not be delivered",
                f"Message {message_id} ({message.topic}) was tried {MAX_ATTEMPTS} times. The log tells why.",
            )
            return None
        OutboxMessage.objects.filter(pk=message_id).update(
            attempts=F("attempts") + 1, next_attempt_at=now + timedelta(seconds=15 * 2**message.attempts)
        )
        return message


@shared_task
def keep_house() -> None:
    """Daily: partitions of the event log for the years ahead and retention of the years behind; old throttle rows."""
    added, dropped = partitions.keep_partitions() if partitions.may_keep_partitions() else ([], [])
    forgotten = throttle.forget_old()
    log.info("house_kept", years_added=added, years_dropped=dropped, throttles_forgotten=forgotten)


@shared_task
def close_refusals() -> None:
    """Every minute: how often closed doors were knocked on, one event for each (`core.refusals`)."""
    refusals.close_refusals()


@shared_task(autoretry_for=(OSError,), retry_backoff=30, retry_backoff_max=900, retry_kwargs={"max_retries": 8})
def mail_staff(subject: str, body: str) -> None:
    """Send an alert to the staff's addresses; a mail server that is down is tried again for about an hour.

    `smtplib.SMTPException` is an OSError, as is a refused connection.
    """
    EmailMessage(subject=subject, body=body, to=settings.STAFF_ALERT_EMAILS).send()
