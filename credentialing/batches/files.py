"""The files of a batch: those of its papers, and its own, which is kept for some days."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import shutil
import tempfile
import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import structlog
from django.core.files.base import ContentFile, File
from django.db import connection, transaction
from django.utils import timezone

from core.events import record_event
from core.storage import private_storage
from credentialing.batches import writing
from credentialing.certificates.rendering import certificate_pdf
from credentialing.claims_history.rendering import claims_paper_pdf
from credentialing.events import BatchEvent
from credentialing.models import Batch, BatchPiece, Certificate
from credentialing.papers import store_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credentialing.models import ClaimsPaper

log = structlog.get_logger(__name__)
# Between two looks at how far the file is, in seconds.
PACE = 0.5
DRAFTS_KEPT = dt.timedelta(days=2)


@dataclass(frozen=True)
class Written:
    """A stored file. `size` is in bytes."""

    name: str
    size: int
    sha256: str


class StoppedError(Exception):
    """The batch was cancelled while its file was written."""


def make_file(paper: Certificate | ClaimsPaper) -> bool:
    """Make and store the file of a paper that is locked; False, and a line in the log, where it can't be made."""
    try:
        with transaction.atomic():
            pdf = certificate_pdf(paper) if isinstance(paper, Certificate) else claims_paper_pdf(paper)
            store_file(paper, pdf)
    except Exception as error:  # noqa: BLE001  # whatever it is, the other papers of the piece go on
        log.error("batch_paper_failed", paper=paper.serial, error=type(error).__name__)  # noqa: TRY400
        return False
    return True


def write(batch: Batch) -> Written | None:
    """Put the batch's file together and store it; None where it is cancelled meanwhile.

    A small one is written here, a large one is in parts (`write_part`), and only its end is. It goes to disk as it
    grows, so that memory doesn't grow with the number of certificates.
    """
    parts = _parts_of(batch)
    with tempfile.TemporaryFile() as to:
        state = None
        for name in parts:
            with private_storage().open(f"{name}.part") as part:
                shutil.copyfileobj(part, to)
        if parts:
            state = _state_after(parts[-1])
            growing = writing.begin(batch, to, state["file"])
        else:
            growing = writing.begin(batch, to)
            if _add(growing, batch, 0, batch.total, done=0) is None:
                return None
        growing.close()
        return _keep(batch, to)


def write_part(batch: Batch, piece: BatchPiece) -> int | None:
    """Write the part of the batch's file that holds a piece's items, after the part before it, and return how many
    certificates are written by then; None where the batch is cancelled meanwhile.

    Everything is stored under names that a second attempt gives it, too.
    """
    names = _parts_of(batch, until=piece.first)
    before = _state_after(names[-1]) if names else None
    with tempfile.TemporaryFile() as to:
        growing = writing.begin(batch, to, before["file"] if before else None)
        done = _add(growing, batch, piece.first, piece.beyond, done=before["done"] if before else 0)
        if done is None:
            return None
        state = json.dumps({"done": done, "file": growing.state()}, separators=(",", ":"))
        name = _part_name(batch, piece.first)
        to.seek(0)
        _replace(f"{name}.part", File(to))
        _replace(f"{name}.state", ContentFile(zlib.compress(state.encode(), 1)))
    return done


def _add(growing: writing.Growing, batch: Batch, first: int, beyond: int, *, done: int) -> int | None:
    """Add a stretch of items. Return how many certificates are written by then; None where the batch is cancelled."""
    with _progress_of(batch) as tell:
        try:
            for item in writing.items_of(batch, first, beyond):
                growing.add(item)
                done += item.certificate is not None
                tell(done)
        except StoppedError:
            return None
    return done


def _part_name(batch: Batch, first: int) -> str:
    return f"{_name(batch)}/{first:06}"


def _parts_of(batch: Batch, *, until: int | None = None) -> list[str]:
    """Return the names of the parts of a batch's file, in order; none where it is written at once."""
    pieces = BatchPiece.objects.filter(batch=batch, step=BatchPiece.Step.WRITE)
    if until is not None:
        pieces = pieces.filter(first__lt=until)
    return [_part_name(batch, first) for first in pieces.order_by("first").values_list("first", flat=True)]


def _state_after(name: str) -> dict[str, Any]:
    with private_storage().open(f"{name}.state") as stored:
        state: dict[str, Any] = json.loads(zlib.decompress(stored.read()))
    return state


def _replace(name: str, content: File[bytes]) -> None:
    storage = private_storage()
    storage.delete(name)
    storage.save(name, content)


def drop_parts(batch: Batch) -> None:
    """Delete the parts of a batch's file, and what it takes to go on from them."""
    storage = private_storage()
    for name in _parts_of(batch):
        storage.delete(f"{name}.part")
        storage.delete(f"{name}.state")


def _name(batch: Batch) -> str:
    """Return the name of the batch's file without its extension: the same for each attempt, so that a killed one leaves
    nothing beside it; another one when what failed is tried again."""
    return f"batches/{batch.public_id}-{batch.started_at:%Y%m%d%H%M%S%f}"


def _keep(batch: Batch, to: BinaryIO) -> Written:
    size = to.seek(0, io.SEEK_END)
    to.seek(0)
    digest = hashlib.sha256()
    while chunk := to.read(1 << 20):
        digest.update(chunk)
    to.seek(0)
    extension = "zip" if batch.delivery == Batch.Delivery.SEPARATE else "pdf"
    name = f"{_name(batch)}.{extension}"
    storage = private_storage()
    storage.delete(name)
    name = storage.save(name, File(to))
    return Written(name, size, digest.hexdigest())


@contextmanager
def _progress_of(batch: Batch) -> Iterator[Callable[[int], None]]:
    """Give what says how far the file is. Over a connection of its own: this worker's transaction is still open, and
    nobody would see the count before its end. Raises `StoppedError` into the writing where the batch was cancelled."""
    own = connection.copy()
    said = 0.0

    def tell(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said < PACE:
            return
        said = now
        with own.cursor() as cursor:
            cursor.execute(
                "UPDATE credentialing_batch SET written = %s WHERE id = %s RETURNING status", [done, batch.pk]
            )
            row = cursor.fetchone()
        # Within a test's transaction the other connection doesn't see the row.
        if row is not None and row[0] != Batch.Status.RUNNING:
            raise StoppedError

    try:
        yield tell
    finally:
        own.close()


def drop(name: str) -> None:
    """Delete a batch's file."""
    private_storage().delete(name)


def forget_old() -> int:
    """Delete the files whose days are over, and return how many. The certificates stay."""
    old = Batch.objects.filter(file_until__lt=timezone.now()).exclude(file="")
    count = 0
    for batch in old.order_by("pk")[:500]:
        drop(batch.file)
        Batch.objects.filter(pk=batch.pk).update(file="", size=None, sha256="")
        record_event(BatchEvent.FILE_DELETED, subject=batch)
        count += 1
    return count


def forget_drafts() -> int:
    """Delete drafts that nobody started within two days, and return how many."""
    old = Batch.objects.filter(status=Batch.Status.DRAFT, created_at__lt=timezone.now() - DRAFTS_KEPT)
    deleted, _ = old.delete()
    return deleted
