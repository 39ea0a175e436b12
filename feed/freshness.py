"""How old the carrier's data is (B-09): the moment that pages name."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from core.memo import once
from feed.models import Source


def as_of(source: str | None = None) -> dt.datetime | None:
    """Return the as-of time of one source's data, or of the oldest data of all sources that send packages regularly.

    None before the first package. One small query a request.
    """
    known = once("feed.as_of", lambda: list(Source.objects.order_by("as_of").values_list("name", "as_of")))
    found = [(name, moment) for name, moment in known if source in (None, name)]
    expected = [moment for name, moment in found if name not in settings.FEED_SOURCES_AT_REST]
    return next(iter(expected or [moment for _, moment in found]), None)
