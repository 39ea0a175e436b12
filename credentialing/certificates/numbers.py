"""Serial numbers and verification codes: random, in an alphabet that people can read aloud and type."""

from __future__ import annotations

import secrets

# Digits and capitals without 0, 1, I, O and U. 31 is a prime, which lets the check character find every single wrong
# character and every swapped pair.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTVWXYZ"
SERIAL_LENGTH = 8
CODE_LENGTH = 20


def new_serial(prefix: str, year: int) -> str:
    """Return a serial number, 'COI-2026-7KQ4M2XDW': prefix, year, 8 random characters (39 bits), and a check character.

    It doesn't tell how many there are. The database keeps it unique; the caller tries again on a clash.
    """
    body = _random(SERIAL_LENGTH)
    return f"{prefix}-{year}-{body}{check_character(body)}"


def new_verification_code() -> str:
    """Return a verification code: 20 random characters (99 bits) in groups of four: '7KQM-4XDR-PHT2-W9BC-3FYN'."""
    code = _random(CODE_LENGTH)
    return "-".join(code[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def check_character(body: str) -> str:
    """Return the character that makes the weighted sum of `body` a multiple of 31.

    Raises ValueError for a character outside the alphabet.
    """
    total = sum(weight * ALPHABET.index(char) for weight, char in enumerate(body, start=2))
    return ALPHABET[-total % len(ALPHABET)]


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
