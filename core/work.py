"""Rows that a worker must finish: a certificate, a mail, a message of the outbox (docs/architecture.md#work).

The row is the state. It is `queued` until its work is done. A worker counts an attempt in a transaction of its own,
then works while it holds the row's lock. A worker that is killed loses the lock with its connection, so a queued row
that nobody holds and whose message is some seconds old is handed over again: by beat, and by a page that waits for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import structlog
from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from core.origin import acting_by_itself
from core.queue import enqueue, queue_of, waiting

Row = TypeVar("Row", bound="Work")
log = structlog.get_logger(__name__)


class Work(models.Model):
    """A row that a worker must finish.

    A subclass writes:

    - `TASK`, the name of a task that takes the row's key. Services and tasks then don't import each other.
    - `status` with its own words. `queued` and `failed` are fixed; what is done has values of its own.
    - an index on `enqueued_at` of the rows that are queued.
    - `given_up` and `retried`, for the event log and for staff.
    - one function that does the work within `attempt`, sets the status that says it is done, and may be repeated: what
      it stores gets a name that a second attempt would give it too.

    One attempt must take less than the broker's visibility timeout (300 s). Longer work, a batch for example, is a row
    for each piece, and a row that a beat task or the last piece finishes. A call to a vendor (a webhook) sets `PAUSE`.
    """

    QUEUED = "queued"
    FAILED = "failed"

    TASK: str = ""
    MAX_ATTEMPTS: int = 3
    # How long to wait after the first error; twice as long after each further one. Zero tries again at once.
    PAUSE: dt.timedelta = dt.timedelta(0)
    # A message is taken for lost after so long: soon where a worker had begun or the queue had refused it, later where
    # it may only be waiting its turn.
    LOST_BEGUN: dt.timedelta = dt.timedelta(seconds=3)
    LOST_WAITING: dt.timedelta = dt.timedelta(seconds=8)
    # No more than this waits in the queue by handing over again: with the worker down it would otherwise fill Redis,
    # which carries the sign-in codes too.
    MOST_IN_QUEUE: int = 100

    status = models.CharField(max_length=12, default=QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When it was last handed to the queue, or after an error, when it will be; and whether the queue took it.
    enqueued_at = models.DateTimeField(default=timezone.now)
    is_enqueued = models.BooleanField(default=True)
    # The class of the error of the last attempt; never its text, which may hold personal data.
    last_error = models.CharField(max_length=120, blank=True, default="")

    objects: models.Manager[Any] = models.Manager()

    class Meta:
        abstract = True

    @property
    def has_failed(self) -> bool:
        """Whether it was given up and needs a retry."""
        return self.status == self.FAILED

    def given_up(self) -> None:
        """Override to record that the row is given up, and to tell staff. Called with the row locked; nobody acts."""

    def retried(self, *, by: models.Model) -> None:
        """Override to record that `by` tries the row again."""


def hand_over(row: Work) -> None:
    """Hand a new row to its queue once the transaction has committed. Where the queue is away, the row says so."""
    transaction.on_commit(partial(_hand_over, type(row), row.pk))


def _hand_over(model: type[Work], pk: int) -> bool:
    if enqueue(model.TASK, pk):
        return True
    _queued(model).filter(pk=pk).update(is_enqueued=False)
    return False


@contextmanager
def attempt(model: type[Row], pk: int) -> Iterator[Row | None]:
    """Count an attempt and yield the row, locked until the block ends; None where there is nothing to do.

    The count is committed first, so that a killed worker's attempt counts too. An error rolls the block back, is noted
    on the row (see `attempt_failed`), and goes on.
    """
    if not _count_attempt(model, pk):
        yield None
        return
    try:
        with transaction.atomic():
            yield _lock(model, pk)
    except Exception as error:
        attempt_failed(model, pk, type(error).__name__)
        raise


def _count_attempt(model: type[Work], pk: int) -> bool:
    with transaction.atomic():
        row = _lock(model, pk)
        if row is None or (not row.is_enqueued and row.enqueued_at > timezone.now()):
            return False
        if row.attempts >= model.MAX_ATTEMPTS:
            give_up(row)
            return False
        model.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
        return True


def attempt_failed(model: type[Work], pk: int, error: str) -> None:
    """After an attempt that raised `error` (its class): try again, at once or after a pause, or give up."""
    with transaction.atomic():
        row = _lock(model, pk)
        if row is None:
            return
        pause = model.PAUSE * 2 ** max(0, row.attempts - 1)
        model.objects.filter(pk=pk).update(
            last_error=error[:120], enqueued_at=timezone.now() + pause, is_enqueued=not pause
        )
        if row.attempts >= model.MAX_ATTEMPTS:
            give_up(row)
        elif not pause:
            hand_over(row)


def give_up(row: Work) -> None:
    """Mark a row as failed, where people see it. The row is locked."""
    type(row).objects.filter(pk=row.pk).update(status=Work.FAILED)
    row.status = Work.FAILED
    log.error("work_given_up", kind=row._meta.label_lower, id=row.pk, attempts=row.attempts)
    with acting_by_itself():
        row.given_up()


def retry(row: Work, *, by: models.Model) -> bool:
    """Try a failed row again, its attempts counted from zero; False where it isn't failed (any more)."""
    model = type(row)
    with transaction.atomic():
        again = model.objects.filter(pk=row.pk, status=Work.FAILED).update(
            status=Work.QUEUED, attempts=0, last_error="", enqueued_at=timezone.now(), is_enqueued=True
        )
        if again:
            row.retried(by=by)
            hand_over(row)
    row.refresh_from_db(fields=["status", "attempts", "is_enqueued", "enqueued_at", "last_error"])
    return bool(again)


