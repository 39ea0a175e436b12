"""The demo's news: what the carrier's editors would have written this month."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from core.dates import carrier_today
from core.templatetags.show import day_long
from policies.models import Membership
from portal.models import Announcement, MaintenanceWindow

EASTERN = ZoneInfo("America/New_York")
SATURDAY = 5
# The renewal season in the news is at least this many days away; changes are due two weeks before it.
SEASON_AHEAD = 21
ROLE = Membership.Role


def make_news() -> None:
    """Publish the news if there is none; what staff changed or took down stays that way."""
    if not Announcement.objects.exists():
        for piece in pieces(carrier_today()):
            Announcement.objects.create(**piece)
    if not MaintenanceWindow.objects.exists():
        MaintenanceWindow.objects.create(**maintenance(carrier_today()))


def maintenance(today: dt.date) -> dict[str, Any]:
    """Return the maintenance that is announced for the next Saturday. It closes nothing: a demo may run for days."""
    saturday = today + dt.timedelta(days=(SATURDAY - today.weekday()) % 7)
    return {
        "closes": False,
        "starts_at": dt.datetime.combine(saturday, dt.time(23), tzinfo=EASTERN),
        "expected_end": dt.datetime.combine(saturday + dt.timedelta(days=1), dt.time(3), tzinfo=EASTERN),
        "notice_from": _at(today, days_ago=2),
        "message": "If you need a certificate for Monday morning, please create it before then.",
    }


def pieces(today: dt.date) -> list[dict[str, Any]]:
    """Return the news of a day, as fields of `Announcement`."""
    season = _next_season(today)
    return [
        {
            "title": "Sign-in has changed: everyone now uses a code",
            "body": "You sign in with your password and a one-time code from your phone. If you had an account on our "
            "former portal, your username is the same, and you set up your codes the first time you sign in. The FAQ "
            "has the details.",
            "level": Announcement.Level.NOTICE,
            "for_visitors": True,
            "published_from": _at(today, days_ago=2),
            "published_until": _at(today, days_ago=-28),
        },
        {
            "title": f"Renewals for {day_long(season)}",
            "body": f"We send renewal offers 60 days before a policy expires. If yours renews on {day_long(season)}, "
            f"please report changes in your practice by {day_long(season - dt.timedelta(days=14))}: clinicians who "
            "join or leave, new locations, and new procedures.\n\nCoverage isn’t renewed until we receive your "
            "acceptance and bind the new term.",
            "audience": [ROLE.POLICYHOLDER.value, ROLE.AGENT.value],
            "published_from": _at(today, days_ago=6),
        },
        {
            "title": "Two new risk management courses",
            "body": "“Missed Follow-Up: Closing the Loop on Test Results” (2 hours) and “Supervision and Collaboration "
            "with APRNs” (1 hour) are now open to everyone we insure, at no charge. Physicians in New York can "
            "complete “Basic Risk Management” (5 hours with a project) toward their premium credit.\n\nCall customer "
            "service to enroll.",
            "published_from": _at(today, days_ago=13),
        },
        {
            "title": "Board declares a policyholder dividend",
            "body": "Our board of directors declared a dividend of 5% of premium on physician policies that renew in "
            f"{today.year + 1}. We’ll credit it to the first invoice of your new term, so you don’t need to do "
            "anything.\n\nAs a mutual company, we belong to our policyholders. Past dividends don’t guarantee future "
            "ones.",
            "audience": [ROLE.POLICYHOLDER.value, ROLE.AGENT.value],
            "published_from": _at(today, days_ago=20),
        },
    ]


def _next_season(today: dt.date) -> dt.date:
    """Return the next January 1 or July 1, unless it's too close for changes."""
    seasons = (dt.date(today.year + half // 2, 7 if half % 2 else 1, 1) for half in range(5))
    return next(day for day in seasons if (day - today).days >= SEASON_AHEAD)


def _at(today: dt.date, *, days_ago: int) -> dt.datetime:
    return dt.datetime.combine(today - dt.timedelta(days=days_ago), dt.time(9), tzinfo=EASTERN)
