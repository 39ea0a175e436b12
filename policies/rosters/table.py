"""The rows of a roster, cleaned: each field's column, and what is wrong with a cell, by row and column."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.crypto import keyed_hash
from policies.names import fold
from policies.registrants.people import is_credential, is_generation
from policies.rosters.columns import LABELS, Field
from policies.rosters.current import license_key, name_key
from policies.rosters.reading import ERRORS, LONGEST_CELL
from policies.rosters.values import dates_of, is_npi, license_of, state_of

if TYPE_CHECKING:
    from policies.models import Term
    from policies.rosters.columns import Columns
    from policies.rosters.reading import Sheet

YOUNGEST = 16
DATES = (Field.BIRTH, Field.STARTS, Field.ENDS, Field.RETROACTIVE)
FORM_OF_DATES = "Enter month, day, and year, such as 12/31/2026."


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell; `column`: its letter in the file, as a spreadsheet names it."""

    field: Field
    column: str
    text: str
    sentence: str

    @property
    def label(self) -> str:
        return LABELS[self.field]


@dataclass
class Table:
    """A roster's rows below the head. `columns`: the text of every field that the file has; dates in ISO form, NPIs as
    ten digits, licenses as state and number in one. `faults`: by the place of the row."""

    numbers: list[int]
    columns: dict[Field, list[str]]
    places: dict[Field, int]
    faults: dict[int, list[Fault]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, of: Field, place: int) -> str:
        """Return a cell; empty where the file has no such column."""
        column = self.columns.get(of)
        return column[place] if column is not None else ""

    def name(self, place: int) -> str:
        """Return the name of a row, as people write it."""
        parts = (self.at(each, place) for each in (Field.FIRST, Field.MIDDLE, Field.LAST, Field.SUFFIX))
        name, credential = " ".join(filter(None, parts)), self.at(Field.CREDENTIAL, place)
        return f"{name}, {credential}" if name and credential else name

    def birth_hash(self, place: int) -> str:
        """Return the keyed hash of a row's date of birth, as the feed keeps it; empty without one."""
        born = self.at(Field.BIRTH, place)
        return keyed_hash("date_of_birth", born) if born else ""

    def keys(self, place: int) -> list[str]:
        """Return what a row is known by when the file is uploaded again: NPI, license, name with date of birth; what
        was decided about it is kept under all of them, as keyed hashes."""
        npi, license_, last = (self.at(each, place) for each in (Field.NPI, Field.LICENSE, Field.LAST))
        found = [f"npi:{npi}"] if npi else []
        if license_:
            found.append(f"license:{license_[:2]} {license_key(license_[3:])}")
        if last:
            found.append(f"name:{name_key(last, self.at(Field.FIRST, place))}:{self.at(Field.BIRTH, place)}")
        return [keyed_hash("roster", key)[:32] for key in found or [f"row:{self.numbers[place]}"]]

    def fault(self, of: Field, place: int, text: str, sentence: str) -> None:
        """Note what is wrong with a cell."""
        at = self.places.get(of, self.places.get(Field.NAME))
        column = column_letters(at) if at is not None else ""
        self.faults.setdefault(place, []).append(Fault(of, column, text, sentence))


def table_of(sheet: Sheet, columns: Columns, *, today: dt.date, term: Term) -> Table:
    """Return the rows below the head, cleaned, with what is wrong in them."""
    below = columns.head + 1
    texts = {of: sheet.columns[place][below:] for of, place in columns.places.items() if place < len(sheet.columns)}
    table = Table(sheet.numbers[below:], texts, {of: place for of, place in columns.places.items() if of in texts})
    _part_names(table)
    _check_cells(table)
    _check_names(table)
    _check_dates(table, today=today, term=term)
    _check_npis(table)
    _join_licenses(table)
    _check_emails(table)
    return table


