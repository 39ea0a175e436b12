"""Answers that are good for one request, however many parts of a page need them, or for a few seconds."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

T = TypeVar("T")

_recent: dict[Hashable, tuple[float, Any]] = {}
_answers: ContextVar[dict[Any, Any] | None] = ContextVar("answers_of_this_request", default=None)


def once(key: Hashable, ask: Callable[[], T]) -> T:
    """Return what `ask` answers. Within a request the first answer is kept under `key`; elsewhere it is asked each
    time."""
    answers = _answers.get()
    if answers is None:
        return ask()
    if key not in answers:
        answers[key] = ask()
    found: T = answers[key]
    return found


def once_in(seconds: float, key: Hashable, ask: Callable[[], T]) -> T:
    """Return what `ask` answers, or what it answered in this process within the last `seconds`.

    Only for what may be that old and is the same for everyone; never for what a user may see or do.
    """
    now = time.monotonic()
    asked_at, found = _recent.get(key, (-math.inf, None))
    if now - asked_at >= seconds:
        asked_at, found = _recent[key] = (now, ask())
    answer: T = found
    return answer


def forget(key: Hashable) -> None:
    """Ask again next time for what `once_in` keeps, as after a change by this process itself."""
    _recent.pop(key, None)


def hand_on(key: Hashable, answer: object) -> None:
    """Keep an answer that came along with another one, for the part of this request that asks for it next."""
    answers = _answers.get()
    if answers is not None:
        answers[key] = answer


def take(key: Hashable) -> Any:
    """Return what was handed on under `key`, once; None where nothing was."""
    answers = _answers.get()
    return answers.pop(key, None) if answers is not None else None


@contextmanager
def one_request() -> Iterator[None]:
    """Yield the length of one request: within this block `once` keeps its answers."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


@contextmanager
def one_answer() -> Iterator[None]:
    """Yield a block in which `once` keeps its answers: those of the request, or the block's own outside one."""
    if _answers.get() is not None:
        yield
        return
    with one_request():
        yield
