"""Counting how often something happened, in one statement each, so that concurrent requests can't slip past.

A key's hits are kept as their times: the window slides, it does not reset. What was refused is not counted, so
hammering on a closed door does not keep it closed (docs/security.md#sign-in).

`hit` counts what has happened. `claim_all` is for tries that take time to judge and count only when they fail: a try
takes a place while it is judged, and who finds all places taken by others that are being judged waits a moment for
their outcome. So no more failures are ever judged than the limit says, and right tries at the same moment don't push
each other out (docs/decisions/0010-lockout-by-hand.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from django.db import connection
from django.db.models import F, Func, Value
from django.utils import timezone

from core.crypto import keyed_hash
from core.models import Throttle

# A key that was not touched for this long says nothing any more.
FORGET_AFTER = timedelta(days=2)
# A try that is being judged for longer lost its process. It gave no answer, so it told nothing and counts nowhere.
LOST_AFTER = timedelta(minutes=2)
# How often, and how many times, a try asks again while all places are taken by others that are being judged.
ASK_AGAIN_SECONDS = 0.05
ASK_AGAIN_TIMES = 60

_HIT = """
INSERT INTO core_throttle AS t (scope, key, hits, granted, blocked_until, updated_at)
VALUES (%(scope)s, %(key)s, ARRAY[%(now)s::timestamptz], true, NULL, %(now)s)
ON CONFLICT (scope, key) DO UPDATE SET
    granted = (t.blocked_until IS NULL OR t.blocked_until <= %(now)s)
        AND (SELECT count(*) FROM unnest(t.hits) h WHERE h > %(since)s) < %(limit)s,
    hits = ARRAY(SELECT h FROM unnest(t.hits) h WHERE h > %(since)s ORDER BY h) || CASE
        WHEN (t.blocked_until IS NULL OR t.blocked_until <= %(now)s)
            AND (SELECT count(*) FROM unnest(t.hits) h WHERE h > %(since)s) < %(limit)s
        THEN ARRAY[%(now)s::timestamptz] ELSE ARRAY[]::timestamptz[] END,
    updated_at = %(now)s
RETURNING granted, hits, blocked_until
"""

_CLAIM = """
INSERT INTO core_throttle AS t (scope, key, hits, pending, granted, refused, updated_at)
VALUES (%(scope)s, %(key)s, ARRAY[]::timestamptz[], ARRAY[%(now)s::timestamptz], true, 0, %(now)s)
ON CONFLICT (scope, key) DO UPDATE SET updated_at = %(now)s, (granted, hits, pending) = (
    SELECT free, recent, CASE WHEN free THEN judged || %(now)s::timestamptz ELSE judged END
    FROM (SELECT ARRAY(SELECT h FROM unnest(t.hits) h WHERE h > %(since)s ORDER BY h) AS recent,
                 ARRAY(SELECT p FROM unnest(t.pending) p WHERE p > %(lost)s ORDER BY p) AS judged) AS counted,
    LATERAL (SELECT coalesce(t.blocked_until <= %(now)s, true)
                    AND cardinality(recent) + cardinality(judged) < %(limit)s AS free) AS decided
)
RETURNING granted, hits, blocked_until
"""

# Takes one try's place back: one element of `pending` that equals its time.
_LEAVE = """
    pending = CASE WHEN array_position(t.pending, %(at)s::timestamptz) IS NULL THEN t.pending
        ELSE t.pending[:array_position(t.pending, %(at)s::timestamptz) - 1]
             || t.pending[array_position(t.pending, %(at)s::timestamptz) + 1:] END,
    updated_at = %(now)s
