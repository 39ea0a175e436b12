"""Answers that are good for one request: asked for once, however many parts of a page need them."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

T = TypeVar("T")

_answers: ContextVar[dict[Any, Any] | None] = ContextVar("answers_of_this_request", default=None)


def once(key: Hashable, ask: Callable[[], T]) -> T:
    """What `ask` answers. Within a request the first answer is kept under `key`; elsewhere it is asked each time."""
    answers = _answers.get()
    if answers is None:
        return ask()
    if key not in answers:
        answers[key] = ask()
    found: T = answers[key]
    return found


@contextmanager
def one_request() -> Iterator[None]:
    """The length of one request: within this block `once` keeps its answers."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)
