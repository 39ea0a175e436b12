"""Invented people, groups, addresses, and numbers, drawn from a random generator that the caller seeds."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeVar

from feed.example.names import INITIALS, LONG_LAST_NAMES, POOLS, SUFFIXED, SUFFIXES, Pool
from feed.example.practices import MULTISPECIALTY, PHYSICIAN_CODES, Practice, Specialty
from feed.example.states import State
from feed.example.words import GROUP_PLACES, LONG_GROUP, STREETS, SUITES, Address

T = TypeVar("T")
# Letters that have no accent to remove.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "đ": "d", "ı": "i", "’": ""})
_NOT_LETTER = re.compile(r"[^a-z0-9]+")
DAYS_IN_YEAR = 365.25
# Youngest clinicians: physicians finish training later than nurses and therapists.
YOUNGEST_PHYSICIAN, YOUNGEST, OLDEST = 31, 26, 74
# NPIs: clinicians numbered within their policy up to this, then a range for the members of very large groups.
NPIS_PER_POLICY, LARGE_GROUPS = 256, 90_000_000
NPI_RANGE = 100_000_000
# An odd number without the factor 5 maps the range onto itself, so neighbors don't look alike.
NPI_STEP = 38_274_917


def pick(rng: Random, choices: Sequence[T]) -> T:
    """Return one of the choices; faster than `Random.choice`, which shows in a book of a million people."""
    return choices[int(rng.random() * len(choices))]


def drawn(rng: Random, shares: Sequence[tuple[str, float]]) -> str:
    """Return one of the names by its share of 1, or the first where rounding leaves a remainder."""
    chance = rng.random()
    for name, share in shares:
        if chance < share:
            return name
        chance -= share
    return shares[0][0]


class Person(NamedTuple):
    """A clinician; `joined` is the retroactive date."""

    first: str
    middle: str
    last: str
    suffix: str
    credential: str
    specialty: Specialty
    born: dt.date
    joined: dt.date

    @property
    def name(self) -> str:
        """The name as on the license."""
        parts = (self.first, self.middle, self.last, self.suffix)
        return " ".join(part for part in parts if part)


def plain(text: str) -> str:
    """Return a name as used in an email address: letters without accents, and dots between words."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
    return _NOT_LETTER.sub(".", folded.translate(_PLAIN)).strip(".") or "x"


def address(rng: Random, state: State) -> Address:
    """Return an address in the state."""
    town, zip3 = pick(rng, state.towns)
    number = 1 + int(rng.random() * 980)
    code = f"{zip3}{int(rng.random() * 100):02}"
    zip_code = f"{code}-{int(rng.random() * 10_000):04}" if rng.random() < 0.2 else code
    return Address(f"{number} {pick(rng, STREETS)}", pick(rng, SUITES), town, state.code, zip_code)


def phone(rng: Random, state: State) -> str:
    """Return a phone number from the range reserved for fiction: 555-0100 to 555-0199."""
    return f"({state.area}) 555-01{int(rng.random() * 100):02}"


def _pool(rng: Random) -> Pool:
    chance = rng.random()
    for pool in POOLS:
        if chance < pool.share:
            return pool
        chance -= pool.share
    return POOLS[0]


def full_name(rng: Random) -> tuple[str, str]:
    """Return a first and a last name, mostly from one pool; a few last names are hyphenated or very long."""
    pool = _pool(rng)
    last = pick(rng, pool.last)
    first = pick(rng, pool.first if rng.random() < 0.8 else POOLS[0].first)
    chance = rng.random()
    if chance < 0.06:
        other = pick(rng, _pool(rng).last)
        last = f"{last}-{other}" if other != last else last
    elif chance < 0.065:
        last = pick(rng, LONG_LAST_NAMES)
    return first, last


def person(rng: Random, specialties: Sequence[Specialty], today: dt.date) -> Person:
    """Return a clinician who has practiced for up to 40 years."""
    specialty = pick(rng, specialties)
    youngest = YOUNGEST_PHYSICIAN if specialty.code in PHYSICIAN_CODES else YOUNGEST
    age = youngest + rng.random() * (OLDEST - youngest)
    practiced = rng.random() ** 2 * min(40.0, age - youngest + 1)
    first, last = full_name(rng)
    # Retroactive dates are the first of a month.
    joined = (today - dt.timedelta(days=int(practiced * DAYS_IN_YEAR) + 40)).replace(day=1)
    return Person(
        first=first,
        middle=f"{pick(rng, INITIALS)}." if rng.random() < 0.45 else "",
        last=last,
        suffix=pick(rng, SUFFIXES) if first in SUFFIXED and rng.random() < 0.1 else "",
        credential=pick(rng, specialty.credentials),
        specialty=specialty,
        born=today - dt.timedelta(days=int(age * DAYS_IN_YEAR)),
        joined=joined,
    )


def group_name(practice: Practice, number: int) -> str:
    """Return the name of the group with policy `number`: a place and what it practices, or a very long name."""
    if practice is MULTISPECIALTY and number % 9 == 7:
        return LONG_GROUP
    return f"{GROUP_PLACES[number % len(GROUP_PLACES)]} {practice.kind}"


def license_number(rng: Random, state: State, credential: str) -> str:
    """Return a license number as the state's board writes them."""
    form = state.license_form(credential)
    return "".join(str(int(rng.random() * 10)) if letter == "#" else letter for letter in form)


def npi(policy: int, member: int) -> str:
    """Return an invented NPI: it begins with 0, which no real one does, and its check digit is right."""
    number = policy * NPIS_PER_POLICY + member if member < NPIS_PER_POLICY else LARGE_GROUPS + member
    digits = f"0{number * NPI_STEP % NPI_RANGE:08}"
    return f"{digits}{check_digit(digits)}"


def check_digit(digits: str) -> int:
    """Return an NPI's check digit: Luhn's, over its nine digits after the prefix 80840 (45 CFR 162.406)."""
    # The prefix adds 24 to the sum.
    total = 24
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10
