"""The support desk, admin's start page: what each admin page reports there (docs/staff.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeskItem:
    """One report on the desk: a title, its state in a few words, and the list that it counts.

    `lines` are rows to open at once, each a label and an address. `needs_work` marks what someone should look into.
    """

    title: str
    state: str
    href: str = ""
    needs_work: bool = False
    lines: tuple[tuple[str, str], ...] = ()


def counted(title: str, count: int, href: str, *, lines: tuple[tuple[str, str], ...] = ()) -> DeskItem:
    """Return the report of a list that should be empty."""
    if not count:
        return DeskItem(title, "None")
    return DeskItem(title, str(count), href, needs_work=True, lines=lines)
