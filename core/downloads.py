"""Sending a stored file to somebody who was let through the row filter (SECURITY: uploads, headers)."""

from __future__ import annotations

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


def private_file_response(name: str, *, filename: str, storage: Storage | None = None) -> HttpResponseBase:
    """The file `name` of the private storage as an attachment called `filename`.

    The type is fixed by the file name's ending, never guessed from the content; nothing is kept in caches. With
    `settings.ACCEL_REDIRECT_PREFIX` nginx sends the bytes, else we do. Raises KeyError for an ending that isn't served
    and FileNotFoundError where the file is gone.
    """
    content_type = CONTENT_TYPES[filename[filename.rindex(".") :].lower()]
    store = storage or private_storage()
    response: HttpResponseBase
    if settings.ACCEL_REDIRECT_PREFIX:
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
