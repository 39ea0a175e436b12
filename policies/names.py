"""Names and numbers as people type them, folded to what they mean."""

from __future__ import annotations

import re
import unicodedata

# A name that is longer is in its place by its beginning.
SORT_KEY_LENGTH = 120
_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")
_NOT_WORD = re.compile(r"[^0-9a-z]+")
# The accents of Latin letters, once they are apart from them.
_MARKS = re.compile("[\u0300-\u036f]+")
# Letters that are one piece, not a letter and an accent, as people without such a key type them: 'Łukasz' is 'lukasz'.
_PLAIN = str.maketrans(
    {"ł": "l", "đ": "d", "ð": "d", "ø": "o", "ħ": "h", "ŧ": "t", "ı": "i", "ə": "e", "ŋ": "n"}
    | {"æ": "ae", "œ": "oe", "þ": "th"}
)


def normalize_number(number: str) -> str:
    """Return a policy number without spaces, dashes, and case (S-07): 'mpl-001 234' → 'MPL001234'."""
    return _NOT_ALNUM.sub("", number.upper())


def fold(name: str) -> str:
    """Return a name without accents, case, and punctuation, one space between words: 'Núñez, José' → 'nunez jose'."""
    if name.isascii():
        # Most names are ASCII, and a book has hundreds of thousands.
        return " ".join(_NOT_WORD.sub(" ", name.lower()).split())
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", name))
    if not plain.isascii():
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(_NOT_WORD.sub(" ", plain.casefold().translate(_PLAIN)).split())


def sort_key(last_name: str, name: str, first_name: str, middle_name: str) -> str:
    """Return the place of a person or an entity in a list by name: 'Núñez, Ana M.' → 'nunez ana m'."""
    return fold(f"{last_name} {name} {first_name} {middle_name}")[:SORT_KEY_LENGTH]
