"""Random sequences of full and delta packages: the portal ends with the book that the carrier had last."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.feedspec import Kind
from feed.load.table_map import TableMap, table_maps
from feed.models import Run
from tests.feed.packages import AS_OF, Book, Package, Row, load_package, small_book

pytestmark = pytest.mark.django_db

# Everything of the small book that isn't of a company or an agency is there twice, as two practices.
SHARED = {"companies.csv", "agencies.csv", "certificate_forms.csv"}


def key_of(table_map: TableMap, row: Row) -> tuple[str, ...]:
    """Return the values of a row's key."""
    return tuple(row[name] for name in table_map.table.key_columns)


def second_practice(book: Book) -> Book:
    """Return the book's rows again with other ids, but for those that both practices share."""
    ids = {
        (table_map.file, row[column])
        for table_map in table_maps()
        if table_map.file not in SHARED
        for row in book.get(table_map.file, [])
        for column in table_map.table.key_columns
        if row[column] and column not in _references(table_map)
    }
    others: Book = {}
    for table_map in table_maps():
        if table_map.file in SHARED or table_map.file not in book:
            continue
        references = _references(table_map)
        others[table_map.file] = [
            {
                name: f"{value}B"
                if (table_map.file, value) in ids and name in table_map.table.key_columns and _is_id(table_map, name)
                else f"{value}B"
                if value and any((file, value) in ids for file in references.get(name, ()))
                else value
                for name, value in row.items()
            }
            for row in book[table_map.file]
        ]
    return others


def _is_id(table_map: TableMap, name: str) -> bool:
    return table_map.table.column(name).kind is Kind.IDENTIFIER and name not in _references(table_map)


def _references(table_map: TableMap) -> dict[str, set[str]]:
    """Return the files that each column of a table refers to, whichever floor declares it."""
    found: dict[str, set[str]] = {}
    for reference in table_map.table.references:
        found.setdefault(reference.column, set()).add(reference.file)
    for other in table_maps():
        for inbound in other.table.inbound:
            if inbound.file == table_map.file:
                found.setdefault(inbound.column, set()).add(other.file)
    return found


def free_columns() -> list[tuple[str, str]]:
    """Return columns whose text means nothing to a rule: any value will do."""
    return [
        (table_map.file, column.name)
        for table_map in table_maps()
        for column in table_map.table.columns
        if column.kind is Kind.TEXT
        and table_map.stored_in(column) is not None
        and (table_map.max_length(column) or 0) >= 10
        and not (column.pattern or column.fault or column.fold or column.store)
        and column.name not in {*table_map.table.key_columns, *_references(table_map)}
    ]


def leaves() -> list[str]:
    """Return the files whose rows no other row refers to: one may go and come back alone."""
    referred = {file for table_map in table_maps() for files in _references(table_map).values() for file in files}
    return [table_map.file for table_map in table_maps() if table_map.file not in referred]


class Truth:
    """The carrier's own book. Both practices' rows are kept by file and key; some are away for now."""

    def __init__(self) -> None:
        book = small_book()
        self._maps = {table_map.file: table_map for table_map in table_maps()}
        self.rows: dict[str, dict[tuple[str, ...], Row]] = {}
        self._practice: set[tuple[str, tuple[str, ...]]] = set()
        for part, is_second in ((book, False), (second_practice(book), True)):
            for file, rows in part.items():
                for row in rows:
                    key = key_of(self._maps[file], row)
                    assert key not in self.rows.setdefault(file, {}), "the two practices share a key"
                    self.rows[file][key] = row
                    if is_second:
                        self._practice.add((file, key))
        self._away: set[tuple[str, tuple[str, ...]]] = set()
        self._second_is_away = False

    def change(self, file: str, column: str, position: int, value: str) -> None:
        """Give one row another value."""
        keys = sorted(self.rows.get(file, {}))
        if keys:
            self.rows[file][keys[position % len(keys)]][column] = value

    def toggle(self, file: str, position: int) -> None:
        """Drop a row to which no other refers, or bring it back."""
        keys = sorted(self.rows.get(file, {}))
        if keys:
            self._away ^= {(file, keys[position % len(keys)])}

    def toggle_practice(self) -> None:
        """Drop everything of the second practice, or bring it back."""
        self._second_is_away = not self._second_is_away

    def book(self) -> Book:
        """Return the rows as they are now."""
        return {
            file: [
                dict(row)
                for key, row in rows.items()
                if (file, key) not in self._away and not (self._second_is_away and (file, key) in self._practice)
            ]
            for file, rows in self.rows.items()
        }

    def difference(self, before: Book) -> Book:
        """Return what a delta says of this book after another one; rows that go come with their key only."""
        found: Book = {}
        for file, rows in self.book().items():
            table_map = self._maps[file]
            then = {key_of(table_map, row): row for row in before[file]}
            now = {key_of(table_map, row): row for row in rows}
            changed = [{**row, "op": "upsert"} for key, row in now.items() if then.get(key) != row]
            gone = [
                {name: row[name] if name in table_map.table.key_columns else "" for name in row} | {"op": "delete"}
                for key, row in then.items()
                if key not in now
            ]
            if changed or gone:
                found[file] = changed + gone
        return found


