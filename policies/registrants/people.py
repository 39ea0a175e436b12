"""Names of people, as typed and as on file, compared.

Accents, case, hyphens, titles, and credentials don't count; a middle name may be missing or be an initial. First and
last name must be whole. The date of birth tells namesakes apart, so a suffix counts only if both have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nameparser import HumanName
from nameparser.config import CONSTANTS

from policies.names import fold

# What follows a name on a license, as words of a folded name: 'md', 'facs'; 'jr' tells people apart.
_CREDENTIALS = frozenset(
    word
    for entry in (*CONSTANTS.suffix_acronyms, *CONSTANTS.suffix_not_acronyms)
    for word in (fold(entry), fold(entry).replace(" ", ""))
    if word and " " not in word
) | frozenset("aprn arnp bc chs cnm cnp crna dds dmd dnap dpm fnp lcsw lmft pac pharmd pmhnp pnp psyd rph".split())
_TITLES = frozenset(fold(title) for title in ("dr", "doctor", "prof", "professor", "mr", "mrs", "ms", "miss", "mx"))
_GENERATIONS = {"jr": "2", "junior": "2", "ii": "2", "2nd": "2", "sr": "1", "senior": "1", "i": "1", "iii": "3"}
_GENERATIONS |= {"3rd": "3", "iv": "4", "4th": "4", "v": "5", "5th": "5"}
# Nobody has a name of more words; the rest of a longer text isn't read.
_WORDS = 16


@dataclass(frozen=True, slots=True)
class FiledName:
    """A person's name on file, in its parts."""

    first: str
    middle: str
    last: str
    suffix: str = ""

    @classmethod
    def of(cls, name: str) -> FiledName:
        """Read a name that is on file as one text: 'Mia Lund, MD'."""
        read = HumanName(name)
        return cls(str(read.first), str(read.middle), str(read.last), str(read.suffix))


def is_credential(word: str) -> bool:
    """Whether a folded word is what follows a name on a license: 'md', 'facs'."""
    return word in _CREDENTIALS


def is_generation(word: str) -> bool:
    """Whether a folded word tells namesakes of a family apart: 'jr', 'iii'."""
    return word in _GENERATIONS


def is_same_person(typed: str, filed: FiledName) -> bool:
    """Whether a typed name is the one on file."""
    last = _joined(filed.last)
    given = tuple(fold(f"{filed.first} {filed.middle}").split())
    if not last or not given:
        return False
    suffix = _generation(fold(filed.suffix).split())
    return any(_fits(words, last, given, suffix) for words in _readings(typed))


def _fits(words: Sequence[str], last: str, given: Sequence[str], suffix: str) -> bool:
    """Whether the words are given names, then the last name, then nothing but credentials."""
    for start in range(1, len(words)):
        for end in range(start + 1, len(words) + 1):
            if "".join(words[start:end]) != last:
                continue
            rest = words[end:]
            if all(word in _CREDENTIALS or word in _GENERATIONS or len(word) == 1 for word in rest):
                typed_suffix = _generation(rest)
                if _given_fit(words[:start], given) and (not suffix or not typed_suffix or suffix == typed_suffix):
                    return True
    return False


def _given_fit(typed: Sequence[str], filed: Sequence[str]) -> bool:
    """Whether two people's given names may be one person's: the first ones are the same, written in one word or in
    two, and of further ones, each is missing on one side, the same, or its initial."""
    for here in range(1, len(typed) + 1):
        for there in range(1, len(filed) + 1):
            if "".join(typed[:here]) == "".join(filed[:there]) and _further_fit(typed[here:], filed[there:]):
                return True
    return False


def _further_fit(one: Sequence[str], other: Sequence[str]) -> bool:
    return all(
        a == b or (len(a) == 1 and b.startswith(a)) or (len(b) == 1 and a.startswith(b))
        for a, b in zip(one, other, strict=False)
    )


@lru_cache(maxsize=8)
def _readings(typed: str) -> tuple[tuple[str, ...], ...]:
    """Return the orders in which a typed name can be read, each as folded words, first name first."""
    return tuple(dict.fromkeys(words[:_WORDS] for words in _all_readings(typed)))


def _all_readings(typed: str) -> Iterator[tuple[str, ...]]:
    text = typed.replace("\u2019", "'")
    yield _plain(text)
    # 'Núñez, Ana M., MD': the last name comes first.
    before, comma, after = text.partition(",")
    if comma:
        yield _plain(f"{after} {before}")
        middle, _, rest = after.partition(",")
        yield _plain(f"{middle} {before} {rest}")
    # Titles, nicknames in quotes, and credentials in other places.
    read = HumanName(text)
    yield _plain(" ".join((read.first, read.middle, read.last, read.suffix)))


def _plain(text: str) -> tuple[str, ...]:
    words = fold(text).split()
    while len(words) > 2 and words[0] in _TITLES:
        words = words[1:]
    return tuple(words)


def _generation(words: Sequence[str]) -> str:
    """Return which of the name it is, '2' for Jr. and II, or an empty string."""
    return next((_GENERATIONS[word] for word in words if word in _GENERATIONS), "")


def _joined(name: str) -> str:
    return fold(name).replace(" ", "")
