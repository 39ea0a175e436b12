"""Background work of the feed. Rows are the state: every task may run twice and takes up what it finds."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

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

log = structlog.get_logger(__name__)

# A run that was enqueued so long ago and has not begun has lost its place in the queue.
LOST_AFTER = timedelta(seconds=60)


@shared_task
def load_run(run_id: int) -> None:
    """Take a run to its end, unless it has ended or another worker is at it; behind another load it waits its turn."""
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
        enqueue(watch_folder)


@shared_task
def watch_folder() -> None:
    """Take the next package of the watched folder, if one is complete."""
    watched_folder.take_next()


@shared_task
def retry_stale_runs() -> int:
    """Enqueue runs again whose worker died or whose place in the queue was lost; after three tries they fail visibly.

    Returns how many were enqueued. A command's run is not repeated: the person at the terminal saw it end. Uploads that
    a dying worker left behind are deleted.
    """
    for run in Run.objects.with_needless_upload():
        run.forget_upload()
    before = timezone.now() - LOST_AFTER
    stale = Run.objects.unfinished().filter(Q(started_at=None, created_at__lt=before) | Q(started_at__lt=before))
    lost = [run for run in stale if _is_to_be_repeated(run)]
    return sum(enqueue(load_run, run.pk) for run in lost)


def _is_to_be_repeated(run: Run) -> bool:
    """Whether nobody is at the run and it may be tried once more; one that may not ends as failed."""
    with RunKeeper(run.pk) as keeper:
        if not keeper.held:
            return False
        # Whoever was at it may have ended it a moment ago; nobody else can begin while the lock is ours.
        run.refresh_from_db()
        if run.is_finished:
            return False
        if run.origin == Run.Origin.COMMAND:
            outcome = "The command ended before the load did; nothing was applied."
        elif run.attempts >= Run.MAX_ATTEMPTS:
            outcome = f"The load was tried {run.attempts} times and did not come to its end; nothing was applied."
        else:
            return True
        finish(run, status=Run.Status.FAILED, outcome=outcome)
        watched_folder.settle(run)
    return False


@shared_task
def drop_old_held_runs() -> int:
    """Drop packages that have waited `settings.FEED_HELD_FOR` for a decision: they hold dates of birth.

    Returns how many were dropped.
    """
    dropped = 0
    for run in Run.objects.awaiting_decision().filter(finished_at__lt=timezone.now() - settings.FEED_HELD_FOR):
        # A person may have decided about it a moment ago.
        with suppress(NotHeldError):
            drop_held(run=run, reason=f"Nobody decided within {settings.FEED_HELD_FOR.days} days.")
            dropped += 1
    return dropped


@shared_task
def alarm_stale_feed() -> int:
    """Tell staff of each source whose data has become too old, once per staleness. Returns how many were told of."""
    now = timezone.now()
    told = 0
    for source in Source.objects.expected().filter(alarmed_at=None):
        if not is_stale(source.as_of, now):
            continue
        # Two workers at once: only one of them writes the row, and only that one tells.
        if Source.objects.filter(pk=source.pk, as_of=source.as_of, alarmed_at=None).update(alarmed_at=now):
            told += 1
            alert_staff(
                f"The carrier feed '{source.name}' is stale",
                f"The data of source '{source.name}' is as of {source.as_of:%Y-%m-%d %H:%M} UTC, older than "
                f"{settings.FEED_STALE_AFTER}. The last package applied was number {source.sequence}.",
            )
    return told
