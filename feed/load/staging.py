"""Staging: COPY of a file's rows into a temporary table, where the database checks and compares them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from feed.load.table_map import TableMap, quote


@dataclass(frozen=True)
class Staging:
    """A staged file. `rows` counts its rows without the header, `deletes` those that retire a row (in a delta).

    `is_first`: the source has no rows in the portal's table yet; the staged ones have their ids already.
    `keys_ascend`: the order of the file's rows says that it has no key twice.
    """

    table_map: TableMap
    rows: int
    deletes: int
    is_first: bool
    keys_ascend: bool = False


def create_staging(cursor: Any, table_map: TableMap, *, with_ids: bool) -> None:
    """Create the file's staging table. `with_ids`: give every row the id that it will have in the portal's table."""
    columns = ", ".join(f"{quote(staged.name)} {staged.pg_type}" for staged in table_map.staged)
    ids = f", id bigint NOT NULL DEFAULT nextval('{_sequence(cursor, table_map)}')" if with_ids else ""
    # An earlier load of the same transaction (in tests) leaves them; its changes may be a view of its staging table.
    for leftover in (table_map.staging_table, table_map.changes_table, table_map.new_table):
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{leftover} CASCADE")
    cursor.execute(
        f"CREATE TEMPORARY TABLE {table_map.staging_table} "
        f"(line bigint NOT NULL, deleted boolean NOT NULL, key text NOT NULL, {columns}{ids}) ON COMMIT DROP"
    )


def create_no_changes(cursor: Any, table_map: TableMap) -> None:
    """Create the table of changes of a file that has none and isn't staged."""
    tracked = ((name, quote(table_map.field(name).column)) for name in table_map.table.track)
    was = "".join(f", t.{column} AS {quote(f'was_{name}')}" for name, column in tracked)
    for leftover in (table_map.staging_table, table_map.changes_table):
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{leftover} CASCADE")
    cursor.execute(
        f"CREATE TEMPORARY TABLE {table_map.changes_table} ON COMMIT DROP AS "
        f"SELECT NULL::bigint AS line, t.id, NULL::text AS change{was} FROM {table_map.db_table} t WHERE false"
    )


def copy_staging(cursor: Any, table_map: TableMap, texts: Iterable[bytes]) -> None:
    """Fill the staging table, and update its size and the statistics of what it is joined by. The texts may be waited
    for, but mustn't raise."""
    names = ", ".join(["line", "deleted", "key", *(quote(staged.name) for staged in table_map.staged)])
    not_null = ", ".join(["key", *(quote(staged.name) for staged in table_map.staged if staged.not_null)])
    sql = (
        f"COPY {table_map.staging_table} ({names}) FROM STDIN "
        f"(FORMAT csv, DELIMITER E'\\x1f', QUOTE E'\\x1e', FORCE_NOT_NULL ({not_null}))"
    )
    with cursor.db.wrap_database_errors, cursor.copy(sql) as copy:
        for text in texts:
            copy.write(text)
    joined = dict.fromkeys(["key", *(table_map.folded(one.column) for one in table_map.table.references)])
    cursor.execute(f"ANALYZE {table_map.staging_table} ({', '.join(map(quote, joined))})")


def _sequence(cursor: Any, table_map: TableMap) -> str:
    """Return the name of the sequence of the table's ids; looked up once, not by a default for each row."""
    cursor.execute(f"SELECT {table_map.sequence}")
    return str(cursor.fetchone()[0])
