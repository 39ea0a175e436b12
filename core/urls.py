"""Addresses of many rows: `reverse()` once, the id of each row put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from core.converters import PUBLIC_ID_PLACE

if TYPE_CHECKING:
    from collections.abc import Callable


def address_for(name: str) -> Callable[[str], str]:
    """Return what makes the address of a row of its public id: `address_for("area:page")(row.public_id)`."""
    pattern = reverse(name, args=[PUBLIC_ID_PLACE])
    return lambda public_id: pattern.replace(PUBLIC_ID_PLACE, public_id)
