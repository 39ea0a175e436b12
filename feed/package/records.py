"""Records of a CSV file, strictly by RFC 4180, as a stream of batches.

What is wrong becomes a fault with the row that a spreadsheet would show (the header is row 1, a quoted line break
starts no row); nothing in a file raises. Well-formed text is split by Python's own `csv`; only a batch that holds
something unusual is read again by the strict parser below, which says what and where.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

# Small enough that a text and its records stay in the processor's cache.
CHUNK = 1 << 18
# Characters of one record; the same as the limit of Python's csv for one field.
MAX_RECORD = 131_072
# Bytes without the end of a record, after which a quote that is open counts as never closed.
MAX_OPEN = 1 << 21
# So many structural faults, and the rest of a file is not read: it is not the CSV that it claims to be.
MAX_FAULTS = 100
UTF8_MARK = b"\xef\xbb\xbf"

_FIELD = re.compile(r'"([^"]*(?:""[^"]*)*)"|([^",\r\n]*)')
_BYTES = re.compile("[\udc80-\udcff]")

# (row, index of the column or None, code, sentence)
Fault = Callable[[int, int | None, str, str], None]


@dataclass(frozen=True)
class Batch:
    """Records of the right width, and the row of each."""

    rows: list[list[str]]
    lines: Sequence[int]


@dataclass(frozen=True)
class Malformed:
    """A record that breaks the format."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Records:
    """The records of one text. `plain`: all are well-formed and hold only characters; their width is not looked at."""

    all: list[list[str] | Malformed]
    plain: bool


class RecordReader:
    """Reads one file once. `records`, `digest` and `stopped` are final when the batches have been run through.

    `records` counts rows below the header. `stopped`: the rest was only hashed, so the count says nothing.
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
        """SHA-256 of the bytes read so far, as hexadecimal digits."""
        return self._hash.hexdigest()

    def header(self) -> list[str] | None:
        """The first record; None, with a fault, if there is none that can be read."""
        for text, suspicious in self._texts:
            records = self._records(text, suspicious=suspicious)
            head, self._row = records.all.pop(0), 1
            self._first = records
            if isinstance(head, Malformed):
                self._fault(1, None, head.code, head.sentence)
            elif _BYTES.search("".join(head)):
                self._fault(1, None, "encoding", "The header isn't UTF-8.")
            elif not any(head):
                self._fault(1, None, "no-header", "The first row is empty; it must name the columns.")
            else:
                return head
            self.drain()
            return None
        if not self.stopped:
            self._fault(1, None, "no-header", "The file is empty; its first row must name the columns.")
        return None

    def batches(self, width: int) -> Iterator[Batch]:
        """All further records that have `width` fields."""
        if self._first is not None:
            first, self._first = self._first, None
            yield self._batch(first, width)
        for text, suspicious in self._texts:
            yield self._batch(self._records(text, suspicious=suspicious), width)

    def drain(self) -> None:
        """Hash the rest without looking at it."""
        self.stopped = True
        while data := self._stream.read(CHUNK):
            self.seen += len(data)
            self._hash.update(data)

    # Texts: whole records, cut where no quoted value is open.

    def _read_texts(self) -> Iterator[tuple[str, bool]]:
        """Text of about a chunk that ends with a record, and whether it holds what needs a closer look."""
        buffer = b""
        beginning = True
        while not self.stopped:
            data = self._stream.read(CHUNK)
            self.seen += len(data)
            self._hash.update(data)
            buffer += data
            if beginning and buffer.startswith(UTF8_MARK):
                self._fault(1, None, "byte-order-mark", "The file begins with a byte order mark; remove it.")
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
        """Every record of the text; the strict parser is asked where Python's own might see what isn't there."""
        if suspicious or text.count("\r") != text.count("\r\n"):
            return Records(list(parse_strictly(text)), plain=False)
        if '"' not in text:
            lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
            return Records([line.split(",") for line in lines], plain=max(map(len, lines)) <= MAX_RECORD)
        try:
            records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            return Records(list(parse_strictly(text)), plain=False)
        # A quote inside a value was either doubled inside quotes, which is right, or stood bare, which is not.
        if '"' in "".join(map("".join, records)):
            return Records(list(parse_strictly(text)), plain=False)
        return Records(records, plain=True)  # type: ignore[arg-type]  # a list of lists is one of lists or faults

    def _batch(self, records: Records, width: int) -> Batch:
        """Those of the right form and width; a fault for each other."""
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
        """Whether a record can go on; a fault says why not."""
        column: int | None = None
        if isinstance(record, Malformed):
            code, sentence = record.code, record.sentence
        elif not any(record) and len(record) <= 1:
            code, sentence = "blank-row", "The row is empty."
        elif sum(map(len, record)) > MAX_RECORD:
            code, sentence = "line-too-long", f"The row is longer than {MAX_RECORD:,} characters."
        elif len(record) != width:
            code, sentence = "field-count", f"The row has {len(record)} fields; the header has {width}."
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
            self._fault(row, None, "not-read", f"After {MAX_FAULTS} broken rows, the rest of the file wasn't read.")
            self.drain()
        return False


def parse_strictly(text: str) -> Iterator[list[str] | Malformed]:
    """Records by the grammar of RFC 4180, section 2 (a line may also end with LF alone).

    After a fault it goes on with the next line.
    """
    position = 0
    while position < len(text):
        start = position
        fields: list[str] = []
        fault: Malformed | None = None
        while True:
            # Always matches: the second branch takes an empty value.
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
    """The text, and whether it holds bytes that are not UTF-8 or a NUL."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape"), True
    return text, "\0" in text


def _record_end(buffer: bytes) -> int:
    """Where the last whole record of the buffer ends; 0 if none does. A line's end inside quotes ends no record."""
    end = buffer.rfind(b"\n") + 1
    quotes = buffer.count(b'"', 0, end)
    while end and quotes % 2:
        before = buffer.rfind(b"\n", 0, end - 1) + 1
        quotes -= buffer.count(b'"', before, end)
        end = before
    return end
