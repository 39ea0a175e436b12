"""A roster beside who is insured: who is new, gone, changed, or in doubt, and which cells are wrong (B-06).

Nothing of it is stored: it is made for each page, from the file's cells, our records of the moment, and what the user
has decided, so that it can't be out of date.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

from policies.rosters import matching
from policies.rosters.columns import LABELS, Columns, Field
from policies.rosters.current import COMPARED, Current, roster_on
from policies.rosters.matching import By, Matches
from policies.rosters.table import Fault, Table, check_new_npi, table_of
from policies.rosters.values import SAME

if TYPE_CHECKING:
    from policies.models import Term
    from policies.rosters.reading import Sheet

SKIP, NEW, KEEP, SAME_AS = "skip", "new", "keep", "same:"
AGAIN = "again:"
CLAIMS_MADE = "claims_made"


class Kind(StrEnum):
    """What a line of a comparison is; in the order in which they're worked through."""

    FAULT = "errors"
    DOUBTFUL = "doubtful"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs: what we have, and what the file has."""

    field: Field
    old: str
    new: str

    @property
    def label(self) -> str:
        return LABELS[self.field]


@dataclass(frozen=True, slots=True)
class Other:
    """Someone insured who may be the person of a doubtful row."""

    public_id: str
    name: str
    facts: tuple[tuple[str, str], ...]
    why: str


@dataclass(slots=True)
class Line:
    """One person of the comparison. `row`: the place in the table, `number`: that in the file; None for who isn't in
    it. `ours`: the place in our records, or None. `decision`: what the user decided, `skip` and `keep` leave it out.
    `ends`: the last day that the file gives; `starts`: the first."""

    kind: Kind
    name: str
    row: int | None = None
    number: int | None = None
    ours: int | None = None
    public_id: str = ""
    by: By = By.NOTHING
    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    others: tuple[Other, ...] = ()
    starts: str = ""
    ends: str = ""
    tail: bool = False
    note: str = ""
    decision: str = ""

    @property
    def is_left_out(self) -> bool:
        """Whether it isn't sent: the user left it out."""
        return self.decision in (SKIP, KEEP)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do about it before the request can be sent."""
        return self.is_left_out or (self.kind == Kind.DOUBTFUL and bool(self.decision))

    @property
    def is_new(self) -> bool:
        """Whether the user said that a doubtful row is someone new."""
        return self.decision == NEW

    @property
    def same_as(self) -> str:
        """The public id of the person that the user said it is."""
        return self.decision.removeprefix(SAME_AS) if self.decision.startswith(SAME_AS) else ""


@dataclass
class Comparison:
    """A roster beside our records. `unchanged`: how many are the same on both sides; `gone`: rows of people who left
    before, and aren't insured."""

    table: Table
    current: Current
    lines: dict[Kind, list[Line]] = field(default_factory=lambda: defaultdict(list))
    unchanged: int = 0
    gone: int = 0
    # Rows that name someone again, with the row that does so first.
    again: dict[int, int] = field(default_factory=dict)

    def count(self, kind: Kind) -> int:
        return len(self.lines[kind])

    def open_count(self, kind: Kind) -> int:
        """Return how many lines of a kind count: those that aren't left out, and of errors and doubts, those that wait
        for the user."""
        asks = kind in (Kind.FAULT, Kind.DOUBTFUL)
        return sum(not (line.is_settled if asks else line.is_left_out) for line in self.lines[kind])

    def sent(self, kind: Kind) -> list[Line]:
        """Return the lines that a request asks for."""
        return [line for line in self.lines[kind] if not line.is_left_out]

    @property
    def waits(self) -> bool:
        """Whether errors or doubts are left."""
        return bool(self.open_count(Kind.FAULT) or self.open_count(Kind.DOUBTFUL))

    @property
    def asks(self) -> int:
        """How many changes a request would ask for."""
        return sum(self.open_count(kind) for kind in (Kind.ADDED, Kind.REMOVED, Kind.CHANGED))

    @property
    def left_out(self) -> int:
        """How many lines the user left out."""
        return sum(line.is_left_out for lines in self.lines.values() for line in lines)

    @cached_property
    def mark(self) -> str:
        """A digest of everything that would be sent, so that nobody sends what they haven't seen."""
        digest = hashlib.sha256()
        for kind in Kind:
            for line in self.lines[kind]:
                seen = (
                    kind,
                    line.number,
                    line.public_id,
                    line.name,
                    line.changes,
                    line.starts,
                    line.ends,
                    line.decision,
                )
                digest.update(repr((*map(str, seen), len(line.faults))).encode())
        return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Against:
    """What a roster is compared with: the policy's `term`, on the day `today`. `everyone`: the file lists everybody, so
    that who isn't in it is gone."""

    term: Term
    today: dt.date
    everyone: bool = True


