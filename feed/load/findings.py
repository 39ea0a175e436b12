"""Findings of a package's checks: all counted, a limited number stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.feedspec import Severity, Stage

# Of a problem that every row of a file has, this many findings are stored; the rest are only counted.
KEPT_PER_CODE = 1_000
STAGES = list(Stage)


def counted(count: int, thing: str) -> str:
    """Return a number of things, such as '1 row' or '1,200 rows'."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. `row` is the row a spreadsheet shows: the header is row 1."""

    stage: Stage
    severity: Severity
    code: str
    sentence: str
    file: str = ""
    row: int | None = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class _Sort:
    """Findings that are counted together."""

    file: str
    code: str
    severity: Severity
    stage: Stage


def _sort(found: Found) -> _Sort:
    return _Sort(found.file, found.code, found.severity, found.stage)


class Findings:
    """Findings of one run: all are counted, and the first of each sort in each file are stored."""

    def __init__(self) -> None:
        self._kept: list[Found] = []
        self._counts: Counter[_Sort] = Counter()

    def add(self, found: Found) -> None:
        """Count a finding, and store it if its sort is below the limit."""
        sort = _sort(found)
        self._counts[sort] += 1
        if self._counts[sort] <= KEPT_PER_CODE:
            self._kept.append(found)

    def extend(self, found: Iterable[Found]) -> None:
        """Add several."""
        for each in found:
            self.add(each)

    def merge(self, others: Findings) -> None:
        """Add all findings of another collection, those that were only counted, too."""
        counted_only = others._counts - Counter(_sort(found) for found in others._kept)
        self.extend(others._kept)
        self._counts += counted_only

    def add_uncounted(self, like: Found, more: int) -> None:
        """Count more findings of the same sort that weren't fetched one by one."""
        self._counts[_sort(like)] += more

    def has_errors(self, *stages: Stage) -> bool:
        """Return whether there are errors, in these stages or in any if none is given."""
        return any(sort.severity is Severity.ERROR and (not stages or sort.stage in stages) for sort in self._counts)

    def are_about(self, file: str) -> bool:
        """Return whether there is any finding about a file, a warning or an error."""
        return any(sort.file == file for sort in self._counts)

    def summary(self) -> list[dict[str, object]]:
        """Return an entry for each file and code with how many were found and stored, errors first."""
        return [
            {
                "file": sort.file,
                "code": sort.code,
                "kind": sort.severity.value,
                "found": count,
                "kept": min(count, KEPT_PER_CODE),
            }
            for sort, count in sorted(
                self._counts.items(),
                key=lambda item: (item[0].severity is not Severity.ERROR, item[0].file, item[0].code),
            )
        ]

    def __iter__(self) -> Iterator[Found]:
        """Iterate over the stored findings: errors first, then by stage, file, and row."""
        return iter(sorted(self._kept, key=_place))


def _place(found: Found) -> tuple[bool, int, str, int, str]:
    is_warning = found.severity is not Severity.ERROR
    return (is_warning, STAGES.index(found.stage), found.file, found.row or 0, found.code)
