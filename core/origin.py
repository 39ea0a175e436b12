"""Who acts, from where, and in which request: bound once per request, and read by the event log.

`core.middleware.OriginMiddleware` binds it for requests. A task keeps the id of the request that enqueued it
(`core.queue`), and nothing else: no address, browser, or user goes through the broker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import models


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act comes from. Nothing is set outside requests and the tasks that they enqueue."""

    user: models.Model | None = None
    ip: str | None = None
    agent: str = ""
    request_id: str = ""
    session_id: str = ""


NOWHERE = Origin()
# A function rather than an origin: signing in changes the user and the session within one request.
_read: ContextVar[Callable[[], Origin] | None] = ContextVar("origin", default=None)


def current_origin() -> Origin:
    """Return where the current act comes from."""
    read = _read.get()
    return read() if read is not None else NOWHERE


@contextmanager
def acting_by_itself(request_id: str | None = None) -> Iterator[None]:
    """Bind nobody: within this block the portal acts by itself, even while somebody's request runs.

    request_id: the request that led to it, the current one unless given.
    """
    origin = Origin(request_id=current_origin().request_id if request_id is None else request_id)
    with acting_from(lambda: origin):
        yield


@contextmanager
def acting_from(read: Callable[[], Origin]) -> Iterator[None]:
    """Bind what `read` returns whenever an origin is asked for."""
    token = _read.set(read)
    try:
        yield
    finally:
        _read.reset(token)
