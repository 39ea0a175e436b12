"""When data is too old: one definition, for alarms, health, and certificates alike."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone


def stale_before(now: dt.datetime | None = None) -> dt.datetime:
    """The moment before which data is stale: `FEED_STALE_AFTER` ago."""
    return (now or timezone.now()) - settings.FEED_STALE_AFTER


def is_stale(as_of: dt.datetime, now: dt.datetime | None = None) -> bool:
    """Whether data of that moment is stale."""
    return as_of < stale_before(now)
