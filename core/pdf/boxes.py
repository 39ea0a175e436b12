"""WeasyPrint's laid-out boxes, cut into pieces that can be set again: the one file that knows its internals.

`cut` takes a page apart into the pieces that its HTML marks. `Setter` breaks and draws a text in a box of that page, by
WeasyPrint's own line breaking and drawing, so what it sets is what WeasyPrint would have set. What neither can do
faithfully raises `CantSet`, and the page is then laid out whole.

Lengths are CSS pixels from the top left.
"""

from __future__ import annotations

import base64
import itertools
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pydyf
from weasyprint.css.properties import INHERITED, INITIAL_VALUES
from weasyprint.draw import draw_block_level, draw_replacedbox, draw_stacking_context
from weasyprint.draw.text import draw_text
from weasyprint.formatting_structure import boxes
from weasyprint.images import RasterImage, get_image_from_uri
from weasyprint.layout import LayoutContext
from weasyprint.layout.absolute import AbsolutePlaceholder
from weasyprint.layout.background import layout_box_backgrounds
from weasyprint.layout.inline import iter_line_boxes
from weasyprint.pdf.fonts import build_fonts_dictionary
from weasyprint.pdf.stream import Stream
from weasyprint.pdf.tags import _build_box_tree
from weasyprint.stacking import StackingContext
from weasyprint.text.line_break import split_first_line

from core.pdf import fonts
from core.pdf.fetching import OwnFacesOnly
from core.pdf.setting import LEAD_ENDS, CantSet, CantSetText
from core.pdf.writing import length

if TYPE_CHECKING:
    from weasyprint import Document
    from weasyprint.text.fonts import FontConfiguration

BAND, FIELD, IMAGE = "data-band", "data-field", "data-image"
# What decides how a text is broken and drawn.
OF_A_TEXT = (*sorted(INHERITED), "overflow", "text_overflow", "text_decoration_line", "unicode_bidi")
PNG = "data:image/png;base64,"
# Texts as WeasyPrint shows them, the glyphs in them, and signs that have a meaning in a string.
TEXTS = re.compile(rb"\[((?:<[0-9a-f]*>|[-+.0-9e]+)*)\] TJ")
FACE = re.compile(rb"/(\S+) [0-9.]+ Tf")
SHOWN = re.compile(rb"<([0-9a-f]*)>|([-+.0-9e]+)")
UNSAFE = re.compile(rb"[()\\]")
# Styles of lines that begin at the left, whatever is in them.
FROM_LEFT = {
    "text_align_all": {"start", "left"},
    "text_align_last": {"auto", "start", "left"},
    "text_overflow": {"clip"},
    "direction": {"ltr"},
}
# Elements of tables have their place even where they're empty.
CELLS = {"TR", "TH", "TD"}
IMAGE_OPTIONS = {"optimize_images": False, "jpeg_quality": None, "dpi": None}
# Signs that share a glyph with another one: what a reader copies depends on which of the two came first on the page.
ALIASES = frozenset(chr(code) for code in fonts.ALIASES)
# Added before rounding, so that no length that layouts really have is on the edge between two roundings: Pango counts
# in 1/1024 of a pixel, which ends with the tenth decimal.
OFF_THE_EDGE = 1.7e-11


def snap(length: float) -> float:
    """Round a length, so that it's the same wherever on a page the box was laid out.

    So many decimals that the sum of a page's lengths is right in the six that a file has: a line on the edge between
    two rows of a screen would be drawn otherwise.
    """
    return round(length + OFF_THE_EDGE, 9)


# States that draw without transparency, as WeasyPrint calls them, with what they say.
OPAQUE = {"A1": b"<</CA 1>>", "A1.0": b"<</CA 1>>", "a1": b"<</ca 1>>", "a1.0": b"<</ca 1>>"}

Glyphs = dict[str, dict[int, str]]
"""What was drawn: by the name of the face in resources, its glyphs with their texts."""


@dataclass(frozen=True)
class Node:
    """An element of the structure that screen readers read. `kids` are nodes, and numbers of marked content."""

    tag: str
    kids: tuple[Node | int, ...]
    extra: bytes = b""


@dataclass(frozen=True)
class Image:
    """An image of pixels, as an object of a file: entries of its dictionary, data, the mask of what is clear, and how
    the data lie (their /DecodeParms), which images of a file may share."""

    entries: bytes
    content: bytes
    mask: Image | None = None
    layout: bytes = b""


@dataclass(frozen=True)
class Spot:
    """Where a field's text goes: from the top left of its piece, and the number of its marked content (None: outside of
    the structure). `own`: hardly two pages share its text."""

    slot: Any
    x: float
    y: float
    height: float
    text: str
    mark: int | None
    own: bool = False


class Placed(NamedTuple):
    """An operator with coordinates: for each operand, whether it moves across ("x"), down ("y"), or not ("-")."""

    operator: bytes
    axes: str
    operands: tuple[float, ...]


