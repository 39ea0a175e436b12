"""Many documents as one PDF, written as they come: pages share their fonts and what else they have in common.

Composed pages come from `core.pdf.setting`; documents that were laid out whole are copied with pikepdf. Either way each
document is one part of the structure, for screen readers.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import pikepdf

from core.pdf.documents import DOCUMENT, PAGES, PARENTS, Tagged, finish
from core.pdf.writing import PdfWriter, packed, references, text, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.pdf.boxes import Glyphs
    from core.pdf.documents import Faces
    from core.pdf.setting import Composed

# Kids of one node of a tree.
TOGETHER = 64
Entry = tuple[str, int, "list[Entry]"]
"""An entry of an outline: its title, the object of its page, and the entries below it."""


class OtherFacesError(Exception):
    """The file was begun with other faces than this process has."""


class Binder:
    """A PDF in the making. Add documents, then `close`; or keep its `state`, and go on later from that."""

    def __init__(self, to: BinaryIO, faces: Faces, state: dict[str, Any] | None = None) -> None:
        """`state`: that of a binder, in another process perhaps, to go on from; `to` then takes what follows. Raises
        `OtherFacesError` where it has other faces."""
        known = state or {}
        if known and known["faces"] != faces.names:
            raise OtherFacesError
        self._writer = PdfWriter(to, known.get("writer"))
        if not known:
            self._writer.number(faces.after)
        self._faces = faces
        self._tagged = Tagged(self._writer, written=known.get("tagged"))
        self._glyphs: Glyphs = _by_number(known.get("glyphs", {}))
        faces.know_widths(_by_number(known.get("widths", {})))
        self._tree = _PageTree(self._writer, known.get("tree"))
        self._parents = _ParentTree(self._writer, known.get("parents"))
        self._parts = unpacked("Q", known.get("parts", ""))

    def state(self) -> dict[str, Any]:
        """Return what it takes to go on, as JSON has it; what was added is written by then."""
        return {
            "writer": self._writer.state(),
            "faces": self._faces.names,
            "tagged": self._tagged.state(),
            "glyphs": self._glyphs,
            "widths": self._faces.widths(self._glyphs),
            "tree": self._tree.state(),
            "parents": self._parents.state(),
            "parts": packed(self._parts),
        }

    @property
    def pages(self) -> int:
        """How many pages there are so far."""
        return self._parents.count

    def add(self, composed: Composed, *, title: str) -> int:
        """Add a composed page, and return its object. Raises `CantSet`, and then adds nothing."""
        self._faces.collect(composed, into=self._glyphs, common=True)
        page, part = self._set(composed, self._tree.leaf(), title, alike=True)
        self._tree.add(page)
        self._parts.append(part)
        return page

    def add_whole(self, pdf: bytes, *, title: str) -> int:
        """Add a document that WeasyPrint laid out whole, with tags, and return the object of its first page."""
        part = self._writer.number()
        with pikepdf.open(io.BytesIO(pdf)) as document:
            structure = document.Root.StructTreeRoot
            top = structure.K[0]
            copy = _Copy(self._writer, {top.objgen: part})
            nums = list(structure.ParentTree.Nums)
            pages = [copy.number(page.obj) for page in document.pages]
            for page, number, refers in zip(document.pages, pages, nums[1::2], strict=False):
                leaf = self._tree.leaf()
                copy.write(page.obj, number, {"/Parent": b"%d 0 R" % leaf, "/StructParents": b"%d" % self.pages})
                self._tree.add(number)
                self._parents.add(copy.value(refers))
            kids = [copy.number(kid) for kid in top.K]
            copy.finish()
        self._part(part, title, kids)
        self._parts.append(part)
        return pages[0]

    def close(self, front: Iterable[Composed], *, outline: Sequence[Entry], metadata: dict[str, str]) -> int:
        """Write the pages that come before all others, the outline, and the rest. Return how many pages there are.

        The pages in front are numbered i, ii, iii, the others from 1. Raises `CantSet` for one in front.
        """
        writer = self._writer
        in_front, parts = [], []
        cover = writer.number()
        for composed in front:
            self._faces.collect(composed, into=self._glyphs, common=True)
            page, part = self._set(composed, cover, composed.metadata.get("title", ""), alike=False)
            in_front.append(page)
            parts.append(part)
        fonts = self._faces.fonts(self._glyphs)
        for number, content in fonts.objects:
            writer.add_raw(number, content)
        writer.add(
            cover, b"<</Type/Pages/Parent %d 0 R/Kids[%s]/Count %d>>" % (PAGES, references(in_front), len(in_front))
        )
        kids = self._tree.close()
        writer.add(PAGES, b"<</Type/Pages/Kids[%s]/Count %d>>" % (references([cover, *kids]), self.pages))
        self._parents.close()
        labels = b"0<</S/r>>%d<</S/D>>" % len(in_front) if in_front else b"0<</S/D>>"
        catalog = b"/Outlines %d 0 R/PageMode/UseOutlines/PageLabels<</Nums[%s]>>" % (self._outline(outline), labels)
        finish(self._tagged, fonts, metadata, [*parts, *self._parts], catalog=catalog)
        return self.pages

    def _set(self, composed: Composed, leaf: int, title: str, *, alike: bool) -> tuple[int, int]:
        part = self._writer.number(2)
        page = part + 1
        nums, kids = self._tagged.page(composed, number=page, parent=leaf, above=part, key=self.pages, alike=alike)
        self._parents.add(nums)
        self._part(part, title, kids)
        return page, part

    def _part(self, number: int, title: str, kids: Sequence[int]) -> None:
        self._writer.add(number, b"<</S/Part/P %d 0 R/T%s/K[%s]>>" % (DOCUMENT, text(title), references(kids)))

    def _outline(self, entries: Sequence[Entry]) -> int:
        number = self._writer.number()
        first, last = self._entries(entries, number)
        ends = b"/First %d 0 R/Last %d 0 R" % (first, last) if entries else b""
        self._writer.add(number, b"<</Type/Outlines%s/Count %d>>" % (ends, len(entries)))
        return number

    def _entries(self, entries: Sequence[Entry], above: int) -> tuple[int, int]:
        """Write entries that are closed at first, and return the first and the last."""
        first = self._writer.number(len(entries))
        for place, (title, page, below) in enumerate(entries):
            number = first + place
            links = b"/Prev %d 0 R" % (number - 1) if place else b""
            links += b"/Next %d 0 R" % (number + 1) if place + 1 < len(entries) else b""
            if below:
                links += b"/First %d 0 R/Last %d 0 R" % self._entries(below, number) + b"/Count %d" % -len(below)
            self._writer.add(
                number, b"<</Title%s/Parent %d 0 R/Dest[%d 0 R/Fit]%s>>" % (text(title), above, page, links)
            )
        return first, first + len(entries) - 1


def _by_number(state: dict[str, dict[str, Any]]) -> dict[str, dict[int, Any]]:
    """Return what JSON made texts of: the numbers of glyphs."""
    return {face: {int(glyph): value for glyph, value in of.items()} for face, of in state.items()}


class _PageTree:
    """Leaves of the tree of pages, each with some pages."""

    def __init__(self, writer: PdfWriter, state: list[list[int]] | None = None) -> None:
        self._writer = writer
        self._leaves: list[int]
        self._kids: list[int]
        self._leaves, self._kids = state or ([], [])

    def state(self) -> list[list[int]]:
        return [self._leaves, self._kids]

    def leaf(self) -> int:
        """Return the leaf that the next page belongs to."""
        if not self._leaves or len(self._kids) == TOGETHER:
            self._end()
            self._leaves.append(self._writer.number())
        return self._leaves[-1]

    def add(self, page: int) -> None:
        self._kids.append(page)

    def close(self) -> list[int]:
        """Return all leaves."""
        self._end()
        return self._leaves

    def _end(self) -> None:
        if self._kids:
            self._writer.add(
                self._leaves[-1],
                b"<</Type/Pages/Parent %d 0 R/Kids[%s]/Count %d>>" % (PAGES, references(self._kids), len(self._kids)),
            )
            self._kids.clear()


class _ParentTree:
    """For each page, the elements that its marked content belongs to."""

    def __init__(self, writer: PdfWriter, state: dict[str, Any] | None = None) -> None:
        known = state or {"leaves": [], "nums": [], "count": 0}
        self._writer = writer
        self._leaves: list[int] = known["leaves"]
        self._nums: list[bytes] = [each.encode() for each in known["nums"]]
        self.count: int = known["count"]

    def state(self) -> dict[str, Any]:
        return {"leaves": self._leaves, "nums": [each.decode() for each in self._nums], "count": self.count}

    def add(self, nums: bytes) -> None:
        """Add the next page's."""
        self._nums.append(b"%d %s" % (self.count, nums))
        self.count += 1
        if len(self._nums) == TOGETHER:
            self._end()

    def close(self) -> None:
        self._end()
        kids = b"/Kids[%s]" % references(self._leaves) if self._leaves else b"/Nums[]"
        self._writer.add(PARENTS, b"<<%s>>" % kids)

    def _end(self) -> None:
        if self._nums:
            number = self._writer.number()
            limits = (self.count - len(self._nums), self.count - 1)
            self._writer.add(number, b"<</Limits[%d %d]/Nums[%s]>>" % (*limits, b" ".join(self._nums)))
            self._leaves.append(number)
            self._nums.clear()


