"""What a document may fetch while it is laid out. Imported with WeasyPrint, when the first page is rendered."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit

from weasyprint.urls import URLFetcher, URLFetcherResponse

from core.pdf.fonts import fonts_dir

PNG = "data:image/png;base64,"


class OwnFacesOnly(URLFetcher):
    """Opens our own font files and images that stand in the page itself, and refuses every other address: a document
    never reaches for network or disk."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """The font's or image's bytes. Raises ValueError for any other address, which leaves the thing out and logs a
        warning."""
        if url.startswith(PNG):
            return URLFetcherResponse(url, base64.b64decode(url.removeprefix(PNG)), {"Content-Type": "image/png"})
        parts = urlsplit(url)
        folder = fonts_dir()
        path = folder / unquote(parts.path).rsplit("/", 1)[-1]
        if parts.scheme != "file" or path.as_uri() != url:
            raise ValueError(f"A document may not fetch {url}")
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/ttf"})
