"""Addresses that every page or every row shows: `reverse()` once, the id of each row put in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import get_script_prefix, get_urlconf, reverse

from core.converters import PUBLIC_ID_PLACE

if TYPE_CHECKING:
    from collections.abc import Callable


def address_of(name: str) -> str:
    """Return the address of a page without parameters. Asked of Django once per process."""
    return _reversed(get_urlconf() or settings.ROOT_URLCONF, get_script_prefix(), name, "")


def address_for(name: str) -> Callable[[str], str]:
    """Return what makes the address of a row of its public id: `address_for("area:page")(row.public_id)`."""
    pattern = _reversed(get_urlconf() or settings.ROOT_URLCONF, get_script_prefix(), name, PUBLIC_ID_PLACE)
    return lambda public_id: pattern.replace(PUBLIC_ID_PLACE, public_id)


@cache
def _reversed(_urlconf: str, _prefix: str, name: str, argument: str) -> str:
    """Kept for the addresses and the prefix that were in use."""
    return reverse(name, args=[argument] if argument else [])