"""

_FAILED = f"""
UPDATE core_throttle t SET {_LEAVE}, (hits, blocked_until) = (
    SELECT CASE WHEN closes THEN ARRAY[]::timestamptz[] ELSE recent || %(now)s::timestamptz END,
           CASE WHEN closes AND coalesce(t.blocked_until <= %(now)s, true) THEN %(until)s ELSE t.blocked_until END
    FROM (SELECT ARRAY(SELECT h FROM unnest(t.hits) h WHERE h > %(since)s ORDER BY h) AS recent) AS counted,
    LATERAL (SELECT %(until)s::timestamptz IS NOT NULL AND cardinality(recent) + 1 >= %(limit)s AS closes) AS decided
)
WHERE scope = %(scope)s AND key = %(key)s
RETURNING cardinality(hits), blocked_until
"""  # noqa: S608  # our own text

_PASSED = f"UPDATE core_throttle t SET {_LEAVE} WHERE scope = %(scope)s AND key = %(key)s"  # noqa: S608  # our own text

_REFUSED = """
INSERT INTO core_throttle AS t (scope, key, hits, granted, refused, refused_since, updated_at)
VALUES (%(scope)s, %(key)s, ARRAY[]::timestamptz[], true, 1, %(now)s, %(now)s)
ON CONFLICT (scope, key) DO UPDATE SET
    refused = t.refused + 1, refused_since = coalesce(t.refused_since, %(now)s), updated_at = %(now)s
RETURNING id, refused
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """allowed: whether this hit was counted and may go on. count: hits within the window, this one included.
    retry_at: when the next one can be counted, None where it could be now."""

    allowed: bool
    count: int
    retry_at: datetime | None


def _hash(scope: str, key: str) -> str:
    return keyed_hash(f"throttle:{scope}", key)


def _verdict(
    *, allowed: bool, hits: list[datetime], blocked_until: datetime | None, limit: int, window: timedelta, now: datetime
) -> Verdict:
    retry_at: datetime | None = None
    if blocked_until is not None and blocked_until > now:
        retry_at = blocked_until
    elif len(hits) >= limit:
        # Room comes when the oldest of the last `limit` hits leaves the window.
        retry_at = sorted(hits)[-limit] + window
    return Verdict(allowed=allowed, count=len(hits), retry_at=retry_at)


def hit(scope: str, key: str, limit: int, window: timedelta) -> Verdict:
    """Count one hit unless the key already has `limit` of them within the window or is blocked."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _HIT, {"scope": scope, "key": _hash(scope, key), "now": now, "since": now - window, "limit": limit}
        )
        granted, hits, blocked_until = cursor.fetchone()
    return _verdict(allowed=granted, hits=hits, blocked_until=blocked_until, limit=limit, window=window, now=now)


def peek(scope: str, key: str, limit: int, window: timedelta) -> Verdict:
    """What `hit` would say, without counting."""
    now = timezone.now()
    row = Throttle.objects.filter(scope=scope, key=_hash(scope, key)).first()
    if row is None:
        return Verdict(allowed=True, count=0, retry_at=None)
    hits = [moment for moment in row.hits if moment > now - window]
    allowed = len(hits) < limit and not (row.blocked_until and row.blocked_until > now)
    return _verdict(allowed=allowed, hits=hits, blocked_until=row.blocked_until, limit=limit, window=window, now=now)


@dataclass(frozen=True, slots=True)
class Counter:
    """Failures of one key: at most `limit` within `window`. The last of them closes the key for `cool_off`; without one
    there is room again when the oldest failure leaves the window."""

    scope: str
    key: str
    limit: int
    window: timedelta
    cool_off: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A key that takes no try. busy: only because others are being judged; else `retry_at` says when it opens."""

    counter: Counter
    busy: bool
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it was counted: the how-manieth within the window, and until when the key is closed now."""

    counter: Counter
    count: int
    closed_until: datetime | None


@dataclass
class Claims:
    """A try with a place at each of its counters. Judge it inside `with`, and call `failed` if it was wrong. The
    places are left at the end, whatever happens."""

    counters: list[Counter] = field(default_factory=list)
    _times: list[datetime] = field(default_factory=list)

    def add(self, counter: Counter, at: datetime) -> None:
        """Note a place that was taken."""
        self.counters.append(counter)
        self._times.append(at)

    def failed(self) -> list[Failure]:
        """Count the try as a failure at each counter, in their order."""
        failures = [_fail(counter, at) for counter, at in zip(self.counters, self._times, strict=True)]
        self.counters, self._times = [], []
        return failures

    def leave(self) -> None:
        """Give the places back: nothing was wrong."""
        for counter, at in zip(self.counters, self._times, strict=True):
            _leave(counter, at)
        self.counters, self._times = [], []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


def claim_all(counters: Iterable[Counter]) -> Claims | Closed:
    """A place at every counter, or the first one that has none; then no place is kept.

    Where all places are taken by tries that are being judged, it asks again for up to three seconds. Always pass
    counters of the same kinds in the same order, so that nobody waits for a place of somebody who waits.
    """
    claims = Claims()
    for counter in counters:
        taken = _claim_patiently(counter)
        if isinstance(taken, Closed):
            claims.leave()
            return taken
        claims.add(counter, taken)
    return claims


def _claim_patiently(counter: Counter) -> datetime | Closed:
    taken = _claim(counter)
    for _ in range(ASK_AGAIN_TIMES):
        if not isinstance(taken, Closed) or not taken.busy:
            return taken
        time.sleep(ASK_AGAIN_SECONDS)
        taken = _claim(counter)
    return taken


def _values(counter: Counter, now: datetime) -> dict[str, str | int | datetime | None]:
    return {
        "scope": counter.scope,
        "key": _hash(counter.scope, counter.key),
        "limit": counter.limit,
        "now": now,
        "since": now - counter.window,
    }


def _claim(counter: Counter) -> datetime | Closed:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, _values(counter, now) | {"lost": now - LOST_AFTER})
        granted, hits, blocked_until = cursor.fetchone()
    if granted:
        return now
    verdict = _verdict(
        allowed=False, hits=hits, blocked_until=blocked_until, limit=counter.limit, window=counter.window, now=now
    )
    return Closed(counter, busy=verdict.retry_at is None, retry_at=verdict.retry_at)


def _fail(counter: Counter, at: datetime) -> Failure:
    now = timezone.now()
    until = now + counter.cool_off if counter.cool_off else None
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, _values(counter, now) | {"at": at, "until": until})
        count, blocked_until = cursor.fetchone()
    closed_until = blocked_until if blocked_until and blocked_until > now else None
    # The failure that closes a key forgets those before it.
    return Failure(counter, count or counter.limit, closed_until)


def _leave(counter: Counter, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PASSED, _values(counter, timezone.now()) | {"at": at})


def count_refusal(scope: str, key: str) -> tuple[int, int]:
    """Count one more that was turned away; the row's id, and how many there were since the count began."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, {"scope": scope, "key": _hash(scope, key), "now": timezone.now()})
        row_id, refused = cursor.fetchone()
    return int(row_id), int(refused)


