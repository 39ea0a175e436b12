"""Requests refused before any view, session, or form sees them: unreadable ones, and oversized bodies."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.defaults import page_not_found

from core.bodies import most_bytes
from portal.faults import bad_request, too_large

log = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]
# PostgreSQL can't store NUL in text, so a URL or header with one can't match or be stored.
NUL = "\0"
ESCAPED_NUL = "%00"


class ReadableRequestMiddleware:
    """Answer 400 to a request with NUL in its path, query, or headers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if ESCAPED_NUL in query or any(NUL in text for text in (request.path_info, query, *request.headers.values())):
            return bad_request(request)
        return self.get_response(request)


class BodyLimitMiddleware:
    """Answer 413 to a body larger than its view takes, by Content-Length and without reading it
    (docs/security.md#request-bodies). A body without a length gets 411: no browser sends one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if request.headers.get("Transfer-Encoding") or not (announced.isdecimal() and announced.isascii()):
            return too_large(request, status=HTTPStatus.LENGTH_REQUIRED)
        # Twenty digits aren't a length, and would be slow to parse.
        length = int(announced[:20])
        # Most requests have no body, and then the view needn't be looked up here.
        if length and length > self._most(request):
            log.warning("request_body_refused", bytes=length)
            return too_large(request)
        return self.get_response(request)

    @staticmethod
    def _most(request: HttpRequest) -> int:
        try:
            view = resolve(request.path_info).func
        except Resolver404:
            view = page_not_found
        return most_bytes(view)
