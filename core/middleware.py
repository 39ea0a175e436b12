"""What a request binds for the floors above."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from django.http import HttpRequest, HttpResponse

from core.clients import client_ip, user_agent
from core.origin import Origin, acting_from


class OriginMiddleware:
    """Binds the request as the origin of everything that it does. It must come after the middleware that gives the
    request its id; the user and the session are only read when an event needs them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting_in(request):
            return self.get_response(request)


@contextmanager
def acting_in(request: HttpRequest) -> Iterator[None]:
    """Bind a request: within this block events say who sent it, and from where."""
    with acting_from(partial(origin_of, request)):
        yield


def origin_of(request: HttpRequest) -> Origin:
    """Return the signed-in user, the client, the request, and the session as they are now."""
    user = getattr(request, "user", None)
    return Origin(
        user=user if user is not None and user.is_authenticated else None,
        ip=client_ip(request),
        agent=user_agent(request),
        request_id=str(getattr(request, "request_id", ""))[:64],
        session_id=getattr(getattr(request, "session", None), "public_id", ""),
    )
