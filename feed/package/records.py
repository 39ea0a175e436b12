"""Strict CSV reader (RFC 4180): the records of a file as a stream of batches.

Problems are reported with the row a spreadsheet would show: the header is row 1, and a quoted line break doesn't start
a row. No content raises. Python's own `csv` splits well-formed text. Only a batch with something unusual in it is read
again by the strict parser below, which finds out what and where.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

# Small enough for a text and its records to stay in the processor's cache.
CHUNK = 1 << 18
# Characters in one record: the same as the limit of Python's csv for one field.
MAX_RECORD = 131_072
# After this many bytes without the end of a record, an open quote counts as never closed.
MAX_OPEN = 1 << 21
# After this many malformed rows, the rest of a file isn't read: it isn't the CSV it claims to be.
MAX_FAULTS = 100
UTF8_MARK = b"\xef\xbb\xbf"

_FIELD = re.compile(r'"([^"]*(?:""[^"]*)*)"|([^",\r\n]*)')
_BYTES = re.compile("[\udc80-\udcff]")

# (row, index of the column or None, code, sentence)
Fault = Callable[[int, int | None, str, str], None]


@dataclass(frozen=True)
class Batch:
    """Records with the right number of fields, and the row of each."""

    rows: list[list[str]]
    lines: Sequence[int]


@dataclass(frozen=True)
class Malformed:
    """A record that violates the format."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Records:
    """The records of one text. `plain`: all are well-formed UTF-8; their number of fields hasn't been checked."""

    all: list[list[str] | Malformed]
    plain: bool


class RecordReader:
    """Reads one file once. `records`, `digest`, and `stopped` are final after the last batch.

    `records` counts rows below the header. `stopped`: the rest was only hashed, so the count is meaningless.
    """

    def __init__(self, stream: IO[bytes], fault: Fault) -> None:
        self._stream = stream
        self._fault = fault
        self._hash = hashlib.sha256()
        self._faults = 0
        self._row = 0
        self._texts = self._read_texts()
        self._first: Records | None = None
        self.records = 0
        self.stopped = False
        self.seen = 0

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes read so far, in hexadecimal."""
        return self._hash.hexdigest()

    def header(self) -> list[str] | None:
        """Return the first record, or report a problem and return None."""
        for text, suspicious in self._texts:
            records = self._records(text, suspicious=suspicious)
            head, self._row = records.all.pop(0), 1
            self._first = records
            if isinstance(head, Malformed):
                self._fault(1, None, head.code, head.sentence)
            elif _BYTES.search("".join(head)):
                self._fault(1, None, "encoding", "The header isn't UTF-8.")
            elif not any(head):
                self._fault(1, None, "no-header", "The first row is empty; it must have the column names.")
            else:
                return head
            self.drain()
            return None
        if not self.stopped:
            self._fault(1, None, "no-header", "The file is empty; its first row must have the column names.")
        return None

    def batches(self, width: int) -> Iterator[Batch]:
        """Yield all further records that have `width` fields."""
        if self._first is not None:
            first, self._first = self._first, None
            yield self._batch(first, width)
        for text, suspicious in self._texts:
            yield self._batch(self._records(text, suspicious=suspicious), width)

    def drain(self) -> None:
        """Hash the rest without parsing it."""
        self.stopped = True
        while data := self._stream.read(CHUNK):
            self.seen += len(data)
            self._hash.update(data)

    # Texts: whole records, never cut inside a quoted value.

    def _read_texts(self) -> Iterator[tuple[str, bool]]:
        """Yield texts of about a chunk that end with a record, and whether they need a closer look."""
        buffer = b""
        beginning = True
        while not self.stopped:
            data = self._stream.read(CHUNK)
            self.seen += len(data)
            self._hash.update(data)
            buffer += data
            if beginning and buffer.startswith(UTF8_MARK):
                self._fault(
                    1, None, "byte-order-mark", "The file begins with a byte order mark, which must be removed."
                )
                buffer = buffer[len(UTF8_MARK) :]
            beginning = False
            if not data:
                if buffer:
                    yield _decode(buffer)
                return
            end, odd = _record_end(buffer), False
            if end == 0 and len(buffer) > MAX_OPEN:
                end, odd = buffer.rfind(b"\n") + 1, True
                if end == 0:
                    self._fault(
                        self._row + 1, None, "line-too-long", "The row is too long; the rest of the file wasn't read."
                    )
                    self.drain()
                    return
            if end:
                text, suspicious = _decode(buffer[:end])
                buffer = buffer[end:]
                yield text, suspicious or odd

    # Records of one text.

    @staticmethod
    def _records(text: str, *, suspicious: bool) -> Records:
        """Return every record of the text, by the strict parser wherever Python's own might be wrong."""
        if suspicious or text.count("\r") != text.count("\r\n"):
            return Records(list(parse_strictly(text)), plain=False)
        if '"' not in text:
            lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
            return Records([line.split(",") for line in lines], plain=max(map(len, lines)) <= MAX_RECORD)
        try:
            records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            return Records(list(parse_strictly(text)), plain=False)
        # A quote inside a value was either doubled inside quotes, which is right, or bare, which isn't.
        if '"' in "".join(map("".join, records)):
            return Records(list(parse_strictly(text)), plain=False)
        return Records(records, plain=True)  # type: ignore[arg-type]  # a list of lists is one of lists or faults

    def _batch(self, records: Records, width: int) -> Batch:
        """Return the valid records, and report a problem for each of the others."""
        first = self._row + 1
        count = len(records.all)
        self._row += count
        self.records += count
        if records.plain and set(map(len, records.all)) <= {width}:  # type: ignore[arg-type]  # plain ones are lists
            return Batch(rows=records.all, lines=range(first, first + count))  # type: ignore[arg-type]  # as above
        rows: list[list[str]] = []
        lines: list[int] = []
        for row, record in enumerate(records.all, start=first):
            if self.stopped:
                break
            if self._is_sound(row, record, width):
                rows.append(record)  # type: ignore[arg-type]  # a sound one is a list
                lines.append(row)
        return Batch(rows=rows, lines=lines)

    def _is_sound(self, row: int, record: list[str] | Malformed, width: int) -> bool:
        """Return whether a record is valid, and report why not."""
        column: int | None = None
        if isinstance(record, Malformed):
            code, sentence = record.code, record.sentence
        elif not any(record) and len(record) <= 1:
            code, sentence = "blank-row", "The row is empty."
        elif sum(map(len, record)) > MAX_RECORD:
            code, sentence = "line-too-long", f"The row is longer than {MAX_RECORD:,} characters."
        elif len(record) != width:
            code, sentence = "field-count", f"The row has {len(record)} fields, but the header has {width}."
        else:
            for index, value in enumerate(record):
                if "\0" in value:
                    column, code, sentence = index, "nul", "The value contains a NUL character."
                    break
                if _BYTES.search(value):
                    column, code, sentence = index, "encoding", "The value isn't UTF-8."
                    break
            else:
                return True
        self._fault(row, column, code, sentence)
        self._faults += 1
        if self._faults >= MAX_FAULTS:
            self._fault(row, None, "not-read", f"The rest of the file wasn't read after {MAX_FAULTS} malformed rows.")
            self.drain()
        return False


