"""Runs whose worker or command died: found by their free lock, then tried again or ended, and staff are told.

Nothing of such a load remains: its transaction ended with its connection.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.utils import timezone

from core.alerts import alert_staff
from feed import watched_folder
from feed.load.finish import finish
from feed.load.run_lock import RunKeeper
from feed.models import Run

# A run that was enqueued this long ago and hasn't started has lost its place in the queue.
LOST_AFTER = dt.timedelta(seconds=60)
COMMAND_ENDED = "The command ended before the load did. Nothing was applied."


def runs_to_repeat() -> list[Run]:
    """Return runs that nobody works on and that may be tried again; the others are ended as failed."""
    before = timezone.now() - LOST_AFTER
    lost = Run.objects.ready().filter(Q(started_at=None, created_at__lt=before) | Q(started_at__lt=before))
    return [run for run in lost if _is_to_be_repeated(run)]


def end_interrupted_commands() -> list[Run]:
    """End the runs of commands that died as failed, whether or not a worker is there to do it; return them."""
    begun = Run.objects.unfinished().filter(origin=Run.Origin.COMMAND, released_reason="").exclude(started_at=None)
    return [run for run in begun if not _is_to_be_repeated(run) and run.is_finished]


def _is_to_be_repeated(run: Run) -> bool:
    """Return whether no worker has the run and it may be tried again; if it may not, end it as failed."""
    with RunKeeper(run.pk) as keeper:
        if not keeper.held:
            return False
        # Another worker may have ended it a moment ago; none can start it while we have the lock.
        run.refresh_from_db()
        if run.is_finished:
            return False
        if run.belongs_to_a_command:
            outcome = COMMAND_ENDED
        elif run.attempts >= Run.MAX_ATTEMPTS:
            outcome = f"The load was tried {run.attempts} times and never finished. Nothing was applied."
        else:
            _tell_of_interruption(run)
            return True
        finish(run, status=Run.Status.FAILED, outcome=outcome)
        watched_folder.settle(run)
    return False


def _tell_of_interruption(run: Run) -> None:
    """Make a run whose load broke off received again, and tell staff, once for each time."""
    if run.status != Run.Status.CHECKING:
        return
    run.status = Run.Status.RECEIVED
    run.phase = f"Interrupted on the {_ordinal(run.attempts)} try; nothing was applied. Waiting for another try"
    run.progress, run.bytes_done, run.bytes_total = [], 0, 0
    run.save(update_fields=["status", "phase", "progress", "bytes_done", "bytes_total"])
    alert_staff(
        "A feed load was interrupted",
        f"The load of package {run.name or run.pk} broke off, because its worker or the database stopped. Nothing was "
        "applied. We're trying it again.",
    )


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second"}.get(number, f"{number}th")