def column_letters(place: int) -> str:
    """Return a column's letters: 0 is A, 26 is AA."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _part_names(table: Table) -> None:
    """Part full names into what the file has no column for."""
    names = table.columns.get(Field.NAME)
    if names is None or {Field.LAST, Field.FIRST} <= table.columns.keys():
        return
    parted = list(map(part_name, names))
    for of, values in zip(
        (Field.LAST, Field.FIRST, Field.MIDDLE, Field.SUFFIX, Field.CREDENTIAL), zip(*parted, strict=True), strict=True
    ):
        table.columns.setdefault(of, list(values))


def part_name(name: str) -> tuple[str, str, str, str, str]:
    """Return last, first, and middle name, suffix, and credential of a full name, whichever comes first.

    'Núñez, Ana M., MD' or 'Ana M. Núñez Jr., MD'.
    """
    parts = [part.strip() for part in name.split(",") if part.strip()]
    suffix, credential, rest = "", [], []
    for place, part in enumerate(parts):
        words = [fold(word).replace(" ", "") for word in part.split()]
        if place and all(map(is_generation, words)):
            suffix = part
        elif place and all(is_credential(word) or is_generation(word) for word in words):
            credential.append(part)
        else:
            rest.append(part)
    if len(rest) > 1:
        last, given = rest[0], rest[1].split()
    else:
        words = rest[0].split() if rest else []
        while len(words) > 2 and _is_only_credential(words[-1]):
            credential.insert(0, words.pop())
        if len(words) > 2 and is_generation(fold(words[-1])):
            suffix = words.pop()
        last, given = (words[-1], words[:-1]) if words else ("", [])
    first, middle = (given[0], " ".join(given[1:])) if given else ("", "")
    return last, first, middle, suffix, ", ".join(credential)


def _is_only_credential(word: str) -> bool:
    folded = fold(word).replace(" ", "")
    return is_credential(folded) and not is_generation(folded)


def _check_cells(table: Table) -> None:
    """Find the errors of a spreadsheet, and cells that are too long to be what they should be."""
    for of, column in table.columns.items():
        whole = "\n".join(column)
        if "#" in whole and not ERRORS.isdisjoint(column):
            for place, text in enumerate(column):
                if text in ERRORS:
                    table.fault(
                        of, place, text, f"The spreadsheet shows an error here, {text}. Enter the value itself."
                    )
                    column[place] = ""
        if len(whole) > LONGEST_CELL and max(map(len, column)) > LONGEST_CELL:
            for place, text in enumerate(column):
                if len(text) > LONGEST_CELL:
                    sentence = f"{LABELS[of]} is longer than {LONGEST_CELL} characters. Shorten it."
                    table.fault(of, place, text[:LONGEST_CELL], sentence)
                    column[place] = text[:LONGEST_CELL]


def _check_names(table: Table) -> None:
    for of in (Field.LAST, Field.FIRST):
        column = table.columns.setdefault(of, [""] * len(table))
        if "" in column:
            for place, text in enumerate(column):
                if not text and not any(fault.field == of for fault in table.faults.get(place, ())):
                    table.fault(of, place, "", f"{LABELS[of]} is missing. Enter it, or leave the row out.")


def _check_dates(table: Table, *, today: dt.date, term: Term) -> None:
    for of in DATES:
        typed = table.columns.get(of)
        if typed is None:
            continue
        dates, wrong = dates_of(typed, today=today, born=of == Field.BIRTH)
        table.columns[of] = dates
        for place in wrong:
            table.fault(of, place, typed[place], f"“{typed[place][:40]}” isn’t a date we can read. {FORM_OF_DATES}")
        if dates and of in (Field.BIRTH, Field.STARTS):
            latest = (
                today.replace(year=today.year - YOUNGEST, day=1) if of == Field.BIRTH else term.expires
            ).isoformat()
            # In ISO form, dates are in the order of their letters.
            if max(dates) >= latest or (of == Field.BIRTH and min(filter(None, dates), default="2") < "1900"):
                _check_range(table, of, dates, latest)
    _check_order(table)


def _check_range(table: Table, of: Field, dates: list[str], latest: str) -> None:
    for place, date in enumerate(dates):
        if of == Field.BIRTH and date and not "1900" <= date < latest:
            table.fault(of, place, date, f"A date of birth can’t be {_american(date)}. Check the year.")
        elif of == Field.STARTS and date >= latest:
            table.fault(of, place, date, f"The start date is after the policy’s term, which ends {_american(latest)}.")
        else:
            continue
        dates[place] = ""


def _check_order(table: Table) -> None:
    starts, ends = table.columns.get(Field.STARTS), table.columns.get(Field.ENDS)
    if not starts or not ends or not any(ends):
        return
    for place, (first, last) in enumerate(zip(starts, ends, strict=True)):
        if last and first > last:
            table.fault(Field.ENDS, place, last, f"The last day is before the start date, {_american(first)}.")
            ends[place] = ""


def _american(date: str) -> str:
    year, month, day = date.split("-")
    return f"{int(month)}/{int(day)}/{year}"


def _check_npis(table: Table) -> None:
    column = table.columns.get(Field.NPI)
    if column is None or (set(map(len, column)) == {10} and (whole := "".join(column)).isascii() and whole.isdigit()):
        return
    for place, text in enumerate(column):
        if len(text) == 10 and text.isascii() and text.isdigit():
            continue
        if not text:
            continue
        digits = "".join(char for char in text if char.isascii() and char.isdigit())
        if len(digits) == 10 and len(text) < 16:
            column[place] = digits
        else:
            table.fault(Field.NPI, place, text, f"An NPI has 10 digits, and “{text[:20]}” has {len(digits)}.")
            column[place] = ""


def check_new_npi(table: Table, place: int) -> None:
    """Note that an NPI which isn't on file has a wrong check digit: a digit is wrong, or two are swapped."""
    npi = table.at(Field.NPI, place)
    if npi and not is_npi(npi):
        table.fault(Field.NPI, place, npi, f"{npi} isn’t a valid NPI: one of its digits is wrong, or two are swapped.")


def _join_licenses(table: Table) -> None:
    """Make licenses state and number in one: 'NY 123456', or ' 123456' where no state is known."""
    numbers = table.columns.get(Field.LICENSE)
    if numbers is None:
        return
    states = table.columns.get(Field.STATE) or [""] * len(numbers)
    codes: dict[str, str | None] = {text: state_of(text) for text in set(states)}
    if None not in codes.values() and "" not in codes and "" not in numbers:
        table.columns[Field.LICENSE] = [f"{codes[text]} {number}" for number, text in zip(numbers, states, strict=True)]
        return
    joined = []
    for place, (number, text) in enumerate(zip(numbers, states, strict=True)):
        state = codes[text]
        if state is None:
            sentence = f"“{text[:30]}” isn’t a state. Enter its two letters, such as NY."
            table.fault(Field.STATE, place, text, sentence)
            state = ""
        if not state and number:
            state, plain = license_of(number, "")
        else:
            plain = number
        joined.append(f"{state} {plain}" if plain else "")
    table.columns[Field.LICENSE] = joined


def _check_emails(table: Table) -> None:
    column = table.columns.get(Field.EMAIL, [])
    for place, text in enumerate(column):
        if text and (" " in text or text.find("@") < 1 or "." not in text[text.find("@") :]):
            sentence = f"“{text[:60]}” isn’t an email address. Enter one such as name@clinic.org, or leave it empty."
            table.fault(Field.EMAIL, place, text, sentence)
            column[place] = ""
