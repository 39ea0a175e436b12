"""Pages go out compressed (docs/decisions/0060-pages-compressed.md)."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from django.utils.cache import patch_vary_headers
from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

# A shorter page isn't worth it.
SHORTEST = 200
# At this level zlib-ng makes pages as small as zlib does at its own default, in less than half the time.
LEVEL = 5
GZIP_WINDOW = 31
ACCEPTS = re.compile(r"\bgzip\b")
# RFC 1952: the header's length without a name, where its flags are, and the flag of a name.
HEADER, FLAGS, HAS_NAME = 10, 3, 8
MOST_PADDING = 100


class PageCompressionMiddleware:
    """Compresses HTML and nothing else: a download keeps its length and its digest, a style sheet its own compression.

    A name of random length in the header adds up to 99 bytes to each answer, and Django masks the token of its forms
    afresh for each: an answer's length then tells nobody what it holds (BREACH).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if not is_page or response.streaming or response.has_header("Content-Encoding"):
            return response
        # A page that is not streamed has its content.
        content: bytes = response.content  # type: ignore[attr-defined]
        if len(content) < SHORTEST:
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        if not ACCEPTS.search(request.headers.get("Accept-Encoding", "")):
            return response
        response.content = _compressed(content)  # type: ignore[attr-defined]
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        return response


def _compressed(content: bytes) -> bytes:
    """Return the content as gzip (RFC 1952), with a file name of random length."""
    made = zlib_ng.compress(content, LEVEL, GZIP_WINDOW)
    header = bytearray(made[:HEADER])
    header[FLAGS] |= HAS_NAME
    return b"%s%s\x00%s" % (header, b"a" * secrets.randbelow(MOST_PADDING), made[HEADER:])
