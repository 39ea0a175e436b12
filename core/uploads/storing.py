"""Keeping checked files, and reading them again."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from core import work
from core.storage import private_storage
from core.uploads import sealing
from core.uploads.checking import CheckedFile
from core.uploads.models import Upload


class _Pieces(File[bytes]):
    """A file for a storage out of pieces that are made while it's read."""

    def __init__(self, pieces: Iterable[bytes], *, size: int) -> None:
        super().__init__(file=None)
        self._pieces, self._rest, self.size = iter(pieces), b"", size

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield from self._pieces

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, as a bucket's client asks for them."""
        while (size < 0 or len(self._rest) < size) and (piece := next(self._pieces, b"")):
            self._rest += piece
        end = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:end], self._rest[end:]
        return taken

    def seekable(self) -> bool:
        return False


def store(checked: CheckedFile, *, by: Any, sealed: bool, page: str = "") -> Upload:
    """Store a checked file under a name that says nothing, and have it scanned; returns its row.

    Until it is scanned nobody can download it; without a scanner (`settings.CLAMD_ADDRESS`) it's ready at once.
    """
    now = timezone.now()
    key = sealing.new_key() if sealed else ""
    name = f"uploads/{now:%Y/%m}/{secrets.token_hex(20)}"
    content: File[bytes]
    if key:
        pieces = max(1, -(-checked.size // sealing.PIECE))
        content = _Pieces(sealing.sealed(checked.file, key), size=checked.size + pieces * sealing.TAG)
    else:
        checked.file.seek(0)
        content = File(checked.file)
    scans = bool(settings.CLAMD_ADDRESS)
    stored_as = private_storage().save(name, content)
    try:
        with transaction.atomic():
            upload: Upload = Upload.objects.create(
                name=checked.name,
                kind=checked.kind,
                size=checked.size,
                sha256=checked.sha256,
                stored_as=stored_as,
                file_key=key,
                page=page,
                status=Upload.Status.QUEUED if scans else Upload.Status.READY,
                uploaded_by=by,
            )
            if scans:
                work.hand_over(upload)
    except BaseException:
        private_storage().delete(stored_as)
        raise
    return upload


def pieces_of(upload: Upload) -> Iterator[bytes]:
    """Yield the content of a stored file, piece by piece. Raises FileNotFoundError if it's gone, and
    `core.downloads.FileChangedError` where an encrypted one was altered."""
    with private_storage().open(upload.stored_as, "rb") as stored:
        file = cast("BinaryIO", stored)
        if upload.file_key:
            yield from sealing.unsealed(file, upload.file_key)
        else:
            while piece := file.read(sealing.PIECE):
                yield piece
