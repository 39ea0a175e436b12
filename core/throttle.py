"""Rate limits, each count in one SQL statement, so that concurrent requests can't slip past.

A `Limit` says how many hits of one key it takes within a window. The window slides: a key's hits are kept as their
times. Refused hits don't count, so hammering on a closed door doesn't keep it closed (docs/security.md#sign-in).

`Limit.hit` counts what has happened. `claim_all` is for attempts that take time to judge and count only when they fail:
an attempt holds a place while it's judged. If all places are held by others being judged, it waits a moment for their
outcome. So no more failures are judged than the limit allows, and valid attempts at the same moment don't push each
other out (docs/decisions/0010-lockout-by-hand.md).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from django.db import connection
from django.db.models import F, Func, QuerySet, Value
from django.utils import timezone

from core.crypto import keyed_hash
from core.models import Throttle

# A key that hasn't been touched for this long is deleted.
FORGET_AFTER = dt.timedelta(days=2)
# An attempt judged for longer has lost its process. It gave no answer, so it counts nowhere.
LOST_AFTER = dt.timedelta(minutes=2)
# How often, and how many times, an attempt asks again while others being judged hold all places.
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

# Frees one attempt's place: one element of `pending` that equals its time.
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

# A key's failures and cool-off go to another key, in addition to what that one has. The row stays: an attempt being
# judged still has its place there.
_CARRY = """
WITH former AS (SELECT * FROM core_throttle WHERE scope = %(scope)s AND key = %(old)s FOR UPDATE),
emptied AS (
    UPDATE core_throttle t SET hits = ARRAY[]::timestamptz[], blocked_until = NULL FROM former WHERE t.id = former.id
)
INSERT INTO core_throttle AS t (scope, key, hits, granted, blocked_until, refused, updated_at)
SELECT scope, %(new)s, hits, true, blocked_until, 0, %(now)s FROM former
ON CONFLICT (scope, key) DO UPDATE SET
    hits = ARRAY(SELECT h FROM unnest(t.hits || EXCLUDED.hits) h ORDER BY h),
    blocked_until = greatest(t.blocked_until, EXCLUDED.blocked_until), updated_at = %(now)s
"""

_REFUSED = """
INSERT INTO core_throttle AS t (scope, key, hits, granted, refused, refused_since, updated_at)
VALUES (%(scope)s, %(key)s, ARRAY[]::timestamptz[], true, 1, %(now)s, %(now)s)
ON CONFLICT (scope, key) DO UPDATE SET
    refused = t.refused + 1, refused_since = coalesce(t.refused_since, %(now)s), updated_at = %(now)s
RETURNING id, refused
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Result of a hit. allowed: it was counted and may go on. count: hits within the window, this one included.
    retry_at: when the next one can be counted, None if now."""

    allowed: bool
    count: int
    retry_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` hits of one key within `window`, counted under `scope`.

    With `cool_off`, the failure that reaches the limit closes the key for that long (`claim_all`). Without it, there's
    room again when the oldest hit leaves the window.
    """

    scope: str
    times: int
    window: dt.timedelta
    cool_off: dt.timedelta | None = None

    def hit(self, key: str) -> Allowance:
        """Count one hit, unless the key has no room or is closed."""
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(_HIT, _values(self, key, now))
            granted, hits, closed_until = cursor.fetchone()
        retry_at = _room_at(self, hits, closed_until, now)
        return Allowance(allowed=granted, count=len(hits), retry_at=retry_at)

    def peek(self, key: str) -> Allowance:
        """Return what the next hit would find, without counting one. `count` is that of the hits until now."""
        now = timezone.now()
        row = self._row(key).first()
        hits = [hit for hit in row.hits if hit > now - self.window] if row else []
        retry_at = _room_at(self, hits, row.blocked_until if row else None, now)
        return Allowance(allowed=retry_at is None, count=len(hits), retry_at=retry_at)

    def give_back(self, key: str) -> None:
        """Take back the latest hit of a key, because what it counted didn't happen."""
        self._row(key).filter(hits__len__gt=0).update(hits=Func(F("hits"), Value(1), function="trim_array"))

    def reset(self, key: str) -> None:
        """Forget a key's hits and open it. Attempts being judged keep their places."""
        self._row(key).update(hits=[], blocked_until=None)

    def carry(self, old: str, new: str) -> None:
        """Let what one key has counted, and its cool-off, count for another one: the same thing under a new name."""
        values = {"scope": self.scope, "old": _hash(self.scope, old), "new": _hash(self.scope, new)}
        with connection.cursor() as cursor:
            cursor.execute(_CARRY, values | {"now": timezone.now()})

    def closed_until(self, key: str) -> dt.datetime | None:
        """Return the end of a key's cool-off, or None if it isn't in one."""
        closed = self._row(key).filter(blocked_until__gt=timezone.now())
        return closed.values_list("blocked_until", flat=True).first()

    def closed_among(self, keys: Iterable[str]) -> set[str]:
        """Return the keys that are in a cool-off. One query."""
        hashed = {_hash(self.scope, key): key for key in keys}
        closed = Throttle.objects.filter(scope=self.scope, key__in=hashed, blocked_until__gt=timezone.now())
        return {hashed[found] for found in closed.values_list("key", flat=True)}

    def of(self, key: str) -> Counter:
        """Return this limit's counter of one key, for `claim_all`."""
        return Counter(self, key)

    def _row(self, key: str) -> QuerySet[Throttle]:
        return Throttle.objects.filter(scope=self.scope, key=_hash(self.scope, key))


