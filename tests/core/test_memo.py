"""Answers that are kept for a request, or for a few seconds."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

from core.memo import hand_on, once, once_in, one_request, take

if TYPE_CHECKING:
    import pytest


def test_an_answer_is_kept_within_a_request_and_no_longer() -> None:
    numbers = count()
    with one_request():
        assert [once("n", lambda: next(numbers)) for _ in range(3)] == [0, 0, 0]
    with one_request():
        assert once("n", lambda: next(numbers)) == 1
    assert once("n", lambda: next(numbers)) == 2


def test_what_is_handed_on_is_taken_once_and_lost_with_the_request() -> None:
    with one_request():
        hand_on("user", "ada")
        assert (take("user"), take("user")) == ("ada", None)
        hand_on("user", "ada")
    with one_request():
        assert take("user") is None
    hand_on("user", "ada")
    assert take("user") is None


def test_an_answer_for_seconds_is_asked_for_again_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, now = count(), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    key = object()

    def asked() -> int:
        return once_in(5, key, lambda: next(numbers))

    assert (asked(), asked()) == (0, 0)
    now[0] += 5
    assert (asked(), asked()) == (1, 1)
    assert once_in(0, key, lambda: next(numbers)) == 2