class Here(NamedTuple):
    """Where the text of a field is drawn: its place among the piece's spots."""

    spot: int


class Mark(NamedTuple):
    """The beginning of marked content: its tag and number."""

    tag: bytes
    number: int


Content = tuple[bytes | Placed | Mark | Here, ...]
"""Operators that can be moved, and whose marked content can be numbered, without drawing again.

What is drawn at a place then has the very coordinates that WeasyPrint would write there. If a viewer adds them up, they
are a bit off, and a thin line becomes a pixel thicker."""


def placed(content: Iterable[bytes | Placed | Mark | Here], *, x: float = 0, y: float = 0, first: int = 0) -> bytes:
    """Return operators, moved by `x` and `y`, with marked content numbered from `first`."""
    moves = {"x": x, "y": y, "-": 0.0}
    parts = []
    for part in content:
        if isinstance(part, bytes):
            parts.append(part)
        elif isinstance(part, Here):
            raise TypeError("A field's text goes here: split the content there first.")
        elif isinstance(part, Mark):
            parts.append(b"/%s <</MCID %d>> BDC" % (part.tag, first + part.number))
        else:
            operands = [length(each + moves[axis]) for each, axis in zip(part.operands, part.axes, strict=True)]
            parts.append(b" ".join((*operands, part.operator)))
    return b"\n".join(parts)


def split(content: list[Any]) -> tuple[Content, Content]:
    """Return what is drawn before anything is read (lines and backgrounds), and the rest.

    A page draws all the former first, so that what it reads is together. Each is whole by itself: states that are open
    between the two are closed and opened again, unless they hold more than what is drawn anyway.
    """
    first = next((place for place, part in enumerate(content) if isinstance(part, (Mark, Here))), len(content))
    open_states: list[bool] = []
    for part in content[:first]:
        operator = part.operator if isinstance(part, Placed) else _data(part)
        if operator == b"q":
            open_states.append(False)
        elif operator == b"Q":
            open_states.pop()
        elif open_states and operator in {b"cm", b"W", b"W*"}:
            open_states[-1] = True
    if any(open_states):
        return (), _joined(content)
    ends, begins = [b"Q"] * len(open_states), [b"q"] * len(open_states)
    return _joined([*content[:first], *ends]), _joined([*begins, *content[first:]])


@dataclass(frozen=True)
class Piece:
    """A part of a page without its fields' texts.

    `decoration` is drawn before the page's texts, `content` in its turn. The origin of both is the top left of the page
    across, and of the piece down. `count`: how many numbers of marked content it uses. `fixed`: it stays where it is on
    the page, whatever is above it.
    """

    decoration: Content
    content: Content
    spots: tuple[Spot, ...]
    nodes: tuple[Node, ...]
    glyphs: Glyphs
    images: dict[str, Image]
    count: int
    top: float
    height: float
    fixed: bool = False
    rare: frozenset[str] = frozenset()
    number: int = field(default_factory=itertools.count().__next__)


@dataclass(frozen=True)
class Setting:
    """A text, set: its operators from the top left of its box, its height, what it draws, and the faces in which that
    isn't common."""

    content: Content
    height: float
    lines: tuple[str, ...]
    glyphs: Glyphs
    rare: frozenset[str] = frozenset()
    images: dict[str, Image] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """A page in pieces, in the order of the HTML; what repeats on every page; and where the page's content must end."""

    pieces: list[Piece]
    frame: Piece
    bottom: float


