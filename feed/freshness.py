"""How old the carrier's data is (B-09): the moment that pages name."""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.conf import settings

from core.freshness import is_stale
from core.memo import once, once_in
from feed.models import Source


def as_of(source: str | None = None) -> dt.datetime | None:
    """Return the as-of time of one source's data, or of the oldest data of all sources that send packages regularly.

    None before the first package. One small query, kept by the process for `FEED_AS_OF_SECONDS`: right after a load, a
    page or a certificate may name the data as a few seconds older than it is, never as newer.
    """
    found = [(name, moment) for name, moment in _known() if source in (None, name)]
    expected = [moment for name, moment in found if name not in settings.FEED_SOURCES_AT_REST]
    return next(iter(expected or [moment for _, moment in found]), None)


def stale_since() -> dt.datetime | None:
    """Return the as-of time of the oldest source that is stale; None if none is. As old an answer as `as_of`."""
    return next((moment for name, moment in _known() if is_stale(moment, source=name)), None)


def _known() -> list[tuple[str, dt.datetime]]:
    """Return all sources with their as-of times, the oldest first."""
    return once("feed.as_of", partial(once_in, settings.FEED_AS_OF_SECONDS, "feed.as_of", _sources))


def _sources() -> list[tuple[str, dt.datetime]]:
    return list(Source.objects.order_by("as_of").values_list("name", "as_of"))
