"""What a package would change, with samples, for dry runs and held packages (docs/feed.md#difference).

Taken while the package is applied and compared when that is rolled back, so that the load itself keeps no old values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.feedspec import Column, Kind
from feed.load.staging import Staging
from feed.load.table_map import TableMap, quote

# Rows that are named of each file and change, and characters that are shown of a value.
SAMPLES = 20
MOST_SHOWN = 200


@dataclass(frozen=True)
class _Shown:
    """A column of a file as a sample shows it. `hidden`: only that it changes is told."""

    name: str
    sql: str
    hidden: bool


class Samples:
    """The first changes of each file. Make it in the load's transaction; call `compared` after that is rolled back."""

    def __init__(self, cursor: Any, stagings: Sequence[Staging], by_file: Mapping[str, TableMap]) -> None:
        self._files = [_FileSamples(cursor, staging.table_map, by_file) for staging in stagings]

    def compared(self) -> list[dict[str, Any]]:
        """Return for each file that changes: `file`, keys that are `added`, `restored`, and `retired`, and `changed`
        rows, each with its key and its `columns`: name, and what it `was` and `is`, both null if that isn't shown."""
        with connection.cursor() as cursor:
            found = [samples.compared(cursor) for samples in self._files]
        return [each for each in found if any(each[change] for change in ("added", "restored", "retired", "changed"))]


class _FileSamples:
    """The first changes of one file."""

    def __init__(self, cursor: Any, table_map: TableMap, by_file: Mapping[str, TableMap]) -> None:
        self._table_map = table_map
        self._columns = [_shown(table_map, column, by_file) for column in table_map.table.columns]
        self._shown = [column for column in self._columns if column is not None]
        self._keys = {change: self._first(cursor, change) for change in ("inserted", "unretired", "retired", "updated")}
        self._after = self._values(cursor)

    def _first(self, cursor: Any, change: str) -> dict[int, str]:
        """Return the keys of the first rows with this change, by their ids, in the file's order."""
        cursor.execute(
            f"""
            SELECT t.id, t.external_id FROM (
                SELECT id, line FROM {self._table_map.changes_table} WHERE change = %s ORDER BY line, id LIMIT {SAMPLES}
            ) d JOIN {self._table_map.db_table} t ON t.id = d.id ORDER BY d.line, t.external_id
            """,
            [change],
        )
        return dict(cursor.fetchall())

    def _values(self, cursor: Any) -> dict[int, tuple[str, ...]]:
        """Return the values of the changed rows, as they are now on this connection."""
        if not (ids := list(self._keys["updated"])):
            return {}
        values = "".join(f", {column.sql}" for column in self._shown)
        cursor.execute(f"SELECT t.id{values} FROM {self._table_map.db_table} t WHERE t.id = ANY(%s)", [ids])
        return {row_id: tuple(value or "" for value in row) for row_id, *row in cursor.fetchall()}

    def compared(self, cursor: Any) -> dict[str, Any]:
        """Return the samples, with what the changed rows are before the load."""
        before = self._values(cursor)
        return {
            "file": self._table_map.file,
            "added": list(self._keys["inserted"].values()),
            "restored": list(self._keys["unretired"].values()),
            "retired": list(self._keys["retired"].values()),
            "changed": [
                {"key": key, "columns": self._changes(before.get(row_id, ()), self._after[row_id])}
                for row_id, key in self._keys["updated"].items()
            ],
        }

    def _changes(self, was: Sequence[str], now: Sequence[str]) -> list[dict[str, str | None]]:
        return [
            {
                "column": column.name,
                "was": None if column.hidden else _short(before),
                "is": None if column.hidden else _short(after),
            }
            for column, before, after in zip(self._shown, was, now, strict=False)
            if before != after
        ]


def _shown(table_map: TableMap, column: Column, by_file: Mapping[str, TableMap]) -> _Shown | None:
    """Return how a column is shown, or None if the portal's row doesn't have it."""
    for reference in table_map.table.references:
        if reference.column == column.name:
            parent, key = by_file[reference.file], table_map.field(reference.field).column
            sql = f"(SELECT p.external_id FROM {parent.db_table} p WHERE p.id = t.{quote(key)})"
            return _Shown(column.name, sql, hidden=False)
    field = table_map.stored_in(column)
    if field is None:
        return None
    stored = f"t.{quote(field.column)}"
    sql = f"array_to_string({stored}, ';')" if column.kind is Kind.LIST else f"{stored}::text"
    return _Shown(column.name, sql, hidden=column.store is not None)


def _short(value: str) -> str:
    return value if len(value) <= MOST_SHOWN else f"{value[: MOST_SHOWN - 1]}…"
