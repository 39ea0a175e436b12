"""Names and numbers as people type them, as PostgreSQL searches for them: one rule for every list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQuery
from django.db.models import CharField, Field, ForeignObject, Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

# A shorter word ("Li") is a whole one: half the book begins with its letters.
SHORTEST_BEGINNING = 3


def name_query(words: Sequence[str]) -> SearchQuery | None:
    """Return what finds the names that have every one of these words, folded; nothing where there are none.

    A word of three letters or more may be the beginning of one.
    """
    return query_of(words_query(words)) if words else None


def words_query(words: Sequence[str]) -> str:
    """Return the same as the text of a query, for `query_of`."""
    return " & ".join(f"{word}:*" if len(word) >= SHORTEST_BEGINNING else word for word in words)


def query_of(text: Any) -> SearchQuery:
    """Return the query of a text from `words_query`, or of the place of one in a prepared statement."""
    return SearchQuery(text, config="simple", search_type="raw")


def ids_found(model: Any, query: SearchQuery) -> ArraySubquery:
    """Return the ids of those whose name the query finds, for `__among`.

    As one value they are found first, along the index of names: a join could as well look at every name of a group of
    5,000.
    """
    return ArraySubquery(model.objects.filter(search=query).order_by().values("pk"))


@ForeignObject.register_lookup
@Field.register_lookup
class Among(Lookup[Any]):
    """`insured__among=ids_found(...)`: like `__any`, but as a join, for more ids than one would compare each row
    with."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        return f"{lhs} IN (SELECT unnest({rhs}))", [*lhs_params, *rhs_params]


@CharField.register_lookup
class Begins(Lookup[Any]):
    """`number__begins=text`: like `__startswith`, along an index of `varchar_pattern_ops` even where the text is only
    the place of one in a prepared statement. Nothing begins with null.
    """

    lookup_name = "begins"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        # Letter by letter, whatever the database's language; no text is beyond the last code point.
        sql = f"({lhs} ~>=~ {rhs}::text AND {lhs} ~<~ ({rhs}::text || chr(1114111)))"
        return sql, [*lhs_params, *rhs_params, *lhs_params, *rhs_params]