def parse_strictly(text: str) -> Iterator[list[str] | Malformed]:
    """Yield records by the grammar of RFC 4180, section 2, except that a line may also end with LF alone.

    Parsing continues on the line after a malformed record.
    """
    position = 0
    while position < len(text):
        start = position
        fields: list[str] = []
        fault: Malformed | None = None
        while True:
            # Always matches: the second branch accepts an empty value.
            match = _FIELD.match(text, position)
            quoted, plain = match.groups()  # type: ignore[union-attr]  # as said
            fields.append(plain if quoted is None else quoted.replace('""', '"'))
            begin, position = position, match.end()  # type: ignore[union-attr]  # as said
            following = text[position : position + 1]
            if following == ",":
                position += 1
                continue
            if following in {"", "\n"}:
                position += 1
            elif text.startswith("\r\n", position):
                position += 2
            elif following == "\r":
                fault = Malformed("line-break", "The row contains a carriage return that doesn't end a line.")
            elif quoted is not None:
                fault = Malformed("quote", "A value continues after its closing quote.")
            elif position == begin:
                fault = Malformed("quote", "A quoted value has no closing quote.")
                position = start
            else:
                fault = Malformed("quote", "A value without quotes around it contains a quote.")
            break
        if fault is None and position - start > MAX_RECORD:
            fault = Malformed("line-too-long", f"The row is longer than {MAX_RECORD:,} characters.")
        elif fault is not None:
            end = text.find("\n", position)
            position = len(text) if end < 0 else end + 1
        yield fault or fields


def _decode(data: bytes) -> tuple[str, bool]:
    """Return the text, and whether it has a NUL or bytes that aren't UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape"), True
    return text, "\0" in text


def _record_end(buffer: bytes) -> int:
    """Return where the buffer's last whole record ends, or 0. A line break inside quotes doesn't end a record."""
    end = buffer.rfind(b"\n") + 1
    quotes = buffer.count(b'"', 0, end)
    while end and quotes % 2:
        before = buffer.rfind(b"\n", 0, end - 1) + 1
        quotes -= buffer.count(b'"', before, end)
        end = before
    return end
