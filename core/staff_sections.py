"""Sections of an account's page in admin: each area adds what staff should know and may do there.

An area lists providers in its `AreaConfig.user_sections`. A provider is called with the request and the account; it
asks for the rights that its section needs, and returns None where there is nothing to show (docs/staff.md).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from core import areas

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class StaffAction:
    """A button of a section. It leads to a page that asks for a reason and acts by POST."""

    label: str
    href: str
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a section's table."""

    label: str
    value: Any
    href: str = ""

    @classmethod
    def of(cls, label: str, value: Any) -> Cell:
        """Return the cell of a value, or of a pair of label and address."""
        if isinstance(value, tuple):
            shown, href = value
            return cls(label, shown, href)
        return cls(label, value)

    @property
    def is_moment(self) -> bool:
        """Whether it is a point in time, shown in the reader's zone."""
        return isinstance(self.value, dt.datetime)


@dataclass(frozen=True, slots=True)
class StaffSection:
    """One section: a title, a table or a template of its own, and what staff may do.

    `columns` and `rows` make a table; a cell is text, a moment, or a pair of label and address. `empty` stands in for a
    table without rows. `template` with `context` replaces the table. The smallest `order` comes first: the page's own
    are at 10 to 60, recent events at 90.
    """

    title: str
    element_id: str
    order: int = 50
    columns: tuple[str, ...] = ()
    rows: Sequence[Sequence[Any]] = ()
    empty: str = ""
    note: str = ""
    actions: tuple[StaffAction, ...] = ()
    template: str = ""
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def cells(self) -> list[list[Cell]]:
        """Return the table's rows as the page shows them."""
        return [[Cell.of(label, value) for label, value in zip(self.columns, row, strict=True)] for row in self.rows]


Provider = Callable[["HttpRequest", "models.Model"], StaffSection | None]


def sections_of(request: HttpRequest, user: models.Model) -> list[StaffSection]:
    """Return the sections of an account's page that this member of staff may see, in their order."""
    providers: list[Provider] = [import_string(path) for area in areas.areas() for path in area.user_sections]
    found = [provider(request, user) for provider in providers]
    return sorted((section for section in found if section is not None), key=lambda section: section.order)
