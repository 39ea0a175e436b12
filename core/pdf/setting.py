"""Pages from pieces: what repeats is laid out once, and only the texts that differ are set.

The HTML stays the single source. It marks the parts of a page that follow each other (`data-band`) and, in them, the
elements that hold nothing but a text that differs (`data-field`, the last attribute of its tag; `data-field="own"`
where hardly two pages share it, `"own-end"` where that is so of its last word only; it may begin with some words in
`<b>`), or an image (`src="…"
data-image`). The HTML without those texts is the key of a piece. A piece that isn't known is cut out of a layout of the
whole page by WeasyPrint, and so is the distance between two pieces. Fields are set by WeasyPrint's own line breaking
(`core.pdf.boxes`).

`data-band="column"` is beside the columns before and after it. A part that is placed from the bottom of the page
(`position: absolute`) needs no more than the mark.
"""

from __future__ import annotations

import hashlib
import html as html_
import itertools
import re
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from core.pdf.writing import length

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from core.pdf.boxes import Cut, Glyphs, Image, Node, Piece, Setter, Setting

V = TypeVar("V")
BANDS = re.compile(r"(?=<[a-z0-9]+ [^<>]*data-band)")
FIELDS = re.compile(r' (?:data-field(?:="(?:own|own-end)")?>((?:<b>[^<]*</b>)?[^<]*)<|src="([^"]*)" data-image>)')
METAS = re.compile(r'<meta name="([^"]*)" content="([^"]*)">')
TITLE = re.compile(r"<title>([^<]*)</title>")
SPACES = re.compile("[ \t\n\r\f]+")
# No text has it.
LEAD_ENDS = "\0"
LANG = re.compile(r'<html lang="([^"]*)"')
# Operators of so many bytes are shared; a stream has an overhead of its own.
WORTH_SHARING = 700
# Pieces, texts, and pages that a process keeps: some 25 MB of them.
PIECES, TEXTS, PAGES = 2_000, 5_000, 300


class CantSet(Exception):  # noqa: N818  # it says what, not that something is broken
    """A page, or a text, that only a layout of the whole page gets right; the message says why, in one word."""


class CantSetText(CantSet):
    """The same, because of one text: other pages of the same HTML can be set."""


class Kept(Generic[V]):
    """The values used last, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return the value, or None."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def keep(self, key: Hashable, value: V) -> V:
        """Keep a value, and return it."""
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value


@dataclass(frozen=True)
class Part:
    """A part of a page's HTML: what it is without its texts, its start tag, and the texts."""

    skeleton: str
    tag: str
    texts: tuple[str, ...]

    @property
    def is_column(self) -> bool:
        return 'data-band="column"' in self.tag


@dataclass(frozen=True)
class Page:
    """A page's HTML in parts. `style` is what they share: the body's class, and what runs on every page."""

    parts: list[Part]
    frame: Part
    metadata: dict[str, str]


@dataclass
class Family:
    """A part in all its heights; its slots are the same in each. `own`: whether hardly two pages share a text."""

    slots: tuple[Any, ...]
    own: tuple[bool, ...]
    pieces: dict[tuple[float, ...], Piece] = field(default_factory=dict)


@dataclass(frozen=True)
class Structure:
    """The structure of a page, ready to be numbered: for each element its text and what it refers to, and for each
    number of marked content its element."""

    bodies: tuple[tuple[bytes, tuple[int, ...]], ...]
    roots: tuple[int, ...]
    parents: tuple[int, ...]


# Places in `Structure` that aren't elements: the page, and the element above all.
PAGE, ABOVE = -2, -1


