"""What the checks of a package find, kept within bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from core.feedspec import Severity, Stage

# A file whose every row has the same fault tells it a hundred times, and then how often more.
KEPT_PER_CODE = 100
STAGES = list(Stage)


def counted(count: int, thing: str) -> str:
    """A number of things in words: '1 row', '1,200 rows'."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


@dataclass(frozen=True)
class Found:
    """One finding. `row` is the row that a spreadsheet shows: the header is row 1."""

    stage: Stage
    severity: Severity
    code: str
    sentence: str
    file: str = ""
    row: int | None = None
    column: str = ""


@dataclass(frozen=True)
class _Sort:
    """Findings that are counted together."""

    file: str
    code: str
    severity: Severity
    stage: Stage


class Findings:
    """Findings of one run: the first of each sort in each file are kept, all are counted."""

    def __init__(self) -> None:
        self._kept: list[Found] = []
        self._counts: Counter[_Sort] = Counter()

    def add(self, found: Found) -> None:
        """Count a finding, and keep it while there is room for its sort."""
        sort = _Sort(found.file, found.code, found.severity, found.stage)
        self._counts[sort] += 1
        if self._counts[sort] <= KEPT_PER_CODE:
            self._kept.append(found)

    def add_uncounted(self, like: Found, more: int) -> None:
        """Count so many further findings of the same sort that were not fetched one by one."""
        self._counts[_Sort(like.file, like.code, like.severity, like.stage)] += more

    def has_errors(self, *stages: Stage) -> bool:
        """Whether anything found stops the package, in one of these stages or, where none is named, in any."""
        return any(sort.severity is Severity.ERROR and (not stages or sort.stage in stages) for sort in self._counts)

    def summary(self) -> list[dict[str, object]]:
        """One entry per file and code: how many were found and how many of them are kept. Errors come first."""
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
        """Those kept, in the order of the checks, then file and row."""
        return iter(
            sorted(self._kept, key=lambda found: (STAGES.index(found.stage), found.file, found.row or 0, found.code))
        )
