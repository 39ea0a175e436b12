"""Inserting many rows of a table of `core` by one statement, for the carrier feed."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models


def insert_sql(model: type[models.Model], columns: Mapping[str, str], found: str) -> str:
    """Return an INSERT of one row for each row of the query `found`.

    columns: an SQL expression for each column that isn't left at its empty value (NULL, an empty text, 0, false); none
    of them is a foreign key. Raises ValueError for a column that needs a value and has none.
    """
    values = {}
    for field in model._meta.concrete_fields:
        if field.name in columns:
            values[field.name] = columns[field.name]
        elif not (field.primary_key or field.null):
            values[field.name] = _empty(field)
    names, expressions = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO {model._meta.db_table} ({names}) SELECT {expressions} FROM ({found}) found"  # noqa: S608


def _empty(field: models.Field[object, object]) -> str:
    if isinstance(field, models.BooleanField):
        return "false"
    if isinstance(field, models.IntegerField):
        return "0"
    if isinstance(field, models.CharField):
        return "''"
    raise ValueError(f"{field.model.__name__}.{field.name} needs a value.")
