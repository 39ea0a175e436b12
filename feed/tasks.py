"""Background tasks of the feed. Rows are the state, so every task can run twice."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core.alerts import alert_staff
from core.queue import enqueue
from feed import watched_folder
from feed.leftovers import delete_orphaned_uploads, forget_old_findings, forget_old_samples
from feed.load.loader import BehindError, LoadBusyError, RunBusyError, execute
from feed.lost_runs import runs_to_repeat
from feed.models import NotHeldError, Run, Source
from feed.services import drop_held
from feed.unreferenced import remove_unreferenced

log = structlog.get_logger(__name__)


@shared_task
def load_run(run_id: int) -> None:
    """Finish a run, unless it has ended or another worker has it; during another load, it's left for the next try."""
    run = Run.objects.unfinished().filter(pk=run_id).first()
    if run is None:
        return
    try:
        execute(run, wait=False)
    except (RunBusyError, LoadBusyError) as busy:
        log.info("feed_run_waits", run_id=run_id, reason=type(busy).__name__)
        if isinstance(busy, BehindError):
            _go_on(run)
        return
    run.forget_upload()
    watched_folder.settle(run)
    _go_on(run)


def _go_on(run: Run) -> None:
    """Turn to the next package, in the watched folder and in the queue."""
    if run.origin == Run.Origin.FOLDER:
        enqueue(watch_folder.name)
    _load_next()


def _load_next() -> None:
    """Enqueue the run that has waited longest for this load to end, so that it needn't wait for beat as well."""
    waiting = (
        Run.objects.ready().filter(status=Run.Status.RECEIVED).exclude(origin=Run.Origin.COMMAND, released_reason="")
    )
    if next_run := waiting.order_by("created_at", "pk").first():
        enqueue(load_run.name, next_run.pk)


@shared_task
def watch_folder() -> None:
    """Take the next complete package of the watched folder, if there is one."""
    watched_folder.take_next()


@shared_task
def retry_stale_runs() -> int:
    """Enqueue runs again that lost their worker or their place in the queue; after three tries, they fail.

    Return how many were enqueued. Runs of the command aren't repeated: the person at the terminal saw them end. Uploads
    that a dying worker left behind are deleted.
    """
    for run in Run.objects.with_needless_upload():
        run.forget_upload()
    return sum(enqueue(load_run.name, run.pk) for run in runs_to_repeat())


@shared_task
def drop_old_held_runs() -> int:
    """Drop packages that have been held for `settings.FEED_HELD_FOR`, because they have dates of birth.

    Return how many were dropped.
    """
    dropped = 0
    for run in Run.objects.awaiting_decision().filter(finished_at__lt=timezone.now() - settings.FEED_HELD_FOR):
        # A person may have decided a moment ago.
        with suppress(NotHeldError):
            drop_held(run=run, reason=f"Nobody reviewed it within {settings.FEED_HELD_FOR.days} days.")
            dropped += 1
    return dropped


@shared_task
def remove_unreferenced_files() -> int:
    """Remove stored documents that no row names. Return how many were removed."""
    removed = remove_unreferenced()
    if removed:
        log.info("unreferenced_files_removed", files=removed)
    return removed


@shared_task
def clear_leftovers() -> None:
    """Delete what nobody needs anymore and holds personal data."""
    delete_orphaned_uploads()
    forget_old_samples()
    forget_old_findings()


@shared_task
def alarm_stale_feed() -> int:
    """Alert staff once about each source whose data is too old. Return how many sources that was."""
    now = timezone.now()
    told = 0
    for source in Source.objects.filter(alarmed_at=None):
        if not source.is_stale:
            continue
        hours = settings.FEED_STALE_AFTER // dt.timedelta(hours=1)
        # Of two workers at once, only the one that updates the row sends the alert.
        if Source.objects.filter(pk=source.pk, as_of=source.as_of, alarmed_at=None).update(alarmed_at=now):
            told += 1
            alert_staff(
                f"The carrier feed '{source.name}' is stale",
                f"The data from '{source.name}' is as of {source.as_of:%Y-%m-%d %H:%M} UTC, more than "
                f"{hours} hours ago. The last package applied was number {source.sequence}.",
            )
    return told
