"""Passwords that attackers try first: a bundled list, and a large one that the carrier may add. Both work offline
(docs/decisions/0076-breached-passwords.md)."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import BinaryIO

import structlog
from django.conf import settings
from django.contrib.auth import password_validation

from accounts.passwords.folding import cores, fold

log = structlog.get_logger(__name__)

# With fewer characters than this around it, a listed password is still the one that is tried first.
ADDED = 8
# A shorter core needs more added to it than that to make 12 characters: the list leaves it out.
SHORTEST_CORE = 5
# A line of the large list is a SHA-1 in hexadecimal, maybe with ":" and a count.
DIGITS = 40
_LONGEST_LINE = 80
_SAMPLES = 1_000


@cache
def bundled() -> frozenset[str]:
    """Return the listed passwords, folded: Django's 20,000 and zxcvbn's 30,000 most common ones."""
    # 12 MB, which workers do without.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    path = Path(password_validation.__file__).parent / "common-passwords.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        listed = {line.strip() for line in lines} | set(FREQUENCY_LISTS["passwords"])
    return frozenset(folded for folded in map(fold, listed) if len(folded) >= SHORTEST_CORE)


def is_bundled(password: str) -> bool:
    """Whether a password is a listed one, whatever its case, accents, and look-alikes, even if it's repeated, or fewer
    than 8 digits and symbols are added at its ends."""
    listed = bundled()
    return any(core in listed and added < ADDED for core, added in cores(fold(password)).items())


def is_in_large_list(password: str) -> bool:
    """Whether a password is in the file of `settings.BREACHED_PASSWORDS_FILE`, if there is one.

    A file that can't be read is logged and refuses nothing: the bundled list still holds.
    """
    if not settings.BREACHED_PASSWORDS_FILE:
        return False
    sought = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        with Path(settings.BREACHED_PASSWORDS_FILE).open("rb") as lines:
            return _holds(lines, sought)
    except OSError:
        log.exception("breached_passwords_unreadable")
        return False


def _holds(lines: BinaryIO, sought: bytes) -> bool:
    """Search a sorted file by halves: about 35 reads in one of 40 GB, and nothing is kept in memory."""
    low, high = 0, lines.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        start, line = _line_from(lines, middle)
        if not line or start >= high:
            high = middle
            continue
        found = line[:DIGITS].upper()
        if found == sought:
            return True
        if found < sought:
            low = start + len(line)
        else:
            high = middle
    return False


def _line_from(lines: BinaryIO, place: int) -> tuple[int, bytes]:
    """Return the first whole line that begins at a place or behind it, and where it begins."""
    lines.seek(max(0, place - 1))
    if place > 0:
        lines.readline(_LONGEST_LINE)
    return lines.tell(), lines.readline(_LONGEST_LINE)


def fault_of_large_list(path: str) -> str:
    """Return why a file can't be used as the large list, or an empty string. It reads a thousand lines spread over the
    file, not all of it."""
    try:
        with Path(path).open("rb") as lines:
            size = lines.seek(0, 2)
            before = b""
            for sample in range(_SAMPLES):
                start, line = _line_from(lines, size * sample // _SAMPLES)
                digest = line[:DIGITS].upper()
                if line and not _is_digest(line):
                    return f"The line at byte {start} doesn't begin with a SHA-1 of 40 hexadecimal digits."
                if line and digest < before:
                    return f"The line at byte {start} is out of order: sort the file by hash."
                before = digest or before
    except OSError as error:
        return f"The file can't be read ({type(error).__name__})."
    return "" if before else "The file is empty."


def _is_digest(line: bytes) -> bool:
    try:
        bytes.fromhex(line[:DIGITS].decode("ascii"))
    except ValueError:
        return False
    return len(line[:DIGITS].strip()) == DIGITS and line[DIGITS : DIGITS + 1] in (b"", b":", b"\r", b"\n")