class _Pen(Stream):
    """A stream that keeps fields' texts out, and leaves open where things are and how marked content is numbered."""

    def __init__(
        self, fonts: dict[Any, Any], rectangle: tuple[float, ...], fields: dict[Any, int] | None = None
    ) -> None:
        """`fields`: the boxes of fields' texts, with the places of the fields."""
        self.resources = pydyf.Dictionary(
            {name: pydyf.Dictionary() for name in ("ExtGState", "XObject", "Pattern", "Shading")}
        )
        self.resources["ColorSpace"] = b""
        super().__init__(fonts, rectangle, self.resources, {}, {}, {}, None)
        self._fields = fields or {}
        self._left_out: set[int] = set()
        # Whether coordinates are the page's, for each state that is saved.
        self._on_page = [True]

    def push_state(self) -> None:
        super().push_state()
        self._on_page.append(self._on_page[-1])

    def pop_state(self) -> None:
        super().pop_state()
        self._on_page.pop()

    def transform(self, a: float = 1, b: float = 0, c: float = 0, d: float = 1, e: float = 0, f: float = 0) -> None:
        super().transform(a, b, c, d, e, f)
        self._replace_last(b"cm", "----xy", a, b, c, d, e, f)
        self._on_page[-1] = False

    def move_to(self, x: float, y: float) -> None:
        super().move_to(x, y)
        self._replace_last(b"m", "xy", x, y)

    def line_to(self, x: float, y: float) -> None:
        super().line_to(x, y)
        self._replace_last(b"l", "xy", x, y)

    def curve_to(self, x1: float, y1: float, x2: float, y2: float, x3: float, y3: float) -> None:
        super().curve_to(x1, y1, x2, y2, x3, y3)
        self._replace_last(b"c", "xyxyxy", x1, y1, x2, y2, x3, y3)

    def curve_start_to(self, x2: float, y2: float, x3: float, y3: float) -> None:
        super().curve_start_to(x2, y2, x3, y3)
        self._replace_last(b"v", "xyxy", x2, y2, x3, y3)

    def curve_end_to(self, x1: float, y1: float, x3: float, y3: float) -> None:
        super().curve_end_to(x1, y1, x3, y3)
        self._replace_last(b"y", "xyxy", x1, y1, x3, y3)

    def rectangle(self, x: float, y: float, width: float, height: float) -> None:
        super().rectangle(x, y, width, height)
        self._replace_last(b"re", "xy--", x, y, width, height)

    def set_text_matrix(self, a: float, b: float, c: float, d: float, e: float, f: float) -> None:
        super().set_text_matrix(a, b, c, d, e, f)
        self._replace_last(b"Tm", "----xy", a, b, c, d, e, f)

    def _replace_last(self, operator: bytes, axes: str, *operands: float) -> None:
        if self._on_page[-1]:
            self.stream[-1] = Placed(operator, axes, operands)

    @contextmanager
    def marked(self, box: Any, tag: str) -> Iterator[None]:
        start = len(self.stream)
        shown = set(self.resources["XObject"])
        known = {key: dict(font.to_unicode) for key, font in self._fonts.items()} if box in self._fields else {}
        number = len(self._tags)
        self._tags[box] = {"tag": tag, "mcid": number}
        self.stream.append(Mark(tag.encode(), number))
        yield
        if box in self._fields:
            del self.stream[start:]
            for key, font in self._fonts.items():
                font.to_unicode = known.get(key, {})
            for name in set(self.resources["XObject"]) - shown:
                del self.resources["XObject"][name]
            if not self._on_page[-1]:
                raise CantSet("field")
            place = self._fields[box]
            if place not in self._left_out:
                self._left_out.add(place)
                self.stream.append(Here(place))
            # What the text has set doesn't hold for what comes next.
            self._current_color = self._current_color_stroke = None
            self._current_alpha = self._current_alpha_stroke = None
            self._current_font = self._old_font = None
        else:
            self.stream.append(b"EMC")

    @contextmanager
    def artifact(self) -> Iterator[None]:
        self.stream.append(b"/Artifact BMC")
        yield
        self.stream.append(b"EMC")

    def written(self) -> Content:
        """Return the operators. Raises `CantSet` for one that isn't known to be right anywhere on any page."""
        groups = set(self.resources["XObject"]) - set(self._images)
        if set(self.resources["ExtGState"]) - set(OPAQUE) or self.resources["Pattern"] or groups:
            raise CantSet("graphics")
        return _joined(self.stream)

    def split(self) -> tuple[Content, Content]:
        """Return the operators without which the page would read the same, and the others."""
        self.written()
        return split(self.stream)


def _joined(stream: list[Any]) -> Content:
    """Return operators with those together that can't move."""
    parts: list[bytes | Placed | Mark | Here] = []
    for can_change, group in itertools.groupby(stream, lambda part: isinstance(part, (Placed, Mark, Here))):
        together = list(group)
        parts += together if can_change else [b"\n".join(map(_data, together))]
    return tuple(parts)


def _data(part: Any) -> bytes:
    if isinstance(part, bytes):
        return part
    return bytes(part.data) if hasattr(part, "data") else str(part).encode()


def cut(document: Document, setter: Setter, *, page: tuple[float, float]) -> Cut:
    """Return the pieces of a document's only page, which is taller than `page`, its width and height.

    Pieces that are placed from the bottom, and the frame, are where they are on a page of that height.
    """
    if len(document.pages) != 1:
        raise CantSet("pages")
    whole = document.pages[0]._page_box
    lift = page[1] - whole.margin_height()
    found = _find(whole)
    pieces = []
    seen: set[Any] = set()
    for box in found.bands:
        out_of_flow = not box.is_in_normal_flow()
        top = box.border_box_y()
        height = _inner_height(box) if isinstance(box, boxes.TableCellBox) else box.border_height()
        piece_top = top + lift if out_of_flow else top
        fields = [each for each in found.fields if _inside(each, box)]
        piece = _piece(whole, box, fields, setter, top=top, height=height, at=piece_top, seen=seen)
        pieces.append(replace(piece, fixed=out_of_flow))
    frame = _frame(whole, found, setter, lift=lift, seen=seen)
    for box in _texts(whole):
        if box not in seen:
            raise CantSet("outside")
    return Cut(pieces, frame, whole.content_box_y() + whole.height + lift)


@dataclass
class _Found:
    bands: list[Any] = field(default_factory=list)
    fields: list[Any] = field(default_factory=list)
    margins: list[Any] = field(default_factory=list)


