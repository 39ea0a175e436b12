"""Laying out a page: HTML and a style sheet in, PDF out. Nothing is fetched but our own faces.

Reading fonts and parsing a style sheet costs as much as laying out a short page, so a `Layout` does both once and is
kept by the worker. It is locked: Pango's font map is not for two threads at a time.

WeasyPrint is imported when the first page is laid out: it costs every process that never renders a second or more, and
needs Pango, which `manage.py` must be able to miss in a sentence.
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
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration


@dataclass(frozen=True)
class Setting:
    """One way to set a page: its HTML, and how many pages it may take (None: as many as it needs)."""

    html: str
    pages: int | None = None


class Layout:
    """A kind of document: its style sheet, parsed once together with the faces, applied to page after page."""

    def __init__(self, stylesheet: str) -> None:
        """`stylesheet`: CSS without `@font-face` rules; 'Portal Serif' and 'Portal Sans' are there in 400 and 600."""
        self._stylesheet = stylesheet
        self._lock = threading.Lock()
        self._fonts: FontConfiguration | None = None
        self._css: CSS | None = None

    def standalone_css(self) -> str:
        """All that a page needs to be laid out by a WeasyPrint of its own."""
        return f"{faces_css()}\n{self._stylesheet}"

    def warm_up(self) -> None:
        """Read fonts and style sheet and lay out an empty page, so that the first one costs what the next ones cost."""
        self.render([Setting("<!DOCTYPE html><html lang='en'><title>-</title><body><p>-</p></body></html>")])

    def render(self, settings: Iterable[Setting]) -> bytes:
        """The PDF of the first setting that keeps to its pages, else of the last one. Later ones aren't made in vain.

        Tagged, with title, author, subject and dates from the HTML's head. The same HTML gives the same bytes.
        """
        from weasyprint import HTML

        from core.pdf.fetching import OwnFacesOnly

        document = None
        with self._lock:
            fonts, css = self._prepared()
            for setting in settings:
                document = HTML(string=setting.html, url_fetcher=OwnFacesOnly()).render(
                    stylesheets=[css], font_config=fonts, **OPTIONS
                )
                if setting.pages is None or len(document.pages) <= setting.pages:
                    break
            if document is None:
                raise ValueError("A document needs at least one setting.")
            return bytes(document.write_pdf(**OPTIONS))

    def _prepared(self) -> tuple[FontConfiguration, CSS]:
        from weasyprint import CSS
        from weasyprint.text.fonts import FontConfiguration

        from core.pdf.fetching import OwnFacesOnly

        if self._fonts is None or self._css is None:
            self._fonts = FontConfiguration()
            # WeasyPrint keeps copies of the faces in a temporary folder until the object goes; at the very end of a
            # process it could no longer remove them.
            atexit.register(self._let_go)
            self._css = CSS(string=self.standalone_css(), font_config=self._fonts, url_fetcher=OwnFacesOnly())
        return self._fonts, self._css

    def _let_go(self) -> None:
        self._fonts = self._css = None


# Without this library WeasyPrint lets fontTools make the faces small, which writes the time into them unless told one.
if needs()["harfbuzz-subset"].missing:
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")

# A tagged PDF reads aloud in order; the identifier is a digest of the content, so equal pages are equal files.
OPTIONS: dict[str, Any] = {"pdf_tags": True, "pdf_identifier": True}


def render_pdf(html: str, *, stylesheet: str = "") -> bytes:
    """The PDF of one page of HTML, for documents that are made now and then; many of a kind keep a `Layout`."""
    return Layout(stylesheet).render([Setting(html)])