def compare(
    sheet: Sheet, columns: Columns, against: Against, decisions: Mapping[str, str], *, current: Current | None = None
) -> Comparison:
    """Return the comparison of a roster with our records of today. One query."""
    current = current if current is not None else roster_on(against.term, against.today)
    table = table_of(sheet, columns, today=against.today, term=against.term)
    decided = _decided(table, decisions)
    known = {row: said for row, said in decided.items() if said != SKIP}
    persons = {row: said.removeprefix(SAME_AS) if said != NEW else "" for row, said in known.items()}
    matches = matching.match(table, current, decided=persons)
    comparison = Comparison(table, current, again=matches.again)
    for row, first in matches.again.items():
        keys = (f"{AGAIN}{key}:{table.numbers[row]}" for key in table.keys(row))
        decided[row] = next((decisions[key] for key in keys if key in decisions), "")
        sentence = f"This is {table.name(row)} again, as in row {table.numbers[first]}. Leave one of them out."
        table.fault(Field.LAST, row, table.at(Field.LAST, row), sentence)
    changes = _changes(table, current, matches)
    ends = table.columns.get(Field.ENDS, ())
    special = {row for row, place in enumerate(matches.places) if place < 0}
    special |= changes.keys() | table.faults.keys() | decided.keys() | {row for row, last in enumerate(ends) if last}
    comparison.unchanged = len(table) - len(special)
    for row in sorted(special):
        _add_row(comparison, matches, row, changes.get(row, ()), decided.get(row, ""), against)
    if against.everyone:
        _add_removed(comparison, matches, decisions)
    return comparison


def person_key(public_id: str) -> str:
    """Return the key of what was decided about someone who isn't in the file."""
    return f"person:{public_id}"


def row_keys(comparison: Comparison, line: Line) -> list[str]:
    """Return what a decision about a row is kept under; of a row that names someone again, under keys of its own."""
    if line.row is None:
        return [person_key(line.public_id)]
    keys = comparison.table.keys(line.row)
    return [f"{AGAIN}{key}:{line.number}" for key in keys] if line.row in comparison.again else keys


def _decided(table: Table, decisions: Mapping[str, str]) -> dict[int, str]:
    """Return what was decided, by row: as often as the file is uploaded."""
    if all(key.startswith(("person:", AGAIN)) for key in decisions):
        return {}
    found = {}
    for row in range(len(table)):
        said = next((decisions[key] for key in table.keys(row) if key in decisions), "")
        if said:
            found[row] = said
    return found


def _changes(table: Table, current: Current, matches: Matches) -> dict[int, tuple[Change, ...]]:
    """Return what differs, by row: column by column, because almost every cell is the same on both sides."""
    rows = [row for row, place in enumerate(matches.places) if place >= 0]
    places = [matches.places[row] for row in rows]
    found: dict[int, list[Change]] = {}
    for of, name in COMPARED.items():
        column = table.columns.get(of)
        if column is None:
            continue
        file, ours = _in(column, rows), _in(current.of(name), places)
        if file == ours:
            continue
        same, judged = SAME[of], dict[tuple[str, str], bool]()
        for row, new, old in zip(rows, file, ours, strict=True):
            if new and new != old:
                differs = judged.get((new, old))
                if differs is None:
                    differs = judged[new, old] = not same(new, old)
                if differs:
                    found.setdefault(row, []).append(Change(of, old.replace("|", ", "), new.strip()))
    return {row: tuple(changes) for row, changes in found.items()}


def _in(column: list[str], places: list[int]) -> Sequence[str]:
    # For one place, `itemgetter` returns the cell itself.
    return itemgetter(*places)(column) if len(places) > 1 else [column[place] for place in places]