def _find(page: Any) -> _Found:
    """Return the boxes of marked elements, in the order of the page, and the margin boxes."""
    found = _Found()
    elements: set[Any] = set()

    def look(box: Any) -> None:
        box = box._box if isinstance(box, AbsolutePlaceholder) else box
        if isinstance(box, boxes.MarginBox):
            found.margins.append(box)
        element = box.element
        if element is not None and element not in elements and not isinstance(box, boxes.PageBox):
            if element.get(BAND) is not None:
                elements.add(element)
                found.bands.append(box)
            if element.get(FIELD) is not None or element.get(IMAGE) is not None:
                elements.add(element)
                found.fields.append(box)
        for child in box.all_children() if isinstance(box, boxes.ParentBox) else ():
            look(child)

    look(page)
    return found


def _inside(box: Any, outer: Any) -> bool:
    return any(each is box for each in _all(outer))


def _all(box: Any) -> Iterator[Any]:
    box = box._box if isinstance(box, AbsolutePlaceholder) else box
    yield box
    if isinstance(box, boxes.ParentBox):
        for child in box.all_children():
            yield from _all(child)


def _texts(box: Any) -> list[Any]:
    """Return what is drawn and read: texts and images."""
    return [each for each in _all(box) if isinstance(each, (boxes.TextBox, boxes.ReplacedBox))]


def _inner_height(cell: Any) -> float:
    """Return a cell's height by what is in it, not by its row."""
    top = cell.border_box_y()
    bottoms = [child.position_y + child.margin_height() for child in cell.children if child.is_in_normal_flow()]
    if cell.style["vertical_align"] != "top" or cell.border_top_width or cell.border_bottom_width:
        raise CantSet("cell")
    return float(max(bottoms, default=top) - top)


def _piece(
    page: Any, box: Any, fields: list[Any], setter: Setter, *, top: float, height: float, at: float, seen: set[Any]
) -> Piece:
    _move(page, box, -top)
    in_fields = {text: place for place, each in enumerate(fields) for text in _texts(each)}
    pen = _Pen({}, (0, 0, page.margin_width(), page.margin_height()), in_fields)
    draw_stacking_context(pen, StackingContext.from_box(box, page))
    tags = dict(pen._tags)
    seen |= set(_texts(box))
    nodes = _nodes(box, dict(tags))
    glyphs = _glyphs(pen._fonts, setter)
    # The lines of a field are one piece of marked content.
    lines = [[tags[text]["mcid"] for text in _texts(each)] for each in fields]
    later = {number for numbers in lines for number in numbers[1:]}
    kept = (number for number in range(len(tags)) if number not in later)
    renumbered = {number: place for place, number in enumerate(kept)}
    decoration, content = pen.split()
    return Piece(
        decoration=decoration,
        content=tuple(Mark(part.tag, renumbered[part.number]) if isinstance(part, Mark) else part for part in content),
        spots=tuple(
            setter.spot(each, renumbered[numbers[0]] if numbers else None)
            for each, numbers in zip(fields, lines, strict=True)
        ),
        nodes=tuple(each for node in nodes for each in _simple(_renumbered(node, renumbered))),
        glyphs=glyphs,
        rare=setter.rare(glyphs),
        images={name: _image(name, pen) for name in pen.resources["XObject"]},
        count=len(renumbered),
        top=snap(at),
        height=snap(height),
    )


def _move(page: Any, box: Any, down: float) -> None:
    """Move a box with all that is in it, and put everything on lengths that don't depend on where it was."""
    box.translate(0, down)
    for each in _all(box):
        for name in ("position_x", "position_y", "width", "height"):
            value = getattr(each, name, None)
            if isinstance(value, (int, float)):
                setattr(each, name, snap(value))
    layout_box_backgrounds(page, box, _no_images)


def _no_images(**asked: Any) -> None:
    raise CantSet("background")


def _frame(page: Any, found: _Found, setter: Setter, *, lift: float, seen: set[Any]) -> Piece:
    """Return what is on the page outside of its root: margin boxes. Screen readers pass them over."""
    inner = [each for margin in found.margins for each in found.fields if _inside(each, margin)]
    for margin in found.margins:
        middle = margin.position_y + margin.margin_height() / 2
        _move(page, margin, lift if middle > page.margin_height() / 2 else 0)
    in_fields = {text: place for place, each in enumerate(inner) for text in _texts(each)}
    pen = _Pen({}, (0, 0, page.margin_width(), page.margin_height()), in_fields)
    for margin in found.margins:
        draw_stacking_context(pen, StackingContext.from_box(margin, page))
        seen |= set(_texts(margin))
    parts = [part for part in pen.stream if not isinstance(part, Mark) and part not in {b"EMC", b"/Artifact BMC"}]
    content = _joined([b"/Artifact BMC", *parts, b"EMC"])
    spots = tuple(setter.spot(each, None) for each in inner)
    glyphs = _glyphs(pen._fonts, setter)
    return Piece((), content, spots, (), glyphs, {}, 0, 0, 0, fixed=True, rare=setter.rare(glyphs))


