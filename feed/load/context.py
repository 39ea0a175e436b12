"""The areas' hooks' view of a load (`core.feedspec.Load`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from core.feedspec import Severity, Stage
from feed.load.findings import Findings, Found
from feed.load.table_map import TableMap
from feed.models import Run


class LoadContext:
    """What hooks may read about a load, and the cursor of its transaction."""

    def __init__(
        self,
        cursor: Any,
        source: str,
        run_id: int,
        tables: Sequence[TableMap],
        findings: Findings,
        *,
        as_of: dt.datetime,
        now: dt.datetime,
    ) -> None:
        self._cursor = cursor
        self._changes = {table_map.file: table_map.changes_table for table_map in tables}
        self._staged = {table_map.file: table_map.staging_table for table_map in tables}
        self._findings = findings
        # Files of the package that weren't read.
        self.unread: set[str] = set()
        self.source = source
        self.run_id = run_id
        self.as_of = as_of
        self.now = now

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that the areas' SQL can use as `%(name)s`."""
        return {"source": self.source, "run_id": self.run_id, "as_of": self.as_of, "now": self.now}

    def changes(self, file: str) -> str | None:
        """Return the temporary table of a file's changes, or None if the package doesn't have the file."""
        return self._changes.get(file)

    def is_first(self, file: str) -> bool:
        """Whether no package of the source that was applied before held the file."""
        applied = Run.objects.filter(source=self.source, status=Run.Status.APPLIED, counts__has_key=file)
        return not applied.exists()

    def staged(self, file: str) -> str | None:
        """Return the temporary table of a file's rows as they came, or None if the package doesn't have the file."""
        if file in self.unread:
            raise RuntimeError(f"{file} wasn't read; its table must declare `every_row`.")
        return self._staged.get(file)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run set-based SQL and return how many rows it changed."""
        self._cursor.execute(sql, {**self.parameters, **(parameters or {})})
        return int(self._cursor.rowcount)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        self._cursor.execute(sql, {**self.parameters, **(parameters or {})})
        return list(self._cursor.fetchall())

    def warn(self, file: str, line: int | None, column: str, code: str, sentence: str) -> None:
        """Add a warning to the run's findings."""
        self._findings.add(Found(Stage.BUSINESS, Severity.WARNING, code, sentence, file=file, row=line, column=column))
