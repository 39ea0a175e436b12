"""A PDF that someone drops on the page: its SHA-256 is taken while it arrives, and nothing of it is kept."""

from __future__ import annotations

import hashlib
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

P = ParamSpec("P")


class HashedFile(UploadedFile):  # type: ignore[type-arg]  # not generic at run time
    """What is left of an uploaded file: its name, its size, and its SHA-256 in lowercase hex."""

    def __init__(self, *, name: str | None, size: int, sha256: str) -> None:
        super().__init__(file=None, name=name, size=size)
        self.sha256 = sha256


class HashingUploadHandler(FileUploadHandler):
    """Takes the digest of each file chunk by chunk, and keeps neither memory nor disk for it."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self._digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a chunk in. Returning nothing keeps it from any other handler."""
        self._digest.update(raw_data)

    def file_complete(self, file_size: int) -> HashedFile:
        """Return what is left of the file."""
        return HashedFile(name=self.file_name, size=file_size, sha256=self._digest.hexdigest())


def hashes_uploads(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Mark a view: files in its form arrive as `HashedFile`. It goes around `core.bodies.accepts_upload`, so that the
    handler is there before anything reads the form."""

    @wraps(view)
    def hashing(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request.upload_handlers = [HashingUploadHandler(request)]
        return view(request, *args, **kwargs)

    return hashing