@dataclass(frozen=True, slots=True)
class Counter:
    """The failures of one key under a limit."""

    limit: Limit
    key: str

    def claim(self) -> dt.datetime | Closed:
        """Take a place for an attempt about to be judged and return its time, or say why there's none."""
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, _values(self.limit, self.key, now) | {"lost": now - LOST_AFTER})
            granted, hits, closed_until = cursor.fetchone()
        if granted:
            return now
        retry_at = _room_at(self.limit, hits, closed_until, now)
        return Closed(self, busy=retry_at is None, retry_at=retry_at)

    def fail(self, at: dt.datetime) -> Failure:
        """Count the attempt with the place of that time as a failure."""
        now = timezone.now()
        until = now + self.limit.cool_off if self.limit.cool_off else None
        with connection.cursor() as cursor:
            cursor.execute(_FAILED, _values(self.limit, self.key, now) | {"at": at, "until": until})
            count, blocked_until = cursor.fetchone()
        closed_until = blocked_until if blocked_until and blocked_until > now else None
        # The failure that closes a key forgets the earlier ones.
        return Failure(self, count or self.limit.times, closed_until)

    def leave(self, at: dt.datetime) -> None:
        """Free the place of that time."""
        with connection.cursor() as cursor:
            cursor.execute(_PASSED, _values(self.limit, self.key, timezone.now()) | {"at": at})

    def reset(self) -> None:
        """Forget the key's failures and open it."""
        self.limit.reset(self.key)


@dataclass(frozen=True, slots=True)
class Closed:
    """A key that takes no attempt. busy: only because others are being judged; otherwise `retry_at` says when it
    opens."""

    counter: Counter
    busy: bool
    retry_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A counted failure: its number within the window, and the end of the cool-off that it started, if any."""

    counter: Counter
    count: int
    closed_until: dt.datetime | None


@dataclass
class Claims:
    """An attempt with a place at each of its counters. Judge it inside `with`, and call `failed` if it was wrong. The
    places are freed at the end in any case."""

    counters: list[Counter] = field(default_factory=list)
    _times: list[dt.datetime] = field(default_factory=list)

    def add(self, counter: Counter, at: dt.datetime) -> None:
        """Add a place that was taken."""
        self.counters.append(counter)
        self._times.append(at)

    def failed(self) -> list[Failure]:
        """Count the attempt as a failure at each counter, in order."""
        failures = [counter.fail(at) for counter, at in zip(self.counters, self._times, strict=True)]
        self.counters, self._times = [], []
        return failures

    def leave(self) -> None:
        """Free the places: nothing was wrong."""
        for counter, at in zip(self.counters, self._times, strict=True):
            counter.leave(at)
        self.counters, self._times = [], []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


def claim_all(counters: Iterable[Counter]) -> Claims | Closed:
    """Take a place at every counter, or return the first counter without one; then no place is kept.

    If others being judged hold all places, it asks again for up to three seconds. Always pass counters of the same
    kinds in the same order, so that no two attempts wait for each other.
    """
    claims = Claims()
    for counter in counters:
        taken = _claim_patiently(counter)
        if isinstance(taken, Closed):
            claims.leave()
            return taken
        claims.add(counter, taken)
    return claims


def _claim_patiently(counter: Counter) -> dt.datetime | Closed:
    taken = counter.claim()
    for _ in range(ASK_AGAIN_TIMES):
        if not isinstance(taken, Closed) or not taken.busy:
            return taken
        time.sleep(ASK_AGAIN_SECONDS)
        taken = counter.claim()
    return taken


def count_refusal(scope: str, key: str) -> tuple[int, int]:
    """Count one more refusal. Return the row's id and the number of refusals since the count began."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, {"scope": scope, "key": _hash(scope, key), "now": timezone.now()})
        row_id, refused = cursor.fetchone()
    return int(row_id), int(refused)


def forget_old() -> int:
    """Delete the rows that no longer matter and return their number."""
    deleted, _ = Throttle.objects.filter(updated_at__lt=timezone.now() - FORGET_AFTER).delete()
    return deleted


def _hash(scope: str, key: str) -> str:
    return keyed_hash(f"throttle:{scope}", key)


def _values(limit: Limit, key: str, now: dt.datetime) -> dict[str, str | int | dt.datetime | None]:
    return {
        "scope": limit.scope,
        "key": _hash(limit.scope, key),
        "limit": limit.times,
        "now": now,
        "since": now - limit.window,
    }


def _room_at(
    limit: Limit, hits: list[dt.datetime], closed_until: dt.datetime | None, now: dt.datetime
) -> dt.datetime | None:
    """Return when a key has room, or None if now: at the end of its cool-off, or when the oldest of its last `times`
    hits leaves the window."""
    if closed_until is not None and closed_until > now:
        return closed_until
    return sorted(hits)[-limit.times] + limit.window if len(hits) >= limit.times else None
