"""Reading: a file is streamed through checks of its form and becomes text for COPY, in constant memory.

Nothing here touches the database, so that files can be read ahead in a thread (`feed.load.read_ahead`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import lt

from core.feedspec import Severity, Stage
from feed.load.findings import Findings, Found
from feed.load.table_map import TableMap, digest_read
from feed.load.values import ColumnReader, Problem
from feed.package.files import READ_ERRORS, Package
from feed.package.manifest import FileEntry
from feed.package.records import Batch, RecordReader

# Delimiter and quote for COPY: control characters, which values can't have.
DELIMITER, QUOTE = "\x1f", "\x1e"
OP = "op"
OPERATIONS = {"", "upsert", "delete"}


@dataclass(frozen=True)
class Part:
    """A part of a file. `text`: its rows for COPY, none once the package has errors of form. `seen`: how many of the
    file's bytes have been read."""

    text: bytes
    seen: int


class FileReader:
    """Reads one file of a package and checks its form. `rows`, `deletes`, and `keys_ascend` are final after the last
    part.

    `rows` counts its rows without the header, `deletes` those that retire a row (in a delta). `keys_ascend`: each key
    is greater than the one before, so that none is there twice.
    """

    def __init__(
        self, table_map: TableMap, entry: FileEntry, *, is_full: bool, findings: Findings, today: dt.date
    ) -> None:
        self.table_map = table_map
        self.rows = 0
        self.deletes = 0
        self.keys_ascend = True
        self._last_key = ""
        self._table = table_map.table
        self._entry = entry
        self._is_full = is_full
        self._findings = findings
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
        self._damaged = False

    def parts(self, package: Package) -> Iterator[Part]:
        """Read the file, and yield its rows in parts."""
        try:
            with package.open(self.table_map.file) as stream:
                reader = RecordReader(stream, self._fault)
                header = reader.header()
                if header is not None and self._header_is_right(header):
                    for batch in reader.batches(len(self._header)):
                        text = self._staged_text(batch)
                        yield Part(b"" if self._is_spoiled() else text.encode(), reader.seen)
                elif header is not None:
                    reader.drain()
                self.rows = reader.records
                self._compare_with_manifest(reader)
        except READ_ERRORS:
            self._find(Stage.PACKAGE, "unreadable", "The file can't be read to the end; the package is damaged.")
        # What the columns remember of their values is as large as the file is varied.
        self._readers.clear()

    def _is_spoiled(self) -> bool:
        """Return whether the package has errors of form; then the rest is only checked, not staged."""
        return self._findings.has_errors(Stage.PACKAGE, Stage.SCHEMA)

    # Header and manifest.

    def _header_is_right(self, header: list[str]) -> bool:
        """Check that the header has every declared column once, in any order, and no other, except `op` in a delta.
        Optional ones may be missing."""
        declared = {column.name for column in self._table.columns}
        known = declared if self._is_full else declared | {OP}
        right = True
        for name in dict.fromkeys(header):
            if name not in known:
                right = False
                shown = name[:60] if name.isprintable() else "a name that can't be printed"
                self._find(Stage.SCHEMA, "unknown-column", f"The column ‘{shown}’ isn't part of the feed.", row=1)
            elif header.count(name) > 1:
                right = False
                self._find(
                    Stage.SCHEMA,
                    "column-twice",
                    f"The header has the column {name} more than once.",
                    row=1,
                    column=name,
                )
        for column in self._table.columns:
            if column.name not in header and not column.optional:
                right = False
                self._find(
                    Stage.SCHEMA,
                    "missing-column",
                    f"The column {column.name} is missing.",
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
                "The file's SHA-256 differs from the manifest's; the file was changed in transit.",
            )
        if not reader.stopped and reader.records != self._entry.rows:
            self._find(
                Stage.PACKAGE,
                "row-count",
                f"The file has {reader.records:,} rows, but the manifest says {self._entry.rows:,}.",
            )

    # Rows.

    def _staged_text(self, batch: Batch) -> str:
        """Return a batch as text for COPY.

        Delimiter and quote are control characters, which no value has, so a row is a simple join. Only text with line
        breaks is quoted.
        """
        rows = [
            row
            for part, deleted in self._by_operation(batch)
            if part.rows
            for row in map(DELIMITER.join, self._staged_rows(part, deleted=deleted))
        ]
        return "\n".join([*rows, ""])

    def _by_operation(self, batch: Batch) -> list[tuple[Batch, bool]]:
        """Split the batch into rows to insert or update and rows to retire."""
        if OP not in self._header:
            return [(batch, False)]
        at = self._header.index(OP)
        upserts, deletes = Batch([], []), Batch([], [])
        for row, line in zip(batch.rows, batch.lines, strict=True):
            if row[at] not in OPERATIONS:
                self._report(line, OP, Problem("choice", f"op must be empty, upsert, or delete, not ‘{row[at][:40]}’."))
            part = deletes if row[at] == "delete" else upserts
            part.rows.append(row)
            part.lines.append(line)  # type: ignore[attr-defined]  # a list, made above
        self.deletes += len(deletes.rows)
        return [(upserts, False), (deletes, True)]

    def _staged_rows(self, batch: Batch, *, deleted: bool) -> Iterator[tuple[str, ...]]:
        """Yield the staging table's rows; of rows to retire, only the key is read. A missing column is an empty one."""
        given = dict(zip(self._header, zip(*batch.rows, strict=True), strict=True))
        nothing = [""] * len(batch.rows)
        keys = self._table.key_columns
        values: dict[str, Sequence[str]] = {}
        for column in self._table.columns:
            if deleted and column.name not in keys:
                values[column.name] = nothing
            elif column.name in given:
                values[column.name] = self._readers[column.name].read(given[column.name], batch.lines)
            else:
                values[column.name] = [column.default] * len(batch.rows) if column.default else nothing
        for column in self._table.columns:
            if column.fold:
                reader = self._readers[column.name]
                values[f"{column.name}__folded"] = reader.fold(values[column.name], batch.lines)
        for column in self.table_map.files:
            values[digest_read(column)] = nothing
        for one in self._table.computed:
            arguments = (values[name] for name in one.columns)
            values[f"computed_{one.field}"] = nothing if deleted else list(map(one.function, *arguments))
        key = self._keys(values, batch.lines)
        for column in self._table.columns:
            if self.table_map.several_lines(column):
                values[column.name] = [quoted(value) for value in values[column.name]]
        flag = "true" if deleted else "false"
        return zip(
            map(str, batch.lines),
            [flag] * len(batch.rows),
            key,
            *(values[staged.name] for staged in self.table_map.staged),
            strict=True,
        )

    def _keys(self, values: dict[str, Sequence[str]], lines: Sequence[int]) -> Sequence[str]:
        """Return each row's key: the value of one column, or of several joined by `|`."""
        columns = [values[self.table_map.folded(name)] for name in self._table.key_columns]
        keys = columns[0] if len(columns) == 1 else joined_keys(columns)
        if max(map(len, keys), default=0) > self.table_map.key_length:
            for line, key in zip(lines, keys, strict=True):
                if len(key) > self.table_map.key_length:
                    problem = Problem(
                        "too-long",
                        f"The row's key has {len(key)} characters, but the limit is {self.table_map.key_length}.",
                    )
                    self._report(line, self._table.key_columns[-1], problem)
        self._compare_order(keys)
        return keys

    def _compare_order(self, keys: Sequence[str]) -> None:
        """Notice whether the keys of this part go on ascending."""
        if keys and self.keys_ascend:
            self.keys_ascend = self._last_key < keys[0] and all(map(lt, keys, keys[1:]))
            self._last_key = keys[-1]

    # Findings.

    def _report(self, line: int, column: str, problem: Problem) -> None:
        self._find(problem.stage, problem.code, problem.sentence, row=line, column=column, severity=problem.severity)

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
        self._findings.add(Found(stage, severity, code, sentence, file=self.table_map.file, row=row, column=column))


def quoted(value: str) -> str:
    """Quote text with line breaks for COPY."""
    return f"{QUOTE}{value}{QUOTE}" if "\n" in value or "\r" in value else value


def joined_keys(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return keys of several columns: their values joined by `|`, with `|` and backslashes in values escaped."""
    escaped = [
        [value.replace("\\", "\\\\").replace("|", "\\|") for value in column]
        if any("|" in value or "\\" in value for value in column)
        else column
        for column in columns
    ]
    return list(map("|".join, zip(*escaped, strict=True)))
