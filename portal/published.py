"""What is published, kept by each process for a few seconds: news and notices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, DateTimeField
from django.utils import timezone
from django.utils.formats import date_format

from core import memo
from core.statements import prepared
from portal.maintenance import closing
from portal.models import Announcement, MaintenanceWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

VISITORS = "portal.published.visitors"
ROLES = "portal.published.roles"
MOST = 10
# Of each on home.
NEWS, NOTICES = 5, 3


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


def for_roles(roles: Sequence[str]) -> list[Announcement]:
    """Return what people in these roles read on home, the most important notices first and then the news, as of a few
    seconds ago."""
    return memo.once_in(
        settings.PUBLISHED_SECONDS,
        f"{ROLES}:{','.join(roles)}",
        lambda: _of_roles(roles=list(roles), now=timezone.now()),
    )


@prepared(roles=ArrayField(CharField()), now=DateTimeField())
def _of_roles(*, roles: list[str], now: dt.datetime) -> QuerySet[Announcement]:
    return Announcement.objects.published(now).for_roles(roles)[: NOTICES + NEWS]


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
