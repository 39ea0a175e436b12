"""Writes a PDF object by object, so that memory doesn't grow with the number of pages.

Small objects go into compressed object streams, and what they are is known only at the end: the cross-reference stream
(ISO 32000-1, 7.5.7 and 7.5.8). Equal input gives equal bytes.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

HEADER = b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"
# Objects in one object stream: enough to compress well, few enough to read one quickly.
TOGETHER = 200
FREE, PLAIN, PACKED = 0, 1, 2


class PdfWriter:
    """Numbers objects and writes them. Use `number` for an object that others refer to before it is written."""

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self._at = 0
        self._digest = hashlib.sha256()
        self._kinds = array("B", [FREE])
        self._places = array("Q", [0])
        self._indexes = array("H", [0])
        self._waiting: list[tuple[int, bytes]] = []
        self._write(HEADER)

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
            content = zlib.compress(content)
        self.add_raw(
            number,
            b"%d 0 obj\n<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream\nendobj\n"
            % (number, entries, len(content), content),
        )

    def add_raw(self, number: int, content: bytes) -> None:
        """Write an object with its `obj` and `endobj`, as it is."""
        self._kinds[number] = PLAIN
        self._places[number] = self._at
        self._write(content)

    def close(self, *, root: int, info: int) -> None:
        """Write what is left, and where everything is."""
        self._flush()
        number = self.number()
        self._kinds[number], self._places[number] = PLAIN, self._at
        table = b"".join(map(struct.Struct(">BQH").pack, self._kinds, self._places, self._indexes))
        name = self._digest.hexdigest()[:32].encode()
        entries = b"/Type/XRef/Size %d/W[1 8 2]/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]" % (
            len(self._kinds),
            root,
            info,
            name,
            name,
        )
        start = self._at
        self.add_stream(number, table, entries)
        self._write(b"startxref\n%d\n%%%%EOF\n" % start)

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


def text(value: str) -> bytes:
    """Return a text as PDF writes it in dictionaries."""
    return b"<" + (b"\xfe\xff" + value.encode("utf-16-be")).hex().encode() + b">"


def length(value: float) -> bytes:
    """Return a length as WeasyPrint writes it: with at most six places."""
    return f"{value:.6f}".rstrip("0").rstrip(".").encode()


def references(numbers: Iterable[int]) -> bytes:
    """Return references to objects, as an array holds them."""
    return b" ".join([b"%d 0 R" % number for number in numbers])
