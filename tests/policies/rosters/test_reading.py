"""A roster's file: any usual spreadsheet is read, and a hostile one gets its sentence (B-06)."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile

import pytest

from policies.rosters import reading
from policies.rosters.columns import Field, guess
from policies.rosters.reading import FileError, read
from policies.rosters.table import part_name
from policies.rosters.values import date_of, is_npi, license_of, state_of
from tests.policies.rosters.files import HEAD, NPIS, a_csv, a_workbook

TODAY = dt.date(2026, 11, 30)
TEXT = "Last Name;First Name;NPI\r\nNúñez;Ana;1234567893\r\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("cp1252"),
        TEXT.encode("utf-16"),
        TEXT.replace(";", ",").encode(),
        TEXT.replace(";", "\t").encode(),
        TEXT.replace(";", "|").encode(),
        TEXT.replace("\r\n", "\n").replace("Núñez", '"Núñez"').encode(),
        TEXT.replace("\r\n", "\r\n\r\n").encode(),
        a_workbook(("Last Name", "First Name", "NPI"), ("Núñez", " Ana ", 1234567893)),
    ],
)
def test_a_file_of_any_usual_form_is_read_alike(content):
    sheet = read(content)

    assert sheet.columns == [["Last Name", "Núñez"], ["First Name", "Ana"], ["NPI", "1234567893"]]


def test_typed_dates_and_numbers_come_as_text_and_rows_keep_their_numbers():
    sheet = read(
        a_workbook(("Providers of 2026",), (), ("Last", "DOB", "Lic"), ("Hopper", dt.date(1970, 12, 9), 4711.0))
    )

    assert sheet.row(2) == ["Hopper", "1970-12-09", "4711"]
    assert sheet.numbers == [1, 3, 4]


def far(place: str) -> bytes:
    """Return a workbook with a cell in a far place, without a sheet that is as large."""
    found = io.BytesIO()
    book = zipfile.ZipFile(io.BytesIO(a_workbook(("Last", "First"), ("Hopper", "Grace"))))
    with book, zipfile.ZipFile(found, "w") as to:
        for info in book.infolist():
            part = book.read(info)
            if info.filename.startswith("xl/worksheets/"):
                part = part.replace(b'r="B2"', place.encode())
            to.writestr(info.filename, part)
    return found.getvalue()


FAR = ['r="XFD1048576"', "r='XFD1048576'", 'r\n=\n"XFD2"', 'r="xfd2"', 'r="B1048576"', 'r="DA2"']


@pytest.mark.parametrize("place", FAR)
def test_a_cell_so_far_out_that_the_reader_would_run_out_of_memory_is_refused(place):
    with pytest.raises(FileError, match="right of column CZ or below row 19,999"):
        read(far(place))


def test_a_cell_as_far_as_a_roster_goes_is_read():
    assert len(read(far('r="CZ2"')).columns) <= 104


def bomb() -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as to:
        to.writestr("xl/worksheets/sheet1.xml", b" " * (65 * 1024 * 1024))
    return found.getvalue()


HOSTILE = {
    "empty": (b"", "is empty"),
    "spaces": (b" \r\n ", "is empty"),
    "large": (b"a,b\n" * 3_000_000, "larger than 10 MB"),
    "bomb": (bomb(), "too large once it’s unpacked"),
    "cut off": (a_workbook(("Last",), ("Hopper",))[:-300], "damaged"),
    "old": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "older Excel"),
    "password": (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
    "PDF": (b"%PDF-1.7 ...", "This is a PDF"),
    "web page": (b"<html><table><tr><td>Last", "web page"),
    "zeros": (b"Last,First\n\0\0\0", "isn’t a text file"),
    "rows": (b"Hopper,Grace\n" * 10_100, "more than 10,000 rows"),
    "columns": (b",".join([b"x"] * 120), "more than 104 columns"),
    "cell": (b'Last,First\n"' + b"x" * 140_000, "can’t be read as CSV"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_file_gets_its_sentence(name):
    content, sentence = HOSTILE[name]

    with pytest.raises(FileError, match=sentence):
        read(content)


def test_the_quick_look_at_a_sheet_never_passes_what_the_thorough_one_refuses():
    """A place in any spelling: `_reaches_far` looks thoroughly only where the outline is suspicious."""
    for place in (*FAR, 'r="AAA1"', 'r="ZZ9"', 'r="A20000"', 'r="A123456"', 'r="20000"', 'r="a99999"', 'r="dz1"'):
        part = f'<row xmlns:r="http://x"><c {place}><v>1</v></c></row>'.encode()
        assert reading._reaches_far(part), place
    for place in ('r="A1"', 'r="Z9999"', 'r="CZ19999"', 'r="9999"'):
        part = f'<row xmlns:r="http://x"><c {place} t="s"><v>1</v></c></row>'.encode()
        assert not reading._reaches_far(part), place


def test_the_head_is_found_below_a_title_and_columns_by_common_words():
    sheet = read(
        a_csv(
            ("As of 11/1/2026", "", "", ""),
            ("Provider Name", "Individual NPI", "Birth Date", "Term Date"),
            ("Hopper, Grace", NPIS[0], "12/9/1970", ""),
            head=("Roster of Riverbend", "", "", ""),
        )
    )

    columns = guess(sheet, {})

    assert sheet.numbers[columns.head] == 3
    assert columns.places == {Field.NAME: 0, Field.NPI: 1, Field.BIRTH: 2, Field.ENDS: 3}
    assert columns.missing() == ""


def test_what_the_party_chose_before_counts_more_than_words_and_content():
    sheet = read(a_csv(("Hopper", "Grace", NPIS[0], "", "", "", "East"), head=(*HEAD[:6], "Department")))

    assert guess(sheet, {}).places[Field.SPECIALTY] == 6
    assert Field.SPECIALTY not in guess(sheet, {"department": "site"}).places
    assert guess(sheet, {"department": "site"}).places[Field.SITE] == 6
    assert Field.NPI not in guess(sheet, {"npi": ""}).places


def test_a_column_without_a_known_head_is_known_by_its_content():
    columns = guess(read(a_csv(("Hopper", "Grace", NPIS[0]), head=("Last", "First", "Identifier"))), {})

    assert columns.places[Field.NPI] == 2


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1970-12-09", "1970-12-09"),
        ("12/9/1970", "1970-12-09"),
        ("12-09-1970", "1970-12-09"),
        ("12.9.70", "1970-12-09"),
        ("12/9/1970 0:00", "1970-12-09"),
        ("December 9, 1970", "1970-12-09"),
        ("Dec 9th 1970", "1970-12-09"),
        ("9-Dec-70", "1970-12-09"),
        ("1970/12/9", "1970-12-09"),
        ("25911", "1970-12-09"),
        ("9/12/30", "1930-09-12"),
        ("31/12/1970", None),
        ("2/30/1970", None),
        ("soon", None),
        ("Foo 9, 1970", None),
    ],
)
def test_dates_of_birth_in_the_usual_american_forms(text, date):
    found = date_of(text, today=TODAY, born=True)

    assert (found.isoformat() if found else None) == date


def test_a_year_of_two_digits_that_isnt_a_birth_may_be_ahead():
    assert date_of("9/12/30", today=TODAY) == dt.date(2030, 9, 12)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Núñez, Ana M., MD", ("Núñez", "Ana", "M.", "", "MD")),
        ("Ana M. Núñez Jr., MD", ("Núñez", "Ana", "M.", "Jr.", "MD")),
        ("Ana Núñez, MD, FACS", ("Núñez", "Ana", "", "", "MD, FACS")),
        ("Ana Núñez MD", ("Núñez", "Ana", "", "", "MD")),
        ("De La Cruz, Maria", ("De La Cruz", "Maria", "", "", "")),
        ("Cher", ("Cher", "", "", "", "")),
        ("", ("", "", "", "", "")),
    ],
)
def test_a_full_name_is_parted_whichever_name_comes_first(name, parts):
    assert part_name(name) == parts


def test_npis_states_and_licenses():
    assert all(map(is_npi, NPIS))
    assert not is_npi("1234567890")
    assert (state_of("new york"), state_of("ny"), state_of("Nowhere"), state_of("")) == ("NY", "NY", None, "")
    assert license_of("NY-123456", "") == ("NY", "123456")
    assert license_of("NY123456", "") == ("", "NY123456")
    assert re.fullmatch("[A-Z]{2}", license_of("123", "CT")[0])
