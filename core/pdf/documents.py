"""Composed pages as documents: one page as a file of its own, or many in one file, tagged for screen readers
(ISO 14289-1).

Faces come in two ways. Most pages need only what is common in American names and addresses, so those glyphs are
prepared once per process; a page with others gets faces cut to what it draws.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from core.pdf.setting import CantSet, Shared
from core.pdf.writing import PdfWriter, length, references, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.pdf.boxes import Glyphs, Image, Setter
    from core.pdf.setting import Composed

# The numbers of objects that every file has; the fonts' come after them.
CATALOG, PAGES, INFO, METADATA, FACES, STATES, TREE, DOCUMENT, PARENTS, FONTS = range(1, 11)
# Objects of a font: its file, its texts, three dictionaries; and some more.
OF_A_FONT = 10
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-]\d\d):(\d\d))")


@dataclass(frozen=True)
class Fonts:
    """Fonts as objects of a file."""

    numbers: dict[str, int]
    objects: list[tuple[int, bytes]]


class Faces:
    """The fonts of a kind of document: the common glyphs, embedded once, and others as they come."""

    def __init__(self, setter: Setter, common: Glyphs) -> None:
        self._setter = setter
        self._common = common
        # A face has its own numbers, so that prepared ones and others go together.
        self._first = {face: FONTS + place * OF_A_FONT for place, face in enumerate(sorted(common))}
        self.after = FONTS + len(common) * OF_A_FONT
        self._prepared = {face: self._embed(face, glyphs) for face, glyphs in common.items()}

    @property
    def names(self) -> list[str]:
        """The faces, in the order of their objects: two processes with the same ones can write one file in turn."""
        return list(self._first)

    def widths(self, glyphs: Glyphs) -> dict[str, dict[int, int]]:
        """Return the widths of glyphs, for a process that hasn't set them itself (`know_widths`)."""
        return {face: {glyph: self._setter.widths[face][glyph] for glyph in of} for face, of in glyphs.items()}

    def know_widths(self, widths: dict[str, dict[int, int]]) -> None:
        """Know the widths of glyphs that another process has set."""
        for face, of in widths.items():
            self._setter.widths.setdefault(face, {}).update(of)

    def collect(self, page: Composed, *, into: Glyphs, common: bool = False) -> None:
        """Add what a page draws in faces where that isn't common; `common`: and what is. Raises `CantSet` where one
        glyph would stand for two texts: what is copied from the page would then depend on which came first."""
        found: Glyphs = {}
        for face in page.rare:
            drawn = found[face] = dict(into.get(face) or (self._common[face] if common else {}))
            for glyphs in page.glyphs:
                _add(drawn, glyphs.get(face, {}))
        into.update(found)

    def fonts(self, glyphs: Glyphs) -> Fonts:
        """Return the fonts: of some faces just these glyphs, of the others what is common."""
        made = [self._embed(face, glyphs[face]) if face in glyphs else self._prepared[face] for face in self._first]
        numbers = {face: fonts.numbers[face] for face, fonts in zip(self._first, made, strict=True)}
        return Fonts(numbers, [each for fonts in made for each in fonts.objects])

    def _embed(self, face: str, glyphs: dict[int, str]) -> Fonts:
        from core.pdf.boxes import embedded

        return Fonts(*embedded(self._setter, {face: glyphs}, first=self._first[face]))


def _add(known: dict[int, str], glyphs: dict[int, str]) -> None:
    for glyph, said in glyphs.items():
        if known.setdefault(glyph, said) != said:
            raise CantSet("glyph")


class Tagged:
    """Writes pages with their structure. One `Tagged` per file."""

    def __init__(self, writer: PdfWriter, *, written: dict[str, int] | None = None) -> None:
        """`written`: the `state` of another one, which wrote the pages before."""
        self.writer = writer
        self._streams = {bytes.fromhex(digest): number for digest, number in (written or {}).items()}

    def state(self) -> dict[str, int]:
        """Return what was written already, by its digest."""
        return {digest.hex(): number for digest, number in self._streams.items()}

    def page(
        self, composed: Composed, *, number: int, parent: int, above: int, key: int, alike: bool
    ) -> tuple[bytes, list[int]]:
        """Write a page under page node `parent`, its structure under element `above`. Return what the tree of parents
        has for `key`, and the elements. `alike`: it's worth looking for what it has in common with other pages."""
        writer, static = self.writer, composed.static
        numbers_of = {name: self._shown(image) for name, image in static.images.items()}
        numbers_of |= {name: self._image(image) for name, image in composed.shown.items()}
        images = b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in numbers_of.items())
        contents = list(self._contents(composed, alike=alike))
        structure = static.structure
        first = writer.number(len(structure.bodies))
        numbers = [*range(first, first + len(structure.bodies)), number, above]
        for place, (body, refers) in enumerate(structure.bodies, start=first):
            writer.add(place, body % tuple([numbers[each] for each in refers]))
        width, height = static.page
        writer.add(
            number,
            b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]/Contents[%s]"
            b"/Resources<</Font %d 0 R/ExtGState %d 0 R/XObject<<%s>>>>/Tabs/S"
            b"/StructParents %d>>"
            % (parent, length(width * 0.75), length(height * 0.75), references(contents), FACES, STATES, images, key),
        )
        nums = b"[%s]" % b" ".join([b"%d 0 R" % numbers[each] for each in structure.parents])
        return nums, [numbers[each] for each in structure.roots]

    def _shown(self, image: Image) -> int:
        """Return an image that other pages may have shown already."""
        digest = hashlib.sha256(image.content).digest()
        if digest not in self._streams:
            self._streams[digest] = self._image(image)
        return self._streams[digest]

    def _contents(self, composed: Composed, *, alike: bool) -> Iterator[int]:
        """Yield the page's streams. What was written before isn't written again."""
        own = iter(composed.chunks)
        for alone, runs in itertools.groupby(composed.static.runs, lambda run: isinstance(run, Shared)):
            if alone:
                yield from (self._stream(run.digest, run.packed) for run in runs if isinstance(run, Shared))
                continue
            chunks = [next(own) for _ in runs]
            if not alike:
                yield self._new_stream(b"\n".join(itertools.chain(*chunks)))
                continue
            for place, content in ((place, content) for each in chunks for place, content in enumerate(each)):
                if place % 2:
                    # Not worth remembering.
                    yield self._new_stream(content)
                else:
                    yield self._stream(hashlib.sha256(content).digest(), content, packed=False)

    def _new_stream(self, content: bytes) -> int:
        number = self.writer.number()
        self.writer.add_stream(number, content)
        return number

    def _stream(self, digest: bytes, content: bytes, *, packed: bool = True) -> int:
        number = self._streams.get(digest)
        if number is None:
            number = self._streams[digest] = self.writer.number()
            self.writer.add_stream(number, content, packed=packed)
        return number

    def _layout(self, layout: bytes) -> int:
        if layout not in self._streams:
            self._streams[layout] = self.writer.number()
            self.writer.add(self._streams[layout], layout)
        return self._streams[layout]

    def _image(self, image: Image) -> int:
        mask = b"/SMask %d 0 R" % self._image(image.mask) if image.mask else b""
        if image.layout:
            mask += b"/DecodeParms %d 0 R" % self._layout(image.layout)
        number = self.writer.number()
        self.writer.add_raw(
            number,
            b"%d 0 obj\n<<%s%s/Length %d>>stream\n%s\nendstream\nendobj\n"
            % (number, image.entries, mask, len(image.content), image.content),
        )
        return number


