"""Pages for what is wrong or closed: complete in themselves, without database, session, or cache."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.support.desks import desks


def bad_request(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for an unreadable request."""
    return plain_page("400.html", HTTPStatus.BAD_REQUEST)


def too_large(_request: HttpRequest, *, status: int = HTTPStatus.REQUEST_ENTITY_TOO_LARGE) -> HttpResponse:
    """Return the page for a request with too large a body."""
    return plain_page("413.html", status)


def server_error(_request: HttpRequest) -> HttpResponse:
    """Return the page for a server error."""
    return plain_page("500.html", HTTPStatus.INTERNAL_SERVER_ERROR)


def plain_page(template: str, status: int, **context: Any) -> HttpResponse:
    """Return a page with support contacts that uses no database, session, or cache."""
    values = {"brand": settings.BRAND, "desk": desks()["web"], **context}
    return render(None, template, values, status=status)
