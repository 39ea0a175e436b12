"""A policy's roster as a spreadsheet to fill in, and a comparison as an Excel file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.workbooks import Column
from policies.rosters.columns import LABELS, Field
from policies.rosters.comparing import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.workbooks import Cell
    from policies.rosters.comparing import Comparison, Line
    from policies.rosters.current import Current

TEMPLATE = (
    (Field.LAST, 20),
    (Field.FIRST, 16),
    (Field.MIDDLE, 14),
    (Field.SUFFIX, 8),
    (Field.CREDENTIAL, 12),
    (Field.NPI, 12),
    (Field.STATE, 13),
    (Field.LICENSE, 16),
    (Field.BIRTH, 14),
    (Field.SPECIALTY, 30),
    (Field.EMAIL, 30),
    (Field.PHONE, 16),
    (Field.SITE, 20),
    (Field.COST_CENTER, 14),
    (Field.STARTS, 12),
    (Field.ENDS, 12),
)
TEMPLATE_COLUMNS = [Column(LABELS[of], width) for of, width in TEMPLATE]
ON_FILE = {
    Field.LAST: "last_name",
    Field.FIRST: "first_name",
    Field.MIDDLE: "middle_name",
    Field.SUFFIX: "suffix",
    Field.CREDENTIAL: "credential",
    Field.NPI: "npi",
    Field.SPECIALTY: "specialty",
    Field.EMAIL: "email",
    Field.PHONE: "phone",
    Field.SITE: "site",
    Field.COST_CENTER: "cost_center",
}
COMPARISON_COLUMNS = [
    Column("Result", 12),
    Column("Row", 8),
    Column("Name", 32),
    Column("Recognized by", 22),
    Column("Column", 20),
    Column("On our records", 28),
    Column("In the file", 28),
    Column("Note", 50),
    Column("Left out", 10),
]
RESULTS = {
    Kind.FAULT: "Error",
    Kind.DOUBTFUL: "In doubt",
    Kind.ADDED: "New",
    Kind.REMOVED: "Gone",
    Kind.CHANGED: "Changed",
}
TAIL = "Claims-made: claims made after coverage ends need a tail or the next carrier’s prior acts coverage."


def template_rows(current: Current) -> Iterator[Sequence[Cell]]:
    """Yield those insured, one row each; what we don't have, such as dates of birth, is left empty."""
    for place in range(len(current)):
        # The first license: a second one isn't a column of its own.
        state, _, number = current.of("licenses")[place].partition("|")[0].partition(" ")
        found = {of: current.of(name)[place] for of, name in ON_FILE.items()}
        found |= {Field.STATE: state, Field.LICENSE: number}
        yield [found.get(of, "") for of, _ in TEMPLATE]


def comparison_rows(comparison: Comparison) -> Iterator[Sequence[Cell]]:
    """Yield a row for each error, doubt, person, or changed field."""
    for kind in Kind:
        for line in comparison.lines[kind]:
            yield from _rows_of(line)


def _rows_of(line: Line) -> Iterator[Sequence[Cell]]:
    head: tuple[Cell, ...] = (RESULTS[line.kind], line.number, line.name, str(line.by))
    left = "yes" if line.is_left_out else ""
    for fault in line.faults:
        yield (
            *head,
            f"{fault.label} ({fault.column})" if fault.column else fault.label,
            "",
            fault.text,
            fault.sentence,
            left,
        )
    for change in line.changes if line.kind == Kind.CHANGED else ():
        yield (*head, change.label, change.old, change.new, "", left)
    for other in line.others:
        yield (*head, "", other.name, "", other.why, left)
    if line.kind == Kind.ADDED:
        yield (*head, LABELS[Field.STARTS] if line.starts else "", "", line.starts, line.note, left)
    if line.kind == Kind.REMOVED:
        note = " ".join(filter(None, (line.note, TAIL if line.tail else "")))
        yield (*head, LABELS[Field.ENDS] if line.ends else "", "", line.ends, note, left)
