"""Staging: a file is streamed through its checks of form into a temporary table by COPY, in constant memory."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.feedspec import Severity, Stage
from feed.load.findings import Findings, Found
from feed.load.table_map import TableMap, quote
from feed.load.values import ColumnReader, Judgement
from feed.package.files import READ_ERRORS, Package
from feed.package.manifest import FileEntry
from feed.package.records import Batch, RecordReader

# What parts and quotes values on their way to COPY: control characters, which no value may hold.
DELIMITER, QUOTE = "\x1f", "\x1e"
OP = "op"
OPERATIONS = {"", "upsert", "delete"}

# Told after each batch how many of the file's bytes have been read.
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Staging:
    """A file as staged. `rows` counts its data rows, `deletes` those of them that retire a row (delta)."""

    table_map: TableMap
    rows: int
    deletes: int


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the cycle collector: a batch is thousands of lists, none in a cycle, and it would walk them all."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class FileStager:
    """Streams one file of a package into its staging table."""

    def __init__(
        self,
        table_map: TableMap,
        entry: FileEntry,
        *,
        is_full: bool,
        findings: Findings,
        today: dt.date,
        progress: Progress,
    ) -> None:
        self._table_map = table_map
        self._table = table_map.table
        self._entry = entry
        self._is_full = is_full
        self._findings = findings
        self._progress = progress
        self._readers = {
            column.name: ColumnReader(
                column,
                max_length=table_map.max_length(column),
                several_lines=table_map.several_lines(column),
                today=today,
                report=self._report,
            )
            for column in self._table.columns
        }
        self._header: list[str] = []
        self._deletes = 0
        self._damaged = False

    def load(self, package: Package, cursor: Any) -> Staging:
        """Create the staging table and fill it. What is wrong goes to the findings; then it may be filled in part."""
        self._create(cursor)
        rows = 0
        try:
            with package.open(self._table_map.file) as stream:
                reader = RecordReader(stream, self._fault)
                header = reader.header()
                if header is not None and self._header_is_right(header):
                    with _no_collection(), cursor.db.wrap_database_errors, cursor.copy(self._copy_sql()) as copy:
                        for batch in self._batches(reader):
                            text = self._staged_text(batch)
                            if not self._is_spoiled():
                                copy.write(text)
                            self._progress(reader.seen)
                elif header is not None:
                    reader.drain()
                rows = reader.records
                if not self._damaged:
                    self._compare_with_manifest(reader)
        except READ_ERRORS:
            self._find_damage()
        if not self._is_spoiled():
            cursor.execute(f"ANALYZE {self._table_map.staging_table}")
        return Staging(table_map=self._table_map, rows=rows, deletes=self._deletes)

    def _batches(self, reader: RecordReader) -> Iterator[Batch]:
        """The file's batches up to where it can be read; an error here would cost the COPY its transaction."""
        try:
            yield from reader.batches(len(self._header))
        except READ_ERRORS:
            self._find_damage()

    def _is_spoiled(self) -> bool:
        """Whether something is wrong with the form of the package; then nothing more is staged, only looked at."""
        return self._findings.has_errors(Stage.PACKAGE, Stage.SCHEMA)

    def _find_damage(self) -> None:
        self._damaged = True
        self._find(Stage.PACKAGE, "unreadable", "The file can't be read to its end; the package is damaged.")

    # The staging table.

    def _create(self, cursor: Any) -> None:
        columns = ", ".join(f"{quote(staged.name)} {staged.pg_type}" for staged in self._table_map.staged)
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{self._table_map.staging_table}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {self._table_map.staging_table} "
            f"(line bigint NOT NULL, deleted boolean NOT NULL, key text NOT NULL, {columns}) ON COMMIT DROP"
        )

    def _copy_sql(self) -> str:
        texts = ", ".join(["key", *(quote(staged.name) for staged in self._table_map.staged if staged.not_null)])
        return (
            f"COPY {self._table_map.staging_table} FROM STDIN "
            f"(FORMAT csv, DELIMITER E'\\x1f', QUOTE E'\\x1e', FORCE_NOT_NULL ({texts}))"
        )

    # Header and manifest.

    def _header_is_right(self, header: list[str]) -> bool:
        """Every declared column once, in any order, and none else; in a delta also `op`."""
        declared = {column.name for column in self._table.columns}
        known = declared if self._is_full else declared | {OP}
        right = True
        for name in dict.fromkeys(header):
            if name not in known:
                right = False
                shown = name[:60] if name.isprintable() else "a name that can't be printed"
                self._find(Stage.SCHEMA, "unknown-column", f"This portal doesn't know the column ‘{shown}’.", row=1)
            elif header.count(name) > 1:
                right = False
                self._find(
                    Stage.SCHEMA,
                    "column-twice",
                    f"The header names the column {name} more than once.",
                    row=1,
                    column=name,
                )
        for column in self._table.columns:
            if column.name not in header:
                right = False
                self._find(
                    Stage.SCHEMA,
                    "missing-column",
                    f"The header has no {column.name}.",
                    row=1,
                    column=column.name,
                )
        self._header = header
        return right

    def _compare_with_manifest(self, reader: RecordReader) -> None:
        if reader.digest != self._entry.sha256:
            self._find(
                Stage.PACKAGE,
                "sha256",
                "The file's SHA-256 isn't the one in the manifest; the file was changed on its way.",
            )
        if not reader.stopped and reader.records != self._entry.rows:
            self._find(
                Stage.PACKAGE,
                "row-count",
                f"The file has {reader.records:,} rows; the manifest says {self._entry.rows:,}.",
            )

    # Rows.

    def _staged_text(self, batch: Batch) -> str:
        """A batch as the text that COPY reads.

        Control characters part and quote the values: none of them holds one, so a row is no more than a join. Text of
        several lines alone is quoted.
        """
        rows = [
            row
            for part, deleted in self._by_operation(batch)
            if part.rows
            for row in map(DELIMITER.join, self._staged_rows(part, deleted=deleted))
        ]
        return "\n".join([*rows, ""])

    def _by_operation(self, batch: Batch) -> list[tuple[Batch, bool]]:
        """The batch in two: rows that are to be as they say, and rows that are to be retired."""
        if OP not in self._header:
            return [(batch, False)]
        at = self._header.index(OP)
        upserts, deletes = Batch([], []), Batch([], [])
        for row, line in zip(batch.rows, batch.lines, strict=True):
            if row[at] not in OPERATIONS:
                self._report(
                    line, OP, Judgement("choice", f"op is ‘{row[at][:40]}’; it must be empty, upsert, or delete.")
                )
            part = deletes if row[at] == "delete" else upserts
            part.rows.append(row)
            part.lines.append(line)  # type: ignore[attr-defined]  # a list, made above
        self._deletes += len(deletes.rows)
        return [(upserts, False), (deletes, True)]

    def _staged_rows(self, batch: Batch, *, deleted: bool) -> Iterator[tuple[str, ...]]:
        """The staging table's rows; of a row that retires another only the key is read."""
        given = dict(zip(self._header, zip(*batch.rows, strict=True), strict=True))
        nothing = [""] * len(batch.rows)
        keys = self._table.key_columns
        values: dict[str, Sequence[str]] = {}
        for column in self._table.columns:
            wanted = not deleted or column.name in keys
            values[column.name] = (
                self._readers[column.name].read(given[column.name], batch.lines) if wanted else nothing
            )
        for column in self._table.columns:
            if column.fold:
                reader = self._readers[column.name]
                values[f"{column.name}__folded"] = reader.fold(values[column.name], batch.lines)
        for one in self._table.computed:
            arguments = (values[name] for name in one.columns)
            values[f"computed_{one.field}"] = nothing if deleted else list(map(one.function, *arguments))
        key = self._keys(values, batch.lines)
        for column in self._table.columns:
            if self._table_map.several_lines(column):
                values[column.name] = [quoted(value) for value in values[column.name]]
        flag = "true" if deleted else "false"
        return zip(
            map(str, batch.lines),
            [flag] * len(batch.rows),
            key,
            *(values[staged.name] for staged in self._table_map.staged),
            strict=True,
        )

    def _keys(self, values: dict[str, Sequence[str]], lines: Sequence[int]) -> Sequence[str]:
        """Each row's key: one column's value, or several joined by `|`."""
        columns = [values[self._table_map.folded(name)] for name in self._table.key_columns]
        keys = columns[0] if len(columns) == 1 else joined_keys(columns)
        if max(map(len, keys), default=0) > self._table_map.key_length:
            for line, key in zip(lines, keys, strict=True):
                if len(key) > self._table_map.key_length:
                    judgement = Judgement(
                        "too-long",
                        f"The row's key has {len(key)} characters; the limit is {self._table_map.key_length}.",
                    )
                    self._report(line, self._table.key_columns[-1], judgement)
        return keys

    # Findings.

    def _report(self, line: int, column: str, judgement: Judgement) -> None:
        self._find(
            judgement.stage, judgement.code, judgement.sentence, row=line, column=column, severity=judgement.severity
        )

    def _fault(self, row: int, index: int | None, code: str, sentence: str) -> None:
        column = self._header[index] if index is not None and self._header else ""
        self._find(Stage.SCHEMA, code, sentence, row=row, column=column)

    def _find(
        self,
        stage: Stage,
        code: str,
        sentence: str,
        *,
        row: int | None = None,
        column: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        self._findings.add(Found(stage, severity, code, sentence, file=self._table_map.file, row=row, column=column))


def quoted(value: str) -> str:
    """Text of several lines in the quotes of the COPY."""
    return f"{QUOTE}{value}{QUOTE}" if "\n" in value or "\r" in value else value


def joined_keys(columns: Sequence[Sequence[str]]) -> list[str]:
    """Keys of several columns: the values joined by `|`, which a backslash marks where a value holds it itself."""
    escaped = [
        [value.replace("\\", "\\\\").replace("|", "\\|") for value in column]
        if any("|" in value or "\\" in value for value in column)
        else column
        for column in columns
    ]
    return list(map("|".join, zip(*escaped, strict=True)))
