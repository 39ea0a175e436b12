"""Pages go out compressed (docs/decisions/0060-pages-compressed.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.middleware.gzip import GZipMiddleware

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class PageCompressionMiddleware(GZipMiddleware):
    """Compresses HTML and nothing else: a download keeps its length and its digest, a style sheet its own compression.

    Django adds up to `max_random_bytes` to each answer, and masks the token of its forms afresh for each: an answer's
    length then tells nobody what it holds (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """Compress a whole page for a browser that accepts it."""
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page and not response.streaming else response
