"""Who each row of a roster is: matched with those insured by NPI, license, name, and date of birth, in this order
(docs/decisions/0237-how-a-roster-is-matched.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from policies.names import fold
from policies.rosters.columns import Field
from policies.rosters.current import license_key, name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.rosters.current import Current
    from policies.rosters.table import Table

MOST_CANDIDATES = 5


class By(StrEnum):
    """What a row was recognized by, the surest first."""

    NPI = "NPI and name"
    LICENSE = "license and name"
    BIRTH = "name and date of birth"
    NAME = "name"
    DECISION = "your decision"
    NOTHING = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Someone insured who may be the person of a row, and what speaks for or against it. `place`: in `Current`."""

    place: int
    why: str


@dataclass
class Matches:
    """For each row the place of the person in `Current`, or -1; who may be the one, of doubtful rows; and rows that
    name a person again, with the row that does so first."""

    places: list[int]
    by: dict[int, By] = field(default_factory=dict)
    doubtful: dict[int, list[Candidate]] = field(default_factory=dict)
    again: dict[int, int] = field(default_factory=dict)


def match(table: Table, current: Current, *, decided: dict[int, str]) -> Matches:
    """Return who each row is. `decided`: what the user said of a row: the public id of the person, or nothing for
    someone new."""
    places = _by_npi(table, current)
    matches = Matches(places)
    _check_names(table, current, matches)
    rest = [row for row, place in enumerate(places) if place < 0 and row not in matches.doubtful]
    if rest:
        search = _Search(table, current, rest, taken=set(places))
        for row in rest:
            search.settle(row, matches)
    ids = {public_id: place for place, public_id in enumerate(current.of("public_id"))} if decided else {}
    for row, public_id in decided.items():
        if not public_id:
            places[row] = -1
            matches.doubtful.setdefault(row, [])
        elif public_id in ids:
            places[row] = ids[public_id]
            matches.by[row] = By.DECISION
    _find_repeated(table, matches)
    return matches


def _by_npi(table: Table, current: Current) -> list[int]:
    npis = table.columns.get(Field.NPI)
    if npis is None:
        return [-1] * len(table)
    by_npi = current.by_npi
    return [by_npi.get(npi, -1) for npi in npis]


def _check_names(table: Table, current: Current, matches: Matches) -> None:
    """Take back an NPI's match if the name is quite another one: the NPI may be someone else's."""
    last, first = table.columns[Field.LAST], table.columns[Field.FIRST]
    last_on_file, first_on_file = current.of("last_name"), current.of("first_name")
    for row, place in enumerate(matches.places):
        if place >= 0 and not (last[row] == last_on_file[place] and first[row] == first_on_file[place]):
            agrees = _agrees(last[row], last_on_file[place]) or _agrees(first[row], first_on_file[place])
            if not agrees and (last[row] or first[row]):
                matches.places[row] = -1
                matches.doubtful[row] = [Candidate(place, "Has this NPI, but another name.")]


