"""What areas put into a user's calendar, and the calendar as iCalendar writes it (RFC 5545; docs/spec.md#b-12).

An area names its list of providers as `calendar` in `apps.py`. A provider is a callable `(user, since, until)` that
yields the entries between two days that this user may see now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings

from core.areas import calendar_providers

if TYPE_CHECKING:
    from icalendar import Event

# What a calendar looks back and ahead, and the entries of one provider, at most: of a book of 20,000 policies the next.
BACK, AHEAD = dt.timedelta(days=30), dt.timedelta(days=400)
MOST_ENTRIES = 500
# How often programs fetch it again.
REFRESH = dt.timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A day, or a time with its end. `uid` stays the same for the same matter; `href` is a page behind sign-in.

    The host of the user's calendar reads it: `title` names no person, and no more of a policy than `policy_words`.
    """

    uid: str
    title: str
    starts: dt.date | dt.datetime
    ends: dt.datetime | None = None
    place: str = ""
    href: str = ""


class CalendarProvider(Protocol):
    """A member of an area's list of providers."""

    def __call__(self, user: Any, since: dt.date, until: dt.date) -> Iterable[CalendarEntry]: ...


def policy_words(number: str) -> str:
    """Return how an entry names a policy: by the end of its number."""
    return f"policy …{number[-4:]}"


def entries_for(user: Any, *, today: dt.date) -> list[CalendarEntry]:
    """Return what all areas put into the user's calendar."""
    found: list[CalendarEntry] = []
    for provider in calendar_providers():
        found += provider(user, today - BACK, today + AHEAD)
    return found


def written(entries: Iterable[CalendarEntry], *, at: dt.datetime) -> bytes:
    """Return a calendar with these entries, as of a moment."""
    # Loaded by the first calendar that is fetched.
    from icalendar import Calendar, vText

    calendar = Calendar()
    calendar.add("prodid", f"-//{settings.BRAND['name']}//Portal//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", settings.BRAND["portal_name"])
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vText("PT12H"))
    for entry in entries:
        calendar.add_component(_event(entry, at))
    return bytes(calendar.to_ical())


def _event(entry: CalendarEntry, at: dt.datetime) -> Event:
    from icalendar import Event

    event = Event()
    base = settings.PUBLIC_URL.rstrip("/")
    event.add("uid", f"{entry.uid}@{base.partition('://')[2]}")
    event.add("dtstamp", at)
    event.add("summary", entry.title)
    event.add("dtstart", entry.starts)
    if entry.ends is not None:
        event.add("dtend", entry.ends)
    elif not isinstance(entry.starts, dt.datetime):
        event.add("dtend", entry.starts + dt.timedelta(days=1))
    if entry.place:
        event.add("location", entry.place)
    if entry.href:
        event.add("url", base + entry.href)
    event.add("class", "PRIVATE")
    event.add("transp", "OPAQUE" if isinstance(entry.starts, dt.datetime) else "TRANSPARENT")
    return event
