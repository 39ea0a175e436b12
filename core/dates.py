"""Dates of policies: one function decides 'in force on', and the day is always passed in (docs/architecture.md#data).

A policy period begins and ends at 12:01 a.m. at the named insured's address, so 'today' depends on the state.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils import timezone

# The zone in which most of a state's people live; territories included.
STATE_ZONES: dict[str, str] = {
    **dict.fromkeys(
        [
            "CT",
            "DC",
            "DE",
            "FL",
            "GA",
            "IN",
            "KY",
            "MA",
            "MD",
            "ME",
            "MI",
            "NC",
            "NH",
            "NJ",
            "NY",
            "OH",
            "PA",
            "RI",
            "SC",
            "VA",
            "VT",
            "WV",
        ],
        "America/New_York",
    ),
    **dict.fromkeys(
        ["AL", "AR", "IA", "IL", "KS", "LA", "MN", "MO", "MS", "ND", "NE", "OK", "SD", "TN", "TX", "WI"],
        "America/Chicago",
    ),
    **dict.fromkeys(["CO", "ID", "MT", "NM", "UT", "WY"], "America/Denver"),
    **dict.fromkeys(["CA", "NV", "OR", "WA"], "America/Los_Angeles"),
    "AZ": "America/Phoenix",
    "AK": "America/Anchorage",
    "HI": "Pacific/Honolulu",
    "PR": "America/Puerto_Rico",
    "VI": "America/St_Thomas",
    "GU": "Pacific/Guam",
    "MP": "Pacific/Saipan",
    "AS": "Pacific/Pago_Pago",
}


def zone_for_state(state: str) -> ZoneInfo:
    """Return the time zone of a two-letter state or territory; the portal's own zone if it's unknown or empty."""
    name = STATE_ZONES.get(state.strip().upper())
    return ZoneInfo(name) if name else ZoneInfo(str(timezone.get_default_timezone()))


def local_today(state: str = "") -> dt.date:
    """Today's date in a state."""
    return timezone.now().astimezone(zone_for_state(state)).date()


def carrier_today() -> dt.date:
    """Today at the carrier (TIME_ZONE), whatever zone the user has chosen.

    For access decisions without a policy; with a policy, the day is its named insured's (`Policy.today`).
    """
    return carrier_day(timezone.now())


def carrier_day(moment: dt.datetime) -> dt.date:
    """Return the day of a moment at the carrier (TIME_ZONE)."""
    return timezone.localdate(moment, timezone=timezone.get_default_timezone())


def shown_day(moment: dt.datetime | None = None) -> dt.date:
    """Return the day of a moment (now by default) in the reader's time zone: for pages and file names, never for a
    decision."""
    return timezone.localdate(moment)


def in_force_on(start: dt.date, end: dt.date | None, day: dt.date) -> bool:
    """Whether a period is in force on a day: the start is included, the end is not (12:01 a.m. on both).

    A period without an end goes on.
    """
    return start <= day and (end is None or day < end)
