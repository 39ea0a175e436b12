"""Refusals: the first is an event, the others are a number that one more event says."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from core.models import Event, Throttle
from core.refusals import close_refusals, record_refusal
from core.tasks import close_refusals as close_refusals_task
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
NOON = "2026-03-02 12:00:00+00:00"
TAG = "test:door:refused"


def knock(times: int, key: str = "door") -> None:
    for _ in range(times):
        record_refusal(TAG, scope="test", key=key, limit="door")


def test_many_refusals_are_two_events_with_their_number() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        knock(40)
        assert Event.objects.count() == 1
        assert close_refusals() == 0
        clock.shift(dt.timedelta(minutes=15))
        close_refusals_task()
        assert close_refusals() == 0
    first, last = Event.objects.order_by("id")
    assert first.data == {"limit": "door"}
    assert last.data == {"limit": "door", "refused": 40, "first_event": first.pk, "since": first.at.isoformat()}


def test_a_single_refusal_is_one_event() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        knock(1)
        clock.shift(dt.timedelta(minutes=15))
        close_refusals()
    assert Event.objects.count() == 1
    assert Throttle.objects.get().refused == 0


def test_the_next_quarter_of_an_hour_begins_with_an_event_again() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(3):
            knock(10)
            clock.shift(dt.timedelta(minutes=15))
            close_refusals()
    assert Event.objects.count() == 6


def test_while_nobody_counts_up_no_further_event_is_written() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(5):
            knock(10)
            clock.shift(dt.timedelta(hours=1))
        assert Event.objects.count() == 1
        close_refusals()
    assert Event.objects.latest("id").data["refused"] == 50


def test_keys_are_counted_apart_and_the_last_event_is_about_the_same_person() -> None:
    ada = UserFactory.create()
    with time_machine.travel(NOON, tick=False) as clock:
        knock(2, "other")
        for _ in range(3):
            record_refusal(TAG, scope="test", key="door", subject=ada, by=ada)
        clock.shift(dt.timedelta(minutes=15))
        assert close_refusals() == 2
    about_ada = Event.objects.filter(subject_id=str(ada.pk)).order_by("id")
    assert [event.data.get("refused") for event in about_ada] == [None, 3]
    assert {event.actor_id for event in about_ada} == {ada.pk}
