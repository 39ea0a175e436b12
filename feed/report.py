"""A run's outcome as text, for the terminal (`manage.py load_feed`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feed.load.findings import counted
from feed.models import Finding, Run

FIGURES = ("rows", "inserted", "updated", "unretired", "unchanged", "retired")
# Findings of each group, and rows of each change, that are printed; the page of the run has more.
PRINTED = 5
CHANGES = ("added", "restored", "retired")


def report(run: Run) -> Iterator[str]:
    """Yield lines: counts by file, findings by group, what would change, why the package is held, and the outcome."""
    yield from _counts(run)
    for group in run.finding_counts:
        yield from _group(run, group)
    for sample in run.difference.get("samples", []):
        yield from _sample(sample, run.counts.get(sample["file"], {}))
    for reason in run.difference.get("reasons", []):
        yield f"held: {reason}"
    yield f"Run {run.pk}: {run.get_status_display()}. {run.outcome}".rstrip()


def _counts(run: Run) -> Iterator[str]:
    if not run.counts:
        return
    yield f"{'file':<24}" + "".join(f"{figure:>12}" for figure in FIGURES)
    for file, counts in run.counts.items():
        yield f"{file:<24}" + "".join(f"{counts[figure]:>12,}" for figure in FIGURES)


def _group(run: Run, group: dict[str, Any]) -> Iterator[str]:
    """Yield how often a problem was found in a file, and its first findings."""
    place = f"{group['file']}: " if group["file"] else ""
    yield f"{group['kind']}: [{group['code']}] {place}{group['found']:,} found"
    found = Finding.objects.filter(run=run, kind=group["kind"], code=group["code"], file=group["file"])
    first = list(found[:PRINTED])
    for finding in first:
        where = ", ".join(part for part in (f"row {finding.row}" if finding.row else "", finding.column) if part)
        yield f"  {where}: {finding.sentence}" if where else f"  {finding.sentence}"
    if more := group["found"] - len(first):
        yield f"  … and {more:,} more"


def _sample(sample: dict[str, Any], counts: dict[str, int]) -> Iterator[str]:
    """Yield the first rows of a file that would be added, changed, and so on."""
    totals = {"added": counts["inserted"], "restored": counts["unretired"], "retired": counts["retired"]}
    for change in CHANGES:
        if keys := sample[change]:
            yield f"{sample['file']}: {counted(totals[change], 'row')} {change}: {_some(keys, totals[change])}"
    for row in sample["changed"][:PRINTED]:
        columns = "; ".join(map(_change, row["columns"])) or "stored differently"
        yield f"{sample['file']}: {row['key']} changed: {columns}"
    if more := counts["updated"] - len(sample["changed"][:PRINTED]):
        yield f"{sample['file']}: {counted(more, 'more row')} changed"


def _some(keys: list[str], total: int) -> str:
    shown = ", ".join(keys[:PRINTED])
    return shown if total <= PRINTED else f"{shown}, …"


def _change(column: dict[str, str | None]) -> str:
    if column["was"] is None:
        return f"{column['column']} (not shown)"
    return f"{column['column']} ‘{column['was']}’ → ‘{column['is']}’"
