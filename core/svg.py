"""SVG drawings for documents: read, and written again with nothing but their shapes.

What a drawing may have is listed here; there is nothing in it to run, to fetch, or to expand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from core.images import PRINTED_AT_MOST, ImageRefusedError

SVG = "http://www.w3.org/2000/svg"
# Drawn again on every page that has it.
MOST_BYTES = 200 * 1024
MOST_ELEMENTS = 2_000
DEEPEST = 20
SHAPES = {"path", "line", "polyline", "polygon", "rect", "circle", "ellipse"}
GROUPS = {"svg", "g"}
# Says something about the drawing, and draws nothing.
SPOKEN = {"title", "desc", "metadata", "defs"}
GEOMETRY = set("d x x1 x2 y y1 y2 cx cy r rx ry width height points transform".split())
PAINT = set(
    "fill fill-opacity fill-rule opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin "
    "stroke-miterlimit stroke-opacity stroke-width".split()
)
VALUE = re.compile(r"[\w\s.,#%()+-]*", re.ASCII)
LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)(px|pt|mm|cm|in)?\s*", re.ASCII)
NOT_AN_SVG = "The file isn’t an SVG image, or it is damaged."


def looks_like_svg(data: bytes) -> bool:
    """Whether `data` is text in angle brackets rather than an image of pixels."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def clean_svg(data: bytes) -> bytes:
    """Return the SVG image in `data`, written again with its shapes only, as large as it's printed at most.

    The same image gives the same bytes. Raises `ImageRefusedError`, also for what would be lost: text, pictures, style
    sheets, gradients, and copies of other elements.
    """
    if len(data) > MOST_BYTES:
        raise ImageRefusedError(f"The SVG image is larger than {MOST_BYTES // 1024} KB.")
    drawing = _Drawing()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = drawing.doctype
    parser.StartElementHandler = drawing.start
    parser.EndElementHandler = drawing.end
    try:
        parser.Parse(data.decode("utf-8-sig"), True)
    except (UnicodeDecodeError, expat.ExpatError) as error:
        raise ImageRefusedError(NOT_AN_SVG) from error
    return drawing.written()


class _Drawing:
    """The drawing in the writing; its methods are called by the parser."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._depth = 0
        # Depth of the element whose whole content is left out, 0 where none is.
        self._left_out = 0
        self._elements = 0
        self._shapes = 0

    def doctype(self, _name: str, _system: str | None, _public: str | None, has_declarations: bool) -> None:
        """Refuse declarations of entities; the usual line that names the standard is harmless."""
        if has_declarations:
            raise ImageRefusedError("The SVG image declares entities.")

    def start(self, full_name: str, attributes: dict[str, str]) -> None:
        """Write an element that draws or groups, and leave out what isn't SVG's own."""
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST or self._elements > MOST_ELEMENTS:
            raise ImageRefusedError("The SVG image has too many elements.")
        if self._left_out:
            return
        namespace, _, name = full_name.rpartition(" ")
        if self._depth == 1:
            if (namespace, name) != (SVG, "svg"):
                raise ImageRefusedError(NOT_AN_SVG)
            self._out.append(f'<svg xmlns="{SVG}"{_root(attributes)}>')
        elif namespace != SVG or name in SPOKEN:
            self._left_out = self._depth
        elif name in SHAPES or name == "g":
            self._shapes += name in SHAPES
            self._out.append(f"<{name}{''.join(_kept(attributes))}>")
        else:
            raise ImageRefusedError(f"The SVG image has ‘{name[:20]}’ in it; it may have shapes only.")

    def end(self, full_name: str) -> None:
        """Close an element that was written."""
        if not self._left_out:
            self._out.append(f"</{full_name.rpartition(' ')[2]}>")
        elif self._left_out == self._depth:
            self._left_out = 0
        self._depth -= 1

    def written(self) -> bytes:
        """Return the new file. Raises `ImageRefusedError` for one that shows nothing."""
        if not self._shapes:
            raise ImageRefusedError("The image is empty.")
        return "".join(self._out).encode()


def _root(attributes: dict[str, str]) -> str:
    """Return the attributes of the whole drawing: its own field of view, and the size that it's printed in at most."""
    try:
        left, top, width, height = map(float, attributes["viewBox"].replace(",", " ").split())
    except KeyError:
        left = top = 0.0
        width, height = _length(attributes.get("width", "")), _length(attributes.get("height", ""))
    except ValueError as error:
        raise ImageRefusedError(NOT_AN_SVG) from error
    if not (all(map(math.isfinite, (left, top, width, height))) and width > 0 < height):
        raise ImageRefusedError("The SVG image doesn’t say how large it is.")
    scale = min(PRINTED_AT_MOST[0] / width, PRINTED_AT_MOST[1] / height)
    size = f' width="{width * scale:.2f}" height="{height * scale:.2f}"'
    return f' viewBox="{left:g} {top:g} {width:g} {height:g}"{size}{"".join(_paint(attributes))}'


def _length(text: str) -> float:
    found = LENGTH.fullmatch(text)
    return float(found[1]) if found else 0.0


def _kept(attributes: dict[str, str]) -> Iterator[str]:
    """Yield the attributes that say where and how to draw."""
    for name, value in attributes.items():
        if name in GEOMETRY:
            yield _attribute(name, value)
    yield from _paint(attributes)


def _paint(attributes: dict[str, str]) -> Iterator[str]:
    """Yield how to draw, from attributes and from `style`, which wins."""
    paint = {name: value for name, value in attributes.items() if name in PAINT}
    for declaration in attributes.get("style", "").split(";"):
        name, _, value = declaration.partition(":")
        if name.strip() in PAINT:
            paint[name.strip()] = value.strip()
    yield from (_attribute(name, value) for name, value in sorted(paint.items()))


def _attribute(name: str, value: str) -> str:
    if not VALUE.fullmatch(value) or "url" in value.lower():
        raise ImageRefusedError(f"The SVG image draws with something else than plain colors (in ‘{name}’).")
    return f" {name}={quoteattr(value)}"
