"""Codes that people read, type, and say on the phone: Crockford's base 32, without letters that read like a digit."""

from __future__ import annotations

import secrets

# 32 symbols, 5 random bits each.
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP = 4
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})


def draw(length: int) -> str:
    """Return a random code of so many symbols."""
    return "".join(secrets.choice(SYMBOLS) for _ in range(length))


def in_groups(code: str) -> str:
    """Return a code as it is printed: "K7QM-2XWD"."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def normalize(typed: str) -> str:
    """Return a code as it was drawn, from however it was typed: case, spaces, and dashes don't count, and an O is a
    zero."""
    return "".join(character for character in typed.upper() if character.isalnum()).translate(_READ_AS)
