"""Counting how often something happened, in one statement each, so that concurrent requests can't slip past.

A key's hits are kept as their times: the window slides, it does not reset. What was refused is not counted, so
hammering on a closed door does not keep it closed (SECURITY: wrong passwords, resend).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Func, Value
from django.utils import timezone

from core.crypto import keyed_hash
from core.models import Throttle

# A key that was not touched for this long says nothing any more.
FORGET_AFTER = timedelta(days=2)

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
    """Forget a key: its hits and its block."""
    Throttle.objects.filter(scope=scope, key=_hash(scope, key)).delete()


def forget_old() -> int:
    """Delete the rows that say nothing any more; how many."""
    deleted, _ = Throttle.objects.filter(updated_at__lt=timezone.now() - FORGET_AFTER).delete()
    return deleted
