"""Reading a roster's file: CSV or XLSX in, rows of text out (docs/security.md#rosters).

What is read is what the file says. Which column holds what is `policies.rosters.columns`, what a cell means
`policies.rosters.values`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BYTES = 10 * 1024 * 1024
MOST_ROWS = 10_000
# Up to column CZ.
MOST_COLUMNS = 104
LONGEST_CELL = 300
# Of a workbook, unpacked: 10,000 full rows are a third of it.
MOST_UNPACKED = 64 * 1024 * 1024
MOST_PARTS = 300
# A cell or a row so far out that the reader would make room for everything before it: beyond column CZ, or beyond row
# 19,999. `r` is the attribute with the place; the sheet is without its white space.
FAR = re.compile(rb"""r=["'](?:[A-Za-z]{3,}[0-9]|[D-Zd-z][A-Za-z][0-9]|[A-Za-z]{0,2}(?:[0-9]{6}|[2-9][0-9]{4}))""")
# A sheet in its outline: without white space, letters but `r` as A, and digits as 0. None of these is in one that
# reaches to column Z and row 9,999 at most, and finding that out takes a third of the time of `FAR`.
SHAPE = bytes(
    ord("A")
    if chr(byte).isalpha() and byte < 128 and byte != ord("r")
    else ord("0")
    if ord("0") <= byte <= ord("9")
    else byte
    for byte in range(256)
)
SPACE = b" \t\r\n"
FAR_SHAPES = (b"'", b'r="AA', b'r="Ar', b'r="r', b'00000"')
SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
OTHER_KINDS = {b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"{\\rt": "a text document"}
DELIMITERS = (",", ";", "\t", "|")
ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#GETTING_DATA"})
SAVE_AS = "Save the roster as an Excel workbook (.xlsx) or a CSV file, and upload that."


class FileError(Exception):
    """The file can't be read as a roster; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's cells as text, column by column, without empty rows. `numbers`: each row's own number in the file."""

    columns: list[list[str]]
    numbers: list[int]

    def row(self, place: int) -> list[str]:
        """Return the cells of one row."""
        return [column[place] for column in self.columns]


def read(content: bytes) -> Sheet:
    """Return the rows of a CSV file or of a workbook's first sheet that has any. Raises FileError."""
    _refuse_other_kinds(content)
    return _workbook(content) if content.startswith(ZIP) else _csv(content)


def _refuse_other_kinds(content: bytes) -> None:
    if not content.strip():
        raise FileError("The file is empty. Choose another one.")
    if len(content) > MOST_BYTES:
        raise FileError(f"The file is larger than {MOST_BYTES // 1024**2} MB. Keep only the columns of the roster.")
    if content.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise FileError("The workbook is protected by a password. Remove the password, and upload it again.")
        raise FileError(f"This is a workbook of an older Excel (.xls). {SAVE_AS}")
    for begins, kind in OTHER_KINDS.items():
        if content.startswith(begins):
            raise FileError(f"This is {kind}, not a spreadsheet. {SAVE_AS}")


