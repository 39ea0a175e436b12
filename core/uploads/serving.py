"""Downloads of uploaded files: attachments of a fixed type, never shown in a page."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import Http404, StreamingHttpResponse
from django.shortcuts import render

from core.downloads import CONTENT_TYPES, attachment_header, private_file_response
from core.storage import private_storage
from core.uploads.models import Upload
from core.uploads.storing import pieces_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


def upload_response(request: HttpRequest, upload: Upload) -> HttpResponseBase:
    """Return the file as an attachment, to a user who passed the row filter; the caller records the event.

    409 with a page that says why while it isn't scanned, or where it was refused; raises Http404 if the file is gone.
    """
    if not upload.is_ready:
        return render(request, "uploads/unavailable.html", {"upload": upload}, status=HTTPStatus.CONFLICT)
    if not upload.file_key:
        try:
            return private_file_response(upload.stored_as, filename=upload.filename)
        except FileNotFoundError as error:
            raise Http404 from error
    if not private_storage().exists(upload.stored_as):
        raise Http404
    response = StreamingHttpResponse(pieces_of(upload), content_type=CONTENT_TYPES[f".{upload.kind}"])
    response["Content-Length"] = str(upload.size)
    response["Content-Disposition"] = attachment_header(upload.filename)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