class _Copy:
    """Copies objects of another document. `known`: objects that are ours already."""

    def __init__(self, writer: PdfWriter, known: dict[tuple[int, int], int]) -> None:
        self._writer = writer
        self._numbers = dict(known)
        self._waiting: list[tuple[Any, int]] = []

    def number(self, item: Any) -> int:
        """Return the number that an indirect object gets, or got."""
        if item.objgen not in self._numbers:
            self._numbers[item.objgen] = self._writer.number()
            self._waiting.append((item, self._numbers[item.objgen]))
        return self._numbers[item.objgen]

    def value(self, item: Any) -> bytes:
        """Return an object as it is written in another one."""
        if isinstance(item, pikepdf.Object) and item.is_indirect:
            return b"%d 0 R" % self.number(item)
        if isinstance(item, pikepdf.Dictionary):
            return b"<<%s>>" % self._entries(item, {})
        if isinstance(item, pikepdf.Array):
            return b"[%s]" % b" ".join(self.value(each) for each in item)
        if isinstance(item, pikepdf.Object):
            return bytes(item.unparse())
        return (str(item).lower() if isinstance(item, bool) else str(item)).encode()

    def write(self, item: Any, number: int, instead: dict[str, bytes]) -> None:
        """Write a dictionary that has a number, with other entries `instead`."""
        self._waiting = [(each, its) for each, its in self._waiting if its != number]
        self._writer.add(number, b"<<%s>>" % self._entries(item, instead))

    def finish(self) -> None:
        """Write everything that was referred to."""
        while self._waiting:
            item, number = self._waiting.pop()
            if isinstance(item, pikepdf.Stream):
                content = item.read_raw_bytes()
                entries = self._entries(item, {"/Length": b"%d" % len(content)})
                self._writer.add_raw(
                    number, b"%d 0 obj\n<<%s>>stream\n%s\nendstream\nendobj\n" % (number, entries, content)
                )
            elif isinstance(item, pikepdf.Dictionary):
                self._writer.add(number, b"<<%s>>" % self._entries(item, {}))
            else:
                self._writer.add(number, b"[%s]" % b" ".join(self.value(each) for each in item))

    def _entries(self, item: Any, instead: dict[str, bytes]) -> bytes:
        entries = {key: instead[key] if key in instead else self.value(item[key]) for key in item.keys()}  # noqa: SIM118
        return b"".join(b"%s %s" % (key.encode(), value) for key, value in (entries | instead).items())
