"""When data is too old: the one rule, for alarms, health, and certificates alike."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone


def is_stale(as_of: dt.datetime, now: dt.datetime | None = None) -> bool:
    """Whether data as of that moment is older than `FEED_STALE_AFTER`."""
    return as_of < (now or timezone.now()) - settings.FEED_STALE_AFTER
