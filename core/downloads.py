"""Send a stored file to a user who passed the row filter (docs/security.md#uploads)."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import Storage
from django.http import FileResponse, HttpResponse, HttpResponseBase, HttpResponseRedirect

from core.storage import local_file, private_storage

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT_TYPES = {
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".heic": "image/heic",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Files of so many bytes may be in memory.
SMALL = 1 << 20
# What file systems and mail programs don't take in a name.
RESERVED = re.compile(r'[/\\:*?"<>|]+')
# Line breaks, controls, and marks that turn the direction of the text.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


class FileChangedError(Exception):
    """The file in storage isn't the one that was stored."""


def file_name_part(text: str) -> str:
    """Return `text` as a part of a file's name: without separators of paths, controls, and dots at its ends, at most
    80 bytes of UTF-8."""
    seen = "".join(" " if unicodedata.category(char) in UNSEEN else char for char in unicodedata.normalize("NFC", text))
    cut = " ".join(RESERVED.sub(" ", seen).split()).encode()[:80].decode(errors="ignore")
    return cut.strip(" .")


def attachment_header(filename: str) -> str:
    """Return the Content-Disposition of a download (RFC 6266): the name as it is, and in ASCII for old programs."""
    plain = (
        unicodedata.normalize("NFKD", filename.replace("–", "-").replace("’", "'")).encode("ascii", "ignore").decode()
    )
    fallback = " ".join(RESERVED.sub(" ", plain).split())
    header = f'attachment; filename="{fallback}"'
    return header if fallback == filename else f"{header}; filename*=UTF-8''{quote(filename, safe='')}"


def private_file_response(
    name: str, *, filename: str, sha256: str = "", size: int | None = None, storage: Storage | None = None
) -> HttpResponseBase:
    """Return the private storage's file `name` as an attachment called `filename`.

    The type depends on the file name's extension, never on the content; caches keep nothing. The file is never in
    memory whole. With `settings.ACCEL_REDIRECT_PREFIX`, nginx sends the bytes; with `settings.DOWNLOAD_LINK_SECONDS`,
    the browser is sent to the bucket, by a link that works for so long. With `sha256`, the stored digest, the file is
    compared, and we send those very bytes ourselves; with `size`, it must have so many bytes. Raises KeyError for an
    extension that isn't served, FileNotFoundError if the file is gone, and `FileChangedError`.
    """
    content_type = CONTENT_TYPES[filename[filename.rindex(".") :].lower()]
    store = storage or private_storage()
    if size is not None and store.size(name) != size:
        raise FileChangedError(name)
    response: HttpResponseBase
    if sha256:
        response = FileResponse(_open_unchanged(name, sha256, storage=store), content_type=content_type)
    elif settings.ACCEL_REDIRECT_PREFIX:
        if not store.exists(name):
            raise FileNotFoundError(name)
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX.rstrip("/") + "/" + quote(name)
    elif settings.DOWNLOAD_LINK_SECONDS:
        if not store.exists(name):
            raise FileNotFoundError(name)
        response = HttpResponseRedirect(_link(store, name, filename, content_type))
    else:
        response = FileResponse(store.open(name, "rb"), content_type=content_type)
    return as_attachment(response, filename)


def as_attachment(response: HttpResponseBase, filename: str) -> HttpResponseBase:
    """Return the response as a download called `filename` that nobody keeps."""
    response["Content-Disposition"] = attachment_header(filename)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _link(storage: Any, name: str, filename: str, content_type: str) -> str:
    """Return a link to the bucket by which it says the same of the file as we would."""
    says = {
        "ResponseContentDisposition": attachment_header(filename),
        "ResponseContentType": content_type,
        "ResponseCacheControl": "private, no-store",
    }
    return str(storage.link(name, says, seconds=settings.DOWNLOAD_LINK_SECONDS))


def _open_unchanged(name: str, sha256: str, *, storage: Storage) -> Any:
    """Return the file open at its beginning, after its digest was compared; a small one from memory."""
    stored = storage.open(name, "rb")
    if stored.size <= SMALL:
        with stored:
            kept: Any = io.BytesIO(stored.read())
    else:
        kept = stored
    if not _is(kept, sha256):
        kept.close()
        raise FileChangedError(name)
    kept.seek(0)
    return kept


def _is(stored: Any, sha256: str) -> bool:
    return hmac.compare_digest(hashlib.file_digest(stored, "sha256").hexdigest(), sha256)


@contextmanager
def unchanged_file(name: str, sha256: str) -> Iterator[Path]:
    """Give the private storage's file `name` as a file on this machine. Raises FileNotFoundError if it's gone, and
    `FileChangedError` where its digest isn't `sha256`."""
    with local_file(name) as path:
        with path.open("rb") as stored:
            if not _is(stored, sha256):
                raise FileChangedError(name)
        yield path
