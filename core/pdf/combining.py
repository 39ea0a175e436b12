"""Several PDFs as one: their pages in order and as they are, an outline, and their tags where all have them.

Each file is first laid out by a process of its own (`core.pdf.unfolding`), and then copied object by object under other
numbers. So a page keeps its boxes, notes, and links, and memory grows neither with the number of files nor with their
size. What speaks of one file as a whole isn't kept: signatures, forms, scripts, attachments, metadata.
"""

from __future__ import annotations

import io
import json
import re
import string
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from core.pdf.apart import Apart
from core.pdf.checking import is_marked
from core.pdf.writing import PdfWriter, references, text

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("unfolding.py")
# One file may take so long, in seconds: a scan of hundreds of megabytes is read and written.
SECONDS = 60.0
# How hard objects are compressed: more takes longer than it is worth for files that are downloaded once.
LEVEL = 6
# What is read at once, in bytes.
CHUNK = 1 << 20
# As the library writes files: a string, or a reference.
TOKEN = re.compile(rb"\((?:[^\\()]|\\.)*\)|<[0-9a-f]*>|(\d+) 0 R", re.DOTALL)
STREAM = b"\nstream\n"
PLAIN_IN_NAMES = string.ascii_letters.encode() + string.digits.encode() + b"/-_."
# Of the joined file.
CATALOG, PAGES, OUTLINE, TAGS, KEYS, INFO, FIRST_FREE = range(1, 8)
# The version that the header says.
VERSION = "1.7"


@dataclass(frozen=True)
class Added:
    """How many pages a file has brought, or why it was left out: `broken`, `encrypted`, or `protected`."""

    pages: int = 0
    fault: str = ""


@dataclass
class _Entry:
    """A file in the outline: its title, its first page, and its own outline's first and last entry."""

    number: int
    title: str
    page: int
    inner: bytes


