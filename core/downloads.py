"""Send a stored file to a user who passed the row filter (docs/security.md#uploads)."""

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
    """The file in storage isn't the one that was stored."""


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
