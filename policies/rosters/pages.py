"""What the pages of a roster show (B-06)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from core.listing import Tab
from policies.freshness import data_as_of
from policies.rosters.columns import LABELS, Field
from policies.rosters.comparing import Kind, row_keys
from policies.rosters.sending import first_day_without

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.models import Policy
    from policies.models.rosters import RosterUpload
    from policies.rosters.comparing import Comparison, Line

SIZE = 50
TITLES = {
    Kind.FAULT: "Errors",
    Kind.DOUBTFUL: "In doubt",
    Kind.ADDED: "New",
    Kind.REMOVED: "Gone",
    Kind.CHANGED: "Changed",
}
# What a row of someone new shows of the file.
OF_NEW = (Field.NPI, Field.LICENSE, Field.SPECIALTY, Field.SITE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as the page lists it. `key`: what a decision is kept under; `facts`: of the file, label and text."""

    line: Line
    key: str
    facts: list[tuple[str, str]]
    first: dt.date | None
    ends: dt.date | None


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """Some lines of many, for `components/pagination.html`."""

    rows: list[Shown]
    number: int
    total: int
    query: Mapping[str, str]

    @property
    def place(self) -> str:
        """The place in the list: '51–100 of 4,212'."""
        first = (self.number - 1) * SIZE + 1
        return f"{first:,}–{first + len(self.rows) - 1:,} of {self.total:,}" if self.rows else ""

    @property
    def previous_href(self) -> str:
        return self._href(self.number - 1) if self.number > 1 else ""

    @property
    def next_href(self) -> str:
        return self._href(self.number + 1) if self.number * SIZE < self.total else ""

    def _href(self, number: int) -> str:
        return "?" + urlencode({**self.query, "page": number})


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """One kind of a comparison's lines, a page at a time. `updated`: when our records changed after the upload."""

    upload: RosterUpload
    comparison: Comparison
    kind: Kind
    tabs: list[Tab]
    page: NumberedPage
    updated: dt.datetime | None
    tails: int

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    @property
    def errors(self) -> int:
        """How many errors wait."""
        return self.comparison.open_count(Kind.FAULT)

    @property
    def doubts(self) -> int:
        """How many doubts wait."""
        return self.comparison.open_count(Kind.DOUBTFUL)

    @property
    def sent(self) -> list[tuple[str, str, int]]:
        """What would be sent: title, address of the lines, and how many."""
        address = self.upload.get_absolute_url()
        return [
            (TITLES[kind], f"{address}?show={kind}", self.comparison.open_count(kind))
            for kind in (Kind.ADDED, Kind.REMOVED, Kind.CHANGED)
        ]

    @property
    def removes_many(self) -> bool:
        """Whether more than a third would be removed: the file may list only some."""
        gone = sum(1 for line in self.comparison.sent(Kind.REMOVED) if line.row is None)
        return gone > 10 and 3 * gone > len(self.comparison.current)


def page_of(upload: RosterUpload, comparison: Comparison, query: Mapping[str, str]) -> ComparisonPage:
    """Return the page that a query asks for; without one, the first kind with something to do."""
    wanted = query.get("show", "")
    kind = Kind(wanted) if wanted in set(Kind) else _first(comparison)
    lines = comparison.lines[kind]
    last = max(1, -(-len(lines) // SIZE))
    asked = query.get("page", "1")
    number = min(max(1, int(asked)), last) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    shown = [_shown(line, comparison) for line in lines[(number - 1) * SIZE : number * SIZE]]
    tabs = [
        Tab(f"{TITLES[each]} {comparison.count(each):,}", "?" + urlencode({"show": str(each)}), each == kind)
        for each in Kind
    ]
    as_of = data_as_of(upload.policy.source)
    updated = (
        as_of if as_of is not None and upload.compared_as_of is not None and as_of > upload.compared_as_of else None
    )
    return ComparisonPage(
        upload=upload,
        comparison=comparison,
        kind=kind,
        tabs=tabs,
        page=NumberedPage(shown, number, len(lines), {"show": str(kind)}),
        updated=updated,
        tails=sum(line.tail for line in comparison.sent(Kind.REMOVED)),
    )


def _first(comparison: Comparison) -> Kind:
    return next((kind for kind in Kind if comparison.open_count(kind)), Kind.CHANGED)


def _shown(line: Line, comparison: Comparison) -> Shown:
    table = comparison.table
    facts = []
    if line.row is not None:
        facts = [(LABELS[of], text) for of in OF_NEW if (text := table.at(of, line.row).strip())]
    return Shown(
        line=line,
        key=row_keys(comparison, line)[0],
        facts=facts,
        first=dt.date.fromisoformat(line.starts) if line.starts else None,
        ends=first_day_without(line, None),
    )


def crumbs_of(policy: Policy, upload: RosterUpload | None = None) -> list[tuple[str, str]]:
    """Return the way back: the policy, its rosters, and this one."""
    found = [
        (policy.number, policy.get_absolute_url()),
        ("Roster", reverse("policies:roster", args=[policy.public_id])),
    ]
    return [*found, ("Comparison", upload.get_absolute_url())] if upload is not None else found
