"""Writes a PDF object by object, so that memory doesn't grow with the number of pages.

Small objects go into compressed object streams, and what they are is known only at the end: the cross-reference stream
(ISO 32000-1, 7.5.7 and 7.5.8). Equal input gives equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import operator
import re
import struct
from array import array
from typing import TYPE_CHECKING

from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

HEADER = b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"
# Objects in one object stream: enough to compress well, few enough to read one quickly.
TOGETHER = 500
STREAM = b"%d 0 obj\n<<%s/Length %d>>stream\n%s\nendstream\nendobj\n"
COMPRESSED = b"/Filter/FlateDecode"
# Half the time of zlib's best, for one byte in seventy more.
LEVEL = 6
# Bytes of a row of the cross-reference stream: kind, place, index.
ROW = 11
# Rows that are put together at once.
ROWS = 4096
FREE, PLAIN, PACKED = 0, 1, 2


class PdfWriter:
    """Numbers objects and writes them. Use `number` for an object that others refer to before it is written."""

    def __init__(self, to: BinaryIO, state: dict[str, Any] | None = None, *, level: int = LEVEL) -> None:
        """`state`: that of a writer, in another process perhaps, to go on from; `to` then takes what follows.
        `level`: how hard to compress."""
        self._to = to
        self._level = level
        self._waiting: list[tuple[int, bytes]] = []
        if state is not None:
            self._at = state["at"]
            self._digest = hashlib.sha256(state["digest"].encode())
            self._kinds = unpacked("B", state["kinds"])
            self._places = unpacked("Q", state["places"])
            self._indexes = unpacked("H", state["indexes"])
            return
        self._at = 0
        self._digest = hashlib.sha256()
        self._kinds = array("B", [FREE])
        self._places = array("Q", [0])
        self._indexes = array("H", [0])
        self._write(HEADER)

    def state(self) -> dict[str, Any]:
        """Write what waits, and return what it takes to go on, as JSON has it."""
        self._flush()
        return {
            "at": self._at,
            "digest": self._digest.hexdigest(),
            "kinds": packed(self._kinds),
            "places": packed(self._places),
            "indexes": packed(self._indexes),
        }

    def number(self, count: int = 1) -> int:
        """Return the first of `count` new numbers."""
        first = len(self._kinds)
        self._kinds.extend([FREE] * count)
        self._places.extend([0] * count)
        self._indexes.extend([0] * count)
        return first

    def add(self, number: int, content: bytes) -> None:
        """Write an object that isn't a stream, soon."""
        self._waiting.append((number, content))
        if len(self._waiting) >= TOGETHER:
            self._flush()

    def add_stream(self, number: int, content: bytes, entries: bytes = b"", *, packed: bool = False) -> None:
        """Write a stream. `entries` of its dictionary; `packed`: `content` is compressed by zlib already."""
        if not packed:
            smaller = zlib_ng.compress(content, self._level)
            # Less than what is said about it.
            if len(content) - len(smaller) <= len(COMPRESSED):
                self.add_raw(number, STREAM % (number, entries, len(content), content))
                return
            content = smaller
        self.add_raw(number, STREAM % (number, entries + COMPRESSED, len(content), content))

    def add_raw(self, number: int, content: bytes) -> None:
        """Write an object with its `obj` and `endobj`, as it is."""
        self._kinds[number] = PLAIN
        self._places[number] = self._at
        self._write(content)

    def add_parts(self, number: int, parts: Iterable[bytes]) -> None:
        """Write an object as it comes, from `obj` to `endobj`: one that is too large to hold."""
        self._kinds[number] = PLAIN
        self._places[number] = self._at
        for part in parts:
            self._write(part)

    def close(self, *, root: int, info: int) -> None:
        """Write what is left, and where everything is."""
        self._flush()
        number = self.number()
        self._kinds[number], self._places[number] = PLAIN, self._at
        name = self._digest.hexdigest()[:32].encode()
        entries = (
            b"/Type/XRef/Size %d/W[1 8 2]/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]"
            b"/DecodeParms<</Predictor 12/Columns %d>>" % (len(self._kinds), root, info, name, name, ROW)
        )
        start = self._at
        self.add_stream(number, b"".join(self._table()), entries, packed=True)
        self._write(b"startxref\n%d\n%%%%EOF\n" % start)

    def _table(self) -> Iterator[bytes]:
        """Yield where everything is, compressed, some rows at a time: a large file has half a million."""
        compressor = zlib_ng.compressobj(LEVEL)
        pack, before = struct.Struct(">BQH").pack, bytes(ROW)
        for first in range(0, len(self._kinds), ROWS):
            some = slice(first, first + ROWS)
            rows = b"".join(map(pack, self._kinds[some], self._places[some], self._indexes[some]))
            yield compressor.compress(_differences(rows, before))
            before = rows[-ROW:]
        yield compressor.flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        number = self.number()
        offset, index, bodies = 0, [], []
        for place, (each, content) in enumerate(self._waiting):
            self._kinds[each], self._places[each], self._indexes[each] = PACKED, number, place
            index.append(b"%d %d" % (each, offset))
            bodies.append(content)
            offset += len(content) + 1
        head = b" ".join(index) + b"\n"
        entries = b"/Type/ObjStm/N %d/First %d" % (len(index), len(head))
        self._waiting.clear()
        self.add_stream(number, head + b"\n".join(bodies), entries)

    def _write(self, content: bytes) -> None:
        self._to.write(content)
        self._digest.update(content)
        self._at += len(content)


def packed(numbers: array[int]) -> str:
    """Return an array as text, for JSON: compressed, since a large file has millions of bytes of them."""
    return base64.b64encode(zlib_ng.compress(numbers.tobytes(), 1)).decode()


def unpacked(kind: str, text: str) -> array[int]:
    """Return what `packed` wrote."""
    return array(kind, zlib_ng.decompress(base64.b64decode(text)) if text else b"")


def _differences(table: bytes, before: bytes) -> bytes:
    """Return rows as PNG's filter 'up' has them, byte by byte less the row before: most rows differ by one. `before`:
    the row before the first."""
    rows = bytearray((ROW + 1) * (len(table) // ROW))
    rows[:: ROW + 1] = b"\2" * (len(table) // ROW)
    for column in range(ROW):
        mine = table[column::ROW]
        rows[column + 1 :: ROW + 1] = bytes(
            [each & 255 for each in map(operator.sub, mine, before[column : column + 1] + mine)]
        )
    return bytes(rows)


def text(value: str) -> bytes:
    """Return a text as PDF writes it in dictionaries."""
    if value.isascii():
        return b"(%s)" % re.sub(rb"([()\\])", rb"\\\1", value.encode()).replace(b"\r", b"\\r")
    return b"<" + (b"\xfe\xff" + value.encode("utf-16-be")).hex().encode() + b">"


def length(value: float) -> bytes:
    """Return a length as WeasyPrint writes it: with at most six places."""
    return f"{value:.6f}".rstrip("0").rstrip(".").encode()


def references(numbers: Iterable[int]) -> bytes:
    """Return references to objects, as an array holds them."""
    return b" ".join([b"%d 0 R" % number for number in numbers])
