"""A roster of 5,000 rows: from the file's bytes to the comparison with who is insured, against `python-calamine`
reading the same file and doing nothing.

The group is made in a transaction that is rolled back. The file has its people in another order, 30 of them changed,
20 new ones, 20 missing, and 10 rows with errors.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import random
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from bench.measure import Figure, interleaved
from core.crypto import encrypt, keyed_hash
from core.dates import carrier_today
from feed.example.people import check_digit
from policies.models import Coverage, Insured, License, Term
from policies.names import sort_key
from policies.rosters.columns import guess
from policies.rosters.comparing import Against, Comparison, Kind, compare
from policies.rosters.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = list[str | dt.date]

NAME = "roster_match"
MANY = int(os.environ.get("BENCH_ROSTER_ROWS", "5000"))
ROUNDS = 41
CHANGED, NEW, MISSING, WRONG = 30, 20, 20, 10
HEAD = (
    "Last Name", "First Name", "MI", "Degree", "NPI", "State", "License #", "DOB", "Specialty", "Email", "Location",
    "Hire Date",
)  # fmt: skip
SPECIALTIES = ("Family medicine, no surgery", "Internal medicine, no surgery", "Surgery, orthopedic", "Anesthesiology")
SITES = ("East Campus", "West Campus", "River Street")
EXPECTED = {Kind.FAULT: WRONG, Kind.DOUBTFUL: 0, Kind.ADDED: NEW, Kind.REMOVED: MISSING, Kind.CHANGED: CHANGED}


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figure `roster_match` if it's named."""
    if NAME not in names:
        return
    with transaction.atomic():
        yield _figure()
        transaction.set_rollback(True)


def _figure() -> Figure:
    rows = list(_people(MANY + NEW))
    term = _insure(rows[:MANY])
    content = _file(rows)
    today = term.policy.today()

    def match() -> Comparison:
        sheet = read(content)
        return compare(sheet, guess(sheet, {}), Against(term, today), {})

    def bare() -> object:
        return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()

    found = match()
    counts = {kind: found.count(kind) for kind in Kind}
    if counts != EXPECTED:
        raise RuntimeError(f"The comparison is wrong: {counts}")
    stored = repr(read(content).columns)
    samples = interleaved(
        {"match": match, "bare": bare, "read": lambda: read(content), "stored": lambda: encrypt(stored)},
        rounds=ROUNDS,
        warm_up=3,
    )
    more = {
        "rows": MANY,
        "file_kb": round(len(content) / 1024),
        "wall_ms": round(samples["match"].wall, 1),
        "read_cpu_ms": round(samples["read"].cpu, 1),
        "encrypted_cpu_ms": round(samples["stored"].cpu, 1),
        "rounds": ROUNDS,
        "load": round(os.getloadavg()[0], 1),
    }
    return Figure(NAME, samples["match"].cpu, samples["bare"].cpu, "ms of CPU", more)


def _people(count: int) -> Iterator[Row]:
    """Yield invented people as rows of a file, each another one."""
    pick = random.Random(6)  # noqa: S311
    for number in range(count):
        digits = f"1{number:08}"
        yield [
            f"Abernathy{number // 40}",
            f"Given{number % 40}",
            "M",
            "MD",
            f"{digits}{check_digit(digits)}",
            "NY",
            f"{300_000 + number}",
            dt.date(1950, 1, 1) + dt.timedelta(days=5 * number % 15_000),
            pick.choice(SPECIALTIES),
            f"person{number}@clinic.example",
            pick.choice(SITES),
            dt.date(2015, 7, 1),
        ]


def _insure(rows: list[Row]) -> Term:
    """Insure these people in a term of the book, in place of those who are."""
    today = carrier_today()
    term = Term.objects.filter(status=Term.Status.BOUND, effective__lte=today, expires__gt=today).first()
    if term is None:
        raise RuntimeError("The book has no term in force.")
    Coverage.objects.filter(term=term).update(retired_at=term.created_at)
    people = Insured.objects.bulk_create(
        Insured(
            source="bench",
            external_id=f"R{place}",
            kind=Insured.Kind.PERSON,
            last_name=str(row[0]),
            first_name=str(row[1]),
            middle_name=str(row[2]),
            credential=str(row[3]),
            npi=str(row[4]),
            date_of_birth_hash=keyed_hash("date_of_birth", str(row[7])),
            specialty=str(row[8]),
            email=str(row[9]),
            sort_key=sort_key(str(row[0]), "", str(row[1]), str(row[2])),
        )
        for place, row in enumerate(rows)
    )
    License.objects.bulk_create(
        License(source="bench", external_id=f"L{one.pk}", insured=one, state="NY", number=str(row[6]))
        for one, row in zip(people, rows, strict=True)
    )
    Coverage.objects.bulk_create(
        Coverage(
            source="bench",
            external_id=f"C{one.pk}",
            term=term,
            insured=one,
            sort_key=one.sort_key,
            part=Coverage.Part.PROFESSIONAL,
            form=Coverage.Form.OCCURRENCE,
            limit_per_claim=Decimal(1_000_000),
            limit_aggregate=Decimal(3_000_000),
            effective=term.effective,
            expires=term.expires,
            specialty=one.specialty,
            site=str(row[10]),
        )
        for one, row in zip(people, rows, strict=True)
    )
    return term


def _file(rows: list[Row]) -> bytes:
    """Return the workbook: see the module."""
    listed = [list(row) for row in (*rows[: MANY - MISSING], *rows[MANY:])]
    for row in listed[:CHANGED]:
        row[0] = f"{row[0]}-Brandt"
    for row in listed[CHANGED : CHANGED + WRONG]:
        row[7] = "31/31/1970"
    random.Random(7).shuffle(listed)  # noqa: S311
    to = io.BytesIO()
    book = Workbook(to)
    sheet, date = book.add_worksheet("Providers"), book.add_format({"num_format": "mm/dd/yyyy"})
    table: list[Row] = [list(HEAD), *listed]
    for number, cells in enumerate(table):
        for place, value in enumerate(cells):
            if isinstance(value, dt.date):
                sheet.write_datetime(number, place, value, date)
            else:
                sheet.write_string(number, place, value)
    book.close()
    return to.getvalue()