def block(scope: str, key: str, until: datetime) -> None:
    """Close a key until a moment and forget its hits. A key that is closed already keeps the end it has."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_throttle AS t (scope, key, hits, granted, blocked_until, updated_at) "
            "VALUES (%(scope)s, %(key)s, ARRAY[]::timestamptz[], false, %(until)s, %(now)s) "
            "ON CONFLICT (scope, key) DO UPDATE SET blocked_until = CASE "
            "WHEN t.blocked_until > %(now)s THEN t.blocked_until ELSE %(until)s END, "
            "hits = ARRAY[]::timestamptz[], updated_at = %(now)s",
            {"scope": scope, "key": _hash(scope, key), "until": until, "now": now},
        )


def blocked_until(scope: str, key: str) -> datetime | None:
    """Until when a key is closed; None where it is open."""
    return (
        Throttle.objects.filter(scope=scope, key=_hash(scope, key), blocked_until__gt=timezone.now())
        .values_list("blocked_until", flat=True)
        .first()
    )


def give_back(scope: str, key: str) -> None:
    """Take the latest hit of a key back (what it stood for did not happen)."""
    Throttle.objects.filter(scope=scope, key=_hash(scope, key), hits__len__gt=0).update(
        hits=Func(F("hits"), Value(1), function="trim_array")
    )


def reset(scope: str, key: str) -> None:
    """Forget a key's hits and its block. Tries that are being judged keep their places."""
    Throttle.objects.filter(scope=scope, key=_hash(scope, key)).update(hits=[], blocked_until=None)


def forget_old() -> int:
    """Delete the rows that say nothing any more; how many."""
    deleted, _ = Throttle.objects.filter(updated_at__lt=timezone.now() - FORGET_AFTER).delete()
    return deleted