def structure_of(nodes: Iterable[Node], marks: int) -> Structure:
    """Return the structure of a page's nodes, which hold so many pieces of marked content."""
    bodies: list[tuple[bytes, tuple[int, ...]]] = []
    parents = [0] * marks

    def add(node: Node, above: int) -> int:
        place = len(bodies)
        bodies.append((b"", ()))
        kids, below = [], []
        for kid in node.kids:
            if isinstance(kid, int):
                kids.append(b"%d" % kid)
                parents[kid] = place
            else:
                kids.append(b"%d 0 R")
                below.append(add(kid, place))
        is_leaf = any(isinstance(kid, int) for kid in node.kids)
        page = b"/Pg %d 0 R" if is_leaf else b""
        refers = [*([PAGE] if is_leaf else []), above, *below]
        extra = node.extra.replace(b"%", b"%%")
        holds = kids[0] if len(kids) == 1 else b"[%s]" % b" ".join(kids)
        # What elements beside each other share comes first: that compresses best.
        body = b"<</S/%s%s%s/P %%d 0 R/K %s>>" % (node.tag.encode(), extra, page, holds)
        bodies[place] = (body.replace(b"/K [", b"/K["), tuple(refers))
        return place

    roots = tuple(add(node, ABOVE) for node in nodes)
    return Structure(tuple(bodies), roots, tuple(parents))


class Shared(NamedTuple):
    """Operators that several pages have, compressed, and their digest."""

    packed: bytes
    digest: bytes


Run = Shared | tuple[bytes | int, ...]


@dataclass(frozen=True)
class Static:
    """What pages of the same pieces share: operators, the structure, and where each text goes.

    `runs` are in the order of the page, which is that of reading, after its lines and backgrounds: operators that hold
    no text that differs; and others, with the places of such texts among them. `own`: places of texts that hardly two
    pages share; of those in `ends`, no more than the last word.
    """

    runs: tuple[Run, ...]
    structure: Structure
    places: tuple[tuple[bytes, float, float], ...]
    own: frozenset[int]
    ends: frozenset[int]
    glyphs: Glyphs
    rare: frozenset[str]
    images: dict[str, Image]
    page: tuple[float, float]


@dataclass(frozen=True)
class Composed:
    """A page, ready to be written: what it shares with others, its operators for each run that isn't shared, its own
    images, and its metadata. `chunks`: each other one is a text that hardly another page has."""

    static: Static
    chunks: tuple[list[bytes], ...]
    settings: tuple[Setting, ...]
    shown: dict[str, Image]
    metadata: dict[str, str]

    @property
    def rare(self) -> frozenset[str]:
        """The faces in which it draws what isn't common."""
        return self.static.rare.union(*(each.rare for each in self.settings if each.rare))

    @property
    def glyphs(self) -> tuple[Glyphs, ...]:
        """What it draws."""
        return (self.static.glyphs, *(each.glyphs for each in self.settings))


def take_apart(html: str) -> Page:
    """Return a page's HTML in parts."""
    head, *chunks = BANDS.split(html)
    before, body, frame = head.partition("<body")
    metadata = {name: html_.unescape(content) for name, content in METAS.findall(before)}
    for name, pattern in (("title", TITLE), ("lang", LANG)):
        if found := pattern.search(before):
            metadata[name] = html_.unescape(found[1])
    return Page([_part(chunk) for chunk in chunks], _part(body + frame), metadata)


def _part(chunk: str) -> Part:
    pieces = FIELDS.split(chunk)
    texts = tuple(
        image if text is None else _text(text) for text, image in zip(pieces[1::3], pieces[2::3], strict=True)
    )
    return Part("\0".join(pieces[::3]), chunk[: chunk.index(">") + 1], texts)


def _text(content: str) -> str:
    """Return a field's text; with `LEAD_ENDS` after the bold words that it begins with."""
    runs = content.removeprefix("<b>").split("</b>")
    return LEAD_ENDS.join(" ".join(part for part in SPACES.split(html_.unescape(run)) if part) for run in runs)


