"""Rows that many tests begin with: made once by the factories, and written back by one statement from then on.

A third of the time of some folders went into making the same people and policies again. What a builder makes in an
empty database is kept in the process, its rows and what it returned; later tests of the same day get both back. Keys
stay as they were, and no sequence gives them to other rows, because a sequence never goes back.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

import time_machine
from django.db import IntegrityError, connection, transaction

from core.dates import carrier_today

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

Made = TypeVar("Made")


@dataclass(frozen=True)
class Kept:
    """What a builder made: the statements that write its rows again, and what it returned."""

    statements: str
    returned: bytes


def made_once(build: Callable[[], Made]) -> Callable[[], Made]:
    """Return a builder that gives what `build` gives, at a fraction of its cost from the second time on.

    It builds as usual on a day that a test has frozen, and where there are other rows that `build` may go by.
    """
    kept: dict[dt.date, Kept] = {}

    @wraps(build)
    def again() -> Made:
        if time_machine.escape_hatch.is_travelling():
            return build()
        found = kept.get(day := carrier_today())
        if found is not None:
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(found.statements)
            except IntegrityError:
                return build()
            return cast("Made", pickle.loads(found.returned))  # noqa: S301  # our own
        if _rows():
            return build()
        made = build()
        kept[day] = Kept("; ".join(_writing(table, rows) for table, rows in _rows().items()), pickle.dumps(made))
        return made

    return again


def _rows() -> dict[str, str]:
    """Return, as JSON, the rows of every table that a test may write to; empty tables aren't in it."""
    from tests.conftest import KEPT

    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - KEPT)
        # Names of the catalogue, quoted.
        counted = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables)  # noqa: S608
        cursor.execute(" UNION ALL ".join(counted))
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT json_agg(t)::text FROM "{table}" t')  # noqa: S608
            (found[table],) = cursor.fetchone()
    return found


def _writing(table: str, rows: str) -> str:
    """Return the statement that writes these rows of a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(column_name) FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER'",
            [table],
        )
        columns = ", ".join(column for (column,) in cursor.fetchall())
        cursor.execute("SELECT quote_literal(%s)", [rows])
        (literal,) = cursor.fetchone()
    return (
        f'INSERT INTO "{table}" ({columns}) '  # noqa: S608  # as above
        f'SELECT {columns} FROM json_populate_recordset(NULL::"{table}", {literal})'
    )