def _image(name: str, pen: _Pen) -> Image:
    known = pen._images[name]
    made = known["image"].get_x_object(known["interpolate"], max(known["dpi_ratios"]))
    mask = made.extra.pop("SMask", None)
    return _as_image(made, None if mask is None else _as_image(mask))


def _as_image(made: Any, mask: Image | None = None) -> Image:
    return Image(pydyf.Dictionary(made.extra).data[2:-2], b"".join(_data(part) for part in made.stream), mask)


def _gray_png(address: str) -> Image | None:
    """Return a PNG of black, white, and gray as a PDF holds it: with the very data; None for other images."""
    if not address.startswith(PNG):
        return None
    file = base64.b64decode(address[len(PNG) :])
    width, height, depth, color, *_, interlaced = struct.unpack_from(">IIBBBBB", file, 16)
    if color or interlaced or depth not in {1, 8}:
        return None
    at, data = 8, []
    while at < len(file):
        size, kind = struct.unpack_from(">I4s", file, at)
        if kind == b"tRNS":
            return None
        if kind == b"IDAT":
            data.append(file[at + 8 : at + 8 + size])
        at += size + 12
    entries = (
        b"/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent %d/Interpolate true"
        b"/Filter/FlateDecode" % (width, height, depth)
    )
    layout = b"<</Predictor 15/BitsPerComponent %d/Columns %d>>" % (depth, width)
    return Image(entries, b"".join(data), layout=layout)


def _glyphs(fonts: dict[Any, Any], setter: Setter) -> Glyphs:
    found: Glyphs = {}
    for key, font in fonts.items():
        setter.fonts.setdefault(key, font)
        if font.missing:
            raise CantSetText("glyph")
        if font.to_unicode:
            found.setdefault(font.hash, {}).update(_said(font.to_unicode))
        setter.widths.setdefault(font.hash, {}).update(font.widths)
    return found


def _said(texts: dict[int, str]) -> dict[int, str]:
    """Return the texts of glyphs, with a space for one that doesn't break: they're the same glyph."""
    return {glyph: text.replace("\xa0", " ") for glyph, text in texts.items()}


def _nodes(box: Any, tags: dict[Any, Any]) -> list[Node]:
    """Return the structure of a box as WeasyPrint tags it, in our own words."""
    pdf = pydyf.PDF()
    pdf.add_page(pydyf.Dictionary({"Type": "/Page"}))
    parent = pydyf.Dictionary({"S": "/Document", "K": pydyf.Array()})
    pdf.add_object(parent)
    made = list(_build_box_tree(box, parent, pdf, 0, {}, [], tags))
    by_reference = {each.reference: each for each in pdf.objects}
    return [_node(each, by_reference) for each in made]


def _node(element: Any, by_reference: dict[bytes, Any]) -> Node:
    tag = str(element["S"])[1:]
    kids: list[Node | int] = []
    for kid in element["K"]:
        if isinstance(kid, int):
            kids.append(kid)
            continue
        node = _node(by_reference[kid], by_reference)
        plain = node.tag in {"Span", "NonStruct"} and all(isinstance(each, int) for each in node.kids)
        # A run of text needs no element of its own.
        kids += node.kids if plain else [node]
    extra = b""
    if "Alt" in element:
        extra = b"/Alt" + element["Alt"].data
    elif tag == "TH":
        extra = b"/A<</O/Table/Scope/Column>>"
    return Node(tag, tuple(kids), extra)


def _renumbered(node: Node, numbers: dict[int, int]) -> Node:
    """Return a node with other numbers of marked content, without those that have none."""
    kids: list[Node | int] = []
    for kid in node.kids:
        if not isinstance(kid, int):
            kids.append(_renumbered(kid, numbers))
        elif kid in numbers:
            kids.append(numbers[kid])
    return Node(node.tag, tuple(kids), node.extra)


def _simple(node: Node, above: str = "") -> list[Node]:
    """Return a node without what says nothing to a screen reader: divisions that only hold others, and lists that
    WeasyPrint's own boxes make of one list."""
    kids: list[Node | int] = []
    for kid in node.kids:
        kids += [kid] if isinstance(kid, int) else _simple(kid, node.tag)
    nodes = [kid for kid in kids if isinstance(kid, Node)]
    if node.tag == "Div" or (node.tag == "L" and above == "L"):
        if len(nodes) == len(kids):
            return nodes
        if not nodes:
            return [Node("P", tuple(kids), node.extra)]
    if not kids and node.tag not in CELLS:
        return []
    return [Node(node.tag, tuple(kids), node.extra)]


@dataclass(frozen=True)
class Slot:
    """A box for a field: its style and width, as WeasyPrint computed them. `ends`: its texts show their last word by
    itself. `lead`: the box of the words that they begin with."""

    box: Any
    width: float
    is_image: bool = False
    ends: bool = False
    lead: Any = None
    number: int = field(default_factory=itertools.count().__next__)


