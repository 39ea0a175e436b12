"""What the columns of a roster hold: guessed from their heads, corrected by the user, remembered for the party."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from policies.names import fold

if TYPE_CHECKING:
    from policies.rosters.reading import Sheet

# The head of the columns is looked for in so many rows: above it is often a title and a date.
HEAD_WITHIN = 15
MOST_REMEMBERED = 300
NPI, EMAIL = re.compile(r"\d{10}"), re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Field(StrEnum):
    """What a column can hold. The value is stored."""

    LAST = "last_name"
    FIRST = "first_name"
    MIDDLE = "middle_name"
    SUFFIX = "suffix"
    NAME = "name"
    CREDENTIAL = "credential"
    NPI = "npi"
    LICENSE = "license"
    STATE = "license_state"
    BIRTH = "date_of_birth"
    SPECIALTY = "specialty"
    EMAIL = "email"
    PHONE = "phone"
    SITE = "site"
    COST_CENTER = "cost_center"
    STARTS = "starts"
    ENDS = "ends"
    RETROACTIVE = "retroactive_date"


LABELS: dict[Field, str] = {
    Field.LAST: "Last name",
    Field.FIRST: "First name",
    Field.MIDDLE: "Middle name",
    Field.SUFFIX: "Suffix",
    Field.NAME: "Full name",
    Field.CREDENTIAL: "Credential",
    Field.NPI: "NPI",
    Field.LICENSE: "License number",
    Field.STATE: "License state",
    Field.BIRTH: "Date of birth",
    Field.SPECIALTY: "Specialty",
    Field.EMAIL: "Email",
    Field.PHONE: "Phone",
    Field.SITE: "Site",
    Field.COST_CENTER: "Cost center",
    Field.STARTS: "Start date",
    Field.ENDS: "Last day",
    Field.RETROACTIVE: "Retroactive date",
}

# Folded heads that people write. Every label is one, too.
WORDS: dict[Field, str] = {
    Field.LAST: "last; surname; family name; lname; last nm; provider last name; physician last name; lastname; "
    "last name legal",
    Field.FIRST: "first; given name; fname; forename; provider first name; physician first name; firstname; "
    "legal first name",
    Field.MIDDLE: "middle; mi; middle initial; m i; mname; middlename; provider middle name",
    Field.SUFFIX: "name suffix; generation; sfx; jr sr",
    Field.NAME: "name; provider; provider name; physician; physician name; clinician; clinician name; "
    "insured; insured name; practitioner; practitioner name; employee; employee name; doctor; doctor name; "
    "fullname; legal name; last name first name; provider full name; member name",
    Field.CREDENTIAL: "credentials; degree; degrees; title; designation; professional designation; license type; "
    "provider type; cred; prof designation",
    Field.NPI: "npi number; npi no; npi num; national provider identifier; national provider id; individual npi; "
    "provider npi; type 1 npi; npi type 1",
    Field.LICENSE: "license; license no; license num; lic; lic no; lic number; state license; state license number; "
    "medical license; medical license number; license id; med lic; licensenumber; state license no",
    Field.STATE: "state of license; lic state; licensing state; state licensed; st; license st; state; licensestate; "
    "state of licensure",
    Field.BIRTH: "dob; birth date; birthdate; date of birth mm dd yyyy; d o b; born; birthday; birth dt; dateofbirth",
    Field.SPECIALTY: "primary specialty; specialty description; speciality; practice specialty; spec; department; "
    "specialty name",
    Field.EMAIL: "e mail; email address; e mail address; work email; mail; provider email",
    Field.PHONE: "phone number; telephone; tel; cell; mobile; cell phone; work phone; phone no; mobile phone",
    Field.SITE: "location; practice location; office; clinic; facility; primary location; practice site; work site; "
    "primary site; site name",
    Field.COST_CENTER: "cc; cost center number; department number; gl code; cost ctr; dept no",
    Field.STARTS: "start; effective date; effective; hire date; date of hire; coverage start; coverage effective date; "
    "join date; eff date; add date; coverage effective; begin date; start dt",
    Field.ENDS: "end date; termination date; term date; date of termination; end; separation date; left; coverage end; "
    "coverage end date; last date; leave date; exp date; expiration date; last day worked; terminated",
    Field.RETROACTIVE: "retro date; retroactive; retro; prior acts date; retrodate; prior acts",
}
HOW = "Choose the column with "


@cache
def heads() -> dict[str, Field]:
    """Return each folded head with what its column holds."""
    found = {fold(label): field for field, label in LABELS.items()}
    for field, words in WORDS.items():
        found |= {fold(word): field for word in words.split(";")}
    return found


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a sheet's head is, and which field each column holds; `places` has no column twice."""

    head: int
    places: dict[Field, int]

    def as_json(self) -> dict[str, object]:
        return {"head": self.head, "places": {str(field): place for field, place in self.places.items()}}

    @classmethod
    def of(cls, stored: Mapping[str, object]) -> Columns:
        """Read what `as_json` wrote."""
        places = stored["places"]
        assert isinstance(places, dict)  # noqa: S101  # ours
        # PostgreSQL keeps the keys of JSON in an order of its own.
        return cls(int(str(stored["head"])), {field: int(places[field]) for field in Field if field in places})

    def missing(self) -> str:
        """Say which column a roster can't do without, or nothing."""
        if Field.NAME in self.places or {Field.LAST, Field.FIRST} <= self.places.keys():
            return ""
        if Field.LAST in self.places:
            return f"{HOW}the first names."
        if Field.FIRST in self.places:
            return f"{HOW}the last names."
        return f"{HOW}the names: last and first names, or full names."


def guess(sheet: Sheet, remembered: Mapping[str, str]) -> Columns:
    """Return where the head is, and what the columns hold: by what the party chose before, by the words of the head,
    and last by what is in them."""
    rows = min(HEAD_WITHIN, len(sheet.numbers))
    head = max(range(rows), key=lambda row: (len(_by_words(sheet.row(row), remembered)), -row))
    places = _by_words(sheet.row(head), remembered)
    taken = set(places.values())
    ignored = {place for place, text in enumerate(sheet.row(head)) if remembered.get(fold(text)) == ""}
    for field, form in ((Field.NPI, NPI), (Field.EMAIL, EMAIL)):
        for place, column in enumerate(sheet.columns):
            if field not in places and place not in taken | ignored and _mostly(form, column[head + 1 :]):
                places[field] = place
                taken.add(place)
    return Columns(head, places)


def chosen(sheet: Sheet, columns: Columns) -> dict[str, str]:
    """Return what to remember: each folded head with its field, or with nothing where the column isn't read."""
    of_place = {place: str(field) for field, place in columns.places.items()}
    found = {fold(text)[:100]: of_place.get(place, "") for place, text in enumerate(sheet.row(columns.head))}
    found.pop("", None)
    return found


def _by_words(row: list[str], remembered: Mapping[str, str]) -> dict[Field, int]:
    places: dict[Field, int] = {}
    words = heads()
    known = set(Field)
    for place, text in enumerate(row):
        folded = fold(text)
        before = remembered.get(folded[:100])
        field = words.get(folded) if before is None else (Field(before) if before in known else None)
        if field is not None:
            places.setdefault(field, place)
    return places


def _mostly(form: re.Pattern[str], column: list[str]) -> bool:
    filled = [cell for cell in column[:200] if cell]
    return bool(filled) and sum(bool(form.fullmatch(cell)) for cell in filled) >= 0.8 * len(filled)
