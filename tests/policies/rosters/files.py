"""Rosters as spreadsheets, and the group that they're of."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from xlsxwriter import Workbook

from core.crypto import keyed_hash
from policies.models import Coverage, License
from policies.rosters.reconciling import receive
from tests.book import CoverageFactory, InsuredFactory, LicenseFactory, TermFactory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.models import Membership, RosterUpload, Term

HEAD = ("Last Name", "First Name", "NPI", "DOB", "License #", "State", "Specialty")
Row = tuple[Any, ...]
# Valid NPIs: their check digits are right.
NPIS = ("1234567893", "1245319599", "1003000126", "1003000134", "1003000142")


def a_csv(*rows: Row, head: Sequence[str] = HEAD) -> bytes:
    """Return a CSV file with this head and these rows."""
    to = io.StringIO()
    csv.writer(to).writerows([head, *rows])
    return to.getvalue().encode()


def a_workbook(*rows: Row) -> bytes:
    """Return an Excel workbook with these rows; dates are typed ones."""
    to = io.BytesIO()
    book = Workbook(to)
    sheet, date = book.add_worksheet("Providers"), book.add_format({"num_format": "mm/dd/yyyy"})
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            if isinstance(value, dt.date):
                sheet.write_datetime(number, place, value, date)
            elif value != "":
                sheet.write(number, place, value)
    book.close()
    return to.getvalue()


def uploaded(content: bytes, name: str = "roster.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


@dataclass
class Person:
    """One of the group, as on file."""

    last: str
    first: str
    npi: str = ""
    born: str = ""
    license: str = ""
    specialty: str = "Family medicine, no surgery"

    def row(self, **other: str) -> Row:
        """Return the person's row of a file, with other values where given."""
        found = {
            "last": self.last,
            "first": self.first,
            "npi": self.npi,
            "born": self.born,
            "license": self.license,
            "state": "NY" if self.license else "",
            "specialty": "Family Medicine",
        } | other
        return tuple(found[name] for name in ("last", "first", "npi", "born", "license", "state", "specialty"))


GRACE = Person("Hopper", "Grace", NPIS[0], "1970-12-09", "200001")
ALAN = Person("Turing", "Alan", NPIS[1], "1972-06-23", "200002")
KATE = Person("Johnson", "Katherine", "", "1968-08-26", "200003")
JOAN = Person("Clarke", "Joan", "", "1977-06-24", "")
PEOPLE = (GRACE, ALAN, KATE, JOAN)


def insure(term: Term, *people: Person, **fields: Any) -> list[Coverage]:
    """Insure these people in a term."""
    found = []
    for one in people:
        born = keyed_hash("date_of_birth", one.born) if one.born else ""
        insured = InsuredFactory.create(
            first_name=one.first, last_name=one.last, npi=one.npi, date_of_birth_hash=born, credential="MD"
        )
        if one.license:
            LicenseFactory.create(insured=insured, state="NY", number=one.license)
        found.append(CoverageFactory.create(term=term, insured=insured, specialty=one.specialty, **fields))
    return found


def a_group() -> Term:
    """Return a group's term with four people."""
    term: Term = TermFactory.create()
    insure(term, *PEOPLE)
    assert License.objects.count() == 3
    return term


def an_upload(membership: Membership, term: Term, content: bytes, *, everyone: bool = True) -> RosterUpload:
    """Return a roster that the membership's user uploaded."""
    upload, _ = receive(
        user=membership.user,
        membership=membership,
        policy=term.policy,
        content=content,
        filename="roster.csv",
        everyone=everyone,
        key=uuid.uuid4(),
    )
    return upload
