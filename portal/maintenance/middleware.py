"""Answers 503 for what is closed for maintenance (S-17). What keeps working is listed in settings."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils import timezone

from accounts.guards import user_of
from accounts.navigation import page_of
from portal.faults import plain_page
from portal.maintenance import closing
from portal.maintenance.closing import Closure
from portal.support.desks import desks

LEAST_RETRY_SECONDS = 60


class MaintenanceMiddleware:
    """Customers get the page of maintenance. Staff pass, so that they can look before they open again; so do probes,
    webhooks, admin, and the sign-in form. The file of this machine closes all but probes and webhooks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        closure = closing.by_file()
        if closure is not None and not self._needs_no_session(request):
            return closed_page(request, closure)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        # Before anything is asked: a probe must not wait for a database that is down.
        if match is None or stays_open(match):
            return None
        closed = closing.in_effect()
        closure = next((one for one in closed if one.area in ("", _area_of(match))), None)
        if closure is None or (request.user.is_authenticated and user_of(request).is_of_staff):
            return None
        return closed_page(request, closure)

    @staticmethod
    def _needs_no_session(request: HttpRequest) -> bool:
        try:
            return resolve(request.path_info).view_name in settings.SESSIONLESS_URL_NAMES
        except Resolver404:
            return False


def stays_open(match: ResolverMatch) -> bool:
    """Whether an address works through maintenance, no matter who asks."""
    names = settings.SESSIONLESS_URL_NAMES | settings.OPEN_IN_MAINTENANCE_URL_NAMES
    return match.view_name in names or _area_of(match) in settings.OPEN_IN_MAINTENANCE_NAMESPACES


def _area_of(match: ResolverMatch) -> str:
    return match.namespaces[0] if match.namespaces else "-"


def closed_page(request: HttpRequest, closure: Closure) -> HttpResponse:
    """Return the page of maintenance: 503, when to come back, and whom to call. It asks no database.

    A form that was sent isn't lost: the browser keeps what was typed (static/js/keep.js), and the page leads back.
    """
    now = timezone.now()
    was_sent = request.method not in {"GET", "HEAD", "OPTIONS"}
    context = {
        "closure": closure,
        "expected_end": None if closure.is_overrun(now) else closure.expected_end,
        "is_overrun": closure.is_overrun(now),
        "was_sent": was_sent,
        "again": page_of(request) or "/",
        "desks": list(desks().values()),
        "sign_in": not closure.area and not closure.by_file,
    }
    # In the carrier's zone: the thread may still have that of the user before.
    with timezone.override(None):
        response = plain_page("maintenance.html", HTTPStatus.SERVICE_UNAVAILABLE, **context)
    wait = settings.MAINTENANCE_RETRY_AFTER.total_seconds()
    if context["expected_end"] is not None and closure.expected_end is not None:
        wait = (closure.expected_end - now).total_seconds()
    response["Retry-After"] = str(max(LEAST_RETRY_SECONDS, int(wait)))
    response["Cache-Control"] = "no-store, private"
    return response
