"""A run's stored findings as CSV, for an analyst's spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from core.spreadsheets import text_cell
from feed.models import Finding

COLUMNS = ("kind", "stage", "file", "row", "column", "code", "sentence")
# Rows that are fetched and written at a time.
CHUNK = 1_000


def as_csv(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the file in pieces: a header, then a row for each finding. No cell starts a formula; `row` is a number."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number, finding in enumerate(findings, start=1):
        texts = (finding.column, finding.code, finding.sentence)
        writer.writerow(
            [finding.kind, finding.stage, text_cell(finding.file), finding.row or "", *map(text_cell, texts)]
        )
        if number % CHUNK == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
