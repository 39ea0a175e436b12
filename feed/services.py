"""Receiving uploaded packages, and decisions about held ones."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from core.events import record_event
from core.idempotency import create_once
from core.queue import enqueue_on_commit
from feed import watched_folder
from feed.events import FeedEvent
from feed.models import Run

if TYPE_CHECKING:
    from accounts.models import User


def receive_upload(*, file: UploadedFile[Any], dry_run: bool, by: User, key: uuid.UUID) -> Run:
    """Store an uploaded package and enqueue its load. The same key gives the same run."""

    def create() -> Run:
        run = Run.objects.create(
            idempotency_key=key,
            origin=Run.Origin.UPLOAD,
            name=(file.name or "package.zip")[:200],
            upload=file,
            dry_run=dry_run,
            uploaded_by=by,
        )
        record_event(FeedEvent.PACKAGE_UPLOADED, subject=run, by=by, dry_run=dry_run)
        return run

    with transaction.atomic():
        run, is_new = create_once(Run.objects.filter(uploaded_by=by), key=key, create=create)
        if is_new:
            enqueue_on_commit(Run.TASK, run.pk)
    return run


def drop_held(*, run: Run, reason: str, by: User | None = None) -> None:
    """Drop a held package without applying it, and delete its upload. Raises NotHeldError if it's no longer held.

    A package in the watched folder moves to the folder `refused`. What waited for the decision goes on.
    """
    with transaction.atomic():
        run.drop(by=by, reason=reason)
        if following := run.waiting.unfinished().order_by("sequence", "pk").first():
            enqueue_on_commit(Run.TASK, following.pk)
        transaction.on_commit(partial(_put_away, run))


def _put_away(run: Run) -> None:
    run.forget_upload()
    watched_folder.settle(run)


def release_held(*, run: Run, by: User, reason: str) -> None:
    """Release a held package and enqueue its load.

    Raises NotHeldError if it's no longer held, OwnUploadError for the person who uploaded it.
    """
    with transaction.atomic():
        run.release(by=by, reason=reason)
        enqueue_on_commit(Run.TASK, run.pk)
