"""Pages of a list by key: the hundred-thousandth row costs as much as the first.

A page begins after a row's key, not after a number of rows. The database reads only the rows shown, along an index,
and new or deleted rows don't shift the pages. A list that says "26–50 of 92" counts its rows in the same statement, but
no further than `MOST_COUNTED`: of a longer list it says only that there are more. Where something kept says so already
(`many`), nothing is counted.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Case, Count, Exists, IntegerField, Model, Q, QuerySet, Subquery, Value, When, Window
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
PAGE_SIZE = 25
MOST_COUNTED = 1000
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[Row]):
    """One page. The addresses are query strings for links, empty if there is no page in that direction."""

    rows: list[Row]
    previous_href: str
    next_href: str
    # Where the list is counted: how many rows there are, at most one above MOST_COUNTED, and the first one's place.
    total: int | None = None
    first: int = 1

    @property
    def place(self) -> str:
        """The place in the list, "26–50 of 92"; nothing where the list isn't counted."""
        if self.total is None or not self.rows:
            return ""
        if self.total > MOST_COUNTED:
            return f"{len(self.rows)} of more than {MOST_COUNTED:,}"
        return f"{self.first:,}–{self.first + len(self.rows) - 1:,} of {self.total:,}"

    @property
    def is_whole(self) -> bool:
        """Whether these rows are all there are."""
        return not self.previous_href and not self.next_href


def first_page(
    queryset: QuerySet[Row],
    *,
    order: Sequence[str],
    size: int = PAGE_SIZE,
    count: bool = False,
    many: Exists | None = None,
) -> QuerySet[Row]:
    """Return the rows of a list's first page and one more, for a `prepared` statement (`first` of `keyset_page`)."""
    counted: Any = queryset.annotate(rows_all=_rows_of(queryset, many)) if count else queryset
    rows: QuerySet[Row] = counted.order_by(*order)[: size + 1]
    return rows


def first_keys(
    queryset: QuerySet[Any], *, order: Sequence[str], size: int = PAGE_SIZE, whole: bool = False
) -> QuerySet[Any, Any]:
    """Return the ids of `first_page`, each beside the number of rows of the list, for `rows_of_keys`.

    For a list whose rows are wide: only those of the page are joined. `whole`: what is found is sorted anyway, so it is
    counted as it is found, rather than once more.
    """
    number = Window(Count("*")) if whole else _CountOf.rows(queryset)
    return queryset.annotate(rows_all=number).order_by(*order).values_list("pk", "rows_all")[: size + 1]


def rows_of_keys(
    keys: Sequence[tuple[int, ...]], ask: Callable[[list[int]], list[Row]], *, counted: Sequence[str] = ("rows_all",)
) -> list[Row]:
    """Return the rows of `first_keys`, in their order, for `keyset_page`. `ask` gives the rows of some ids.

    `counted` names what each id comes with.
    """
    rows: dict[int, Any] = {row.pk: row for row in ask([pk for pk, *_ in keys])} if keys else {}
    for pk, *numbers in keys:
        for name, number in zip(counted, numbers, strict=True):
            if pk in rows:
                setattr(rows[pk], name, number)
    return [rows[pk] for pk, *_ in keys if pk in rows]