class Combiner:
    """A PDF in the making. Add files, then `close`. The same files give the same bytes."""

    def __init__(self, to: BinaryIO, *, title: str) -> None:
        self._writer = PdfWriter(to, level=LEVEL)
        self._writer.number(FIRST_FREE - 1)
        self._title = title
        self._apart = Apart(PROGRAM, seconds=SECONDS)
        self._folder = tempfile.TemporaryDirectory()
        self._entries: list[_Entry] = []
        self._trees: list[int] = []
        self._tagged: list[int] | None = []
        self._keys: list[int] = []
        self._next_key = 0
        self._roles: dict[str, str] = {}
        self._layers: list[bytes] = []
        self._hidden: list[bytes] = []
        self._version = VERSION
        self.pages = 0

    def __enter__(self) -> Self:
        self._apart.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._apart.__exit__(kind, error, traceback)
        self._folder.cleanup()

    @property
    def pid(self) -> int | None:
        """The process that lays files out, while there is one."""
        return self._apart.pid

    def add(self, path: Path, *, title: str) -> Added:
        """Add a file's pages under an entry of the outline; or nothing, where it can't be opened."""
        laid_out = Path(self._folder.name) / "file.pdf"
        said = self._lay_out(path, laid_out)
        if fault := said.get("fault", ""):
            return Added(fault=fault)
        with laid_out.open("rb") as stream:
            self._take(_Laid(stream), title, said)
        self.pages += said["pages"]
        return Added(pages=said["pages"])

    def _lay_out(self, path: Path, to: Path) -> dict[str, Any]:
        if not is_marked(path):
            return {"fault": "broken"}
        asked = {"path": str(path), "to": str(to), "tags": self._next_key}
        return self._apart.ask(json.dumps(asked)) or {"fault": "broken"}

    def _take(self, laid: _Laid, title: str, said: dict[str, Any]) -> None:
        """Copy the objects of a file under the numbers after the last ones."""
        catalog = laid.catalog()
        offset = self._writer.number(laid.count) - 1
        entry = self._writer.number()
        elsewhere = {b"1": CATALOG, catalog["Up"]: PAGES}
        inner = b""
        if "Marks" in catalog:
            elsewhere[catalog["Marks"]] = entry
            inner = _inner(laid.content(int(catalog["Marks"])))
        if "Above" in catalog:
            elsewhere[catalog["Above"]] = TAGS

        def moved(token: re.Match[bytes]) -> bytes:
            number = token[1]
            return b"%d 0 R" % (elsewhere.get(number) or int(number) + offset) if number else token[0]

        def renumbered(content: bytes) -> bytes:
            return TOKEN.sub(moved, content) if b" 0 R" in content else content

        left_out = {int(number) for number in elsewhere}
        for number in range(1, laid.count + 1):
            if number not in left_out:
                self._copy(laid, number, number + offset, renumbered)
        self._entries.append(_Entry(entry, title, int(catalog["First"]) + offset, renumbered(inner)))
        self._trees.append(int(catalog["Pages"]) + offset)
        self._layers.append(renumbered(catalog.get("Layers", b"")))
        self._hidden.append(renumbered(catalog.get("Off", b"")))
        self._version = max(self._version, said["version"])
        if said["keys"] is None:
            self._tagged = None
        elif self._tagged is not None:
            self._tagged.append(int(catalog["Tags"]) + offset)
            if said["keys"] > self._next_key:
                self._keys.append(int(catalog["Keys"]) + offset)
            self._next_key = said["keys"]
            self._roles = said["roles"] | self._roles

    def _copy(self, laid: _Laid, number: int, new: int, renumbered: Any) -> None:
        head, rest = laid.read(number)
        content, stream, data = head.partition(STREAM)
        if not stream:
            self._writer.add(new, renumbered(b"".join((head, *rest))))
        elif laid.is_small:
            self._writer.add_raw(new, b"%d 0 obj\n%s%s%s" % (new, renumbered(content), STREAM, data))
        else:
            self._writer.add_parts(new, _parts(b"%d 0 obj\n%s" % (new, renumbered(content)), STREAM + data, rest))

    def close(self) -> None:
        """Write the outline, the tags, and where everything is. Raises ValueError where no file was added."""
        if not self._entries:
            raise ValueError("no file could be added")
        writer = self._writer
        extra = self._close_tags() + self._close_layers()
        if self._version != VERSION:
            extra += b"/Version/" + self._version.encode()
        self._close_outline()
        writer.add(PAGES, b"<</Type/Pages/Count %d/Kids[%s]>>" % (self.pages, references(self._trees)))
        writer.add(INFO, b"<</Title %s>>" % text(self._title))
        writer.add(
            CATALOG,
            b"<</Type/Catalog/Pages %d 0 R/Outlines %d 0 R/PageMode/UseOutlines/Lang(en-US)"
            b"/ViewerPreferences<</DisplayDocTitle true>>%s>>" % (PAGES, OUTLINE, extra),
        )
        writer.close(root=CATALOG, info=INFO)

    def _close_outline(self) -> None:
        entries = self._entries
        for place, entry in enumerate(entries):
            beside = b"/Prev %d 0 R" % entries[place - 1].number if place else b""
            if place + 1 < len(entries):
                beside += b"/Next %d 0 R" % entries[place + 1].number
            self._writer.add(
                entry.number,
                b"<</Title %s/Parent %d 0 R/Dest[%d 0 R/Fit]%s%s>>"
                % (text(entry.title), OUTLINE, entry.page, beside, entry.inner),
            )
        ends = (entries[0].number, entries[-1].number, len(entries))
        self._writer.add(OUTLINE, b"<</Type/Outlines/First %d 0 R/Last %d 0 R/Count %d>>" % ends)

    def _close_tags(self) -> bytes:
        """Write the root of the tags, and return what the catalog says of it: nothing where a file has none."""
        if not self._tagged:
            return b""
        keys = b"/Kids[%s]" % references(self._keys) if self._keys else b"/Nums[]"
        self._writer.add(KEYS, b"<<%s>>" % keys)
        roles = b"".join(b"%s%s" % (_name(role), _name(standard)) for role, standard in self._roles.items())
        self._writer.add(
            TAGS,
            b"<</Type/StructTreeRoot/K[%s]/ParentTree %d 0 R/ParentTreeNextKey %d/RoleMap<<%s>>>>"
            % (references(self._tagged), KEYS, self._next_key, roles),
        )
        return b"/StructTreeRoot %d 0 R/MarkInfo<</Marked true>>" % TAGS

    def _close_layers(self) -> bytes:
        if not any(self._layers):
            return b""
        layers, hidden = b" ".join(filter(None, self._layers)), b" ".join(filter(None, self._hidden))
        return b"/OCProperties<</OCGs[%s]/D<</OFF[%s]>>>>" % (layers, hidden)


