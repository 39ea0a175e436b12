"""The areas' declared tables in loading order, each with its columns in the database."""

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
from core.feedspec import Column, Computed, Kind, Table, Taken
from core.fields import PublicIdField, public_id_sql

PG_TYPES = {
    Kind.DATE: "date",
    Kind.TIME: "timestamptz",
    Kind.MONEY: "numeric",
    Kind.NUMBER: "numeric",
    Kind.WHOLE: "bigint",
    Kind.BOOLEAN: "boolean",
}
# Fields that the feed itself fills in every row.
OWN_FIELDS = {"id", "source", "external_id", "retired_at", "created_at", "updated_at"}


def quote(name: str) -> str:
    """Return an SQL identifier in quotes; names come from declarations, never from a package."""
    return f'"{name}"'


def digest_read(column: Column) -> str:
    """Return the staging column for the SHA-256 of a file that the load reads, where the row doesn't give it."""
    return f"{column.name}__sha256"


@dataclass(frozen=True)
class StagingColumn:
    """A column of a staging table. `not_null`: an empty value is an empty string, not null."""

    name: str
    pg_type: str
    not_null: bool


@dataclass(frozen=True)
class Target:
    """A column of the portal's table and its value: the SQL `expression` over `s`, or the number of a reference."""

    column: str
    expression: str
    reference: int | None = None
    learned_column: str = ""


@dataclass(frozen=True)
class Copy:
    """A column of the portal's table that repeats `field` of the row that a reference, by its number, names."""

    column: str
    reference: int
    field: str

    @property
    def carried(self) -> str:
        """Its column in the table of changes."""
        return quote(f"copy_{self.column}")


