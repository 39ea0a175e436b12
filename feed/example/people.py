"""Synthetic people, groups and addresses, drawn from a generator of chance that the caller seeds."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeVar

from feed.example.words import (
    FIRST_NAMES,
    GROUP_PLACES,
    INITIALS,
    LAST_NAMES,
    LONG_GROUP,
    LONG_LAST_NAMES,
    MULTISPECIALTY,
    PHYSICIANS,
    STREETS,
    SUFFIXES,
    SUITES,
    Practice,
    Specialty,
    State,
)

T = TypeVar("T")
# Letters that have no accent to take off.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "đ": "d", "’": ""})
_NOT_LETTER = re.compile(r"[^a-z0-9]+")
DAYS_IN_YEAR = 365.25


def pick(rng: Random, choices: Sequence[T]) -> T:
    """One of the choices; quicker than `Random.choice`, and a book of a million people notices."""
    return choices[int(rng.random() * len(choices))]


def drawn(rng: Random, shares: Sequence[tuple[str, float]]) -> str:
    """One of the names, by its share of one; the first where rounding leaves a rest."""
    chance = rng.random()
    for name, share in shares:
        if chance < share:
            return name
        chance -= share
    return shares[0][0]


class Address(NamedTuple):
    """address1, address2, city, state, zip: as the columns of the feed."""

    address1: str
    address2: str
    city: str
    state: str
    zip: str


class Person(NamedTuple):
    """A clinician."""

    first: str
    middle: str
    last: str
    suffix: str
    specialty: Specialty
    born: dt.date
    joined: dt.date

    @property
    def name(self) -> str:
        """As on the license."""
        parts = (self.first, self.middle, self.last, self.suffix)
        return " ".join(part for part in parts if part)


def plain(text: str) -> str:
    """A name as it stands in a mail address: letters without accents, the rest as dots."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
    return _NOT_LETTER.sub(".", folded.translate(_PLAIN)).strip(".") or "x"


def address(rng: Random, state: State) -> Address:
    """An address in the state."""
    town, zip3 = pick(rng, state.towns)
    number = 1 + int(rng.random() * 980)
    code = f"{zip3}{int(rng.random() * 100):02}"
    zip_code = f"{code}-{int(rng.random() * 10_000):04}" if rng.random() < 0.2 else code
    return Address(f"{number} {pick(rng, STREETS)}", pick(rng, SUITES), town, state.code, zip_code)


def phone(rng: Random, state: State) -> str:
    """A telephone number that is kept for fiction: 555-0100 to 555-0199."""
    return f"({state.area}) 555-01{int(rng.random() * 100):02}"


def person(rng: Random, specialties: Sequence[Specialty], today: dt.date) -> Person:
    """A clinician of 28 to 75 years, in practice for up to 40."""
    age = 28 + rng.random() * 47
    practised = rng.random() ** 2 * min(40.0, age - 27)
    last = pick(rng, LAST_NAMES)
    chance = rng.random()
    if chance < 0.06:
        last = f"{last}-{pick(rng, LAST_NAMES)}"
    elif chance < 0.065:
        last = pick(rng, LONG_LAST_NAMES)
    joined = today - dt.timedelta(days=int(practised * DAYS_IN_YEAR) + 40)
    # Retroactive dates begin with a month.
    return Person(
        first=pick(rng, FIRST_NAMES),
        middle=f"{pick(rng, INITIALS)}." if rng.random() < 0.45 else "",
        last=last,
        suffix=pick(rng, SUFFIXES) if rng.random() < 0.03 else "",
        specialty=pick(rng, specialties),
        born=today - dt.timedelta(days=int(age * DAYS_IN_YEAR)),
        joined=joined.replace(day=1),
    )


def group_name(rng: Random, practice: Practice, number: int) -> str:
    """A group's name, which says what it practices; one in a hundred is as long as names get."""
    place = pick(rng, GROUP_PLACES)
    return LONG_GROUP if practice is MULTISPECIALTY and number % 9 == 7 else f"{place} {practice.kind}"


def license_number(rng: Random, state: State, specialty: Specialty) -> str:
    """A number as that state's board writes them."""
    form = state.license if specialty in PHYSICIANS else state.other_license
    return "".join(str(int(rng.random() * 10)) if letter == "#" else letter for letter in form)


def npi(number: int) -> str:
    """Ten digits that are nobody's NPI: a real one begins with 1 or 2."""
    return f"0{number % 1_000_000_000:09}"
