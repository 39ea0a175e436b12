"""Checks of staged files, each one statement over a whole file: keys, references, and rules on rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.feedspec import Inbound, Reference, RowCheck, SetCheck, Severity, Stage
from feed.load.findings import KEPT_PER_CODE, Findings, Found, counted
from feed.load.staging import Staging
from feed.load.table_map import TableMap, quote
from feed.load.values import seen

_NAMES = re.compile(r"\{(\w+)\}")
# The place of a staged file in a rule's SQL: its own, or another one's by name.
_STAGE = re.compile(r"\{stage(?: (\w+\.csv))?\}")
SHOWN = ["shown"]


class Checker:
    """Checks the files of one package, each when it is staged, and keeps what it finds apart by the kind of check."""

    def __init__(
        self, cursor: Any, files: Collection[str], by_file: Mapping[str, TableMap], *, source: str, is_full: bool
    ) -> None:
        """`files`: names of the package's files."""
        self.schema, self.references, self.rules, self.sets = Findings(), Findings(), Findings(), Findings()
        self._cursor = cursor
        self._files = files
        # Those of them that weren't read: the portal has their rows.
        self.unread: set[str] = set()
        self._by_file = by_file
        self._source = source
        self._is_full = is_full

    def _is_staged(self, file: str) -> bool:
        return file in self._files and file not in self.unread

    def check_schema(self, staging: Staging) -> None:
        """Check the rules on a file's rows that belong to its schema."""
        self._check_rows(staging.table_map, Stage.SCHEMA, self.schema)

    def check_own_references(self, staging: Staging) -> None:
        """Find references to rows of the same file that won't exist after the load, and deletions of unknown rows."""
        for reference in staging.table_map.table.references:
            if reference.file == staging.table_map.file:
                self._check_reference(staging.table_map, reference)
        if staging.deletes:
            self._check_deletes(staging.table_map)

    def check_references(self, staging: Staging) -> None:
        """Find references to rows of other files that won't exist after the load."""
        for reference in staging.table_map.table.references:
            if reference.file != staging.table_map.file:
                self._check_reference(staging.table_map, reference)

    def check_inbound(self) -> None:
        """Check references to tables of higher floors; all files are staged."""
        for table_map in self._by_file.values():
            for inbound in table_map.table.inbound:
                self._check_inbound(table_map, inbound)

    def check_rules(self, staging: Staging) -> None:
        """Check the rules on single rows."""
        self._check_rows(staging.table_map, Stage.BUSINESS, self.rules)

    def check_sets(self, stagings: Sequence[Staging], parameters: Mapping[str, Any]) -> None:
        """Check the rules on several rows, on the portal's tables as changed by the load."""
        for staging in stagings:
            for check in staging.table_map.table.set_checks:
                self._check_set(staging.table_map, check, parameters)

    def check_keys(self, staging: Staging) -> None:
        """Find keys that are in a file more than once; each row after the first is a finding."""
        if staging.keys_ascend:
            return
        table_map = staging.table_map
        column = table_map.table.key_columns[-1]
        # There are hardly ever any, and grouping finds that out faster than a window over every row.
        sql = f"""
            SELECT line, shown, count(*) OVER () FROM (
                SELECT s.line, s.key AS shown, row_number() OVER (PARTITION BY s.key ORDER BY s.line) AS nth
                FROM {table_map.staging_table} s
                WHERE s.key IN (SELECT key FROM {table_map.staging_table} GROUP BY key HAVING count(*) > 1)
            ) twice WHERE nth > 1 ORDER BY line LIMIT {KEPT_PER_CODE}"""
        sentence = "The key ‘{shown}’ is in the file more than once."
        like = Found(Stage.SCHEMA, Severity.ERROR, "key-twice", sentence, file=table_map.file, column=column)
        self._collect(sql, {}, like, SHOWN, self.schema)

    def _check_rows(self, table_map: TableMap, stage: Stage, findings: Findings) -> None:
        """Check this stage's rules on single rows: all in one pass, and once more those that any row breaks."""
        checks = [check for check in table_map.table.checks if check.stage is stage]
        if not checks:
            return
        broken = ", ".join(f"COALESCE(bool_or({check.faulty}), false)" for check in checks)
        self._cursor.execute(f"SELECT {broken} FROM {table_map.staging_table} s WHERE NOT s.deleted")
        for check, is_broken in zip(checks, self._cursor.fetchone(), strict=True):
            if is_broken:
                self._check_row(table_map, check, findings)

    def _check_row(self, table_map: TableMap, check: RowCheck, findings: Findings) -> None:
        names = _NAMES.findall(check.sentence)
        shown = "".join(f", s.{quote(name)}::text" for name in names)
        sql = f"""
            SELECT s.line{shown}, count(*) OVER () FROM {table_map.staging_table} s
            WHERE NOT s.deleted AND ({check.faulty}) ORDER BY s.line LIMIT {KEPT_PER_CODE}"""
        self._collect(sql, {}, _like(check, table_map, check.stage), names, findings)

    def _check_reference(self, table_map: TableMap, reference: Reference) -> None:
        parent = self._by_file[reference.file]
        value = f"s.{quote(table_map.folded(reference.column))}"
        sql = f"""
            SELECT s.line, s.{quote(reference.column)}, count(*) OVER () FROM {table_map.staging_table} s
            WHERE NOT s.deleted AND {value} <> ''{applies(reference)} AND NOT {self._is_there(parent, value)}
            ORDER BY s.line LIMIT {KEPT_PER_CODE}"""
        sentence = f"{reference.column} ‘{{shown}}’ {self._place(parent)}."
        file, column = table_map.file, reference.column
        like = Found(Stage.REFERENCES, Severity.ERROR, "reference", sentence, file=file, column=column)
        self._collect(sql, {"source": self._source}, like, SHOWN, self.references)

    def _check_inbound(self, table_map: TableMap, inbound: Inbound) -> None:
        """Check a reference that another file keeps as text, if its source sends this table's rows at all."""
        if not self._is_sent(table_map):
            return
        referring = self._by_file[inbound.file]
        if inbound.file in self._files:
            self._check_reference(referring, Reference(inbound.column, table_map.file, inbound.column))
        # A full package names all rows of the files that it holds.
        if table_map.file in self._files and not (self._is_full and inbound.file in self._files):
            self._count_left_behind(table_map, referring, inbound)

    def _is_sent(self, table_map: TableMap) -> bool:
        rows = f"EXISTS (SELECT 1 FROM {table_map.db_table} WHERE source = %(source)s)"
        if self._is_staged(table_map.file):
            rows += f" OR EXISTS (SELECT 1 FROM {table_map.staging_table})"
        self._cursor.execute(f"SELECT {rows}", {"source": self._source})
        return bool(self._cursor.fetchone()[0])

    def _count_left_behind(self, table_map: TableMap, referring: TableMap, inbound: Inbound) -> None:
        """Warn about the portal's rows that the package doesn't hold and that name rows that won't be there."""
        value = f"s.{quote(referring.matched_field(inbound.column))}"
        held = f"EXISTS (SELECT 1 FROM {referring.staging_table} h WHERE h.key = s.external_id)"
        others = f" AND NOT {held}" if inbound.file in self._files else ""
        self._cursor.execute(
            f"SELECT count(*) FROM {referring.db_table} s WHERE s.source = %(source)s AND s.retired_at IS NULL "
            f"AND {value} <> '' AND NOT {self._is_there(table_map, value)}{others}",
            {"source": self._source},
        )
        if rows := self._cursor.fetchone()[0]:
            sentence = (
                f"{counted(rows, 'row')} of {inbound.file} {'names' if rows == 1 else 'name'} "
                f"a {inbound.column} that {self._place(table_map)}."
            )
            self.references.add(
                Found(Stage.REFERENCES, Severity.WARNING, "named-but-missing", sentence, file=table_map.file)
            )

    def _is_there(self, parent: TableMap, value: str) -> str:
        """Return SQL for whether the parent's row will exist, not retired, after the load."""
        staged = f"EXISTS (SELECT 1 FROM {parent.staging_table} p WHERE p.key = {value} AND NOT p.deleted)"
        not_retired = (
            f"EXISTS (SELECT 1 FROM {parent.db_table} t WHERE t.source = %(source)s AND t.external_id = {value} "
            "AND t.retired_at IS NULL{condition})"
        )
        if self._is_full and self._is_staged(parent.file):
            stays = parent.table.stays
            return f"({staged} OR {not_retired.format(condition=f' AND ({stays})')})" if stays else staged
        not_retired = not_retired.format(condition="")
        if not self._is_staged(parent.file):
            return not_retired
        gone = f"EXISTS (SELECT 1 FROM {parent.staging_table} g WHERE g.key = {value} AND g.deleted)"
        return f"({staged} OR ({not_retired} AND NOT {gone}))"

    def _place(self, parent: TableMap) -> str:
        if parent.file not in self._files:
            return f"isn't in the portal or is retired there ({parent.file} isn't in this package)"
        if self._is_full:
            return f"isn't in {parent.file}"
        return f"is neither in the portal nor in {parent.file}"

    def _check_deletes(self, table_map: TableMap) -> None:
        sql = f"""
            SELECT s.line, s.key, count(*) OVER () FROM {table_map.staging_table} s
            WHERE s.deleted AND NOT EXISTS (
                SELECT 1 FROM {table_map.db_table} t WHERE t.source = %(source)s AND t.external_id = s.key
            ) ORDER BY s.line LIMIT {KEPT_PER_CODE}"""
        sentence = "The portal has no row ‘{shown}’ to delete."
        file, column = table_map.file, table_map.table.key_columns[0]
        like = Found(Stage.REFERENCES, Severity.WARNING, "delete-unknown", sentence, file=file, column=column)
        self._collect(sql, {"source": self._source}, like, SHOWN, self.references)

    def _check_set(
        self,
        table_map: TableMap,
        check: SetCheck,
        parameters: Mapping[str, Any],
    ) -> None:
        names = _NAMES.findall(check.sentence)
        shown = "".join(f", found.{quote(name)}::text" for name in names)
        query = check.sql.replace("{change}", table_map.changes_table)
        query = _STAGE.sub(lambda match: self._stage(match[1] or table_map.file), query)
        sql = f"""
            SELECT found.line{shown}, count(*) OVER () FROM ({query}) found
            ORDER BY found.line LIMIT {KEPT_PER_CODE}"""
        self._collect(sql, parameters, _like(check, table_map, Stage.BUSINESS), names, self.sets)

    def _stage(self, file: str) -> str:
        """Return a file's staging table, or a table without rows if the package doesn't hold the file."""
        table_map = self._by_file[file]
        if self._is_staged(file):
            return table_map.staging_table
        columns = "".join(f", NULL::{staged.pg_type} AS {quote(staged.name)}" for staged in table_map.staged)
        return f"(SELECT NULL::bigint AS line, NULL::boolean AS deleted, NULL::text AS key{columns} WHERE false)"

    def _collect(
        self,
        sql: str,
        parameters: Mapping[str, Any],
        like: Found,
        names: Sequence[str],
        findings: Findings,
    ) -> None:
        """Run a query of (line, values for the sentence …, total count), and add a finding like this for each row."""
        self._cursor.execute(sql, parameters or None)
        rows = self._cursor.fetchall()
        for line, *values, _ in rows:
            shown = {name: _short(value) for name, value in zip(names, values, strict=True)}
            findings.add(replace(like, row=line, sentence=like.sentence.format(**shown)))
        if rows and (more := rows[0][-1] - len(rows)):
            findings.add_uncounted(like, more)


def _like(check: RowCheck | SetCheck, table_map: TableMap, stage: Stage) -> Found:
    return Found(stage, check.severity, check.code, check.sentence, file=table_map.file, column=check.column)


def applies(reference: Reference) -> str:
    """Return SQL over `s` for when a reference applies, as ` AND …`, or an empty string."""
    if reference.when is None:
        return ""
    column, value = reference.when
    return f" AND s.{quote(column)} = '{value}'"


def _short(value: str | None) -> str:
    text = seen(value or "empty")
    return text if len(text) <= 60 else f"{text[:59]}…"
