"""Guards: what a package would do that a person must approve first (docs/feed-format.md#held)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from core.feedspec import Guard, Tally
from feed.load.apply import Counts
from feed.load.context import LoadContext
from feed.load.staging import Staging
from feed.load.table_map import TableMap
from feed.models import Source

# This many rows are named as examples; the counts say how many there are.
EXAMPLES = 50
CHANGED_MEANWHILE = "The package would now do more than when it was reviewed, so it needs another review."


@dataclass(frozen=True)
class _Concern:
    """One thing to review. `name` and `count` tell whether a later try would do more of it."""

    name: str
    count: int
    reason: str
    file: str = ""
    what: str = ""
    keys: tuple[str, ...] = ()
    # A digest of all keys, of which `keys` are the first.
    digest: str = ""


def is_unknown(source: str) -> bool:
    """Return whether no package of the source was ever applied and the settings don't name it."""
    return source not in settings.FEED_KNOWN_SOURCES and not Source.objects.filter(name=source).exists()


class Guardian:
    """Judges a load when everything is applied and nothing is committed. Shares are of the source's rows that aren't
    retired."""

    def __init__(
        self,
        cursor: Any,
        load: LoadContext,
        by_file: Mapping[str, TableMap],
        stagings: Sequence[Staging],
        counts: Mapping[str, Counts],
        *,
        is_new: bool,
    ) -> None:
        self._cursor = cursor
        self._load = load
        self._by_file = by_file
        self._stagings = stagings
        self._counts = counts
        self._is_new = is_new

    def difference(self) -> dict[str, Any]:
        """Return what to review, or an empty dictionary if no guard applies.

        `reasons`: sentences; `examples`: a list of file, what ('retired' or a guard's name), and keys; `figures`: how
        much of each; `digests`: of the keys of all rows, by the same names.
        """
        found = list(self._concerns())
        if not found:
            return {}
        return {
            "reasons": [each.reason for each in found],
            "examples": [
                {"file": each.file, "what": each.what, "keys": list(each.keys)} for each in found if each.keys
            ],
            "figures": {each.name: each.count for each in found},
            "digests": {each.name: each.digest for each in found if each.digest},
        }

    def _concerns(self) -> Iterator[_Concern]:
        if self._is_new:
            source = self._load.source
            reason = f"This is the first package from the source ‘{source}’. New sources need a review."
            yield _Concern("unknown", 1, reason)
        for staging in self._stagings:
            yield from self._retired(staging.table_map)
            for guard in staging.table_map.table.guards:
                yield from self._guarded(staging.table_map, guard)
        for table_map in self._by_file.values():
            for tally in table_map.table.tallies:
                yield from self._tallied(table_map, tally)

    def _retired(self, table_map: TableMap) -> Iterator[_Concern]:
        figures, most = self._counts[table_map.file], settings.FEED_RETIRE_SHARE
        if figures.retired < table_map.table.hold_from or not _exceeds(figures.retired, figures.before, most):
            return
        reason = (
            f"{figures.retired:,} of {figures.before:,} rows of {table_map.file} "
            f"({_share(figures.retired, figures.before)}) would be retired. "
            f"More than {_percent(most)} needs a review."
        )
        rows = f"SELECT t.external_id AS key {_changes(table_map)} WHERE was.change = 'retired'"
        name = f"{table_map.file} retired"
        yield _Concern(name, figures.retired, reason, table_map.file, "retired", *self._keys(rows))

    def _guarded(self, table_map: TableMap, guard: Guard) -> Iterator[_Concern]:
        most = getattr(settings, guard.setting) if guard.setting else guard.share
        before = self._counts[table_map.file].before
        where = f"{_changes(table_map)} WHERE was.change IN ('updated', 'unretired') AND ({guard.condition})"
        self._cursor.execute(f"SELECT count(*) {where}")
        touched = int(self._cursor.fetchone()[0])
        if touched < guard.hold_from or not _exceeds(touched, before, most):
            return
        reason = (
            f"{touched:,} of {before:,} {guard.words} ({_share(touched, before)}). "
            f"More than {_percent(most)} needs a review."
        )
        name = f"{table_map.file} {guard.name}"
        keys = self._keys(f"SELECT t.external_id AS key {where}")
        yield _Concern(name, touched, reason, table_map.file, guard.name, *keys)

    def _tallied(self, table_map: TableMap, tally: Tally) -> Iterator[_Concern]:
        if not (query := tally.query(self._load)):
            return
        most = getattr(settings, tally.setting)
        count = int(self._load.rows(f"SELECT count(*) FROM ({query}) AS found")[0][0])
        if count < most:
            return
        reason = f"{count:,} {tally.words}. {most:,} or more need a review."
        keys = self._keys(query)
        yield _Concern(f"{table_map.file} {tally.name}", count, reason, table_map.file, tally.name, *keys)

    def _keys(self, query: str) -> tuple[tuple[str, ...], str]:
        """Return the first keys that a query of one column finds, and a digest of all."""
        first = self._load.rows(f"SELECT found.key FROM ({query}) AS found (key) ORDER BY 1 LIMIT {EXAMPLES}")
        # Of each key's own digest, so that no key can pass for two others.
        digests = "string_agg(sha256(convert_to(found.key::text, 'UTF8')), '' ORDER BY found.key::text COLLATE \"C\")"
        ((digest,),) = self._load.rows(f"SELECT encode(sha256({digests}), 'hex') FROM ({query}) AS found (key)")
        return tuple(str(key) for (key,) in first), str(digest)


def does_more(now: Mapping[str, Any], reviewed: Mapping[str, Any]) -> bool:
    """Whether a released package would do more of anything than the difference that a person reviewed said, or do it to
    other rows.

    Where that difference named all rows, fewer of them will do; otherwise they have to be the same ones.
    """
    figures: Mapping[str, int] = reviewed.get("figures", {})
    if any(count > figures.get(name, 0) for name, count in now.get("figures", {}).items()):
        return True
    digests: Mapping[str, str] = reviewed.get("digests", {})
    named = {f"{one['file']} {one['what']}": set(one["keys"]) for one in reviewed.get("examples", [])}
    return any(
        not named[name].issuperset(one["keys"])
        if figures[name] <= len(named[name])
        else digests.get(name) != now["digests"][name]
        for one in now.get("examples", [])
        if (name := f"{one['file']} {one['what']}") in named
    )


def _changes(table_map: TableMap) -> str:
    return f"FROM {table_map.changes_table} was JOIN {table_map.db_table} t ON t.id = was.id"


def _exceeds(count: int, of: int, share: Decimal) -> bool:
    return of > 0 and count > share * of


def _share(count: int, of: int) -> str:
    return f"{100 * Decimal(count) / of:.1f}%"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"
