"""Cells that a spreadsheet program takes as text, whatever is in them."""

from __future__ import annotations

# What starts a formula or a command in one program or another, full-width forms included.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def text_cell(value: str) -> str:
    """Return a value for a cell of a CSV file, with an apostrophe before what would be run as a formula (CWE-1236)."""
    return f"'{value}" if value.lstrip(" ").startswith(_STARTS) else value
