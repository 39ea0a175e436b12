"""The demo's news: the carrier's own, dated by the day, and never about the portal's demonstration."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from core.templatetags.show import day_long
from demo.news import EASTERN, maintenance, make_news, pieces
from portal.maintenance import closing
from portal.models import Announcement
from portal.published import notices_for_visitors


@pytest.mark.django_db
def test_news_is_published_once_and_stays_as_staff_left_it() -> None:
    make_news()
    assert Announcement.objects.published().count() == Announcement.objects.count() >= 4
    Announcement.objects.filter(title__contains="dividend").delete()

    make_news()

    assert not Announcement.objects.filter(title__contains="dividend").exists()


@pytest.mark.django_db
def test_visitors_read_about_sign_in_and_maintenance_but_not_about_dividends() -> None:
    make_news()
    assert [(one.title, one.is_notice) for one in Announcement.objects.visible_to(None)] == [
        ("Sign-in has changed: everyone now uses a code", True)
    ]
    assert [notice.title.split(":")[0] for notice in notices_for_visitors()] == ["Maintenance", "Sign-in has changed"]


@pytest.mark.parametrize("day", [dt.date(2026, 11, 24) + dt.timedelta(days=days) for days in range(0, 400, 13)])
def test_news_speaks_of_days_to_come(day: dt.date) -> None:
    renewals = pieces(day)[1]
    until = maintenance(day)["expected_end"]
    assert (until.weekday(), until.hour) == (6, 3)
    assert dt.timedelta(0) < until.date() - day <= dt.timedelta(days=7)
    ahead = [day + dt.timedelta(days=days) for days in range(21, 206)]
    assert renewals["title"] in {f"Renewals for {day_long(one)}" for one in ahead if (one.day, one.month % 6) == (1, 1)}


@pytest.mark.django_db
def test_the_notice_of_maintenance_ends_with_it_and_never_closes_the_demo() -> None:
    with time_machine.travel(dt.datetime(2026, 11, 24, 12, tzinfo=EASTERN), tick=False):
        make_news()
        assert closing.announced()
    with time_machine.travel(dt.datetime(2026, 11, 29, 4, tzinfo=EASTERN), tick=False):
        assert timezone.now().astimezone(EASTERN).weekday() == 6
        assert not closing.announced()
        assert not closing.in_effect()


def test_news_does_not_mention_the_demo() -> None:
    text = " ".join(piece["title"] + piece["body"] for piece in pieces(dt.date(2026, 11, 24)))
    assert not any(word in text.lower() for word in ("demo", "invented", "made up", "synthetic"))
