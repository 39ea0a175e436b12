"""The length of time for which a user's memberships, and whatever else is asked once, are read once: one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.memo import one_request
from policies.models.reach import asked_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


class ReachMiddleware:
    """Keep what `reach_of` has read until the response is made; the next request asks the database again, so a
    membership that was revoked opens nothing from that moment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with asked_once(), one_request():
            return self.get_response(request)
