"""Statements that every page asks, written once per process and asked with fresh values each time.

Django writes the SQL of a queryset again for each request, which costs more than asking it. A page that asks the same
question every time declares it here instead, in one of two forms:

- `prepared` keeps the SQL of a queryset, and PostgreSQL keeps one plan for all values. The queryset stays the only
  definition: nothing is written twice. `written_once` is the same, planned at each call.
- `Joined` is a SELECT written by hand, for rows of several models side by side that no queryset can join.

Neither keeps rows: each call asks the database. docs/decisions/0051-statements-written-once.md says why and how the
tests hold them to the querysets.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import cached_property, update_wrapper
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.postgresql.base import ServerBindingCursor

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.query import QuerySet
    from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")

# A list of ids, for `prepared` and `__any`.
IDS = ArrayField(models.BigIntegerField())


@models.ForeignObject.register_lookup
@models.Field.register_lookup
class AnyOf(models.Lookup[Any]):
    """`id__any=ids`: like `__in`, but the list is one parameter, so the SQL is the same for a list of any length."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        return f"{lhs} = ANY({rhs})", [*lhs_params, *rhs_params]


class Parameter(models.Expression):
    """The place of a value in a prepared queryset. It is its own entry among the SQL's parameters until values come."""

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return "%s", [self]


class _Compiled:
    """The SQL of one queryset, and the compiler that knows how to read its rows."""

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        self.iterable_class = queryset._iterable_class  # noqa: SLF001  # Django has no other name for it
        self.compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            self.sql, self.parameters = self.compiler.as_sql()
        except EmptyResultSet:
            self.sql, self.parameters = "", ()

    @cached_property
    def _how_to_read(self) -> dict[str, Any]:
        """What the compiler would ask of each column again at each call; PostgreSQL adds no converters of its own."""
        columns = [chosen[0] for chosen in self.compiler.select[: self.compiler.col_count]]
        converters = self.compiler.get_converters(columns)
        composite = self.compiler.has_composite_fields(columns)
        return {"get_converters": lambda _columns: converters, "has_composite_fields": lambda _columns: composite}

    def rows(self, values: dict[str, Any]) -> list[Any]:
        """Ask with these values, and let Django's own iterable make the rows."""
        if not self.sql:
            return []
        bound = [
            parameter.output_field.get_db_prep_value(values[parameter.name], connection)
            if isinstance(parameter, Parameter)
            else parameter
            for parameter in self.parameters
        ]
        compiler = _reader(self.compiler, self.sql, bound, self._how_to_read)
        # What Django's iterables look at in a queryset.
        asked: Any = SimpleNamespace(
            db=DEFAULT_DB_ALIAS,
            query=SimpleNamespace(get_compiler=lambda using: compiler),
            _known_related_objects={},
        )
        rows: list[Any] = list(iter(self.iterable_class(asked)))  # type: ignore[call-overload]
        return rows


def _reader(compiler: SQLCompiler, sql: str, parameters: list[Any], how_to_read: dict[str, Any]) -> SQLCompiler:
    """Return a copy of the compiler for this thread's connection that has its SQL already."""
    reader = object.__new__(type(compiler))
    reader.__dict__ = {
        **compiler.__dict__,
        **how_to_read,
        "connection": connections[DEFAULT_DB_ALIAS],
        "as_sql": lambda *_args, **_kwargs: (sql, parameters),
    }
    return reader


class _Cursor(ServerBindingCursor):
    """Says what it has asked even where PostgreSQL had the statement already: Django's log of queries looks here."""

    if TYPE_CHECKING:
        # psycopg's own, which Django's type stubs leave out.
        _query: Any

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> _Cursor:
        super().execute(query, *args, **kwargs)  # type: ignore[misc]  # psycopg's, left out of the stubs too
        self._query = self._query or SimpleNamespace(query=query.encode())
        return self


@contextmanager
def _bound_by_the_server() -> Iterator[None]:
    """Within this block PostgreSQL binds the parameters and so can keep the plan, unless `DATABASE_PREPARE` is off.

    Where the health check replaces the connection meanwhile, the client binds once more: the rows are the same.
    """
    connection.ensure_connection()
    session: Any = connection.connection
    if connection.settings_dict["OPTIONS"].get("prepare_threshold") is None:
        yield
        return
    by_client, session.cursor_factory = session.cursor_factory, _Cursor
    try:
        yield
    finally:
        session.cursor_factory = by_client