class Press:
    """Composes pages of one kind of document. Not safe for two threads at once."""

    def __init__(self, cut_page: Callable[[str], tuple[Cut, Setter]], *, page: tuple[float, float]) -> None:
        """`cut_page` lays a page's HTML out and cuts it; `page`: width and height in CSS pixels."""
        self._cut_page = cut_page
        self._page = page
        self._families: Kept[Family] = Kept(PIECES)
        self._settings: Kept[Setting] = Kept(TEXTS)
        self._statics: Kept[Static] = Kept(PAGES)
        self._structures: Kept[Structure] = Kept(PAGES)
        # Pages that can't be cut, and why, so that they aren't tried again and again.
        self._cant: Kept[str] = Kept(PAGES)
        self._gaps: dict[tuple[str, str, str], float] = {}
        self._bottom = 0.0
        self.setter: Setter | None = None

    def compose(self, html: str) -> Composed | None:
        """Return the page, or None if it doesn't hold everything. Raises `CantSet`."""
        page = take_apart(html)
        composed = self._compose(page)
        if composed is MISSING:
            self._learn(page, html)
            composed = self._compose(page)
        if composed is MISSING:
            raise CantSet("unknown")
        return composed

    def _compose(self, page: Page) -> Any:
        from core.pdf.boxes import placed

        if self.setter is None:
            return MISSING
        chosen: list[tuple[Part, Piece]] = []
        settings: list[Setting] = []
        style = page.frame.skeleton
        for part in (page.frame, *page.parts):
            family = self._families.get((style, part.skeleton))
            if family is None:
                return MISSING
            mine = [self._set(*each) for each in zip(family.slots, part.texts, family.own, strict=True)]
            piece = family.pieces.get(tuple(each.height for each in mine))
            if piece is None:
                return MISSING
            chosen.append((part, piece))
            settings += mine
        key = tuple(piece.number for _, piece in chosen)
        static = self._statics.get(key)
        if static is None:
            tops = self._stack(style, chosen)
            if tops is MISSING or tops is None:
                return tops
            static = self._statics.keep(key, self._static(chosen, tops))
        texts = [
            b"%s\n%s\nEMC" % (start, placed(setting.content, x=x, y=y)) if setting.content else b""
            for (start, x, y), setting in zip(static.places, settings, strict=True)
        ]
        shown = {}
        for place, setting in enumerate(settings):
            # By its place, so that all pages draw it by the same operators.
            for name, image in setting.images.items():
                shown[f"g{place}"] = image
                texts[place] = texts[place].replace(b"/%s Do" % name.encode(), b"/g%d Do" % place)
        chunks = tuple(_chunks(run, texts, static) for run in static.runs if not isinstance(run, Shared))
        return Composed(static, chunks, tuple(settings), shown, page.metadata)

    def _set(self, slot: Any, text: str, own: bool) -> Setting:
        if slot.is_image or own:
            assert self.setter is not None  # noqa: S101  # a slot comes from a cut
            # Hardly two pages have the same.
            return self.setter.set(slot, text)
        key = (slot.number, text)
        found = self._settings.get(key)
        if found is None:
            assert self.setter is not None  # noqa: S101  # a slot comes from a cut
            found = self._settings.keep(key, self.setter.set(slot, text))
        return found

    def _stack(self, style: str, chosen: list[tuple[Part, Piece]]) -> Any:
        """Return the top of each piece, `MISSING` where a distance isn't known, None where they don't fit."""
        tops: list[float] = []
        bottom, before = 0.0, ""
        row_top = row_height = 0.0
        in_row = False
        for part, piece in chosen:
            if piece.fixed:
                tops.append(piece.top)
                continue
            if part.is_column and in_row:
                row_height = max(row_height, piece.height)
            else:
                gap = self._gaps.get((style, before, part.tag))
                if gap is None:
                    return MISSING
                row_top, row_height = bottom + gap, piece.height
            tops.append(row_top)
            bottom, before, in_row = row_top + row_height, part.tag, part.is_column
        return tops if bottom <= self._bottom + 0.01 else None

    def _learn(self, page: Page, html: str) -> None:
        """Lay the page out whole, and keep its pieces and the distances between them."""
        from core.pdf.boxes import snap

        shape = (page.frame.skeleton, *(part.skeleton for part in page.parts))
        if why := self._cant.get(shape):
            raise CantSet(why)
        try:
            cut, setter = self._cut_page(html)
        except CantSetText:
            raise
        except CantSet as refusal:
            self._cant.keep(shape, str(refusal))
            raise
        self.setter = setter
        self._bottom = cut.bottom
        style = page.frame.skeleton
        for part, piece in zip((page.frame, *page.parts), (cut.frame, *cut.pieces), strict=True):
            key = (style, part.skeleton)
            family = self._families.get(key)
            if family is None:
                slots, own = (tuple(getattr(spot, name) for spot in piece.spots) for name in ("slot", "own"))
                family = self._families.keep(key, Family(slots, own))
            heights = tuple(spot.height for spot in piece.spots)
            family.pieces.setdefault(heights, piece)
        bottom, before, in_row, row_top = 0.0, "", False, 0.0
        for part, piece in zip(page.parts, cut.pieces, strict=True):
            if piece.fixed:
                continue
            if part.is_column and in_row:
                bottom = max(bottom, row_top + piece.height)
            else:
                self._gaps.setdefault((style, before, part.tag), snap(piece.top - bottom))
                row_top, bottom = piece.top, piece.top + piece.height
            before, in_row = part.tag, part.is_column

    def _static(self, chosen: list[tuple[Part, Piece]], tops: list[float]) -> Static:
        from core.pdf.boxes import Here, placed

        lines = [
            placed(piece.decoration, y=top) for (_, piece), top in zip(chosen, tops, strict=True) if piece.decoration
        ]
        runs: list[Run] = [_shared([b".75 0 0 -.75 0 %s cm" % length(self._page[1] * 0.75), *lines])]
        places: list[tuple[bytes, float, float]] = []
        own: set[int] = set()
        ends: set[int] = set()
        nodes: list[Node] = []
        glyphs: Glyphs = {}
        images: dict[str, Image] = {}
        marks = 0
        for (_, piece), top in zip(chosen, tops, strict=True):
            base = marks
            first = len(places)
            runs += _runs(
                first + part.spot if isinstance(part, Here) else placed(part, y=top, first=base)
                for part in _between(piece.content, Here)
            )
            for spot in piece.spots:
                if spot.own:
                    own.add(len(places))
                if spot.slot.ends:
                    ends.add(len(places))
                start = b"/Span BMC" if spot.mark is None else b"/Span <</MCID %d>> BDC" % (base + spot.mark)
                places.append((start, spot.x, top + spot.y))
            nodes += [_shifted(node, base) for node in piece.nodes]
            marks += piece.count
            images |= piece.images
            for face, drawn in piece.glyphs.items():
                glyphs.setdefault(face, {}).update(drawn)
        rare = frozenset[str]().union(*(piece.rare for _, piece in chosen))
        shape = (tuple(nodes), marks)
        # Pages of other heights have the same.
        structure = self._structures.get(shape) or self._structures.keep(shape, structure_of(nodes, marks))
        return Static(
            tuple(runs), structure, tuple(places), frozenset(own), frozenset(ends), glyphs, rare, images, self._page
        )