class Setter:
    """Breaks and draws texts in boxes of laid-out pages."""

    def __init__(self, font_config: FontConfiguration) -> None:
        self._context = LayoutContext(None, partial(_no_images), font_config, None, None)
        self._context.create_block_formatting_context()
        self._context.page_bottom = math.inf
        # Pango's fonts with what WeasyPrint keeps of each, and the widths of all glyphs that were drawn.
        self.fonts: dict[Any, Any] = {}
        self.widths: dict[str, dict[int, int]] = {}
        # What the prepared faces hold; nothing is rare until it's known.
        self.common: Glyphs | None = None
        self._slots: dict[tuple[float, str, bool], Slot] = {}
        # Of each slot a line, and the only text in it.
        self._known: dict[int, tuple[Any, Any]] = {}
        self._style_cache: dict[Any, Any] = {}
        # A setting of each slot of an image.
        self._drawn: dict[int, Setting] = {}

    def rare(self, glyphs: Glyphs) -> frozenset[str]:
        """Return the faces in which these glyphs aren't common. Raises `CantSet` for a face that isn't ours."""
        if self.common is None:
            return frozenset()
        if not glyphs.keys() <= self.common.keys():
            raise CantSetText("face")
        return frozenset(face for face, drawn in glyphs.items() if not drawn.items() <= self.common[face].items())

    def slot(self, box: Any) -> Slot:
        """Return the slot of a field's box: the same for all boxes of that style and width."""
        ends = box.element.get(FIELD) == "own-end"
        lead = next((each for each in _all(box) if isinstance(each, boxes.InlineBox)), None)
        styles = [box.style, *([lead.style] if lead else [])]
        key = (snap(box.width), repr([style[name] for style in styles for name in OF_A_TEXT]), ends)
        if key not in self._slots:
            self._slots[key] = Slot(self._alone(box), key[0], ends=ends, lead=lead and self._alone(lead))
        return self._slots[key]

    def _alone(self, box: Any) -> Any:
        """Return a copy of a box without anything that keeps its page, or the styles of other boxes, in memory."""
        alone = box.copy_with_children([]) if isinstance(box, boxes.ParentBox) else box.copy()
        for name, value in vars(alone).items():
            if name not in {"style", "children"} and not isinstance(value, (int, float, str)):
                setattr(alone, name, None)
        style = alone.style = box.style.copy()
        for name in INITIAL_VALUES:
            # Computed when it's asked for, from the styles of the boxes around.
            style[name]
        style.parent_style = style.root_style = None
        style.cascaded, style.specified, style.cache = {}, {}, self._style_cache
        return alone

    def spot(self, box: Any, mark: int | None) -> Spot:
        """Return where the text of a field's box goes. Raises `CantSet` unless setting it again gives the same."""
        if isinstance(box, boxes.ReplacedBox):
            return self._image_spot(box, mark)
        style = box.style
        if not isinstance(box, boxes.BlockContainerBox):
            raise CantSet("field")
        if style["text_transform"] != "none" or style["white_space"] not in {"normal", "nowrap"}:
            raise CantSet("style")
        lines = [child for child in box.children if isinstance(child, boxes.LineBox)]
        if len(lines) != len(box.children):
            raise CantSet("field")
        texts = [each.text for line in lines for each in _texts(line)]
        slot = self.slot(box)
        text = _field_text(box.element)
        setting = self.set(slot, text)
        height = sum(line.height for line in lines)
        if setting.lines != tuple(texts) or abs(setting.height - height) > 0.01:
            raise CantSet("lines")
        own = box.element.get(FIELD).startswith("own")
        return Spot(slot, snap(box.content_box_x()), snap(box.content_box_y()), setting.height, text, mark, own)

    def _image_spot(self, box: Any, mark: int | None) -> Spot:
        slot = Slot(self._alone(box), box.width, is_image=True)
        return Spot(slot, snap(box.content_box_x()), snap(box.content_box_y()), 0, box.element.get("src"), mark)

    def _set_image(self, slot: Slot, address: str) -> Setting:
        """Draw an image of pixels, as large as the slot's. One that a PDF can hold as it is needs no drawing again."""
        image = _gray_png(address)
        if image is None:
            return self._drawn_image(slot, address)
        if slot.number not in self._drawn:
            self._drawn[slot.number] = self._drawn_image(slot, address)
        drawn = self._drawn[slot.number]
        return replace(drawn, images=dict.fromkeys(drawn.images, image))

    def _drawn_image(self, slot: Slot, address: str) -> Setting:
        image = get_image_from_uri({}, OwnFacesOnly(), IMAGE_OPTIONS, address)
        if not isinstance(image, RasterImage):
            raise CantSet("image")
        box = slot.box.copy()
        box.replacement = image
        box.translate(-box.content_box_x(), -box.content_box_y())
        pen = _Pen({}, (0, 0, 1, 1))
        draw_replacedbox(pen, box)
        return Setting(pen.written(), 0, (), {}, images={name: _image(name, pen) for name in pen.resources["XObject"]})

    def set(self, slot: Slot, text: str) -> Setting:
        """Break and draw a text in a slot. Raises `CantSet` for a glyph that the faces don't have."""
        if slot.is_image:
            return self._set_image(slot, text)
        if not ALIASES.isdisjoint(text):
            raise CantSetText("alias")
        if not text:
            return Setting((), 0, (), {})
        return self._one_line(slot, text) or self._lines(slot, text)

    def _one_line(self, slot: Slot, text: str) -> Setting | None:
        """Set a text that fits in one line, by what another such text in the slot has shown; None for any other."""
        known = self._known.get(slot.number)
        if known is None or slot.lead:
            return None
        row, sample = known
        room = slot.width - sample.position_x
        layout, _, rest, _, height, baseline = split_first_line(text, sample.style, self._context, room, 0)
        if rest is not None or (height, baseline) != (sample.height, sample.baseline - sample.margin_top):
            return None
        box = sample.copy_with_text(layout.text)
        box.pango_layout = layout
        return self._drawn_text(slot, lambda pen: draw_text(pen, box, 0, "clip", "none"), [box.text], row.height)

    def _lines(self, slot: Slot, text: str) -> Setting:
        """Set a text by WeasyPrint's layout of lines."""
        block = slot.box.copy_with_children([])
        block.position_x = block.position_y = 0
        block.width = slot.width
        for side in ("margin", "padding"):
            for edge in ("left", "top", "right", "bottom"):
                setattr(block, f"{side}_{edge}", 0)
        for edge in ("left", "top", "right", "bottom"):
            setattr(block, f"border_{edge}_width", 0)
        line = boxes.LineBox.anonymous_from(block, self._runs(slot, block, text))
        made = [each for each, _ in iter_line_boxes(self._context, line, 0, -math.inf, None, block, [], [], None, None)]
        for each in itertools.chain.from_iterable(map(_all, made)):
            each.background = None
        block = block.copy_with_children(made)
        texts = [each.text for row in made for each in _texts(row)]
        if len(made) == len(texts) == 1 and all(slot.box.style[name] in values for name, values in FROM_LEFT.items()):
            self._known.setdefault(slot.number, (made[0], made[0].children[0]))
        height = sum(row.height for row in made)
        setting = self._drawn_text(slot, lambda pen: draw_block_level(None, pen, {block: {}}), texts, height)
        return self._with_spaces(setting, text, [len(_texts(row)) for row in made])

    def _with_spaces(self, setting: Setting, text: str, rows: list[int]) -> Setting:
        """Return a setting with a space at the end of each line that broke at one, so that readers who put lines
        together don't join two words. It draws nothing. `rows`: how many runs of text each line has."""
        ends = list(itertools.accumulate(rows))[:-1]
        rest, breaks = text.replace(LEAD_ENDS, " "), set()
        for number, run in enumerate(setting.lines, start=1):
            rest = rest.lstrip(" ").removeprefix(run.strip(" "))
            if number in ends and rest.startswith(" "):
                breaks.add(number)
        if not breaks:
            return setting
        glyphs = {face: dict(drawn) for face, drawn in setting.glyphs.items()}
        content: list[Any] = []
        number, face = 0, ""
        for each in setting.content:
            part = each
            if isinstance(part, Placed) and part.operator == b"Tm":
                number += 1
            elif isinstance(part, bytes):
                if found := FACE.findall(part):
                    face = found[-1].decode()
                before, shows, after = part.rpartition(b"] TJ")
                spaces = [glyph for glyph, said in (self.common or {}).get(face, {}).items() if said == " "]
                if number in breaks and shows and spaces:
                    part = before + _signs(b"%04x" % spaces[0]) + shows + after
                    glyphs.setdefault(face, {})[spaces[0]] = " "
            content.append(part)
        return replace(setting, content=tuple(content), glyphs=glyphs)

    def _runs(self, slot: Slot, block: Any, text: str) -> list[Any]:
        """Return the boxes of a text that isn't broken into lines yet."""
        lead, ends, rest = text.rpartition(LEAD_ENDS)
        if bool(ends) != bool(slot.lead):
            raise CantSet("field")
        if not slot.lead:
            return [boxes.TextBox.anonymous_from(block, rest)]
        bold = slot.lead.copy_with_children([boxes.TextBox.anonymous_from(slot.lead, lead)])
        return [bold, boxes.TextBox.anonymous_from(block, f" {rest}")]

    def _drawn_text(self, slot: Slot, draw: Callable[[_Pen], object], texts: list[str], height: float) -> Setting:
        for each in self.fonts.values():
            each.to_unicode = {}
        pen = _Pen(self.fonts, (0, 0, 1, 1))
        pen._tags = None
        pen.marked = _unmarked  # type: ignore[method-assign]
        draw(pen)
        used = [each for each in self.fonts.values() if each.to_unicode or each.missing]
        spaces = {glyph for each in used for glyph, text in each.to_unicode.items() if text == " "}
        # Of several faces it couldn't be told which one's space it is.
        space = b"%04x" % min(spaces) if slot.ends and len(used) == len(spaces) == 1 else b""
        compact = partial(_compact, space=space)
        content = tuple(TEXTS.sub(compact, part) if isinstance(part, bytes) else part for part in pen.written())
        for each in used:
            if each.missing:
                each.missing.clear()
                raise CantSetText("glyph")
            self.widths.setdefault(each.hash, {}).update(each.widths)
        glyphs = {each.hash: _said(each.to_unicode) for each in used}
        return Setting(content, snap(height), tuple(texts), glyphs, self.rare(glyphs))


