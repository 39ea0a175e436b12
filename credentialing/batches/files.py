"""The files of a batch: those of its certificates, and its own, which is kept for some days."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import structlog
from django.core.files.base import File
from django.db import connection, transaction
from django.utils import timezone

from core.events import record_event
from core.storage import private_storage
from credentialing.certificates import bulk
from credentialing.certificates.rendering import certificate_pdf
from credentialing.events import BatchEvent
from credentialing.models import Batch, BatchItem
from credentialing.papers import store_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credentialing.models import Certificate

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


def make_file(certificate: Certificate) -> bool:
    """Make and store the file of a certificate that is locked; False, and a line in the log, where it can't be made."""
    try:
        with transaction.atomic():
            store_file(certificate, certificate_pdf(certificate))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other certificates of the piece go on
        log.error("batch_certificate_failed", certificate=certificate.pk, error=type(error).__name__)  # noqa: TRY400
        return False
    return True


def write(batch: Batch) -> Written | None:
    """Write the batch's file, in the order of its items, each certificate once; None where it is cancelled meanwhile.

    It goes to disk as it grows, so that memory doesn't grow with the number of certificates.
    """
    with tempfile.TemporaryFile() as to, _progress_of(batch) as tell:
        try:
            if batch.delivery == Batch.Delivery.SEPARATE:
                bulk.zip_of(certificates_of(batch), to, on_progress=tell, pdf_of=_stored)
            else:
                bulk.single_pdf(certificates_of(batch), to, on_progress=tell)
        except StoppedError:
            return None
        return _keep(batch, to)


def certificates_of(batch: Batch) -> Iterator[Certificate]:
    """Yield the certificates that the batch has, in its order, each once."""
    items = BatchItem.objects.filter(batch=batch, status=BatchItem.Status.ISSUED).select_related("certificate")
    seen = set()
    for item in items.order_by("place").iterator(chunk_size=200):
        if item.certificate_id not in seen and item.certificate is not None:
            seen.add(item.certificate_id)
            yield item.certificate


def _stored(certificate: Certificate) -> bytes:
    """Return the file as it was stored, the very one that the certificate's fingerprint is of."""
    with private_storage().open(certificate.file) as stored:
        return bytes(stored.read())


def _keep(batch: Batch, to: BinaryIO) -> Written:
    size = to.seek(0, io.SEEK_END)
    to.seek(0)
    digest = hashlib.sha256()
    while chunk := to.read(1 << 20):
        digest.update(chunk)
    to.seek(0)
    extension = "zip" if batch.delivery == Batch.Delivery.SEPARATE else "pdf"
    # The same for each attempt, so that a killed one leaves nothing beside it; another one when what failed is tried
    # again.
    name = f"batches/{batch.public_id}-{batch.started_at:%Y%m%d%H%M%S%f}.{extension}"
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