def _between(content: Iterable[Any], kind: type[V]) -> Iterator[V | list[Any]]:
    """Yield what is of a kind, and all between two of them together."""
    for is_kind, parts in itertools.groupby(content, lambda part: isinstance(part, kind)):
        if is_kind:
            yield from parts
        else:
            yield list(parts)


def _runs(content: Iterable[bytes | int]) -> Iterator[Run]:
    """Yield operators and places of texts in runs: long operators between texts are worth a run of their own."""
    for is_long, parts in itertools.groupby(
        content, lambda part: isinstance(part, bytes) and len(part) >= WORTH_SHARING
    ):
        run = tuple(parts)
        yield _shared([part for part in run if isinstance(part, bytes)]) if is_long else run


def _chunks(run: tuple[bytes | int, ...], texts: list[bytes], static: Static) -> list[bytes]:
    """Return a run's operators. Each other chunk is a text that hardly two pages share, without the operators that
    place it: those are the same on many pages."""
    chunks: list[bytes] = []
    together: list[bytes] = []
    for part in run:
        content = part if isinstance(part, bytes) else texts[part]
        if part in static.own and isinstance(part, int):
            last = content.rfind(b"] TJ\n") + 5
            find = content.rfind if part in static.ends else content.find
            first = find(b"\n[", 0, last) + 1
            if 0 < first < last:
                chunks += [b"\n".join([*together, content[: first - 1]]), content[first : last - 1]]
                together = [content[last:]]
                continue
        together.append(content)
    return [*chunks, b"\n".join(together)]


def _shared(parts: list[bytes]) -> Shared:
    content = b"\n".join(parts)
    return Shared(zlib.compress(content, 9), hashlib.sha256(content).digest())


def _shifted(node: Node, base: int) -> Node:
    kids = tuple(kid + base if isinstance(kid, int) else _shifted(kid, base) for kid in node.kids)
    return type(node)(node.tag, kids, node.extra)


class _Missing:
    pass


MISSING = _Missing()
