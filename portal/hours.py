"""Hours of the support desks (S-46): a week in the carrier's zone, in words, and whether someone is there now.

Pure: settings read it, so it imports nothing of Django.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby

from environ import ImproperlyConfigured

SHORT = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PART = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")
YEARLY = re.compile(r"(\d\d)-(\d\d)")
NTH = re.compile(r"(\d\d)-([a-z]{3})-([1-5]|last)")
# Nothing is closed for longer, whatever the holidays.
LOOK_AHEAD = dt.timedelta(days=30)


@dataclass(frozen=True)
class Shift:
    """From when until when someone is there on a day."""

    opens: dt.time
    closes: dt.time


@dataclass(frozen=True)
class Week:
    """The shifts of a desk by weekday, Monday first; a day without one is closed."""

    days: tuple[tuple[Shift, ...], ...]

    def shift_at(self, now: dt.datetime, holidays: Holidays) -> Shift | None:
        """Return the shift that is on at a moment of the carrier's zone, or None."""
        if holidays.has(now.date()):
            return None
        return next((s for s in self.days[now.weekday()] if s.opens <= now.time() < s.closes), None)

    def next_opening(self, now: dt.datetime, holidays: Holidays) -> dt.datetime | None:
        """Return when the next shift begins, in the same zone; None where the desk never opens."""
        day = now.date()
        while day <= now.date() + LOOK_AHEAD:
            for shift in () if holidays.has(day) else self.days[day.weekday()]:
                opens = dt.datetime.combine(day, shift.opens, tzinfo=now.tzinfo)
                if opens > now:
                    return opens
            day += dt.timedelta(days=1)
        return None


@dataclass(frozen=True)
class Holidays:
    """Days on which no desk is open: `2026-12-24`, `12-25` (each year), `11-thu-4` (the fourth Thursday of November),
    `05-mon-last`."""

    rules: tuple[str, ...]

    def has(self, day: dt.date) -> bool:
        return any(_falls_on(rule, day) for rule in self.rules)


@cache
def week_of(text: str) -> Week:
    """Read `Mon-Thu 08:30-17:00, Fri 08:30-12:00`. Raises ImproperlyConfigured for anything else."""
    days: list[list[Shift]] = [[] for _ in SHORT]
    for part in text.lower().split(","):
        match = PART.fullmatch(" ".join(part.split()))
        if match is None or match[1] not in SHORT or (match[2] or match[1]) not in SHORT:
            raise ImproperlyConfigured(f"'{part.strip()}' isn't hours as in 'Mon-Fri 08:00-18:00'.")
        first, last = SHORT.index(match[1]), SHORT.index(match[2] or match[1])
        try:
            shift = Shift(dt.time(int(match[3]), int(match[4])), dt.time(int(match[5]), int(match[6])))
        except ValueError as error:
            raise ImproperlyConfigured(f"'{part.strip()}' has a time that no clock shows.") from error
        if last < first or shift.closes <= shift.opens:
            raise ImproperlyConfigured(f"'{part.strip()}' ends before it begins.")
        for day in range(first, last + 1):
            days[day].append(shift)
    return Week(tuple(tuple(sorted(one, key=lambda shift: shift.opens)) for one in days))


@lru_cache(maxsize=8)
def _checked(rules: tuple[str, ...]) -> Holidays:
    for rule in rules:
        _falls_on(rule, dt.date(2024, 2, 29))
    return Holidays(rules)


def holidays_of(rules: Iterable[str]) -> Holidays:
    """Read a list of holidays. Raises ImproperlyConfigured for one of another form."""
    return _checked(tuple(rule.strip().lower() for rule in rules if rule.strip()))


def _falls_on(rule: str, day: dt.date) -> bool:
    if match := YEARLY.fullmatch(rule):
        month, number = int(match[1]), int(match[2])
        if not (1 <= month <= 12 and 1 <= number <= 31):
            raise ImproperlyConfigured(f"'{rule}' isn't a day of a year.")
        return (day.month, day.day) == (month, number)
    if match := NTH.fullmatch(rule):
        if match[2] not in SHORT or not 1 <= int(match[1]) <= 12:
            raise ImproperlyConfigured(f"'{rule}' isn't a weekday of a month, as in 11-thu-4.")
        if (day.month, day.weekday()) != (int(match[1]), SHORT.index(match[2])):
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        return day.day + 7 > length if match[3] == "last" else (day.day - 1) // 7 + 1 == int(match[3])
    try:
        return dt.date.fromisoformat(rule) == day
    except ValueError as error:
        raise ImproperlyConfigured(f"'{rule}' isn't a day, as in 2026-12-24, 12-25, or 11-thu-4.") from error


# In words.


def clock(time: dt.time) -> str:
    """Return "8 a.m.", "5:30 p.m.", or "noon"."""
    if (time.hour, time.minute) == (12, 0):
        return "noon"
    minutes = f":{time.minute:02}" if time.minute else ""
    return f"{time.hour % 12 or 12}{minutes} {'a.m.' if time.hour < 12 else 'p.m.'}"


def in_words(text: str, *, zone: str) -> str:
    """Return a week in words: "Monday to Thursday, 8:30 a.m. to 5 p.m.; Friday, 8:30 a.m. to noon Eastern"."""
    return f"{'; '.join(_stretches(week_of(text)))} {zone}".strip()


def _stretches(week: Week) -> Iterator[str]:
    for shifts, days in groupby(range(7), key=lambda day: week.days[day]):
        if not shifts:
            continue
        numbers = list(days)
        first, last = NAMES[numbers[0]], NAMES[numbers[-1]]
        named = first if len(numbers) == 1 else f"{first} {'and' if len(numbers) == 2 else 'to'} {last}"
        times = " and ".join(f"{clock(shift.opens)} to {clock(shift.closes)}" for shift in shifts)
        yield f"{named}, {times}"


@dataclass(frozen=True)
class Presence:
    """Whether someone is there now, and what to say about it: "Open now, until 6 p.m. Eastern"."""

    is_open: bool
    words: str


def presence(text: str, *, now: dt.datetime, holidays: Holidays, zone: str) -> Presence:
    """Return whether a desk is open at `now`, a moment in the carrier's zone, and when it opens or closes."""
    week = week_of(text)
    shift = week.shift_at(now, holidays)
    if shift is not None:
        return Presence(is_open=True, words=f"Open now, until {clock(shift.closes)} {zone}".strip())
    opens = week.next_opening(now, holidays)
    if opens is None:
        return Presence(is_open=False, words="Closed")
    return Presence(is_open=False, words=f"Closed now. Opens {_when(opens, now)} {zone}".strip())


def _when(opens: dt.datetime, now: dt.datetime) -> str:
    """Say when: today, tomorrow, the weekday within a week, else the date."""
    days = (opens.date() - now.date()).days
    at = f"at {clock(opens.time())}"
    if days == 0:
        return f"today {at}"
    if days == 1:
        return f"tomorrow {at}"
    if days < 7:
        return f"{NAMES[opens.weekday()]} {at}"
    return f"{NAMES[opens.weekday()]}, {opens:%B} {opens.day}, {at}"
