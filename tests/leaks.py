"""Watches the whole suite for secrets where none may be (docs/security.md#pii).

Every code, password, token, seed, and session key that a test draws or types is noted where the portal makes or takes
it. When the test ends, they are searched for in what was logged, as production writes it, in the tasks' messages, in
Redis, and in the addresses that were asked for or redirected to. `tests/test_leaks.py` shows that each is watched.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from types import ModuleType
from typing import Any

import pytest
import redis
from celery.signals import before_task_publish
from django.test import Client
from django.utils.module_loading import import_string

from portal.logging import logging_config

# Where secrets are drawn: what these return is secret.
DRAWN = (
    "accounts.models.calendars.new_token",
    "accounts.models.challenges.Challenge.make_code",
    "accounts.models.devices.AuthenticatorDevice.new_seed",
    "accounts.models.sessions.TrustedDevice.new_token",
    "accounts.sessions.SessionStore._get_new_session_key",
    "core.easy_codes.draw",
    "credentialing.packets.building.new_token",
)
# Where they are typed: the named argument, or the first one, is secret.
TYPED = {
    "accounts.models.users.User.set_password": "raw_password",
    "accounts.models.users.User.check_password": "raw_password",
}
# A mailed link has its single-use token in its address, and moves it into the session at the first GET.
LINKS = re.compile(r"/link/[^/]+/")
# Shorter than this, a typed password is a test's way to be refused, and a common word.
SHORTEST_PASSWORD = 12
# Times, and hexadecimal ids of requests and rows, hold runs of digits by chance.
CHANCE = re.compile(r"\d\d:\d\d:\d\d[.,]\d+|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass
class Watch:
    """What one test drew and typed, and what it left in each place."""

    secrets: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    handler: logging.Handler | None = None

    def begin(self) -> None:
        """Begin with the next test. Some tests set up logging again, which takes the handler away."""
        self.clear()
        root = logging.getLogger()
        if self.handler is not None and self.handler not in root.handlers:
            root.addHandler(self.handler)

    def clear(self) -> None:
        """Forget what was seen so far."""
        self.secrets.clear()
        self.places.clear()

    def note(self, secret: object, origin: str) -> None:
        """Remember a secret."""
        if isinstance(secret, str) and secret:
            self.secrets[secret] = origin

    def saw(self, place: str, text: str) -> None:
        """Remember what a place got."""
        self.places.setdefault(place, []).append(text)

    def leaks(self) -> list[str]:
        """Return a sentence for each secret that is where it may not be. It doesn't repeat the secret."""
        found = []
        for place, texts in self.places.items():
            text = CHANCE.sub("", "\n".join(texts))
            for secret, origin in self.secrets.items():
                if re.search(rf"(?<![0-9A-Za-z]){re.escape(secret)}(?![0-9A-Za-z])", text):
                    found.append(f"What {origin} gave is in {place}.")
        return found


class _Log(logging.Handler):
    """Keeps every line of the log as production would write it."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(level=logging.INFO)
        self._watch = watch
        formatter = dict(logging_config(level="INFO", json=True)["formatters"]["structured"])
        self.setFormatter(formatter.pop("()")(**formatter))

    def emit(self, record: logging.LogRecord) -> None:
        self._watch.saw("the log", self.format(record))


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch for as long as the suite runs."""
    watch = Watch()
    watch.handler = _Log(watch)
    watch.begin()

    def published(body: Any = None, headers: Any = None, **_kwargs: object) -> None:
        watch.saw("a task's message", f"{body} {headers}")

    before_task_publish.connect(published, weak=False)
    with pytest.MonkeyPatch.context() as patch:
        for path in DRAWN:
            _wrap(patch, path, lambda path, result, _args, _kwargs: watch.note(result, path))
        for path, name in TYPED.items():
            _wrap(patch, path, partial(_note_typed, watch, name))
        _watch_addresses(patch, watch)
        try:
            yield watch
        finally:
            before_task_publish.disconnect(published)
            logging.getLogger().removeHandler(watch.handler)


def look_into_redis(watch: Watch, client: redis.Redis) -> None:
    """Take what the test left in its Redis database."""
    if not client.dbsize():
        return
    for key in client.keys("*"):
        watch.saw("Redis", f"{key!r} {_value(client, key)!r}")


def _value(client: redis.Redis, key: bytes) -> object:
    """Return what is under a key, whatever its type."""
    kind = client.type(key)
    if kind == b"list":
        return client.lrange(key.decode(), 0, -1)
    if kind == b"hash":
        return client.hgetall(key.decode())
    if kind == b"set":
        return client.smembers(key.decode())
    if kind == b"zset":
        return client.zrange(key, 0, -1)
    return client.get(key)


def _note_typed(
    watch: Watch, name: str, path: str, _result: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    typed = kwargs.get(name, args[0] if args else None)
    if isinstance(typed, str) and len(typed) >= SHORTEST_PASSWORD:
        watch.note(typed, path)


def _wrap(patch: pytest.MonkeyPatch, path: str, note: Callable[..., None]) -> None:
    """Let a method of a class, or a function of a module, tell what it gave or got."""
    owner, _, name = path.rpartition(".")
    kind = import_string(owner)
    found = vars(kind).get(name) or getattr(kind, name)
    is_static = isinstance(found, staticmethod)
    original = found.__func__ if is_static else found
    first = 0 if is_static or isinstance(kind, ModuleType) else 1

    @wraps(original)
    def told(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        note(path, result, args[first:], kwargs)
        return result

    patch.setattr(kind, name, staticmethod(told) if is_static else told)


def _watch_addresses(patch: pytest.MonkeyPatch, watch: Watch) -> None:
    original = Client.request

    def request(self: Client, **environ: Any) -> Any:
        asked = f"{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}"
        watch.saw("an address", LINKS.sub("/link/", asked))
        response = original(self, **environ)
        watch.saw("an address", LINKS.sub("/link/", response.headers.get("Location", "")))
        return response

    patch.setattr(Client, "request", request)