def text_of(value: object) -> str:  # noqa: PLR0911 - one for each type of a cell
    """Return a cell as text: a date in ISO form, a whole number without decimals, nothing for an empty cell."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def _workbook(content: bytes) -> Sheet:
    _refuse_hostile(content)
    # Only an upload needs it.
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for place in range(len(book.sheet_names)):
            sheet = book.get_sheet_by_index(place)
            if sheet.height:
                return _sheet(sheet.to_python(), first=sheet.start[0] + 1 if sheet.start else 1)
    except (CalamineError, ValueError, OSError) as error:
        raise FileError(
            f"We can’t read this workbook. Open it in Excel, save it again, and upload that. {SAVE_AS}"
        ) from error
    raise FileError("The workbook has no rows. Choose another one.")


def _refuse_hostile(content: bytes) -> None:
    """Refuse what isn't a workbook, what unpacks to too much, and cells so far out that the reader would run out of
    memory (docs/decisions/0236-workbooks-are-looked-through-first.md). Raises FileError."""
    unpacked = 0
    sheets = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            infos = parts.infolist()
            if len(infos) > MOST_PARTS or sum(info.file_size for info in infos) > MOST_UNPACKED:
                raise FileError("The workbook is too large once it’s unpacked. Keep only the sheet with the roster.")
            for info in infos:
                if info.flag_bits & 1:
                    raise FileError("The file is protected by a password. Remove it, and upload the file again.")
                # Python reads as much as the directory says, and refuses what turns out to be more.
                part = parts.read(info)
                unpacked += len(part)
                if SHEET.fullmatch(info.filename):
                    sheets += 1
                    if _reaches_far(part):
                        raise FileError(
                            "A sheet has cells to the right of column CZ or below row 19,999. Delete those columns and "
                            "rows, and upload the file again."
                        )
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
        raise FileError(f"The file is damaged. Open it in Excel, and save it again. {SAVE_AS}") from error
    if not sheets:
        raise FileError(f"This isn’t an Excel workbook. {SAVE_AS}")


def _reaches_far(sheet: bytes) -> bool:
    # Before it are no cells, but `xmlns:r="http`, which looks like one.
    cells = sheet[max(0, sheet.find(b"sheetData")) :]
    shape = cells.translate(SHAPE, SPACE)
    return any(far in shape for far in FAR_SHAPES) and FAR.search(cells.translate(None, SPACE)) is not None


def _csv(content: bytes) -> Sheet:
    text = _decoded(content)
    if "\0" in text:
        raise FileError(f"This isn’t a text file. {SAVE_AS}")
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "<svg", "<table")):
        raise FileError(f"This is a web page, even if its name ends in .csv or .xls. {SAVE_AS}")
    csv.field_size_limit(131_072)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        rows = []
        for row in reader:
            rows.append(row)
            if len(rows) > MOST_ROWS + 100:
                break
    except csv.Error as error:
        raise FileError(
            f"Line {reader.line_num} can’t be read as CSV: a cell is too long, or a quote isn’t closed."
        ) from error
    return _sheet(rows, first=1)


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        # What Excel in the United States writes as CSV.
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    """Return what most of the first lines are parted by, in the same number on each."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    best, score = ",", 0
    for delimiter in DELIMITERS:
        counts = [len(next(csv.reader([line], delimiter=delimiter), [])) for line in lines]
        wide = max(counts, default=1)
        found = sum(count == wide for count in counts) * (wide - 1)
        if wide > 1 and found > score:
            best, score = delimiter, found
    return best


def _sheet(found: Sequence[Sequence[object]], *, first: int) -> Sheet:
    """Return columns of text, without empty rows, and without what is empty to the right."""
    if len(found) > MOST_ROWS + 20:
        raise FileError(f"The file has more than {MOST_ROWS:,} rows. Leave out those who aren’t on this policy.")
    width = max(map(len, found), default=0)
    rows = [row if len(row) == width else [*row, *[""] * (width - len(row))] for row in found]
    columns = [_column(cells) for cells in zip(*rows, strict=True)]
    while columns and not any(columns[-1]):
        columns.pop()
    if len(columns) > MOST_COLUMNS:
        raise FileError(f"The file has more than {MOST_COLUMNS} columns. Keep only those of the roster.")
    filled = [place for place, cells in enumerate(zip(*columns, strict=True)) if any(cells)]
    if not filled:
        raise FileError("The file has no rows. Choose another one.")
    if len(filled) == 1:
        raise FileError(
            "The file has one row only. The first row holds the heads of the columns, the others the people."
        )
    if len(filled) < len(rows):
        columns = [[column[place] for place in filled] for column in columns]
    return Sheet(columns, [first + place for place in filled])


def _column(cells: Sequence[object]) -> list[str]:
    try:
        return list(map(str.strip, cells))  # type: ignore[arg-type]  # a column of texts, mostly; others raise
    except TypeError:
        texts: dict[object, str] = {}
        return [texts.get(cell) or texts.setdefault(cell, text_of(cell)) for cell in cells]