class _Laid:
    """A file as `core.pdf.unfolding` writes it: plain objects in order, and a table of where they begin."""

    def __init__(self, stream: BinaryIO) -> None:
        end = stream.seek(0, 2)
        # A small file is read at once.
        self.is_small = end <= CHUNK
        if self.is_small:
            stream.seek(0)
            self._data = stream.read()
            stream = io.BytesIO(self._data)
        self._stream = stream
        stream.seek(max(0, end - 64))
        table = int(stream.read().rpartition(b"startxref\n")[2].split()[0])
        stream.seek(table)
        lines = stream.read(end - table).split(b"\n", 2)
        self.count = int(lines[1].split()[1]) - 1
        rows = lines[2]
        # A row is 20 bytes; the first one is of no object.
        self._begins = [int(rows[at : at + 10]) for at in range(20, 20 * (self.count + 1), 20)]
        self._begins.append(table)

    def read(self, number: int) -> tuple[bytes, Iterator[bytes]]:
        """Return an object without its `obj`: what it begins with, and the rest in pieces, its `endobj` included."""
        begin, end = self._begins[number - 1], self._begins[number]
        if self.is_small:
            head = self._data[begin:end].partition(b" obj\n")[2]
            return (head if STREAM in head else head.rpartition(b"\nendobj")[0]), iter(())
        self._stream.seek(begin)
        first = self._stream.read(min(CHUNK, end - begin))
        rest = self._rest(end - begin - len(first))
        head = first.partition(b" obj\n")[2]
        if end - begin <= CHUNK and STREAM not in head:
            head = head.rpartition(b"\nendobj")[0]
        return head, rest

    def _rest(self, left: int) -> Iterator[bytes]:
        while left > 0:
            piece = self._stream.read(min(CHUNK, left))
            if not piece:
                raise EOFError
            left -= len(piece)
            yield piece

    def content(self, number: int) -> bytes:
        """Return an object whole."""
        head, rest = self.read(number)
        return b"".join((head, *rest))

    def catalog(self) -> dict[str, bytes]:
        """Return the numbers of what the catalog names, and of its arrays what they hold."""
        content = self.content(1)
        found = {match[1].decode(): match[2] for match in re.finditer(rb"/(\w+) (\d+) 0 R", content)}
        return found | {match[1].decode(): match[2] for match in re.finditer(rb"/(\w+) \[ ([^\]]*)\]", content)}


def _parts(head: bytes, data: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield data
    yield from rest


def _inner(outline: bytes) -> bytes:
    """Return what an entry of the outline says of the file's own outline, which is closed below it."""
    ends = b"".join(match[0] for match in re.finditer(rb"/(?:First|Last) \d+ 0 R", outline))
    count = re.search(rb"/Count -?(\d+)", outline)
    return ends + b"/Count -%d" % max(1, int(count[1]) if count else 1)


def _name(name: str) -> bytes:
    """Return a name as PDF writes it; the library gives it with its slash."""
    return b"".join(bytes([byte]) if byte in PLAIN_IN_NAMES else b"#%02x" % byte for byte in name.encode())
