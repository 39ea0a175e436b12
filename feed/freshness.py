"""How old the carrier's data is (B-09): the moment that pages name, and whether it is too old."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone

from core.memo import once
from feed.models import Source


def as_of(source: str | None = None) -> dt.datetime | None:
    """The moment that the data stands for: of one source, or of the oldest of all that are expected regularly.

    None before the first package. One small query a request.
    """
    known = once("feed.as_of", lambda: list(Source.objects.order_by("as_of").values_list("name", "as_of")))
    standing = [(name, moment) for name, moment in known if source in (None, name)]
    expected = [moment for name, moment in standing if name not in settings.FEED_SOURCES_AT_REST]
    return next(iter(expected or [moment for _, moment in standing]), None)


def is_stale(now: dt.datetime | None = None) -> bool:
    """Whether any source's data is older than `settings.FEED_STALE_AFTER`; no data at all is stale too."""
    now = now or timezone.now()
    sources = list(Source.objects.expected())
    return not sources or any(source.is_stale(now) for source in sources)