def contents(source: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the portal holds of a source and hasn't retired: values as the file has them, rows named by key."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table_map in table_maps():
        names = {field.column: field.name for field in table_map.model._meta.concrete_fields}
        fields = [names[target.column] for target in table_map.targets if target.reference is None]
        references = [f"{reference.field}__external_id" for reference in table_map.table.references]
        rows = table_map.model.objects.filter(source=source, retired_at=None)  # type: ignore[attr-defined]
        found[table_map.file] = sorted(rows.values_list("external_id", *fields, *references), key=repr)
    return found


def step() -> st.SearchStrategy[tuple[Any, ...]]:
    """Return one thing that happens at the carrier, or one package that it sends."""
    place = st.integers(0, 5)
    return st.one_of(
        st.tuples(
            st.just("change"),
            st.sampled_from(free_columns()),
            place,
            st.sampled_from(["one", "zwölf", 'Ó’Neill, "Bo"']),
        ),
        st.tuples(st.just("toggle"), st.sampled_from(leaves()), place),
        st.tuples(st.just("practice")),
        st.tuples(st.sampled_from(["full", "full", "delta", "delta", "again", "too late"])),
    )


# The same sequences every time; no shrinking: a package takes so long that the smallest sequence would be minutes away.
@settings(
    max_examples=12,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(step(), min_size=4, max_size=14))
def test_any_sequence_of_packages_ends_in_the_book_that_the_carrier_had_last(steps: list[tuple[Any, ...]]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        override_settings(FEED_KNOWN_SOURCES=["core", "benchmark"]),
        transaction.atomic(),
    ):
        sender = _Sender(Path(folder))
        for what, *details in steps:
            sender.do(what, *details)
        sender.do("delta")
        sender.do("full")
        ended = contents("core")
        assert ended == sender.loaded_anew()
        transaction.set_rollback(True)


class _Sender:
    """The carrier's system: it changes its book, and sends packages with rising numbers."""

    def __init__(self, folder: Path) -> None:
        self._paths: Iterator[Path] = (folder / str(number) for number in itertools.count())
        self._truth = Truth()
        self._sequence = 0
        self._sent: Book = {}
        self._last: tuple[str, Book] = ("", {})
        self.do("full")

    def do(self, what: str, *details: Any) -> None:
        """Change the truth, or send a package of it."""
        if what == "change":
            (file, column), position, value = details
            self._truth.change(file, column, position, value)
        elif what == "toggle":
            self._truth.toggle(*details)
        elif what == "practice":
            self._truth.toggle_practice()
        elif what == "again":
            self._send(Run.Status.UNCHANGED, *self._last, self._sequence)
        elif what == "too late":
            self._send(Run.Status.REFUSED, "full", self._truth.book(), self._sequence - 1)
        else:
            book = self._truth.book()
            rows = deepcopy(book) if what == "full" else self._truth.difference(self._sent)
            if what == "delta" and not rows:
                return
            # A full package may skip numbers, a delta may not.
            self._sequence += 1 if what == "delta" else 3
            self._send(Run.Status.APPLIED, what, rows, self._sequence)
            self._sent, self._last = book, (what, rows)

    def loaded_anew(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return what the portal holds of another source that sent this book alone."""
        self._send(Run.Status.APPLIED, "full", self._truth.book(), 1, source="benchmark")
        return contents("benchmark")

    def _send(self, expected: str, mode: str, rows: Book, sequence: int, source: str = "core") -> None:
        as_of = AS_OF + dt.timedelta(minutes=sequence)
        package = Package(rows, sequence=sequence, mode=mode, source=source, as_of=as_of)
        run = load_package(package.write(next(self._paths)))
        assert run.status == expected, [run.outcome, *run.findings.all()]
