"""How fresh the carrier's data is, asked by dotted path: the feed stands on a floor above
(docs/architecture.md#areas)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils.module_loading import import_string

from core import freshness


def data_as_of(source: str) -> dt.datetime | None:
    """The as-of time of the data of a source; None where none has been loaded. One query a request."""
    found: dt.datetime | None = import_string(settings.FEED_AS_OF)(source=source)
    return found


def is_stale(source: str, as_of: dt.datetime) -> bool:
    """Whether a source's data of that time is too old to certify from.

    Never where `STALE_FEED_BLOCKS_CERTIFICATES` is off, or for a book that was taken over once and brings nothing more.
    """
    if not settings.STALE_FEED_BLOCKS_CERTIFICATES or source in settings.FEED_SOURCES_AT_REST:
        return False
    return freshness.is_stale(as_of)
