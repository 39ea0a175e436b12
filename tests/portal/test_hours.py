"""Hours of the support desks: read from settings, said in words, and asked about a moment (S-46)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from environ import ImproperlyConfigured
from pytest_django import Settings

from portal import hours
from portal.support.desks import desks

EASTERN = ZoneInfo("America/New_York")
WEEK = "Mon-Thu 08:30-17:00, Fri 08:30-12:00"
FEDERAL = ["01-01", "05-mon-last", "07-04", "09-mon-1", "11-thu-4", "12-25"]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=EASTERN)


def said(moment: str, week: str = WEEK, holidays: list[str] | None = None) -> str:
    rules = hours.holidays_of(FEDERAL if holidays is None else holidays)
    return hours.presence(week, now=at(moment), holidays=rules, zone="Eastern").words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-12-02T09:00", "Open now, until 5 p.m. Eastern"),
        ("2026-12-02T08:30", "Open now, until 5 p.m. Eastern"),
        ("2026-12-04T11:59", "Open now, until noon Eastern"),
        ("2026-12-02T08:29", "Closed now. Opens today at 8:30 a.m. Eastern"),
        ("2026-12-02T17:00", "Closed now. Opens tomorrow at 8:30 a.m. Eastern"),
        ("2026-12-04T12:00", "Closed now. Opens Monday at 8:30 a.m. Eastern"),
        # Thanksgiving is the fourth Thursday; Christmas of 2026 is a Friday.
        ("2026-11-26T10:00", "Closed now. Opens tomorrow at 8:30 a.m. Eastern"),
        ("2026-12-24T18:00", "Closed now. Opens Monday at 8:30 a.m. Eastern"),
        # Memorial Day is the last Monday of May; Labor Day the first of September.
        ("2026-05-25T10:00", "Closed now. Opens tomorrow at 8:30 a.m. Eastern"),
        ("2026-09-04T18:00", "Closed now. Opens Tuesday at 8:30 a.m. Eastern"),
    ],
)
def test_a_desk_says_until_when_it_is_open_or_when_it_opens(moment: str, words: str) -> None:
    assert said(moment) == words


def test_a_week_of_holidays_leads_to_the_date_of_the_next_opening() -> None:
    closed = [f"2026-12-{day}" for day in range(21, 32)]
    assert said("2026-12-18T18:00", holidays=closed) == ("Closed now. Opens Friday, January 1, at 8:30 a.m. Eastern")


def test_a_lunch_break_is_a_second_shift() -> None:
    week = "Mon-Fri 08:00-12:00, Mon-Fri 13:00-17:00"
    assert said("2026-12-02T12:30", week) == "Closed now. Opens today at 1 p.m. Eastern"
    assert hours.in_words(week, zone="Eastern") == "Monday to Friday, 8 a.m. to noon and 1 p.m. to 5 p.m. Eastern"


@pytest.mark.parametrize(
    ("week", "words"),
    [
        (WEEK, "Monday to Thursday, 8:30 a.m. to 5 p.m.; Friday, 8:30 a.m. to noon Eastern"),
        ("Sat-Sun 10:00-14:00", "Saturday and Sunday, 10 a.m. to 2 p.m. Eastern"),
        ("Mon-Fri 08:00-18:00", "Monday to Friday, 8 a.m. to 6 p.m. Eastern"),
    ],
)
def test_a_week_is_said_in_words(week: str, words: str) -> None:
    assert hours.in_words(week, zone="Eastern") == words


@pytest.mark.parametrize(
    "week", ["", "Mon", "Mon-Fri", "Mon-Xyz 08:00-18:00", "Fri-Mon 08:00-18:00", "Mon 18:00-08:00", "Mon 25:00-26:00"]
)
def test_hours_that_nobody_can_keep_stop_the_start(week: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        hours.week_of(week)


@pytest.mark.parametrize("rule", ["christmas", "13-01", "11-xyz-4", "00-mon-1", "2026-02-30"])
def test_a_holiday_that_is_not_a_day_is_refused(rule: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        hours.holidays_of([rule])


@pytest.mark.time_machine("2026-12-02 15:00:00+00:00", tick=False)
def test_a_desk_goes_by_the_carriers_clock_and_its_own_hours(settings: Settings) -> None:
    settings.SUPPORT = {**settings.SUPPORT, "risk": {**settings.SUPPORT["risk"], "open": "Sat 08:00-09:00"}}
    found = desks()
    assert (found["web"].is_open, found["web"].now) == (True, "Open now, until 6 p.m. Eastern")
    assert (found["risk"].is_open, found["risk"].now) == (False, "Closed now. Opens Saturday at 8 a.m. Eastern")
    settings.SUPPORT_HOLIDAYS = ["2026-12-02"]
    assert desks()["web"].now == "Closed now. Opens tomorrow at 8 a.m. Eastern"
