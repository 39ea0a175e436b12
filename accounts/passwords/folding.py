"""What two spellings of a password share, for comparison with lists and names."""

from __future__ import annotations

import re
import unicodedata

# What attackers' programs put for letters, undone. The digits 2, 6, and 9 are left out: they are mostly digits.
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s"})
_LEET_OF_L = str.maketrans({"1": "l", "!": "l", "|": "l"})
_SIGNS = str.maketrans({"@": "a", "$": "s", "!": "i"})
_EDGES = re.compile(r"^[^a-z]+|[^a-z]+$")


def fold(text: str) -> str:
    """Return a text without case, width, and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))


def unleet(text: str) -> set[str]:
    """Return the letters that a folded text may stand for: "p@55w0rd" is "password"."""
    return {text, text.translate(_LEET), text.translate(_LEET_OF_L).translate(_LEET), text.replace("!", "i")}


def cores(text: str) -> dict[str, int]:
    """Return what may be the core of a folded password, each with the number of characters added to it.

    That is the whole, and the whole without digits and symbols at its ends; either also with letters for look-alikes,
    and once where it's repeated.
    """
    found: dict[str, int] = {}
    for signed in (text, text.translate(_SIGNS)):
        for trimmed in (signed, _EDGES.sub("", signed)):
            for spelled in unleet(trimmed):
                for core in (spelled, _once(spelled)):
                    found.setdefault(core, len(text) - len(trimmed))
    return found


def _once(text: str) -> str:
    """Return the shortest part that gives the text when it's repeated: "abc" of "abcabcabc"."""
    place = (text + text).find(text, 1)
    return text[:place] if 0 < place < len(text) else text
