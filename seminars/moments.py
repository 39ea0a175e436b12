"""Dates and times as the feed writes them, at a place with a time zone of its own."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

# A date, a local date and time, or one with its offset; the values are checked by reading them.
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
MOMENT_WORDS = "a date, or a date and time such as ‘2026-11-20T18:00’"
# Years that make sense for a seminar; others are typing errors.
YEARS = range(1950, 2300)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_fault(name: str) -> str:
    """Return what is wrong with a time zone's name, or an empty string."""
    return "" if name in _zones() else f"timezone ‘{name[:40]}’ isn't in the IANA time zone database."


def moment_fault(text: str) -> str:
    """Return what is wrong with a moment, or an empty string."""
    return "" if _read(text) else f"‘{text[:40]}’ isn't {MOMENT_WORDS}, from {YEARS.start} to {YEARS.stop - 1}."


def moment(text: str, zone: str) -> str:
    """Return a moment in UTC (ISO 8601): an offset in the text counts, or else the zone. A date begins at midnight.

    Empty if the text isn't a moment, or if it has no offset and there is no such zone.
    """
    read = _read(text)
    if read is None:
        return ""
    if read.tzinfo is None:
        if zone not in _zones():
            return ""
        read = read.replace(tzinfo=ZoneInfo(zone))
    return read.astimezone(dt.UTC).isoformat()


def _read(text: str) -> dt.datetime | None:
    if not MOMENT.fullmatch(text):
        return None
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.year in YEARS else None
