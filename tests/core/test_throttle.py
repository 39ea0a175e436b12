"""Counters of what may happen only so often."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from core import throttle
from core.models import Throttle
from core.throttle import Limit
from tests.helpers import at_once

QUARTER = dt.timedelta(minutes=15)
NOON = "2026-03-02 12:00:00+00:00"
ONE, TWO, FIVE = (Limit("test", times, QUARTER) for times in (1, 2, 5))


@pytest.mark.django_db
def test_the_window_slides() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert TWO.hit("ada").allowed
        clock.shift(dt.timedelta(minutes=10))
        assert TWO.hit("ada").allowed
        refused = TWO.hit("ada")
        assert (refused.allowed, refused.count) == (False, 2)
        assert refused.retry_at == timezone.now() + dt.timedelta(minutes=5)
        clock.shift(dt.timedelta(minutes=5))
        assert TWO.hit("ada").allowed
        assert not TWO.hit("ada").allowed


@pytest.mark.django_db
def test_refused_hits_do_not_count() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        ONE.hit("ada")
        clock.shift(dt.timedelta(minutes=14))
        for _ in range(5):
            assert not ONE.hit("ada").allowed
        clock.shift(dt.timedelta(minutes=1))
        assert ONE.hit("ada").allowed


@pytest.mark.django_db
def test_keys_and_scopes_are_counted_apart_and_stored_as_hashes() -> None:
    ONE.hit("ada")
    assert ONE.hit("bob").allowed
    assert Limit("other", 1, QUARTER).hit("ada").allowed
    assert not Throttle.objects.filter(key__contains="ada").exists()


@pytest.mark.django_db
def test_giving_back_takes_one_hit_off() -> None:
    assert ONE.hit("ada").allowed
    assert not ONE.hit("ada").allowed
    ONE.give_back("ada")
    ONE.give_back("ada")
    assert ONE.hit("ada").allowed
    assert not ONE.hit("ada").allowed


@pytest.mark.django_db
def test_a_cool_off_closes_a_key_to_every_hit_until_it_is_over_or_reset() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        end = timezone.now() + QUARTER
        claim().failed()
        claim().failed()
        clock.shift(dt.timedelta(minutes=1))
        assert GUESSES.limit.closed_until("ada") == end
        allowance = FIVE.hit("ada")
        assert (allowance.allowed, allowance.retry_at) == (False, end)
        clock.shift(QUARTER - dt.timedelta(minutes=1))
        assert GUESSES.limit.closed_until("ada") is None
        assert FIVE.hit("ada").allowed
        FIVE.reset("ada")
        claim().failed()
        claim().failed()
        assert not FIVE.hit("ada").allowed
        FIVE.reset("ada")
        assert FIVE.hit("ada").allowed


@pytest.mark.django_db
def test_untouched_rows_are_deleted_after_two_days() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        FIVE.hit("ada")
        assert throttle.forget_old() == 0
        clock.shift(dt.timedelta(days=2, seconds=1))
        assert throttle.forget_old() == 1


@pytest.mark.django_db(transaction=True)
def test_of_20_hits_at_once_no_more_are_counted_than_allowed() -> None:
    allowed = at_once(*[lambda: FIVE.hit("ada").allowed] * 20)
    assert (allowed.count(True), allowed.count(False)) == (5, 15)


GUESSES = Limit("test", 2, QUARTER, cool_off=QUARTER).of("ada")


def claim(counter: throttle.Counter = GUESSES) -> throttle.Claims:
    taken = throttle.claim_all([counter])
    assert isinstance(taken, throttle.Claims)
    return taken


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "ASK_AGAIN_TIMES", 0)


@pytest.mark.django_db
def test_an_attempt_holds_a_place_while_it_is_judged_and_frees_it_when_it_was_right(no_patience: None) -> None:
    first, second = claim(), claim()
    closed = throttle.claim_all([GUESSES])
    assert isinstance(closed, throttle.Closed)
    assert (closed.busy, closed.retry_at) == (True, None)
    first.leave()
    third = claim()
    second.failed()
    with third:
        pass
    with claim() as last:
        (failure,) = last.failed()
    assert failure.count == 2
    assert failure.closed_until is not None


@pytest.mark.django_db
def test_the_last_failure_closes_the_key_for_the_cool_off_and_not_longer() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        claim().failed()
        (failure,) = claim().failed()
        assert failure.closed_until == timezone.now() + QUARTER
        clock.shift(dt.timedelta(minutes=14))
        closed = throttle.claim_all([GUESSES])
        assert isinstance(closed, throttle.Closed)
        assert (closed.busy, closed.retry_at) == (False, failure.closed_until)
        clock.shift(dt.timedelta(minutes=1))
        assert claim().failed()[0].count == 1


@pytest.mark.django_db
def test_without_a_cool_off_there_is_room_when_the_oldest_failure_is_too_old() -> None:
    plain = TWO.of("network")
    with time_machine.travel(NOON, tick=False) as clock:
        claim(plain).failed()
        clock.shift(dt.timedelta(minutes=10))
        claim(plain).failed()
        closed = throttle.claim_all([plain])
        assert isinstance(closed, throttle.Closed)
        assert closed.retry_at == timezone.now() + dt.timedelta(minutes=5)
        clock.shift(dt.timedelta(minutes=5))
        claim(plain).failed()


@pytest.mark.django_db
def test_no_place_is_kept_where_one_of_several_keys_is_closed(no_patience: None) -> None:
    small = ONE.of("small")
    with claim(small):
        assert isinstance(throttle.claim_all([GUESSES, small]), throttle.Closed)
    assert Throttle.objects.get(pk=throttle.count_refusal("test", "ada")[0]).pending == []


@pytest.mark.django_db
def test_an_attempt_whose_process_died_keeps_its_place_for_two_minutes_only(no_patience: None) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        claim(), claim()
        assert isinstance(throttle.claim_all([GUESSES]), throttle.Closed)
        clock.shift(dt.timedelta(minutes=2))
        claim()


@pytest.mark.django_db
def test_forgetting_a_key_leaves_the_places_of_those_being_judged(no_patience: None) -> None:
    held = [claim(), claim()]
    GUESSES.reset()
    assert isinstance(throttle.claim_all([GUESSES]), throttle.Closed)
    assert [each.failed()[0].count for each in held] == [1, 2]
