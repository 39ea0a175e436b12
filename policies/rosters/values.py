"""What the cells of a roster mean: dates, NPIs, licenses, states; and whether two texts say the same."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from core.dates import STATE_ZONES
from core.states import STATES
from policies.names import fold
from policies.rosters.columns import Field
from policies.rosters.current import license_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MONTHS = {name: place for place, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
NUMERIC = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?:[ T].*)?")
YEAR_FIRST = re.compile(r"(\d{4})[/.\-](\d{1,2})[/.\-](\d{1,2})(?:[ T].*)?")
MONTH_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})", re.IGNORECASE)
DAY_FIRST = re.compile(r"(\d{1,2})[ \-]([a-z]{3,9})\.?[ \-,]+(\d{4}|\d{2})", re.IGNORECASE)
# Days since December 30, 1899, where a cell with a date has lost its form; 1927 to 2064.
SERIAL = re.compile(r"[1-5]\d{4}")
EPOCH = dt.date(1899, 12, 30)
OLDEST = dt.date(1900, 1, 1)
CODES = {fold(name): code for code, name in STATES.items()} | {code.lower(): code for code in STATE_ZONES}
DIGITS = re.compile(r"\d+")


def date_of(  # noqa: PLR0911 - one for each way to write a date
    text: str, *, today: dt.date, born: bool = False
) -> dt.date | None:
    """Return the date that a text says, in the usual American forms or in ISO's; None where it says none.

    A year of two digits is the nearest such year up to 20 years ahead, of a date of birth up to 15 years ago.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        pass
    text = " ".join(text.split())
    try:
        if found := NUMERIC.fullmatch(text):
            month, day, year = found.groups()
            return dt.date(_year(year, today, born=born), int(month), int(day))
        if found := YEAR_FIRST.fullmatch(text):
            year, month, day = found.groups()
            return dt.date(int(year), int(month), int(day))
        if found := MONTH_FIRST.fullmatch(text):
            month, day, year = found.groups()
            return dt.date(int(year), MONTHS[month[:3].lower()], int(day))
        if found := DAY_FIRST.fullmatch(text):
            day, month, year = found.groups()
            return dt.date(_year(year, today, born=born), MONTHS[month[:3].lower()], int(day))
    except (KeyError, ValueError):
        return None
    return EPOCH + dt.timedelta(days=int(text)) if SERIAL.fullmatch(text) else None


def dates_of(column: Sequence[str], *, today: dt.date, born: bool = False) -> tuple[list[str], list[int]]:
    """Return the dates of a column in ISO form, and the places of the cells that say none. Empty cells stay empty."""
    if _all_typed(column):
        return list(column), []
    dates: list[str] = []
    wrong: list[int] = []
    read: dict[str, str] = {"": ""}
    for place, text in enumerate(column):
        date = read.get(text)
        if date is None:
            found = date_of(text, today=today, born=born)
            date = read[text] = found.isoformat() if found else ""
        if text and not date:
            wrong.append(place)
        dates.append(date)
    return dates, wrong


def _all_typed(column: Sequence[str]) -> bool:
    """Whether every cell is a date in ISO form, as typed dates are read."""
    if set(map(len, column)) != {10}:
        return False
    try:
        return all(map(dt.date.fromisoformat, column))
    except ValueError:
        return False


def _year(text: str, today: dt.date, *, born: bool) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    latest = today.year - 15 if born else today.year + 20
    return max(century + year for century in (1900, 2000) if century + year <= latest)


def is_npi(text: str) -> bool:
    """Whether ten digits have the right check digit: Luhn's, over all with the prefix 80840 (45 CFR 162.406)."""
    # The prefix adds 24 to the sum.
    total = 24
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def state_of(text: str) -> str | None:
    """Return the code of a state or territory, written as a code or a name; None where it is neither."""
    return CODES.get(fold(text)) if text else ""


def license_of(number: str, state: str) -> tuple[str, str]:
    """Return state and number of a license; both may be in one cell: 'NY 123456', 'NY-123456'."""
    head = number[:2].upper()
    if not state and len(number) > 3 and head in STATE_ZONES and not number[2].isalnum():
        return head, number[3:].strip()
    return state, number


# Whether what the file says is what is on file, in other words. `file` is never empty.


def _same_words(file: str, ours: str) -> bool:
    return fold(file).replace(" ", "") == fold(ours).replace(" ", "")


def _same_middle(file: str, ours: str) -> bool:
    one, other = fold(file), fold(ours)
    return bool(other) and (one.startswith(other) or other.startswith(one))


def _same_credential(file: str, ours: str) -> bool:
    return bool(ours) and _without_dots(ours) in {_without_dots(part) for part in re.split(r"[,;/]| and ", file)}


def _without_dots(text: str) -> str:
    return "".join(filter(str.isalnum, text.upper()))


def _same_specialty(file: str, ours: str) -> bool:
    """Return whether one begins with the other: our 'Family medicine, no surgery' is their 'Family Medicine'."""
    one, other = f"{fold(file)} ", f"{fold(ours)} "
    return bool(ours) and (other.startswith(one) or one.startswith(other))


def _same_phone(file: str, ours: str) -> bool:
    one, other = ("".join(DIGITS.findall(text))[-10:] for text in (file, ours))
    return one == other or len(one) < 7


def _same_email(file: str, ours: str) -> bool:
    return file.lower() == ours.lower()


def _same_license(file: str, ours: str) -> bool:
    """`file` is state and number, `ours` all on file: 'NY 123|NJ 45'. Without a state, the number decides."""
    state, _, number = file.partition(" ")
    on_file = (text.partition(" ") for text in ours.split("|"))
    return any(license_key(number) == license_key(theirs) and state in ("", place) for place, _, theirs in on_file)


def _same_date(file: str, ours: str) -> bool:
    # Full prior acts, or occurrence: there is no date to differ from.
    return not ours or file == ours


SAME: dict[Field, Callable[[str, str], bool]] = {
    Field.LAST: _same_words,
    Field.FIRST: _same_words,
    Field.MIDDLE: _same_middle,
    Field.SUFFIX: _same_words,
    Field.CREDENTIAL: _same_credential,
    Field.NPI: lambda file, ours: file == ours,
    Field.LICENSE: _same_license,
    Field.SPECIALTY: _same_specialty,
    Field.EMAIL: _same_email,
    Field.PHONE: _same_phone,
    Field.SITE: _same_words,
    Field.COST_CENTER: _same_words,
    Field.RETROACTIVE: _same_date,
}
