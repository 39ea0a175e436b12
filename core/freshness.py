"""When data is too old: the one rule, for alarms, health, admin, and certificates alike."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone


def is_stale(as_of: dt.datetime, *, source: str, now: dt.datetime | None = None) -> bool:
    """Whether a source's data as of that moment is older than `FEED_STALE_AFTER`.

    Never that of a source at rest (`FEED_SOURCES_AT_REST`): it was taken over once and is final.
    """
    if source in settings.FEED_SOURCES_AT_REST:
        return False
    return as_of < (now or timezone.now()) - settings.FEED_STALE_AFTER