class _Search:
    """The search for rows that no NPI settles: `rest`. `taken`: places that NPIs have settled."""

    def __init__(self, table: Table, current: Current, rest: list[int], *, taken: set[int]) -> None:
        self._table, self._current = table, current
        self._births = {row: table.birth_hash(row) for row in rest}
        self._by_birth = current.by_birth(set(self._births.values()) - {""})
        self._licenses = {row: _license_of(table.at(Field.LICENSE, row)) for row in rest}
        self._by_license = current.by_license(set(self._licenses.values()) - {""})
        # Spaces in names are found only among those who are left: 'De La Cruz', 'Delacruz'.
        self._left: dict[str, list[int]] = {}
        lasts, firsts = current.of("last_name"), current.of("first_name")
        for place in set(range(len(current))) - taken:
            self._left.setdefault(name_key(lasts[place], firsts[place]), []).append(place)

    def settle(self, row: int, matches: Matches) -> None:
        """Say who a row is, or who it may be."""
        table, current = self._table, self._current
        last, first, birth = table.at(Field.LAST, row), table.at(Field.FIRST, row), self._births[row]
        found = sorted(set(self._by_license.get(self._licenses[row], ())))
        by_name = self._named(last, first)
        births = current.of("date_of_birth_hash")
        same_birth = [place for place in by_name if birth and births[place] == birth]
        if len(found) == 1:
            place = found[0]
            if _agrees(last, current.of("last_name")[place]) or _agrees(first, current.of("first_name")[place]):
                matches.places[row], matches.by[row] = place, By.LICENSE
            else:
                matches.doubtful[row] = [Candidate(place, "Has this license number, but another name.")]
        elif len(same_birth) == 1:
            matches.places[row], matches.by[row] = same_birth[0], By.BIRTH
        elif by_name:
            against = [self._against(row, place) for place in by_name]
            if len(by_name) == 1 and not against[0]:
                matches.places[row], matches.by[row] = by_name[0], By.NAME
            else:
                reasons = [why or "Has the same name." for why in against]
                matches.doubtful[row] = _some(map(Candidate, by_name, reasons))
        elif similar := list(self._similar(row)):
            matches.doubtful[row] = _some(similar)

    def _named(self, last: str, first: str) -> list[int]:
        if not last or not first:
            return []
        return sorted({*self._current.named(last, first), *self._left.get(name_key(last, first), ())})

    def _against(self, row: int, place: int) -> str:
        """Say what speaks against a namesake: another NPI or date of birth than ours."""
        npi, ours = self._table.at(Field.NPI, row), self._current.of("npi")[place]
        if npi and ours and npi != ours:
            return f"Has the same name, but another NPI, {ours}."
        birth, on_file = self._births[row], self._current.of("date_of_birth_hash")[place]
        if birth and on_file and birth != on_file:
            return "Has the same name, but another date of birth."
        return ""

    def _similar(self, row: int) -> Iterable[Candidate]:
        """Yield who may have changed a name, or is written in another way. Two NPIs are two people."""
        table, current = self._table, self._current
        last, first = fold(table.at(Field.LAST, row)), fold(table.at(Field.FIRST, row))
        npi, npis = table.at(Field.NPI, row), current.of("npi")
        lasts, firsts = current.of("last_name"), current.of("first_name")
        seen = set()
        for place in self._by_birth.get(self._births[row], ()):
            if (fold(lasts[place]) == last or fold(firsts[place]) == first) and not (npi and npis[place]):
                seen.add(place)
                yield Candidate(place, "Has the same date of birth, and part of the name.")
        for place in current.named(last) if last else ():
            theirs = fold(firsts[place])
            alike = bool(first and theirs) and (theirs.startswith(first[:3]) or first.startswith(theirs[:3]))
            if alike and place not in seen and not (npi and npis[place]):
                yield Candidate(place, "Has the same last name, and a similar first name.")


def _license_of(text: str) -> str:
    """Return a license as `Current.by_license` knows it."""
    state, _, number = text.partition(" ")
    key = license_key(number)
    return f"{state} {key}" if state and key else key


def _some(candidates: Iterable[Candidate]) -> list[Candidate]:
    return list(candidates)[:MOST_CANDIDATES]


def _agrees(one: str, other: str) -> bool:
    """Whether two names are the same, or one is the other's beginning: 'Kate' and 'Katherine' are not, 'J.' and 'Jo'
    are."""
    first, second = fold(one).replace(" ", ""), fold(other).replace(" ", "")
    return bool(first and second) and (first.startswith(second) or second.startswith(first))


def _find_repeated(table: Table, matches: Matches) -> None:
    """Note the rows that name someone again: of several, the first one is right."""
    if min(matches.places, default=-1) >= 0 and len(set(matches.places)) == len(matches.places):
        return
    seen: dict[object, int] = {}
    npis = table.columns.get(Field.NPI)
    for row, place in enumerate(matches.places):
        if place >= 0:
            key: object = place
        elif npis is not None and npis[row]:
            key = npis[row]
        elif table.at(Field.BIRTH, row):
            names = name_key(table.at(Field.LAST, row), table.at(Field.FIRST, row))
            key = f"{names}|{table.at(Field.BIRTH, row)}"
        else:
            continue
        first = seen.setdefault(key, row)
        if first != row:
            matches.again[row] = first