def _add_row(
    comparison: Comparison, matches: Matches, row: int, changes: tuple[Change, ...], decision: str, against: Against
) -> None:
    table, current = comparison.table, comparison.current
    place = matches.places[row]
    is_new = place < 0 and (row not in matches.doubtful or decision == NEW)
    if is_new:
        check_new_npi(table, row)
    faults = tuple(table.faults.get(row, ()))
    line = Line(
        Kind.FAULT,
        table.name(row) or f"Row {table.numbers[row]}",
        row=row,
        number=table.numbers[row],
        ours=place if place >= 0 else None,
        public_id=current.of("public_id")[place] if place >= 0 else "",
        by=matches.by.get(row, By.NPI) if place >= 0 else By.NOTHING,
        changes=changes,
        starts=table.at(Field.STARTS, row),
        ends=table.at(Field.ENDS, row),
        decision=decision,
    )
    if faults:
        line.faults = faults
        comparison.lines[Kind.FAULT].append(line)
        return
    if row in matches.doubtful or decision == NEW or decision.startswith(SAME_AS):
        others = _others(current, matches, row, line)
        doubt = Line(Kind.DOUBTFUL, line.name, row, line.number, others=others, decision=decision)
        comparison.lines[Kind.DOUBTFUL].append(doubt)
        if not decision or decision == SKIP:
            return
        line.decision = ""
    if place < 0:
        _add_new(comparison, line, against)
    elif line.ends and line.ends < against.term.ends.isoformat():
        line.kind, line.tail, line.changes = Kind.REMOVED, current.of("form")[place] == CLAIMS_MADE, ()
        if line.ends < against.term.effective.isoformat():
            line.note = "Left before the policy’s term, so the date that you choose for removals applies."
            line.ends = ""
        comparison.lines[Kind.REMOVED].append(line)
    elif changes:
        line.kind = Kind.CHANGED
        comparison.lines[Kind.CHANGED].append(line)
    else:
        comparison.unchanged += 1


def _add_new(comparison: Comparison, line: Line, against: Against) -> None:
    """Someone who isn't insured: to be added, unless the file says that they left already."""
    if line.ends and line.ends <= against.today.isoformat():
        comparison.gone += 1
        return
    if line.starts and line.starts < against.term.effective.isoformat():
        line.note = "Starts before the policy’s term, so the date that you choose for additions applies."
        line.starts = ""
    line.kind = Kind.ADDED
    comparison.lines[Kind.ADDED].append(line)


def _others(current: Current, matches: Matches, row: int, line: Line) -> tuple[Other, ...]:
    found = [(each.place, each.why) for each in matches.doubtful.get(row, ())]
    if not found and line.ours is not None:
        found = [(line.ours, "")]
    return tuple(
        Other(current.of("public_id")[place], current.display_name(place), facts_on_file(current, place), why)
        for place, why in found
    )


def facts_on_file(current: Current, place: int) -> tuple[tuple[str, str], ...]:
    """Return what we have of a person, to tell namesakes apart: never a date of birth, which we don't have."""
    facts = (
        (LABELS[Field.NPI], current.of("npi")[place]),
        (LABELS[Field.LICENSE], current.of("licenses")[place].replace("|", ", ")),
        (LABELS[Field.SPECIALTY], current.of("specialty")[place]),
    )
    return tuple(fact for fact in facts if fact[1])


def _add_removed(comparison: Comparison, matches: Matches, decisions: Mapping[str, str]) -> None:
    """Who is insured, and in no row. A doubtful row's person may be there: they wait for the user's word."""
    current = comparison.current
    there = set(matches.places)
    for line in comparison.lines[Kind.DOUBTFUL]:
        if not line.decision or line.decision == SKIP:
            there.update(each.place for each in matches.doubtful.get(line.row or 0, ()))
    for line in comparison.lines[Kind.FAULT]:
        there.update(each.place for each in matches.doubtful.get(line.row or 0, ()))
    forms, ids = current.of("form"), current.of("public_id")
    for place in sorted(set(range(len(current))) - there):
        line = Line(Kind.REMOVED, current.display_name(place), ours=place, public_id=ids[place])
        line.tail = forms[place] == CLAIMS_MADE
        line.decision = decisions.get(person_key(ids[place]), "")
        comparison.lines[Kind.REMOVED].append(line)