class TableMap:
    """A declared table with its model, staging columns, target columns, and temporary tables."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.model: type[models.Model] = apps.get_model(table.model)
        self.db_table = quote(self.model._meta.db_table)
        self.staging_table = quote(f"feed_stage_{table.name}")
        self.changes_table = quote(f"feed_changes_{table.name}")
        self.new_table = quote(f"feed_new_{table.name}")

        self.sequence = f"pg_get_serial_sequence('{self.db_table}', 'id')"

    def __repr__(self) -> str:
        return f"<TableMap of {self.table.file}>"

    @property
    def file(self) -> str:
        return self.table.file

    def field(self, name: str) -> Any:
        """Return the model's field. Raises ImproperlyConfigured if the model doesn't have it."""
        try:
            return self.model._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise ImproperlyConfigured(f"{self.file}: {self.table.model} has no field '{name}'.") from error

    def folded(self, column: str) -> str:
        """Return the staging column that matches a key or reference."""
        return f"{column}__folded" if self.table.column(column).fold else column

    @cached_property
    def references_by_column(self) -> set[str]:
        """Columns that refer to rows of other files."""
        return {reference.column for reference in self.table.references}

    @cached_property
    def parents(self) -> frozenset[str]:
        """The other files that this one's rows name."""
        return frozenset(reference.file for reference in self.table.references) - {self.file}

    @cached_property
    def refers_to_itself(self) -> bool:
        """Whether rows may refer to rows of the same file, and so to rows that the same package adds."""
        return any(reference.file == self.file for reference in self.table.references)

    def matched_field(self, column: str) -> str:
        """Return the portal's column with a value as it's matched, for a column that other files know as a key."""
        declared = self.table.column(column)
        return str(self.field(declared.fold_field or str(declared.model_field)).column)

    @cached_property
    def staged(self) -> list[StagingColumn]:
        """The staging table's columns after `line`, `deleted`, and `key`, in order."""
        columns = [self._staged(column) for column in self.table.columns]
        columns += [
            StagingColumn(f"{column.name}__folded", "text", not_null=False)
            for column in self.table.columns
            if column.fold
        ]
        columns += [StagingColumn(digest_read(column), "text", not_null=False) for column in self.files]
        columns += [self._staged_computed(one) for one in self.table.computed]
        return columns

    def _staged_computed(self, one: Computed) -> StagingColumn:
        field = self.field(one.field)
        is_text = isinstance(field, (models.CharField, models.TextField))
        pg_type = "text" if is_text else str(field.db_type(connection))
        return StagingColumn(f"computed_{one.field}", pg_type, not_null=is_text)

    @cached_property
    def files(self) -> tuple[Column, ...]:
        """Columns that name files of the package."""
        return tuple(column for column in self.table.columns if column.kind is Kind.FILE)

    def digest(self, column: Column) -> str:
        """Return SQL over `s` of the SHA-256 of the file that a row names: given in the row, or read from the file."""
        given = column.use and column.use.given
        found = f"s.{quote(digest_read(column))}"
        value = f"COALESCE(s.{quote(given)}, {found}, '')" if given else f"COALESCE({found}, '')"
        return f"CASE WHEN s.{quote(column.name)} <> '' THEN {value} ELSE '' END"

    def changed_files(self, column: Column) -> str:
        """Return the temporary table of the file's rows whose file has changed, each with the file's SHA-256."""
        return quote(f"feed_files_{self.table.name}_{column.name}")

    def taken_files(self, column: Column) -> str:
        """Return the temporary table of what became of those files, by their SHA-256."""
        return quote(f"feed_taken_{self.table.name}_{column.name}")

    def taken(self, number: int) -> dict[str, str]:
        """Return the model's columns that say what became of the files of one column, by its number in `files`, and
        their SQL over `f` with that number, the row's in `taken_files`. A row without a file has none there."""
        use, nothing = self.files[number].use, Taken()
        return {
            str(self.field(field).column): f"f{number}.{quote(name)}"
            if getattr(nothing, name) is None
            else f"COALESCE(f{number}.{quote(name)}, '')"
            for name, field in (use.fields.items() if use else ())
        }

    def stored_in(self, column: Column) -> Any:
        """Return the model's field for the column's value, or None if the value itself isn't stored."""
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
        """The model's columns that the file fills, each with its SQL."""
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
        targets += [
            Target(self.field(column.use.digest).column, self.digest(column)) for column in self.files if column.use
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
        """Return the column with the time when the portal itself learned the field's value, or an empty string."""
        name = self.table.learned.get(field)
        return self.field(name).column if name else ""

    @cached_property
    def copies(self) -> list[Copy]:
        """The model's columns that repeat one of a row that is referred to."""
        return [
            Copy(str(self.field(own).column), number, theirs)
            for number, reference in enumerate(self.table.references)
            for own, theirs in reference.copies.items()
        ]

    def insert_defaults(self, row_id: str) -> dict[str, str]:
        """Return SQL for columns without a value in the file or a default in the database, from SQL of the row's id."""
        filled = {target.column for target in self.targets} | {copy.column for copy in self.copies}
        defaults: dict[str, str] = {}
        for field in self.model._meta.concrete_fields:
            if field.name in OWN_FIELDS or field.column in filled or field.null or getattr(field, "generated", False):
                continue
            if field.has_db_default():
                continue
            if not isinstance(field, PublicIdField):
                raise ImproperlyConfigured(f"{self.file} has no column for {self.table.model}.{field.name}.")
            defaults[str(field.column)] = public_id_sql(row_id)
        return defaults

    def max_length(self, column: Column) -> int | None:
        """Return the longest text the model's field can have; None if it has no limit or isn't stored."""
        field = self.stored_in(column)
        length: int | None = None if column.store else getattr(field, "max_length", None)
        return length

    def several_lines(self, column: Column) -> bool:
        """Return whether the text may have line breaks, which only a TextField may."""
        return isinstance(self.stored_in(column), models.TextField)

    @cached_property
    def key_length(self) -> int:
        """The longest key the model can have."""
        return int(self.field("external_id").max_length)


@lru_cache(maxsize=8)
def _table_maps(paths: tuple[str, ...]) -> tuple[TableMap, ...]:
    tables: list[Table] = [table for path in paths for table in import_string(path)]
    return ordered([TableMap(table) for table in tables])


def table_maps() -> tuple[TableMap, ...]:
    """Return all tables that the areas declare, each after the tables it refers to."""
    return _table_maps(feed_table_paths())


def ordered(found: Sequence[TableMap]) -> tuple[TableMap, ...]:
    """Sort tables so that each comes after the others it refers to. Raises graphlib.CycleError for a circle."""
    by_file = {table_map.file: table_map for table_map in found}
    if len(by_file) != len(found):
        raise ImproperlyConfigured("Two of the feed's tables declare the same file.")
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for table_map in found:
        others = {reference.file for reference in table_map.table.references} - {table_map.file}
        sorter.add(table_map.file, *sorted(others))
    return tuple(by_file[file] for file in sorter.static_order())


def fingerprint(found: Sequence[TableMap]) -> str:
    """Return the SHA-256 of what the portal stores of a package, so that a version that stores more reapplies it."""
    stored = [
        (
            table_map.file,
            table_map.table.model,
            [(target.column, target.expression) for target in table_map.targets],
            [(column.name, sorted(column.read_as.items())) for column in table_map.table.columns if column.read_as],
        )
        for table_map in found
    ]
    return hashlib.sha256(repr(stored).encode()).hexdigest()
