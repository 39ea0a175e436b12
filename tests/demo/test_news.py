"""The demo's news: the carrier's own, dated by the day, and never about the portal's demonstration."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from core.templatetags.show import day_long
from demo.news import EASTERN, make_news, pieces
from portal.models import Announcement


@pytest.mark.django_db
def test_news_is_published_once_and_stays_as_staff_left_it() -> None:
    make_news()
    assert Announcement.objects.published().count() == Announcement.objects.count() >= 4
    Announcement.objects.filter(title__contains="dividend").delete()

    make_news()

    assert not Announcement.objects.filter(title__contains="dividend").exists()


@pytest.mark.django_db
def test_visitors_read_about_maintenance_but_not_about_dividends() -> None:
    make_news()
    titles = [one.title for one in Announcement.objects.visible_to(None)]
    assert titles == ["Scheduled maintenance this Saturday"]


@pytest.mark.parametrize("day", [dt.date(2026, 11, 24) + dt.timedelta(days=days) for days in range(0, 400, 13)])
def test_news_speaks_of_days_to_come(day: dt.date) -> None:
    maintenance, renewals = pieces(day)[:2]
    until = maintenance["published_until"]
    assert (until.weekday(), until.hour) == (6, 3)
    assert dt.timedelta(0) < until.date() - day <= dt.timedelta(days=7)
    ahead = [day + dt.timedelta(days=days) for days in range(21, 206)]
    assert renewals["title"] in {f"Renewals for {day_long(one)}" for one in ahead if (one.day, one.month % 6) == (1, 1)}


@pytest.mark.django_db
def test_the_news_about_maintenance_ends_with_the_maintenance() -> None:
    with time_machine.travel(dt.datetime(2026, 11, 24, 12, tzinfo=EASTERN), tick=False):
        make_news()
        title = Announcement.objects.visible_to(None).get().title
    with time_machine.travel(dt.datetime(2026, 11, 29, 4, tzinfo=EASTERN), tick=False):
        assert timezone.now().astimezone(EASTERN).weekday() == 6
        assert title not in [one.title for one in Announcement.objects.published()]


def test_news_does_not_mention_the_demo() -> None:
    text = " ".join(piece["title"] + piece["body"] for piece in pieces(dt.date(2026, 11, 24)))
    assert not any(word in text.lower() for word in ("demo", "invented", "made up", "synthetic"))
