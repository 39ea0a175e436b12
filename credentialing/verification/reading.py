"""What people type, paste, or scan to name a paper: its code, its serial number, or the fingerprint of its file."""

from __future__ import annotations

import re

from credentialing.certificates.numbers import ALPHABET, CODE_LENGTH, SERIAL_LENGTH, check_character

# People take characters that the alphabet leaves out for these.
MISTAKEN = str.maketrans({"O": "Q", "0": "Q", "I": "L", "1": "L", "U": "V"})
# The longest text that is looked at: an address with the code in it.
LONGEST = 300
_IN_ADDRESS = re.compile(r"/verify/([^/?#\s]+)")
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
_SERIAL = re.compile(rf"([A-Z]{{2,4}})([0-9]{{4}})([0-9A-Z]{{{SERIAL_LENGTH + 1}}})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_code(typed: str) -> str | None:
    """Return the code as it is stored, '7KQM-4XDR-PHT2-W9BC-3FYN', from any spelling of it, or from the address with
    it; None where it can't be one."""
    text = typed[:LONGEST]
    if address := _IN_ADDRESS.search(text):
        text = address[1]
    code = _SEPARATORS.sub("", text).upper().translate(MISTAKEN)
    if len(code) != CODE_LENGTH or not set(code) <= set(ALPHABET):
        return None
    return "-".join(code[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def read_serial(typed: str) -> str | None:
    """Return the serial number as it is stored, 'COI-2026-7KQ4M2XDW', from any spelling of it; None where it can't be
    one, or where a character of it is wrong."""
    found = _SERIAL.fullmatch(_SEPARATORS.sub("", typed[:LONGEST]).upper())
    if found is None:
        return None
    body = found[3].translate(MISTAKEN)
    if not set(body) <= set(ALPHABET) or check_character(body[:-1]) != body[-1]:
        return None
    return f"{found[1]}-{found[2]}-{body}"


def read_fingerprint(typed: str) -> str | None:
    """Return a SHA-256 in lowercase hex; None where it isn't one."""
    text = typed.strip().lower()
    return text if _SHA256.fullmatch(text) else None
