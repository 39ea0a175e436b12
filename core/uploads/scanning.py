"""Having stored files scanned by ClamAV, over the protocol of its daemon (docs/operators.md#clamav)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

import structlog
from clamav_client.clamd import ClamdError, ClamdNetworkSocket, ClamdUnixSocket
from django.conf import settings
from django.db import transaction

from core import mail, work
from core.alerts import alert_staff
from core.events import record_event
from core.storage import private_storage
from core.uploads.events import UploadEvent
from core.uploads.models import Upload
from core.uploads.storing import pieces_of

log = structlog.get_logger(__name__)


class ScanError(ClamdError):
    """The scanner gave no verdict: it is down, or it answered something else."""


class _Stream:
    """A stored file for the scanner's client, which only reads."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def client() -> ClamdNetworkSocket:
    """Return a client of the daemon at `settings.CLAMD_ADDRESS`: `host:port`, or the path of its socket."""
    address, timeout = settings.CLAMD_ADDRESS, settings.CLAMD_TIMEOUT
    if address.startswith(("/", "unix:")):
        return ClamdUnixSocket(path=address.removeprefix("unix://").removeprefix("unix:"), timeout=timeout)
    host, _, port = address.rpartition(":")
    return ClamdNetworkSocket(host=host.strip("[]"), port=int(port), timeout=timeout)


def scan(upload_id: int) -> None:
    """Scan one file and note the verdict. Runs in a worker.

    One that is clean becomes available. One with a virus is deleted, its sender and staff are told. A scanner that is
    down raises, and the file comes back, later each time.
    """
    with work.attempt(Upload, upload_id) as upload:
        if upload is None:
            return
        virus = _virus_in(upload) if settings.CLAMD_ADDRESS else ""
        upload.status = Upload.Status.INFECTED if virus else Upload.Status.READY
        upload.save(update_fields=["status"])
        if virus:
            _refuse(upload, virus)


def _virus_in(upload: Upload) -> str:
    """Return the name of the virus in a file, or an empty text. Raises ScanError without a verdict."""
    try:
        answer = client().instream(cast("BinaryIO", _Stream(pieces_of(upload))))
        verdict, virus = answer["stream"]
    except (ClamdError, KeyError, FileNotFoundError, ConnectionError, TimeoutError) as error:
        raise ScanError(type(error).__name__) from None
    if verdict == "FOUND":
        return virus or "unnamed"
    if verdict != "OK":
        raise ScanError(verdict)
    return ""


def _refuse(upload: Upload, virus: str) -> None:
    stored_as = upload.stored_as
    record_event(UploadEvent.INFECTED, subject=upload, on_behalf_of=upload.uploaded_by, virus=virus[:120])
    if upload.uploaded_by.email:
        address = settings.PUBLIC_URL + (upload.page or "/")
        mail.send("upload_infected", to=upload.uploaded_by.email, context={"address": address}, key=upload.public_id)
    alert_staff(
        "A virus was found in an uploaded file",
        f"Upload {upload.pk} was deleted; the virus scanner calls what it found {virus[:120]}. Its sender was told.",
    )
    log.warning("upload_infected", id=upload.pk, virus=virus[:120])
    transaction.on_commit(lambda: private_storage().delete(stored_as))
