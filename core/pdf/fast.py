"""A layout that sets pages from known pieces, and lays out whole what can't be set so.

See `core.pdf.setting` for what the HTML has to say, and docs/decisions/0171-pages-from-pieces.md for why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter

from core.pdf.fonts import FACES
from core.pdf.layout import Candidate, Layout
from core.pdf.setting import CantSet, Press

if TYPE_CHECKING:
    from core.pdf.boxes import Cut, Setter
    from core.pdf.documents import Faces
    from core.pdf.setting import Composed

log = structlog.get_logger(__name__)
PAPERS = Counter(
    "portal_papers", "Documents made: set from pieces ('fast') or laid out whole ('plain'), and why.", ["way", "why"]
)
PX = 96 / 72
# Pages are cut from a layout this many times as high, so that one that is too full is cut as well.
HIGHER = 4
# What pages draw mostly: letters, figures, a few signs, and what a face makes of some letters together. More would
# make every file larger; a face with a rarer letter is cut for its page.
COMMON = (
    "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in r"<=>[\]^_`{|}~") + "\u00a0–—‘’“”·éñáíóü",
    ("fi", "fl", "ff", "ffi", "ffl", "fj", "ft", "tt", "Th"),
)


@dataclass(frozen=True)
class Made:
    """A document: its bytes, its pages, and whether it was set from pieces."""

    content: bytes
    pages: int
    fast: bool


class FastLayout(Layout):
    """A kind of document whose pages are set from pieces."""

    def __init__(
        self, stylesheet: str, *, page: tuple[float, float], few: dict[tuple[str, int], str] | None = None
    ) -> None:
        """`page`: width and height in points, as the style sheet has them. `few`: faces, by family and weight, of which
        most pages need no more than the letters of these words."""
        super().__init__(stylesheet)
        self._few = few or {}
        self._page = (page[0] * PX, page[1] * PX)
        self._setter: Setter | None = None
        self._press: Press | None = None
        self._faces: Faces | None = None
        # What a process does after a page was laid out: that leaves some 10 MB of boxes which refer to each other.
        self.after_layout: Callable[[], object] | None = None

    def warm_up(self) -> None:
        """Read fonts and style sheet, and prepare the common faces."""
        super().warm_up()
        with self._lock:
            self._ready()

    def make(self, candidates: Callable[[], Iterable[Candidate]]) -> Made:
        """Return the PDF of the first candidate that keeps to its pages.

        Whether it's set from pieces depends on the page alone, so the same HTML gives the same bytes.
        """
        from core.pdf.documents import one_page

        try:
            with self._lock:
                composed = self._compose(candidates())
                pdf = one_page(composed, self._ready()[1])
        except CantSet as refusal:
            self.count_plain(refusal)
            content, pages = self.render_counted(candidates())
            return Made(content, pages=pages, fast=False)
        self.count_fast()
        return Made(pdf, pages=1, fast=True)

    def compose(self, candidates: Callable[[], Iterable[Candidate]]) -> Composed:
        """Return the first candidate that keeps to its page, composed. Raises `CantSet`."""
        with self._lock:
            return self._compose(candidates())

    def faces(self) -> Faces:
        """Return the faces of composed pages."""
        with self._lock:
            return self._ready()[1]

    def count_fast(self) -> None:
        """Count a document that is set from pieces."""
        PAPERS.labels("fast", "").inc()

    def count_plain(self, why: Exception) -> None:
        """Count a document that is laid out whole."""
        PAPERS.labels("plain", str(why)).inc()
        log.info("paper_laid_out_whole", why=str(why))

    def _compose(self, candidates: Iterable[Candidate]) -> Composed:

        press, _ = self._ready()
        for candidate in candidates:
            if candidate.whole:
                raise CantSet("whole")
            if candidate.pages != 1:
                break
            if (composed := press.compose(candidate.html)) is not None:
                return composed
        raise CantSet("pages")

    def _ready(self) -> tuple[Press, Faces]:
        from weasyprint import CSS

        from core.pdf.boxes import Setter, cut, specimen
        from core.pdf.documents import Faces

        if self._press is None or self._faces is None:
            setter = Setter(self._prepared()[0])
            high = CSS(string=f"@page {{ size: {self._page[0]}px {self._page[1] * HIGHER}px }}")

            def cut_page(html: str) -> tuple[Cut, Setter]:
                made = cut(self._laid_out(html, high), setter, page=self._page)
                if self.after_layout is not None:
                    self.after_layout()
                return made, setter

            setter.common = specimen(self._laid_out(_specimen(self._few)), setter)
            self._faces = Faces(setter, setter.common)
            self._press = Press(cut_page, page=self._page)
        return self._press, self._faces


def _specimen(few: dict[tuple[str, int], str]) -> str:
    """Return a page with every common glyph in each face. Spaces keep them from joining; what joins is asked for."""
    signs = " ".join((*COMMON[0], *COMMON[1]))
    blocks = "".join(
        f"<p style=\"font: {face.weight} 8pt '{face.family}'; font-variant-numeric: {figures}\">"
        f"{escape(few.get((face.family, face.weight), signs))}</p>"
        for face in FACES
        for figures in ("normal", "lining-nums tabular-nums")
    )
    return f"<!DOCTYPE html><html lang='en'><title>-</title><body>{blocks}</body></html>"