def keyset_page(
    queryset: QuerySet[Row],
    request: HttpRequest,
    *,
    order: Sequence[str],
    size: int = PAGE_SIZE,
    count: bool = False,
    many: Exists | None = None,
    first: Callable[[], list[Row]] | None = None,
    rows_of: Callable[[list[int]], list[Row]] | None = None,
) -> KeysetPage[Row]:
    """Return the page of `queryset` that the request asks for by `after` or `before`.

    `order` names fields or annotations that are never null and together unique; all ascending, or all descending with
    a leading "-". An index in that order makes it cheap. An unreadable cursor, such as one cut off in an email,
    shows the first page. `count`: the page knows its place in the list, without another statement. `many` holds only
    where there are more rows than are counted: then none is. `first` gives the rows of `first_page` where their SQL is
    written already. `rows_of` gives the rows of some ids: for wide rows, `queryset` then finds only which they are.
    """
    descending = order[0].startswith("-")
    names = [name.lstrip("-") for name in order]
    if any(name.startswith("-") != descending for name in order):
        raise ValueError("All of `order` runs in one direction.")

    after = _read_cursor(request.GET.get("after", ""), names, queryset)
    before = None if after else _read_cursor(request.GET.get("before", ""), names, queryset)
    backward = before is not None
    cursor = before if backward else after
    if cursor is None:
        if first is not None:
            found = first()
        elif rows_of is not None:
            found = rows_of_keys(list(first_keys(queryset, order=order, size=size)), rows_of)
        else:
            found = list(first_page(queryset, order=order, size=size, count=count, many=many))
    else:
        beyond: Any = queryset.filter(_beyond(names, cursor, "gt" if backward == descending else "lt"))
        if count:
            # How many rows are on this side of the cursor.
            beyond = beyond.annotate(rows_all=_rows_of(queryset, many), rows_ahead=_rows_of(beyond, many))
        signs = "-" if descending != backward else ""
        ordered = beyond.order_by(*[f"{signs}{name}" for name in names])[: size + 1]
        counted = ("rows_all", "rows_ahead") if count else ()
        if rows_of is not None:
            found = rows_of_keys(list(ordered.values_list("pk", *counted)), rows_of, counted=counted)
        else:
            found = list(ordered)
    more = len(found) > size
    rows = found[:size]
    if backward:
        rows.reverse()

    def href(side: str, row: Row) -> str:
        query = request.GET.copy()
        for gone in ("after", "before"):
            query.pop(gone, None)
        query[side] = write_key([getattr(row, name) for name in names])
        return f"?{query.urlencode()}"

    has_previous = more if backward else cursor is not None
    has_next = True if backward else more
    total, place = None, 1
    if count:
        counts: Any = rows[0] if rows else None
        total = counts.rows_all if counts else 0
        ahead = counts.rows_ahead if counts and cursor is not None else total
        place = ahead - len(rows) + 1 if backward else total - ahead + 1
    return KeysetPage(
        rows,
        href("before", rows[0]) if rows and has_previous else "",
        href("after", rows[-1]) if rows and has_next else "",
        total,
        place,
    )


def _rows_of(queryset: QuerySet[Any], many: Exists | None) -> Any:
    """Return the number of rows of a queryset, or of a part of it, as a value beside each row."""
    counted = _CountOf.rows(queryset)
    return counted if many is None else Case(When(many, then=Value(MOST_COUNTED + 1)), default=counted)


class _CountOf(Subquery):
    """The number of rows of a queryset, at most one above `MOST_COUNTED`, as a value beside each row."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()

    @classmethod
    def rows(cls, queryset: QuerySet[Any]) -> _CountOf:
        return cls(queryset.order_by().values("pk")[: MOST_COUNTED + 1])


def _beyond(names: list[str], values: list[Any], comparison: str) -> Q:
    """Return (a, b) > (x, y), written so that PostgreSQL walks the index: a >= x AND (a > x OR (a = x AND b > y))."""
    first, *rest = zip(names, values, strict=True)
    name, value = first
    beyond = Q(**{f"{name}__{comparison}": value})
    if not rest:
        return beyond
    inner = _beyond([name for name, _ in rest], [value for _, value in rest], comparison)
    return Q(**{f"{name}__{comparison}e": value}) & (beyond | (Q(**{name: value}) & inner))


def write_key(values: list[Any]) -> str:
    """Return a row's key as an address holds it."""
    text = json.dumps([value if isinstance(value, int) else str(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_key(text: str, types: Sequence[type]) -> list[Any] | None:
    """Return what `write_key` wrote, where it has values of these types; None for anything else."""
    values = _read(text)
    if values is None or len(values) != len(types):
        return None
    return values if all(type(value) is each for value, each in zip(values, types, strict=True)) else None


def _read(text: str) -> list[Any] | None:
    """Return the values of a key, which the database can compare with; None for junk."""
    if not text:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(_can_be_asked_for(value) for value in values):
        return None
    return values


def _read_cursor(text: str, names: list[str], queryset: QuerySet[Any]) -> list[Any] | None:
    """Return the key in a cursor, each value as its field wants it, or None for an unreadable cursor."""
    values = _read(text)
    if values is None or len(values) != len(names):
        return None
    # A field gets a value of its own type; annotations are taken as they are.
    fields = {field.name: field for field in queryset.model._meta.concrete_fields}
    try:
        return [
            fields[name].to_python(value) if name in fields else value
            for name, value in zip(names, values, strict=True)
        ]
    except (ValidationError, TypeError, ValueError, OverflowError):
        return None


def _can_be_asked_for(value: object) -> bool:
    """Whether PostgreSQL can compare with it: a text without NUL or lone surrogates, or a 64-bit number."""
    if isinstance(value, str):
        return not _NO_TEXT.search(value)
    return isinstance(value, int) and abs(value) < 2**63
