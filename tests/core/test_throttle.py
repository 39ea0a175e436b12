"""Counters of what may happen only so often."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from core import throttle
from core.models import Throttle

QUARTER = timedelta(minutes=15)
NOON = "2026-03-02 12:00:00+00:00"


@pytest.mark.django_db
def test_the_window_slides() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert throttle.hit("test", "ada", 2, QUARTER).allowed
        clock.shift(timedelta(minutes=10))
        assert throttle.hit("test", "ada", 2, QUARTER).allowed
        refused = throttle.hit("test", "ada", 2, QUARTER)
        assert (refused.allowed, refused.count) == (False, 2)
        assert refused.retry_at == timezone.now() + timedelta(minutes=5)
        clock.shift(timedelta(minutes=5))
        assert throttle.hit("test", "ada", 2, QUARTER).allowed
        assert not throttle.hit("test", "ada", 2, QUARTER).allowed


@pytest.mark.django_db
def test_what_was_refused_is_not_counted() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        throttle.hit("test", "ada", 1, QUARTER)
        clock.shift(timedelta(minutes=14))
        for _ in range(5):
            assert not throttle.hit("test", "ada", 1, QUARTER).allowed
        clock.shift(timedelta(minutes=1))
        assert throttle.hit("test", "ada", 1, QUARTER).allowed


@pytest.mark.django_db
def test_keys_and_scopes_are_counted_apart_and_stored_as_hashes() -> None:
    throttle.hit("test", "ada", 1, QUARTER)
    assert throttle.hit("test", "bob", 1, QUARTER).allowed
    assert throttle.hit("other", "ada", 1, QUARTER).allowed
    assert not Throttle.objects.filter(key__contains="ada").exists()


@pytest.mark.django_db
def test_peeking_counts_nothing_and_giving_back_takes_one_off() -> None:
    for _ in range(3):
        assert throttle.peek("test", "ada", 1, QUARTER).allowed
    throttle.hit("test", "ada", 1, QUARTER)
    assert not throttle.peek("test", "ada", 1, QUARTER).allowed
    throttle.give_back("test", "ada")
    throttle.give_back("test", "ada")
    assert throttle.hit("test", "ada", 1, QUARTER).allowed


@pytest.mark.django_db
def test_a_block_keeps_the_end_that_it_has_until_it_is_over_or_reset() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        end = timezone.now() + QUARTER
        throttle.block("test", "ada", end)
        throttle.block("test", "ada", end + QUARTER)
        assert throttle.blocked_until("test", "ada") == end
        verdict = throttle.hit("test", "ada", 5, QUARTER)
        assert (verdict.allowed, verdict.retry_at) == (False, end)
        clock.shift(QUARTER)
        assert throttle.blocked_until("test", "ada") is None
        assert throttle.hit("test", "ada", 5, QUARTER).allowed
        throttle.block("test", "ada", timezone.now() + QUARTER)
        throttle.reset("test", "ada")
        assert throttle.hit("test", "ada", 5, QUARTER).allowed


@pytest.mark.django_db
def test_rows_that_say_nothing_any_more_are_forgotten() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        throttle.hit("test", "ada", 5, QUARTER)
        assert throttle.forget_old() == 0
        clock.shift(timedelta(days=2, seconds=1))
        assert throttle.forget_old() == 1


@pytest.mark.django_db(transaction=True)
def test_of_20_hits_at_once_no_more_are_counted_than_allowed() -> None:
    gate = threading.Barrier(20)
    allowed: list[bool] = []

    def hit() -> None:
        gate.wait()
        allowed.append(throttle.hit("test", "ada", 5, QUARTER).allowed)
        connections.close_all()

    threads = [threading.Thread(target=hit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (allowed.count(True), allowed.count(False)) == (5, 15)


GUESSES = throttle.Counter("test", "ada", 2, QUARTER, cool_off=QUARTER)


def claim(counter: throttle.Counter = GUESSES) -> throttle.Claims:
    taken = throttle.claim_all([counter])
    assert isinstance(taken, throttle.Claims)
    return taken


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "ASK_AGAIN_TIMES", 0)


@pytest.mark.django_db
def test_a_try_takes_a_place_while_it_is_judged_and_leaves_it_when_it_was_right(no_patience: None) -> None:
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
        clock.shift(timedelta(minutes=14))
        closed = throttle.claim_all([GUESSES])
        assert isinstance(closed, throttle.Closed)
        assert (closed.busy, closed.retry_at) == (False, failure.closed_until)
        clock.shift(timedelta(minutes=1))
        assert claim().failed()[0].count == 1


@pytest.mark.django_db
def test_without_a_cool_off_there_is_room_when_the_oldest_failure_is_too_old() -> None:
    plain = throttle.Counter("test", "network", 2, QUARTER)
    with time_machine.travel(NOON, tick=False) as clock:
        claim(plain).failed()
        clock.shift(timedelta(minutes=10))
        claim(plain).failed()
        closed = throttle.claim_all([plain])
        assert isinstance(closed, throttle.Closed)
        assert closed.retry_at == timezone.now() + timedelta(minutes=5)
        clock.shift(timedelta(minutes=5))
        claim(plain).failed()


@pytest.mark.django_db
def test_no_place_is_kept_where_one_of_several_keys_is_closed(no_patience: None) -> None:
    small = throttle.Counter("test", "small", 1, QUARTER)
    with claim(small):
        assert isinstance(throttle.claim_all([GUESSES, small]), throttle.Closed)
    assert Throttle.objects.get(pk=throttle.count_refusal("test", "ada")[0]).pending == []


@pytest.mark.django_db
def test_a_try_whose_process_died_keeps_its_place_for_two_minutes_only(no_patience: None) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        claim(), claim()
        assert isinstance(throttle.claim_all([GUESSES]), throttle.Closed)
        clock.shift(timedelta(minutes=2))
        claim()


@pytest.mark.django_db
def test_forgetting_a_key_leaves_the_places_of_those_being_judged(no_patience: None) -> None:
    held = [claim(), claim()]
    throttle.reset("test", "ada")
    assert isinstance(throttle.claim_all([GUESSES]), throttle.Closed)
    assert [each.failed()[0].count for each in held] == [1, 2]