class Prepared(Generic[Row]):
    """A question whose SQL is written at its first call; see `prepared`."""

    def __init__(
        self,
        build: Callable[..., QuerySet[Any, Row]],
        fields: dict[str, models.Field[Any, Any]],
        *,
        by_values: Callable[[Mapping[str, Any]], bool],
    ) -> None:
        update_wrapper(self, build)
        self.queryset = build
        self._fields = fields
        self._by_values = by_values
        self._compiled: dict[frozenset[tuple[str, Hashable]], _Compiled] = {}

    def __call__(self, **values: Any) -> list[Row]:
        """Ask, and return the rows."""
        shape = {name: value for name, value in values.items() if name not in self._fields}
        key = frozenset(shape.items())
        if key not in self._compiled:
            places = {name: Parameter(name, field) for name, field in self._fields.items()}
            self._compiled[key] = _Compiled(self.queryset(**shape, **places))
        with nullcontext() if self._by_values(shape) else _bound_by_the_server():
            return self._compiled[key].rows(values)


def prepared(
    by_values: Callable[[Mapping[str, Any]], bool] = lambda _shape: False,
    /,
    **fields: models.Field[Any, Any],
) -> Callable[[Callable[..., QuerySet[Any, Row]]], Prepared[Row]]:
    """Make a function that returns a queryset one that returns its rows, with the SQL written once.

    `fields` are the values that differ from call to call, by name, with the model field that says how the database
    takes them. The function sees a placeholder in their stead, so it can filter by them and not look at them; lists
    are filtered by `__any`. What it must look at, it takes as a keyword of its own: the SQL is kept for each value.

        @prepared(user_id=models.BigIntegerField())
        def begun(*, user_id):
            return Membership.objects.filter(user_id=user_id, revoked_at=None)

        begun(user_id=user.pk)  # a list of memberships

    `begun.queryset(user_id=user.pk)` is the plain queryset. Prefetches aren't made.

    PostgreSQL plans it once per connection, whatever the values. `by_values` says of those keywords whether that won't
    do, and each call is planned by its values, as with `written_once`.
    """
    return lambda build: Prepared(build, fields, by_values=by_values)


def written_once(
    **fields: models.Field[Any, Any],
) -> Callable[[Callable[..., QuerySet[Any, Row]]], Prepared[Row]]:
    """Do the same, but let PostgreSQL plan each call by its values: a rare name wants another way than a common one."""
    return prepared(lambda _shape: True, **fields)


class Joined:
    """A SELECT of rows of several models.

    `{name}` in the SQL becomes every column of the model that goes by that name, which is also its table's alias: a
    field that a model gains is read without a change here. Of a model that `only` names, these fields are read, and
    the others when they are asked for.
    """

    def __init__(self, sql: str, *, only: Mapping[str, tuple[str, ...]] | None = None, **parts: type[models.Model]):
        self._template = sql
        self._parts = parts
        self._only = only or {}

    @cached_property
    def _fields(self) -> dict[str, list[models.Field[Any, Any]]]:
        return {
            name: [
                field
                for field in model._meta.concrete_fields
                if name not in self._only or field.attname in self._only[name]
            ]
            for name, model in self._parts.items()
        }

    @cached_property
    def _sql(self) -> str:
        columns = {
            name: ", ".join(f'"{name}"."{field.column}"' for field in fields) for name, fields in self._fields.items()
        }
        return self._template.format(**columns)

    @cached_property
    def _readers(self) -> list[_PartReader]:
        readers, start = [], 0
        for name, model in self._parts.items():
            readers.append(_PartReader(name, model, self._fields[name], start))
            start += len(self._fields[name])
        return readers

    def first(self, *values: Any) -> dict[str, Any] | None:
        """Return the first row as an object by name, None where a join found nothing; None where there is no row."""
        with _bound_by_the_server(), connection.cursor() as cursor:
            cursor.execute(self._sql, values)
            row = cursor.fetchone()
        return {reader.name: reader.read(row) for reader in self._readers} if row is not None else None


class _PartReader:
    """Makes one model's object from its share of a row, as Django does."""

    def __init__(self, name: str, model: type[models.Model], fields: list[models.Field[Any, Any]], start: int) -> None:
        self.name = name
        self._model = model
        self._attributes = [field.attname for field in fields]
        self._share = slice(start, start + len(fields))
        self._key = start + next(place for place, field in enumerate(fields) if field.primary_key)
        self._conversions: list[tuple[int, models.Field[Any, Any], Iterable[Any]]] = [
            (place, field, converters)
            for place, field in enumerate(fields)
            if (converters := field.get_db_converters(connection))
        ]

    def read(self, row: tuple[Any, ...]) -> models.Model | None:
        if row[self._key] is None:
            return None
        values = list(row[self._share])
        for place, field, converters in self._conversions:
            for convert in converters:
                values[place] = convert(values[place], field.cached_col, connection)
        return self._model.from_db(DEFAULT_DB_ALIAS, self._attributes, values)
