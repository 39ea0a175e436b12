"""The declared tables as the machinery needs them: in order, and each with its place in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from graphlib import TopologicalSorter
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connection, models
from django.utils.module_loading import import_string

from core.areas import feed_table_paths
from core.feedspec import Column, Kind, Table
from core.fields import PublicIdField, public_id_sql

PG_TYPES = {
    Kind.DATE: "date",
    Kind.MONEY: "numeric",
    Kind.WHOLE: "bigint",
    Kind.BOOLEAN: "boolean",
}
# What the machinery itself keeps in every row of the feed.
OWN_FIELDS = {"id", "source", "external_id", "retired_at", "created_at", "updated_at"}


def quote(name: str) -> str:
    """An SQL identifier in quotes; the names come from declarations, never from a package."""
    return f'"{name}"'


@dataclass(frozen=True)
class StagingColumn:
    """A column of a staging table. `not_null`: an empty value is the empty text, not null."""

    name: str
    pg_type: str
    not_null: bool


@dataclass(frozen=True)
class Target:
    """A column of the portal's table, and the SQL of its value: `expression` over `s`, or the number of a reference."""

    column: str
    expression: str
    reference: int | None = None
    learned_column: str = ""


class TableMap:
    """A declared table with its model: staging columns, target columns, names of temporary tables."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.model: type[models.Model] = apps.get_model(table.model)
        self.db_table = quote(self.model._meta.db_table)
        self.staging_table = quote(f"feed_stage_{table.name}")
        self.changes_table = quote(f"feed_changes_{table.name}")

    def __repr__(self) -> str:
        return f"<TableMap of {self.table.file}>"

    @property
    def file(self) -> str:
        """The file's name."""
        return self.table.file

    def field(self, name: str) -> Any:
        """The model's field; ImproperlyConfigured where the declaration names one that isn't there."""
        try:
            return self.model._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise ImproperlyConfigured(f"{self.file}: {self.table.model} has no field '{name}'.") from error

    def folded(self, column: str) -> str:
        """The staging column by which a key or reference is matched."""
        return f"{column}__folded" if self.table.column(column).fold else column

    @cached_property
    def references_by_column(self) -> set[str]:
        """Columns that name rows of other files."""
        return {reference.column for reference in self.table.references}

    @cached_property
    def staged(self) -> list[StagingColumn]:
        """The staging table's columns beyond `line`, `deleted` and `key`, in order."""
        columns = [self._staged(column) for column in self.table.columns]
        columns += [
            StagingColumn(f"{column.name}__folded", "text", not_null=False)
            for column in self.table.columns
            if column.fold
        ]
        columns += [StagingColumn(f"computed_{one.field}", "text", not_null=True) for one in self.table.computed]
        return columns

    def stored_in(self, column: Column) -> Any:
        """The model's field that holds the column's value; None where the value isn't kept as such."""
        if column.model_field is None or column.name in self.references_by_column:
            return None
        return self.field(column.model_field)

    def _staged(self, column: Column) -> StagingColumn:
        field = self.stored_in(column)
        pg_type = "text" if column.store else PG_TYPES.get(column.kind, "text")
        is_text = field is not None and pg_type == "text" and column.kind is not Kind.LIST
        return StagingColumn(column.name, pg_type, not_null=is_text and not field.null)

    @cached_property
    def targets(self) -> list[Target]:
        """The model's columns that the file fills, with the SQL of each."""
        targets = [self._target(column) for column in self.table.columns if self.stored_in(column) is not None]
        targets += [
            Target(
                self.field(reference.field).column, "", reference=number, learned_column=self._learned(reference.field)
            )
            for number, reference in enumerate(self.table.references)
        ]
        targets += [
            Target(self.field(column.fold_field).column, f"s.{quote(self.folded(column.name))}")
            for column in self.table.columns
            if column.fold_field
        ]
        targets += [
            Target(self.field(one.field).column, f"s.{quote(f'computed_{one.field}')}") for one in self.table.computed
        ]
        return targets

    def _target(self, column: Column) -> Target:
        field = self.field(str(column.model_field))
        expression = f"s.{quote(column.name)}"
        if column.kind is Kind.LIST:
            expression = f"COALESCE(string_to_array({expression}, ';'), '{{}}')::{field.db_type(connection)}"
        elif column.kind is Kind.BOOLEAN and not field.null:
            expression = f"COALESCE({expression}, false)"
        return Target(field.column, expression, learned_column=self._learned(str(column.model_field)))

    def _learned(self, field: str) -> str:
        """The column that says when the portal itself learned the field's value, or nothing."""
        name = self.table.learned.get(field)
        return self.field(name).column if name else ""

    @cached_property
    def insert_defaults(self) -> dict[str, str]:
        """SQL over `d`, the change, for the columns that the file doesn't fill and the database has no default for."""
        filled = {target.column for target in self.targets}
        defaults: dict[str, str] = {}
        for field in self.model._meta.concrete_fields:
            if field.name in OWN_FIELDS or field.column in filled or field.null or getattr(field, "generated", False):
                continue
            if field.has_db_default():
                continue
            if not isinstance(field, PublicIdField):
                raise ImproperlyConfigured(f"{self.file} doesn't say what {self.table.model}.{field.name} is.")
            defaults[str(field.column)] = public_id_sql("d.id")
        return defaults

    def max_length(self, column: Column) -> int | None:
        """The longest text that the model's field holds; None for one without a bound, or for what isn't stored."""
        field = self.stored_in(column)
        length: int | None = None if column.store else getattr(field, "max_length", None)
        return length

    def several_lines(self, column: Column) -> bool:
        """Whether the text may hold line breaks: that of a TextField may."""
        return isinstance(self.stored_in(column), models.TextField)

    @cached_property
    def key_length(self) -> int:
        """The longest key that the model holds."""
        return int(self.field("external_id").max_length)


@lru_cache(maxsize=8)
def _table_maps(paths: tuple[str, ...]) -> tuple[TableMap, ...]:
    tables: list[Table] = [table for path in paths for table in import_string(path)]
    return ordered([TableMap(table) for table in tables])


def table_maps() -> tuple[TableMap, ...]:
    """All tables that the areas announce, each after those that it refers to."""
    return _table_maps(feed_table_paths())


def ordered(found: Sequence[TableMap]) -> tuple[TableMap, ...]:
    """Sort tables so that each comes after those that it refers to; a circle raises graphlib.CycleError."""
    by_file = {table_map.file: table_map for table_map in found}
    if len(by_file) != len(found):
        raise ImproperlyConfigured("Two of the feed's tables are filled by one file.")
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for table_map in found:
        sorter.add(table_map.file, *(reference.file for reference in table_map.table.references))
    return tuple(by_file[file] for file in sorter.static_order())


def fingerprint(found: Sequence[TableMap]) -> str:
    """SHA-256 of what the portal stores of a package: a release that stores more makes the same package new again."""
    stored = [
        (table_map.file, table_map.table.model, [(target.column, target.expression) for target in table_map.targets])
        for table_map in found
    ]
    return hashlib.sha256(repr(stored).encode()).hexdigest()
