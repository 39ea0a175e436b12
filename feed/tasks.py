"""Background tasks of the feed. Rows are the state, so every task can run twice."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from core.alerts import alert_staff
from core.freshness import is_stale
from core.queue import enqueue
from feed import watched_folder
from feed.load.finish import finish
from feed.load.loader import LoadBusyError, RunBusyError, execute
from feed.load.run_lock import RunKeeper
from feed.models import NotHeldError, Run, Source
from feed.services import drop_held
from feed.unreferenced import remove_unreferenced

log = structlog.get_logger(__name__)

# A run that was enqueued this long ago and hasn't started has lost its place in the queue.
LOST_AFTER = dt.timedelta(seconds=60)


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
        return
    run.forget_upload()
    if run.origin == Run.Origin.FOLDER:
        watched_folder.settle(run)
        enqueue(watch_folder.name)


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
    before = timezone.now() - LOST_AFTER
    stale = Run.objects.unfinished().filter(Q(started_at=None, created_at__lt=before) | Q(started_at__lt=before))
    lost = [run for run in stale if _is_to_be_repeated(run)]
    return sum(enqueue(load_run.name, run.pk) for run in lost)


def _is_to_be_repeated(run: Run) -> bool:
    """Return whether no worker has the run and it may be tried again; if it may not, end it as failed."""
    with RunKeeper(run.pk) as keeper:
        if not keeper.held:
            return False
        # Another worker may have ended it a moment ago; none can start it while we have the lock.
        run.refresh_from_db()
        if run.is_finished:
            return False
        if run.origin == Run.Origin.COMMAND:
            outcome = "The command ended before the load did. Nothing was applied."
        elif run.attempts >= Run.MAX_ATTEMPTS:
            outcome = f"The load was tried {run.attempts} times and never finished. Nothing was applied."
        else:
            return True
        finish(run, status=Run.Status.FAILED, outcome=outcome)
        watched_folder.settle(run)
    return False


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
def alarm_stale_feed() -> int:
    """Alert staff once about each source whose data is too old. Return how many sources that was."""
    now = timezone.now()
    told = 0
    for source in Source.objects.expected().filter(alarmed_at=None):
        if not is_stale(source.as_of, now):
            continue
        # Of two workers at once, only the one that updates the row sends the alert.
        if Source.objects.filter(pk=source.pk, as_of=source.as_of, alarmed_at=None).update(alarmed_at=now):
            told += 1
            alert_staff(
                f"The carrier feed '{source.name}' is stale",
                f"The data from '{source.name}' is as of {source.as_of:%Y-%m-%d %H:%M} UTC, older than "
                f"{settings.FEED_STALE_AFTER}. The last package applied was number {source.sequence}.",
            )
    return told