def kinds() -> list[type[Work]]:
    """Return every model that is work."""
    return [model for model in apps.get_models() if issubclass(model, Work)]


def requeue_lost(*, only: Work | None = None) -> int:
    """Hand over again what is queued, held by nobody, and whose message is lost; return how many.

    Of one row (a page that waits for it), or of every kind of work (beat).
    """
    if only is not None:
        return _requeue_lost(type(only), only=only)
    return sum(_requeue_lost(model) for model in kinds())


def _requeue_lost(model: type[Work], only: Work | None = None) -> int:
    """Only while the queue is short: in a long one the message isn't lost, it waits. The rows are claimed by one
    transaction that skips locked ones: of beat and the pages that wait, one does it."""
    now = timezone.now()
    lost = Q(enqueued_at__lt=now - model.LOST_WAITING) | (
        Q(enqueued_at__lt=now - model.LOST_BEGUN) & (Q(attempts__gt=0) | Q(is_enqueued=False))
    )
    found = _queued(model).filter(lost)
    if only is not None:
        found = found.filter(pk=only.pk)
    if not found.exists():
        return 0
    # A queue that can't be reached takes nothing either; handing over finds that out and says so on the row.
    room = model.MOST_IN_QUEUE - (waiting(queue_of(model.TASK)) or 0)
    if room <= 0:
        return 0
    with transaction.atomic():
        claimed = list(found.select_for_update(skip_locked=True, no_key=True).order_by("enqueued_at")[:room])
        tried_enough = [row for row in claimed if row.attempts >= model.MAX_ATTEMPTS]
        for row in tried_enough:
            give_up(row)
        again = [row.pk for row in claimed if row.attempts < model.MAX_ATTEMPTS]
        model.objects.filter(pk__in=again).update(enqueued_at=now, is_enqueued=True)
    handed_over = _hand_over_all(model, again)
    if tried_enough or handed_over:
        log.warning("work_requeued", kind=model._meta.label_lower, again=handed_over, given_up=len(tried_enough))
    return handed_over


def _hand_over_all(model: type[Work], keys: Iterable[int]) -> int:
    keys = list(keys)
    for position, pk in enumerate(keys):
        if not _hand_over(model, pk):
            # The queue is away: the rest would wait for it one by one.
            _queued(model).filter(pk__in=keys[position:]).update(is_enqueued=False)
            return position
    return len(keys)


def _queued(model: type[Work]) -> models.QuerySet[Any]:
    return model.objects.filter(status=Work.QUEUED)


def _lock(model: type[Row], pk: int) -> Row | None:
    """Return the queued row, locked until the transaction ends; None where it isn't queued or another worker has it."""
    found: Row | None = _queued(model).select_for_update(skip_locked=True, no_key=True).filter(pk=pk).first()
    return found