def _compact(shown: re.Match[bytes], *, space: bytes = b"") -> bytes:
    """Return a text's glyphs as WeasyPrint shows them, in fewer bytes: in signs, and with one number between two of
    them. What is after the last `space` is shown by itself."""
    parts: list[bytes | float] = []
    for glyphs, number in SHOWN.findall(shown[1]):
        last = parts[-1] if parts else None
        if number and float(number):
            parts[-1:] = [last + float(number)] if isinstance(last, float) else [*parts[-1:], float(number)]
        elif glyphs:
            parts[-1:] = [last + glyphs] if isinstance(last, bytes) else [*parts[-1:], glyphs]
    return b"\n".join(map(_array, _apart(parts, space) if space else [parts]))


def _apart(parts: list[bytes | float], space: bytes) -> list[list[bytes | float]]:
    """Return glyphs and numbers up to the last space, and those after it."""
    each: list[bytes | float] = []
    for part in parts:
        each += [part[at : at + 4] for at in range(0, len(part), 4)] if isinstance(part, bytes) else [part]
    if space not in each[:-1]:
        return [each]
    after = len(each) - each[::-1].index(space)
    return [each[:after], each[after:]]


def _field_text(element: Any) -> str:
    """Return the text of a field's element, as `core.pdf.setting` has it. Raises `CantSet` for one that holds others,
    apart from `b` at its beginning."""
    if not len(element):
        return collapse(element.text or "")
    [*others, lead] = element
    if others or len(lead) or lead.tag != "b" or collapse(element.text or ""):
        raise CantSet("field")
    return f"{collapse(lead.text or '')}{LEAD_ENDS}{collapse(lead.tail or '')}"


