"""What TODAY means, and the environment that moves the clock there."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.system import needs

# The carrier's, as in the settings. TODAY without a zone is in it.
ZONE = "America/New_York"
MEANING = (
    "TODAY may be an offset, such as '+400 days', '-2 weeks', or '+1 hour'; a day, such as '2028-02-29' (the run "
    "starts at noon); or a moment, such as '2026-12-31 23:58' or '2026-12-31 23:58 America/New_York'."
)
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400, "year": 365 * 86400}
# libfaketime's own spellings: +400d, +2h, +30m, +1y.
LETTERS = {unit[0]: unit for unit in SECONDS}
STARTUP = Path(__file__).resolve().parent / "startup"


class DayError(Exception):
    """The clock can't be moved; the message says why and what to do."""


def offset(today: str, *, now: float) -> int:
    """How many seconds the clock of the run is ahead of `now`, a POSIX time.

    It is worked out once for the whole run: with the same offset all processes agree, and their clocks run on.
    Raises DayError where `today` means nothing.
    """
    text = today.strip().removeprefix("@")
    relative = re.fullmatch(r"([+-]\d+)\s*([a-z]*)", text, re.IGNORECASE)
    if relative:
        word = relative[2].lower()
        unit = LETTERS.get(word, word.removesuffix("s")) or "second"
        if unit not in SECONDS:
            raise DayError(f"TODAY has no unit '{word}'. {MEANING}")
        return int(relative[1]) * SECONDS[unit]
    return math.ceil(_moment(text).timestamp() - now)


def _moment(text: str) -> dt.datetime:
    moment = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?\s*(\S*)", text)
    if not moment:
        raise DayError(f"TODAY can't be '{text}'. {MEANING}")
    day, time, zone = moment.groups()
    try:
        return dt.datetime.fromisoformat(f"{day} {time or '12:00'}").replace(tzinfo=_zone(zone))
    except ValueError as error:
        raise DayError(f"TODAY can't be '{text}': there is no such day or time. {MEANING}") from error


def _zone(name: str) -> dt.tzinfo:
    if name in {"Z", "UTC"}:
        return dt.UTC
    try:
        return ZoneInfo(name or ZONE)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DayError(f"TODAY names the time zone '{name}', which this machine doesn't know.") from error


def environment(outer: Mapping[str, str], seconds: int) -> dict[str, str]:
    """Return the environment in which a process, and all that it starts, has its clock `seconds` ahead.

    Raises DayError where libfaketime is not installed.
    """
    preload = " ".join(filter(None, (str(library()), outer.get("LD_PRELOAD"))))
    path = ":".join(filter(None, (str(STARTUP), outer.get("PYTHONPATH"))))
    return {
        **outer,
        "LD_PRELOAD": preload,
        "PYTHONPATH": path,
        "FAKETIME": f"{seconds:+d}",
        # Waiting goes by the monotonic clock, which Python also asks past libfaketime: left alone, both agree.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # libfaketime misses the call by which Python reads a file's times: better none of them moved than some.
        "NO_FAKE_STAT": "1",
        # The offset never changes: it need not be read again during the run.
        "FAKETIME_CACHE_DURATION": str(SECONDS["year"]),
    }


def library() -> Path:
    """Where the package libfaketime has put its library. Raises DayError with the command that installs it."""
    need = needs()["libfaketime"]
    if need.file is None:
        raise DayError(need.sentence)
    return need.file


def say(moment: float) -> str:
    """Return a POSIX time as a person reads it, in the carrier's zone."""
    return f"{dt.datetime.fromtimestamp(moment, ZoneInfo(ZONE)):%A, %B %d, %Y, %H:%M %Z}"
