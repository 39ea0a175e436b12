"""Layout of a page: HTML and a style sheet in, PDF out. It fetches nothing but our own faces.

Reading fonts and parsing a style sheet costs as much as laying out a short page, so a `Layout` does both once and the
worker keeps it. A lock guards it, since Pango's font map isn't safe for two threads.

WeasyPrint is imported with the first page: the import takes a second or more, and it needs Pango, whose absence
`manage.py` must be able to report.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.pdf.fonts import faces_css
from core.system import needs

if TYPE_CHECKING:
    from weasyprint import CSS, Document
    from weasyprint.text.fonts import FontConfiguration


@dataclass(frozen=True)
class Candidate:
    """One way to set a document: its HTML, and how many pages it may take (None: as many as it needs). `whole`: it
    isn't marked for `core.pdf.setting`."""

    html: str
    pages: int | None = None
    whole: bool = False


class Layout:
    """A kind of document: its style sheet, parsed once with the faces, applied to page after page."""

    def __init__(self, stylesheet: str) -> None:
        """`stylesheet` is CSS without `@font-face` rules, for 'Portal Serif' and 'Portal Sans' in 400 and 600."""
        self._stylesheet = stylesheet
        self._lock = threading.Lock()
        self._fonts: FontConfiguration | None = None
        self._css: CSS | None = None

    def standalone_css(self) -> str:
        """Return all the CSS of a page, faces included, for a WeasyPrint outside this layout."""
        return f"{faces_css()}\n{self._stylesheet}"

    def warm_up(self) -> None:
        """Read fonts and style sheet and lay out an empty page, so that the first real one is as fast as the next."""
        self.render([Candidate("<!DOCTYPE html><html lang='en'><title>-</title><body><p>-</p></body></html>")])

    def render(self, candidates: Iterable[Candidate]) -> bytes:
        """Return the PDF of the first candidate that keeps to its pages, else of the last. Later ones aren't made.

        It is tagged and takes title, author, subject, and dates from the HTML's head. The same HTML gives the same
        bytes. Raises ValueError without a candidate.
        """
        return self.render_counted(candidates)[0]

    def render_counted(self, candidates: Iterable[Candidate]) -> tuple[bytes, int]:
        """Return the same, and how many pages it has."""
        document = None
        with self._lock:
            for candidate in candidates:
                document = self._laid_out(candidate.html)
                if candidate.pages is None or len(document.pages) <= candidate.pages:
                    break
            if document is None:
                raise ValueError("A document needs at least one candidate.")
            return bytes(document.write_pdf(**OPTIONS)), len(document.pages)

    def _laid_out(self, html: str, *extra: CSS) -> Document:
        """Return a page's layout. The caller holds the lock."""
        from weasyprint import HTML

        from core.pdf.fetching import OwnFacesOnly

        fonts, css = self._prepared()
        return HTML(string=html, url_fetcher=OwnFacesOnly()).render(
            stylesheets=[css, *extra], font_config=fonts, **OPTIONS
        )

    def _prepared(self) -> tuple[FontConfiguration, CSS]:
        from weasyprint import CSS
        from weasyprint.text.fonts import FontConfiguration

        from core.pdf.fetching import OwnFacesOnly

        if self._fonts is None or self._css is None:
            self._fonts = FontConfiguration()
            # WeasyPrint keeps copies of the faces in a temporary folder until this object goes; when the process ends
            # by itself, it can't remove them any more.
            atexit.register(self._let_go)
            self._css = CSS(string=self.standalone_css(), font_config=self._fonts, url_fetcher=OwnFacesOnly())
        return self._fonts, self._css

    def _let_go(self) -> None:
        self._fonts = self._css = None


# Without this library WeasyPrint lets fontTools subset the faces, which writes the time into them unless given one.
if needs()["harfbuzz-subset"].missing:
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")

# Screen readers read a tagged PDF in order; the identifier is a digest of the content, so equal pages are equal files.
OPTIONS: dict[str, Any] = {"pdf_tags": True, "pdf_identifier": True}
