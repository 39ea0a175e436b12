"""Send a stored file to a user who passed the row filter (docs/security.md#uploads)."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
import unicodedata
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import Storage
from django.http import FileResponse, HttpResponse, HttpResponseBase

from core.storage import private_storage

CONTENT_TYPES = {
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".heic": "image/heic",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
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
    name: str, *, filename: str, sha256: str = "", storage: Storage | None = None
) -> HttpResponseBase:
    """Return the private storage's file `name` as an attachment called `filename`.

    The type depends on the file name's extension, never on the content; caches keep nothing. With
    `settings.ACCEL_REDIRECT_PREFIX`, nginx sends the bytes. With `sha256`, the stored digest, the file is read whole
    and compared, and we send those very bytes ourselves. Raises KeyError for an extension that isn't served,
    FileNotFoundError if the file is gone, and `FileChangedError`.
    """
    content_type = CONTENT_TYPES[filename[filename.rindex(".") :].lower()]
    store = storage or private_storage()
    response: HttpResponseBase
    if sha256:
        response = FileResponse(io.BytesIO(read_unchanged(name, sha256, storage=store)), content_type=content_type)
    elif settings.ACCEL_REDIRECT_PREFIX:
        if not store.exists(name):
            raise FileNotFoundError(name)
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX.rstrip("/") + "/" + quote(name)
    else:
        response = FileResponse(store.open(name, "rb"), content_type=content_type)
    response["Content-Disposition"] = attachment_header(filename)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def read_unchanged(name: str, sha256: str, *, storage: Storage | None = None) -> bytes:
    """Return the private storage's file `name`, whole. Raises FileNotFoundError if it's gone, and `FileChangedError`
    where its digest isn't `sha256`."""
    with (storage or private_storage()).open(name, "rb") as stored:
        content = bytes(stored.read())
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), sha256):
        raise FileChangedError(name)
    return content
