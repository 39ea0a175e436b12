"""Background work of the ground floor."""

from __future__ import annotations

import structlog
from celery import shared_task

from core import mail, outbox, partitions, refusals, throttle, work

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
def keep_house() -> None:
    """Daily: partitions of the event log for the years ahead and retention of the years behind; old throttle rows and
    mails."""
    added, dropped = partitions.keep_partitions() if partitions.may_keep_partitions() else ([], [])
    forgotten, mails = throttle.forget_old(), mail.forget_old()
    log.info(
        "house_kept", years_added=added, years_dropped=dropped, throttles_forgotten=forgotten, mails_forgotten=mails
    )


@shared_task
def close_refusals() -> None:
    """Every minute: how often closed doors were knocked on, one event for each (`core.refusals`)."""
    refusals.close_refusals()
