"""Guards: what a package would do that a person must approve first (docs/feed-format.md#held)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings

from core.feedspec import Guard
from feed.load.apply import Counts
from feed.load.staging import Staging
from feed.load.table_map import TableMap
from feed.models import Source

# This many rows are named as examples; the counts say how many there are.
EXAMPLES = 50


def is_unknown(source: str) -> bool:
    """Return whether no package of the source was ever applied and the settings don't name it."""
    return source not in settings.FEED_KNOWN_SOURCES and not Source.objects.filter(name=source).exists()


def difference_of(
    cursor: Any, source: str, stagings: Sequence[Staging], counts: Mapping[str, Counts]
) -> dict[str, Any]:
    """Return the difference to review, or an empty dictionary if no guard applies.

    Shares are of the source's rows that aren't retired. `reasons`: sentences; `examples`: a list of file, what
    ('retired' or a guard's name), and keys.
    """
    reasons: list[str] = []
    examples: list[dict[str, Any]] = []
    if is_unknown(source):
        reasons.append(f"This is the first package from the source ‘{source}’. New sources need a review.")
    for staging in stagings:
        table_map, figures = staging.table_map, counts[staging.table_map.file]
        retire_share = settings.FEED_RETIRE_SHARE
        if figures.retired >= table_map.table.hold_from and _exceeds(figures.retired, figures.before, retire_share):
            reasons.append(
                f"{figures.retired:,} of {figures.before:,} rows of {table_map.file} "
                f"({_share(figures.retired, figures.before)}) would be retired. "
                f"More than {_percent(retire_share)} needs a review."
            )
            examples.append({"file": table_map.file, "what": "retired", "keys": _retired(cursor, table_map)})
        for guard in table_map.table.guards:
            share = getattr(settings, guard.setting) if guard.setting else guard.share
            touched = _touched(cursor, table_map, guard)
            if touched >= guard.hold_from and _exceeds(touched, figures.before, share):
                reasons.append(
                    f"{touched:,} of {figures.before:,} {guard.words} ({_share(touched, figures.before)}). "
                    f"More than {_percent(share)} needs a review."
                )
                examples.append(
                    {"file": table_map.file, "what": guard.name, "keys": _guarded(cursor, table_map, guard)}
                )
    return {"reasons": reasons, "examples": examples} if reasons else {}


def _exceeds(count: int, of: int, share: Decimal) -> bool:
    return of > 0 and count > share * of


def _share(count: int, of: int) -> str:
    return f"{100 * Decimal(count) / of:.1f}%"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"


def _where(table_map: TableMap, guard: Guard) -> str:
    return (
        f"FROM {table_map.changes_table} was JOIN {table_map.db_table} t ON t.id = was.id "
        f"WHERE was.change IN ('updated', 'unretired') AND ({guard.condition})"
    )


def _touched(cursor: Any, table_map: TableMap, guard: Guard) -> int:
    cursor.execute(f"SELECT count(*) {_where(table_map, guard)}")
    return int(cursor.fetchone()[0])


def _guarded(cursor: Any, table_map: TableMap, guard: Guard) -> list[str]:
    cursor.execute(f"SELECT t.external_id {_where(table_map, guard)} ORDER BY 1 LIMIT {EXAMPLES}")
    return [key for (key,) in cursor.fetchall()]


def _retired(cursor: Any, table_map: TableMap) -> list[str]:
    cursor.execute(
        f"SELECT t.external_id FROM {table_map.changes_table} was JOIN {table_map.db_table} t ON t.id = was.id "
        f"WHERE was.change = 'retired' ORDER BY 1 LIMIT {EXAMPLES}"
    )
    return [key for (key,) in cursor.fetchall()]
