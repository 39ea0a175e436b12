"""Applies a staged file: differences are found first, so rows that stay the same aren't touched.

No statement takes more than row locks, so readers keep reading until the load commits, and then see all of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feed.load.checks import applies
from feed.load.context import LoadContext
from feed.load.staging import Staging
from feed.load.table_map import TableMap, Target, quote

# A row that refers to one that isn't there, in the table of changes; such a load ends.
BROKEN = "broken"
# With this share of new rows or more, update the planner's statistics at once, for hooks and readers.
ANALYZE_FROM = 0.1


@dataclass(frozen=True)
class Counts:
    """Outcome of one file's rows. `before`: the source's rows before the load that weren't retired."""

    rows: int
    inserted: int
    updated: int
    unretired: int
    unchanged: int
    retired: int
    before: int

    def as_dict(self) -> dict[str, int]:
        """Return the counts as stored with the run."""
        return {
            "rows": self.rows,
            "inserted": self.inserted,
            "updated": self.updated,
            "unretired": self.unretired,
            "unchanged": self.unchanged,
            "retired": self.retired,
            "before": self.before,
        }


class Applier:
    """Applies the files of one package, each after the files it refers to."""

    def __init__(self, cursor: Any, by_file: Mapping[str, TableMap], context: LoadContext, *, is_full: bool) -> None:
        self._cursor = cursor
        self._by_file = by_file
        self._is_full = is_full
        self._parameters = {"source": context.source, "as_of": context.as_of, "now": context.now}

    def apply(self, staging: Staging, is_faulty: Callable[[], bool]) -> Counts | None:
        """Find the differences, then insert, update, and retire rows. Return the counts, or None if the file turns out
        to be faulty; then the load must end.

        The joins that find the rows referred to also find whether they are there, and the counts of a full file don't
        add up where a key is in it twice. In such a case `is_faulty` is asked, which reports the faults.
        """
        table_map = staging.table_map
        if staging.is_first:
            return self._apply_first(staging, is_faulty)
        before = self._rows_not_retired(table_map)
        if table_map.refers_to_itself:
            self._number_new_rows(table_map)
        self._find_changes(table_map)
        self._cursor.execute(f"SELECT change, count(*) FROM {table_map.changes_table} GROUP BY change")
        changed = dict(self._cursor.fetchall())
        inserted, updated = changed.get("inserted", 0), changed.get("updated", 0)
        unretired, retired = changed.get("unretired", 0), changed.get("retired", 0)
        adds_up = self._adds_up(staging, before, added=inserted + unretired, retired=retired)
        if (BROKEN in changed or not adds_up) and is_faulty():
            return None
        if BROKEN in changed:
            raise RuntimeError(f"The references of {table_map.file} are right and can't be resolved.")
        if inserted:
            resolved = [f"d.reference_{number}" for number in range(len(table_map.table.references))]
            rows = f"{table_map.staging_table} s JOIN {table_map.changes_table} d ON d.line = s.line"
            rows += _joined_files(table_map)
            copies = [f"d.{copy.carried}" for copy in table_map.copies]
            self._insert(table_map, f"{rows} WHERE d.change = 'inserted'", "d.id", resolved, copies)
        if updated or unretired:
            self._update(table_map)
        if retired:
            self._retire(table_map)
        if inserted > ANALYZE_FROM * before:
            self._cursor.execute(f"ANALYZE {table_map.db_table}")
        return Counts(
            rows=staging.rows,
            inserted=inserted,
            updated=updated,
            unretired=unretired,
            unchanged=staging.rows - staging.deletes - inserted - updated - unretired,
            retired=retired,
            before=before,
        )

    def _adds_up(self, staging: Staging, before: int, *, added: int, retired: int) -> bool:
        """Return whether no key can be in the file twice, because the portal would have as many rows as the file.

        `added`: rows that are new or back. Keys of a file that leaves rows alone are checked before (`keys_add_up`).
        """
        if not keys_add_up(staging, is_full=self._is_full):
            return True
        if before + added - retired != staging.rows:
            return False
        if not added:
            return True
        # Two rows that add the same one count as two on both sides.
        self._cursor.execute(
            f"SELECT count(DISTINCT s.key) FROM {staging.table_map.changes_table} d "
            f"JOIN {staging.table_map.staging_table} s ON s.line = d.line WHERE d.change IN ('inserted', 'unretired')"
        )
        return bool(self._cursor.fetchone()[0] == added)

    def has_just(self, table_map: TableMap, rows: int) -> bool:
        """Return whether so many of the source's rows aren't retired."""
        return self._rows_not_retired(table_map) == rows

    def has_rows(self, table_map: TableMap) -> bool:
        """Return whether the portal has any row of the source, retired ones included."""
        self._cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {table_map.db_table} WHERE source = %(source)s)", self._parameters
        )
        return bool(self._cursor.fetchone()[0])

    def _apply_first(self, staging: Staging, is_faulty: Callable[[], bool]) -> Counts | None:
        """Insert the first rows of a source, without those whose references are broken. There is nothing to compare
        them with, and they have their ids."""
        table_map = staging.table_map
        was = "".join(
            f", (SELECT t.{quote(table_map.field(name).column)} FROM {table_map.db_table} t WHERE false) "
            f"AS {quote(f'was_{name}')}"
            for name in table_map.table.track
        )
        self._cursor.execute(
            f"CREATE TEMPORARY VIEW {table_map.changes_table} AS "
            f"SELECT s.line, s.id, 'inserted'::text AS change{was} FROM {table_map.staging_table} s WHERE NOT s.deleted"
        )
        count = len(table_map.table.references)
        joins = "".join(self._joined(table_map, number, new_rows=table_map.staging_table) for number in range(count))
        resolved = [self._resolved(table_map, number) for number in range(count)]
        copies = [f"r{copy.reference}.{quote(copy.field)}" for copy in table_map.copies]
        rows = f"{table_map.staging_table} s{joins}{_joined_files(table_map)} "
        rows += f"WHERE NOT s.deleted AND ({self._broken(table_map)}) IS NOT TRUE"
        inserted = self._insert(table_map, rows, "s.id", resolved, copies)
        if inserted != staging.rows - staging.deletes:
            if is_faulty():
                return None
            raise RuntimeError(f"Some rows of {table_map.file} were left out although nothing is wrong with them.")
        self._cursor.execute(f"ANALYZE {table_map.db_table}")
        return Counts(rows=staging.rows, inserted=inserted, updated=0, unretired=0, unchanged=0, retired=0, before=0)

    def _rows_not_retired(self, table_map: TableMap) -> int:
        self._cursor.execute(
            f"SELECT count(*) FROM {table_map.db_table} WHERE source = %(source)s AND retired_at IS NULL",
            self._parameters,
        )
        return int(self._cursor.fetchone()[0])

    def _number_new_rows(self, table_map: TableMap) -> None:
        """Give the new rows their ids before anything else, so that rows of the same file can refer to them."""
        self._cursor.execute(
            f"""
            CREATE TEMPORARY TABLE {table_map.new_table} ON COMMIT DROP AS
            SELECT s.key, nextval((SELECT {table_map.sequence})::regclass) AS id FROM {table_map.staging_table} s
            WHERE NOT s.deleted AND NOT EXISTS (
                SELECT 1 FROM {table_map.db_table} t WHERE t.source = %(source)s AND t.external_id = s.key
            )
            """,
            self._parameters,
        )
        self._cursor.execute(f"ANALYZE {table_map.new_table}")

    def _find_changes(self, table_map: TableMap) -> None:
        """Create the table of changes: rows that are new (with their future id), different, back, or gone, and those
        with a broken reference."""
        cursor = self._cursor
        references = table_map.table.references
        resolved = [self._resolved(table_map, number) for number in range(len(references))]
        ids = "".join(f", {sql} AS reference_{number}" for number, sql in enumerate(resolved))
        for copy in table_map.copies:
            ids += f", r{copy.reference}.{quote(copy.field)} AS {copy.carried}"
        was = "".join(
            f", t.{quote(table_map.field(name).column)} AS {quote(f'was_{name}')}" for name in table_map.table.track
        )
        joins = "".join(
            self._joined(table_map, number, new_rows=table_map.new_table) for number in range(len(references))
        )
        new_id = f"nextval((SELECT {table_map.sequence})::regclass)"
        if table_map.refers_to_itself:
            joins += f" LEFT JOIN {table_map.new_table} n ON n.key = s.key"
            new_id = "n.id"
        stored = ", ".join(f"t.{quote(target.column)}" for target in table_map.targets)
        staged = ", ".join(self._value(target, resolved) for target in table_map.targets)
        broken = self._broken(table_map)
        different = f"{broken} OR t.id IS NULL OR t.retired_at IS NOT NULL OR ({stored}) IS DISTINCT FROM ({staged})"
        # One pass finds both the rows that the file has and, in a full package, those that it lacks.
        side, gone = "LEFT", "s.deleted"
        if self._is_full:
            side, gone = "FULL", "s.line IS NULL"
            if table_map.table.stays:
                gone += f" AND ({table_map.table.stays}) IS NOT TRUE"
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE {table_map.changes_table} ON COMMIT DROP AS
            SELECT CASE WHEN NOT s.deleted THEN s.line END AS line, COALESCE(t.id, {new_id}) AS id,
                CASE WHEN s.deleted IS NOT FALSE THEN 'retired' WHEN {broken} THEN '{BROKEN}'
                     WHEN t.id IS NULL THEN 'inserted' WHEN t.retired_at IS NOT NULL THEN 'unretired'
                     ELSE 'updated' END AS change{was}{ids}
            FROM {table_map.staging_table} s
            {side} JOIN (SELECT * FROM {table_map.db_table} WHERE source = %(source)s) t ON t.external_id = s.key{joins}
            WHERE (NOT s.deleted AND ({different})) OR (t.id IS NOT NULL AND t.retired_at IS NULL AND {gone})
            """,
            self._parameters,
        )
        cursor.execute(f"ANALYZE {table_map.changes_table}")

    def _joined(self, table_map: TableMap, number: int, *, new_rows: str) -> str:
        """Return SQL that joins the rows that a reference names: the portal's and, in its own file, new ones from a
        table with their keys and ids."""
        reference = table_map.table.references[number]
        value = f"s.{quote(table_map.folded(reference.column))}"
        join = (
            f" LEFT JOIN {self._by_file[reference.file].db_table} r{number} ON r{number}.source = %(source)s "
            f"AND r{number}.external_id = {value}{applies(reference)}"
        )
        if reference.file != table_map.file:
            # The other file is applied already.
            join += f" AND r{number}.retired_at IS NULL"
        else:
            join += f" LEFT JOIN {new_rows} n{number} ON n{number}.key = {value}{applies(reference)}"
        return join

    @staticmethod
    def _broken(table_map: TableMap) -> str:
        """Return SQL for whether a row names a row of another file that isn't there, or is retired."""
        broken = [
            f"(s.{quote(table_map.folded(reference.column))} <> ''{applies(reference)} AND r{number}.id IS NULL)"
            for number, reference in enumerate(table_map.table.references)
            if reference.file != table_map.file
        ]
        return " OR ".join(broken) or "false"

    @staticmethod
    def _resolved(table_map: TableMap, number: int) -> str:
        """Return SQL of the id of the row that a reference names."""
        if table_map.table.references[number].file == table_map.file:
            return f"COALESCE(r{number}.id, n{number}.id)"
        return f"r{number}.id"

    @staticmethod
    def _value(target: Target, references: Sequence[str]) -> str:
        """Return SQL of a column's new value, with the SQL of each reference's id. Values the portal learned after the
        package's time are kept."""
        value = target.expression if target.reference is None else references[target.reference]
        if not target.learned_column:
            return value
        kept = f"t.{quote(target.learned_column)} > %(as_of)s"
        return f"CASE WHEN {kept} THEN t.{quote(target.column)} ELSE {value} END"

    def _insert(
        self, table_map: TableMap, rows: str, row_id: str, references: Sequence[str], copies: Sequence[str]
    ) -> int:
        """Insert rows: SQL after `FROM` with `s`, and of each row's id, references, and copies. Return their number."""
        defaults = table_map.insert_defaults(row_id)
        taken = {name: sql for number in range(len(table_map.files)) for name, sql in table_map.taken(number).items()}
        columns = [
            *(quote(target.column) for target in table_map.targets),
            *(quote(copy.column) for copy in table_map.copies),
            *map(quote, taken),
            *map(quote, defaults),
        ]
        values = [
            *(
                target.expression if target.reference is None else references[target.reference]
                for target in table_map.targets
            ),
            *copies,
            *taken.values(),
            *defaults.values(),
        ]
        self._cursor.execute(
            f"""
            INSERT INTO {table_map.db_table} (id, source, external_id, created_at, updated_at, {", ".join(columns)})
            SELECT {row_id}, %(source)s, s.key, %(now)s, %(now)s, {", ".join(values)} FROM {rows}
            """,
            {**self._parameters, "public_id_seed": secrets.token_bytes(32)},
        )
        return int(self._cursor.rowcount)

    def _update(self, table_map: TableMap) -> None:
        resolved = [f"d.reference_{number}" for number in range(len(table_map.table.references))]
        values = ", ".join(
            [f"{quote(target.column)} = {self._value(target, resolved)}" for target in table_map.targets]
            + [f"{quote(copy.column)} = d.{copy.carried}" for copy in table_map.copies]
        )
        self._cursor.execute(
            f"""
            UPDATE {table_map.db_table} t SET {values}, retired_at = NULL, updated_at = %(now)s
            FROM {table_map.changes_table} d JOIN {table_map.staging_table} s ON s.line = d.line
            WHERE t.id = d.id AND d.change IN ('updated', 'unretired')
            """,
            self._parameters,
        )

    def _retire(self, table_map: TableMap) -> None:
        self._cursor.execute(
            f"""
            UPDATE {table_map.db_table} t SET retired_at = %(now)s, updated_at = %(now)s
            FROM {table_map.changes_table} d WHERE t.id = d.id AND d.change = 'retired'
            """,
            self._parameters,
        )

    def still_referred_to(self, table_map: TableMap) -> list[tuple[str, int, int]]:
        """Return where retired rows are still referred to: (file, referring rows, rows referred to)."""
        found: list[tuple[str, int, int]] = []
        for child in self._by_file.values():
            for reference in child.table.references:
                if reference.file != table_map.file:
                    continue
                column = quote(child.field(reference.field).column)
                self._cursor.execute(
                    f"SELECT count(*), count(DISTINCT c.{column}) FROM {table_map.changes_table} d "
                    f"JOIN {child.db_table} c ON c.{column} = d.id "
                    "WHERE d.change = 'retired' AND c.retired_at IS NULL"
                )
                referring, referred = self._cursor.fetchone()
                if referring:
                    found.append((child.file, referring, referred))
        return found


def keys_add_up(staging: Staging, *, is_full: bool) -> bool:
    """Return whether the counts of the file's changes tell that it has no key twice: if it's compared, and the portal
    then has the file's rows and no others."""
    return is_full and not staging.is_first and not staging.table_map.table.stays


def _joined_files(table_map: TableMap) -> str:
    """Return SQL that joins what became of the files that rows name (`feed.load.assets`)."""
    return "".join(
        f" LEFT JOIN {table_map.changed_files(column)} c{number} ON c{number}.line = s.line"
        f" LEFT JOIN {table_map.taken_files(column)} f{number} ON f{number}.sha256 = c{number}.sha256"
        for number, column in enumerate(table_map.files)
    )
