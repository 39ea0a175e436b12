"""The files that a document may fetch during layout. Imported with WeasyPrint, when the first page is rendered."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit

from weasyprint.urls import URLFetcher, URLFetcherResponse

from core.pdf.fonts import fonts_dir

IMAGES = {f"data:{content_type};base64,": content_type for content_type in ("image/png", "image/svg+xml")}


class OwnFacesOnly(URLFetcher):
    """Opens our own font files and images that are in the page itself, and refuses every other address: a document
    never reaches for network or disk."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return the font's or image's bytes.

        Raises ValueError for any other address; WeasyPrint then leaves the thing out and logs a warning.
        """
        for prefix, content_type in IMAGES.items():
            if url.startswith(prefix):
                return URLFetcherResponse(
                    url, base64.b64decode(url.removeprefix(prefix)), {"Content-Type": content_type}
                )
        parts = urlsplit(url)
        folder = fonts_dir()
        path = folder / unquote(parts.path).rsplit("/", 1)[-1]
        if parts.scheme != "file" or path.as_uri() != url:
            raise ValueError(f"A document may not fetch {url}")
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/ttf"})
