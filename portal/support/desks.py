"""The support desks of the settings, with whether someone is there now. Asks no database: error pages use it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from portal import hours


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom to call about some topics. `now` says whether someone is there: "Open now, until 6 p.m. Eastern"."""

    key: str
    title: str
    topics: str
    phone: str
    email: str
    hours: str
    is_open: bool
    now: str


def desks() -> dict[str, Desk]:
    """Return every desk by its key, in the order of the settings."""
    now = timezone.localtime(timezone=timezone.get_default_timezone())
    holidays = hours.holidays_of(settings.SUPPORT_HOLIDAYS)
    found = {}
    for key, desk in settings.SUPPORT.items():
        there = hours.presence(desk["open"], now=now, holidays=holidays, zone=settings.SUPPORT_ZONE)
        texts = {name: desk[name] for name in ("title", "topics", "phone", "email", "hours")}
        found[key] = Desk(key, is_open=there.is_open, now=there.words, **texts)
    return found
