"""What is published for everyone, kept by each process for a few seconds: visitors' news and notices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from core import memo
from portal.maintenance import closing
from portal.models import Announcement, MaintenanceWindow

VISITORS = "portal.published.visitors"
MOST = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """A box at the top of a page. `kind` is info or attention; `body` has paragraphs apart by an empty line."""

    kind: str
    title: str
    body: str
    link: str = ""


def for_visitors() -> list[Announcement]:
    """Return what visitors read, notices first, as of a few seconds ago."""
    return memo.once_in(
        settings.PUBLISHED_SECONDS, VISITORS, lambda: list(Announcement.objects.visible_to(None)[:MOST])
    )


def notices_for_visitors() -> list[Notice]:
    """Return the notices of the landing page and of the sign-in page."""
    return [*maintenance_notices(), *(notice_of(one) for one in for_visitors() if one.is_notice)]


def notice_of(announcement: Announcement) -> Notice:
    """Return an announcement as a box."""
    kind = "attention" if announcement.level == Announcement.Level.IMPORTANT else "info"
    return Notice(kind, announcement.title, announcement.body, announcement.link)


def maintenance_notices() -> list[Notice]:
    """Return the notices of maintenance ahead. Asks no database."""
    return [_notice_of_maintenance(window) for window in closing.announced()]


def _notice_of_maintenance(window: MaintenanceWindow) -> Notice:
    area = closing.area_title(window.area)
    what = f"{area} will be" if area else "The portal will be"
    closed = "unavailable" if window.closes else "slower than usual, and parts of it may be unavailable,"
    when = f"from {_moment(window.starts_at)}"
    if window.expected_end:
        when += f" to about {_moment(window.expected_end)}"
    body = f"{what} {closed} {when}."
    return Notice("attention", f"Maintenance: {_day(window.starts_at)}", f"{body}\n\n{window.message}".strip())


def _moment(moment: dt.datetime) -> str:
    return date_format(timezone.localtime(moment), "P l, F j (T)")


def _day(moment: dt.datetime) -> str:
    return date_format(timezone.localtime(moment), "l, F j")
