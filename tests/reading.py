"""Reading a page as a person does: the words on it, without the markup."""

from __future__ import annotations

import html
import re

from django.http import HttpResponse


def words(response: HttpResponse) -> str:
    """Return the text of the page's main part, with single spaces."""
    body = response.content.decode()
    main = re.search(r"<main.*?</main>", body, flags=re.DOTALL)
    return _text(main.group() if main else body)


def _text(markup: str) -> str:
    text = re.sub(r"<(script|style|svg).*?</\1>", " ", markup, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split()).replace(" ,", ",").replace(" .", ".")


def links(response: HttpResponse) -> list[str]:
    """Where the links of the whole page lead, in order."""
    return [html.unescape(href) for href in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', response.content.decode())]


def all_words(response: HttpResponse) -> str:
    """Return the text of the whole page, its frame included."""
    return _text(response.content.decode())
