"""Sending a stored file to somebody who was let through the row filter (docs/security.md#uploads)."""

from __future__ import annotations

import hashlib
import hmac
import io
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import Storage
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header

from core.storage import private_storage

CONTENT_TYPES = {
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class FileChangedError(Exception):
    """The stored file isn't the one that was stored."""


def private_file_response(
    name: str, *, filename: str, sha256: str = "", storage: Storage | None = None
) -> HttpResponseBase:
    """The file `name` of the private storage as an attachment called `filename`.

    The type is fixed by the file name's ending, never guessed from the content; nothing is kept in caches. With
    `settings.ACCEL_REDIRECT_PREFIX` nginx sends the bytes, else we do. With `sha256`, the digest of what was stored,
    the file is read whole and compared, and what was compared is what we send ourselves: nothing changes in between.
    Raises KeyError for an ending that isn't served, FileNotFoundError where the file is gone, and `FileChangedError`.
    """
    content_type = CONTENT_TYPES[filename[filename.rindex(".") :].lower()]
    store = storage or private_storage()
    response: HttpResponseBase
    if sha256:
        content = _unchanged(store, name, sha256)
        response = FileResponse(io.BytesIO(content), as_attachment=True, filename=filename, content_type=content_type)
    elif settings.ACCEL_REDIRECT_PREFIX:
        if not store.exists(name):
            raise FileNotFoundError(name)
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX.rstrip("/") + "/" + quote(name)
        response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    else:
        response = FileResponse(
            store.open(name, "rb"), as_attachment=True, filename=filename, content_type=content_type
        )
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _unchanged(store: Storage, name: str, sha256: str) -> bytes:
    with store.open(name, "rb") as stored:
        content = bytes(stored.read())
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), sha256):
        raise FileChangedError(name)
    return content