def one_page(composed: Composed, faces: Faces) -> bytes:
    """Return a page as a file. The same page gives the same bytes. Raises `CantSet`."""
    glyphs: Glyphs = {}
    faces.collect(composed, into=glyphs)
    fonts = faces.fonts(glyphs)
    to = io.BytesIO()
    writer = PdfWriter(to)
    writer.number(faces.after)
    for number, content in fonts.objects:
        writer.add_raw(number, content)
    page = writer.number()
    tagged = Tagged(writer)
    nums, elements = tagged.page(composed, number=page, parent=PAGES, above=DOCUMENT, key=0, alike=False)
    writer.add(PAGES, b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % page)
    writer.add(PARENTS, b"<</Nums[0 %s]>>" % nums)
    finish(tagged, fonts, composed.metadata, elements)
    return to.getvalue()


def finish(
    tagged: Tagged, fonts: Fonts, metadata: dict[str, str], elements: list[int], *, catalog: bytes = b""
) -> None:
    """Write what a file has once: resources, the root of the structure, metadata, and the catalog."""
    from core.pdf.boxes import OPAQUE

    writer = tagged.writer
    faces = b"".join(b"/%s %d 0 R" % (face.encode(), number) for face, number in fonts.numbers.items())
    states = b"".join(b"/%s%s" % (name.encode(), state) for name, state in OPAQUE.items())
    writer.add(FACES, b"<<%s>>" % faces)
    writer.add(STATES, b"<<%s>>" % states)
    writer.add(TREE, b"<</Type/StructTreeRoot/K[%d 0 R]/ParentTree %d 0 R>>" % (DOCUMENT, PARENTS))
    kids = b" ".join(b"%d 0 R" % each for each in elements)
    writer.add(DOCUMENT, b"<</S/Document/P %d 0 R/K[%s]>>" % (TREE, kids))
    writer.add(INFO, _info(metadata))
    writer.add_raw(METADATA, _metadata(metadata))
    writer.add(
        CATALOG,
        b"<</Type/Catalog/Pages %d 0 R/StructTreeRoot %d 0 R/Metadata %d 0 R/Lang%s/MarkInfo<</Marked true>>"
        b"/ViewerPreferences<</DisplayDocTitle true>>%s>>"
        % (PAGES, TREE, METADATA, text(metadata.get("lang", "en")), catalog),
    )
    writer.close(root=CATALOG, info=INFO)


def _info(metadata: dict[str, str]) -> bytes:
    entries = {
        "Title": metadata.get("title"),
        "Author": metadata.get("author"),
        "Subject": metadata.get("description"),
        "Creator": metadata.get("generator"),
        "CreationDate": _date(metadata.get("dcterms.created", "")),
    }
    return b"<<%s>>" % b"".join(b"/%s%s" % (name.encode(), text(value)) for name, value in entries.items() if value)


def _date(iso: str) -> str:
    """Return '2026-11-30T09:00:00+00:00' as "D:20261130090000+00'00"."""
    found = DATE.fullmatch(iso)
    if found is None:
        return ""
    zone = f"{found[7]}'{found[8]}" if found[7] else "Z"
    return f"D:{''.join(found.groups()[:6])}{zone}"


def _metadata(metadata: dict[str, str]) -> bytes:
    """Return the metadata as XMP; it says that the file is PDF/UA-1. Not compressed, so that any program finds it."""
    xmp = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">'
        "<pdfuaid:part>1</pdfuaid:part><dc:title><rdf:Alt>"
        f'<rdf:li xml:lang="x-default">{escape(metadata.get("title", ""))}</rdf:li></rdf:Alt></dc:title>'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()
    return b"%d 0 obj\n<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s\nendstream\nendobj\n" % (
        METADATA,
        len(xmp),
        xmp,
    )
