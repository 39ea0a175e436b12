"""The same form sent twice gives the same row (docs/architecture.md#data).

A form that creates something inherits `IdempotentForm`; its model has a `UUIDField` named `idempotency_key` under a
unique constraint together with the user, and the view's verb goes through `create_once`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TypeVar

from django import forms
from django.db import IntegrityError, models, transaction

Row = TypeVar("Row", bound=models.Model)


class IdempotentForm(forms.Form):
    """A form that carries a hidden random key, made when the form is first shown and kept when it is shown again."""

    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=True)


def create_once(rows: models.QuerySet[Row], *, key: uuid.UUID, create: Callable[[], Row]) -> tuple[Row, bool]:
    """Return the row that this key made, or the one that `create` makes now; (row, whether it is new).

    `rows` is scoped to the user. `create` must store the key. Two requests at once: the database lets one insert win,
    the other reads what the first stored.
    """
    existing = rows.filter(idempotency_key=key).first()
    if existing is not None:
        return existing, False
    try:
        with transaction.atomic():
            return create(), True
    except IntegrityError:
        winner = rows.filter(idempotency_key=key).first()
        if winner is None:
            raise
        return winner, False