def _array(parts: list[bytes | float]) -> bytes:
    """Return the operator that shows glyphs, with how far each moves back, in thousandths of the face's size."""
    shown = b""
    for is_number, group in itertools.groupby(parts, lambda part: isinstance(part, float)):
        if is_number:
            shown += b"".join(length(round(each, 4)) for each in group if isinstance(each, float))
        else:
            shown += _signs(b"".join(each for each in group if isinstance(each, bytes)))
    return b"[%s] TJ" % shown


def _signs(glyphs: bytes) -> bytes:
    signs = UNSAFE.sub(rb"\\\g<0>", bytes.fromhex(glyphs.decode()))
    return b"(%s)" % signs.replace(b"\r", b"\\r")


@contextmanager
def _unmarked(box: Any, tag: str) -> Iterator[None]:
    yield


def collapse(text: str) -> str:
    """Collapse white space as CSS does."""
    return " ".join(part for part in text.translate(SPACES).split(" ") if part)


SPACES = {ord(char): " " for char in "\t\n\r\f"}


def specimen(document: Document, setter: Setter) -> Glyphs:
    """Return everything that a document draws, and have the setter know its faces."""
    found: Glyphs = {}
    for page in document.pages:
        pen = _Pen({}, (0, 0, page.width, page.height))
        pen._tags = None
        pen.marked = _unmarked  # type: ignore[method-assign]
        page.paint(pen)
        for face, drawn in _glyphs(pen._fonts, setter).items():
            found.setdefault(face, {}).update(drawn)
    return found


def embedded(setter: Setter, glyphs: Glyphs, *, first: int) -> tuple[dict[str, int], list[tuple[int, bytes]]]:
    """Return fonts with these glyphs: the number of each by its face, and all their objects, numbered from `first`."""
    pdf = pydyf.PDF()
    while len(pdf.objects) < first:
        pdf.add_object(pydyf.Object())
    chosen = {}
    for each in setter.fonts.values():
        if each.hash in glyphs and each.hash not in chosen:
            font = chosen[each.hash] = copy(each)
            font.to_unicode = dict(sorted(glyphs[each.hash].items()))
            font.widths = {glyph: setter.widths[each.hash][glyph] for glyph in font.to_unicode}
    made = build_fonts_dictionary(pdf, chosen, True, True, {"hinting": False, "pdf_version": "1.7"})
    numbers = {face: int(reference.split()[0]) for face, reference in made.items()}
    return numbers, [(each.number, each.indirect + b"\n") for each in pdf.objects[first:]]
