"""What lists have in common: tabs that narrow them, columns that sort them, and the query string that both keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What a list may be asked for; a page's cursor isn't kept, since it belongs to one order of one selection.
KEPT = ("q", "status", "sort", "term", "group", "holder", "kind")


@dataclass(frozen=True, slots=True)
class Tab:
    """One view of a list, as a link."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: a link that sorts by it, up at first, down when it already sorts up."""

    label: str
    href: str
    direction: str


@dataclass(frozen=True, slots=True)
class Sorting:
    """The orders that a list offers, and the one that the request chose.

    `orders` are keys of `core.keyset` by the name of their column, the list's own first: "number" →
    ("number_normalized", "id").
    """

    orders: Mapping[str, tuple[str, ...]]
    name: str
    is_descending: bool
    query: Mapping[str, str]

    @property
    def order(self) -> tuple[str, ...]:
        """The key to page by."""
        return tuple(f"-{name}" for name in self.orders[self.name]) if self.is_descending else self.orders[self.name]

    def column(self, name: str, label: str) -> Column:
        """Return the head of the column of that name."""
        chosen = name == self.name
        wanted = f"-{name}" if chosen and not self.is_descending else name
        direction = ("descending" if self.is_descending else "ascending") if chosen else ""
        return Column(label, query_with(self.query, sort=wanted), direction)


def sorting_of(query: Mapping[str, str], orders: Mapping[str, tuple[str, ...]], *, default: str = "") -> Sorting:
    """Read `?sort=name` or `?sort=-name`; what the list doesn't offer leaves it in its own order.

    `default` is that order, written the same way; without it, the first of `orders`, upward.
    """
    own = default or next(iter(orders))
    wanted = query.get("sort", "")
    chosen = wanted if wanted.removeprefix("-") in orders else own
    return Sorting(orders, chosen.removeprefix("-"), chosen.startswith("-"), query)


def tabs_of(
    statuses: Iterable[tuple[str, str]],
    query: Mapping[str, str],
    *,
    default: str = "",
) -> list[Tab]:
    """Return a tab for each status (code and label), the current one by `?status=`, else `default`."""
    chosen = query.get("status", "").strip() or default
    return [Tab(label, query_with(query, status=code), code == chosen) for code, label in statuses]


def query_with(query: Mapping[str, str], **changes: str) -> str:
    """Return the query string of a list with these changes, what is empty left out."""
    values = {name: query.get(name, "").strip() for name in KEPT} | changes
    return "?" + urlencode({name: value for name, value in values.items() if value})
