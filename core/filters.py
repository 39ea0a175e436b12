"""The filter that lists share: a search text and a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django import forms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

LONGEST_SEARCH = 100


class StatusSearchFilter(django_filters.FilterSet):
    """`?q=` a text, `?status=` one of `STATUSES` (code and label, in the order of their tabs); empty: everything.

    An area gives its list's `STATUSES`, `by_text`, and `by_status`.
    """

    STATUSES: Sequence[tuple[str, str]] = ()

    q = django_filters.CharFilter(
        method="by_text",
        max_length=LONGEST_SEARCH,
        error_messages={"max_length": "Enter up to %(limit_value)d characters."},
        widget=forms.TextInput,
    )
    status = django_filters.ChoiceFilter(
        choices=list,
        method="by_status",
        error_messages={"invalid_choice": "Choose one of the statuses above."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["status"].field.choices = self.STATUSES

    def by_text(self, rows: Any, name: str, text: str) -> QuerySet[Any]:
        """Return the rows that the text finds."""
        raise NotImplementedError

    def by_status(self, rows: Any, name: str, status: str) -> QuerySet[Any]:
        """Return the rows of that tab."""
        raise NotImplementedError
