"""Plain markup that staff write: paragraphs, lists, bold words, and links to safe addresses.

Everything is escaped before anything is marked up, so no text can become another element:

    An empty line begins a new paragraph.

    - lines that begin with a dash are a list
    1. numbered lines are a numbered one

    **bold**, [words](/own/address/), [words](https://elsewhere.example/), [words](faq:slug)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.html import escape
from django.utils.safestring import SafeString

BOLD = re.compile(r"\*\*([^*]+)\*\*")
LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")
BULLET = re.compile(r"- +")
NUMBER = re.compile(r"\d{1,2}\. +")
# A path of ours, or a page elsewhere by https.
SAFE = re.compile(r"/(?![/\\])\S*|https://[^\s/]\S*")

Resolve = Callable[[str], str]


def render(text: str, *, resolve: Resolve = str) -> SafeString:
    """Return the text as HTML. `resolve` turns an address of its own kind ("faq:slug") into a safe one; a link to
    anything else is left as its words."""
    return SafeString("\n".join(_block(block, resolve) for block in _blocks(text)))


def addresses(text: str) -> list[str]:
    """Return the addresses that the text links to."""
    return [match[2] for match in LINK.finditer(text)]


def is_safe(address: str) -> bool:
    """Whether a link may lead there: a path of ours, or a page elsewhere by https."""
    return SAFE.fullmatch(address) is not None


def plain(text: str) -> str:
    """Return the words alone, for search and for descriptions."""
    return " ".join(BOLD.sub(r"\1", LINK.sub(r"\1", text)).split())


def _blocks(text: str) -> list[list[str]]:
    parts = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip())
    return [[line.strip() for line in part.split("\n") if line.strip()] for part in parts if part.strip()]


def _block(lines: list[str], resolve: Resolve) -> str:
    for mark, element in ((BULLET, "ul"), (NUMBER, "ol")):
        if mark.match(lines[0]):
            items = "".join(f"<li>{_inline(item, resolve)}</li>" for item in _items(lines, mark))
            return f"<{element}>{items}</{element}>"
    return f"<p>{_inline(' '.join(lines), resolve)}</p>"


def _items(lines: list[str], mark: re.Pattern[str]) -> list[str]:
    """Return the items of a list; a line without a mark goes on with the item before it."""
    items: list[str] = []
    for line in lines:
        if mark.match(line):
            items.append(mark.sub("", line, count=1))
        else:
            items[-1] += f" {line}"
    return items


def _inline(text: str, resolve: Resolve) -> str:
    def link(match: re.Match[str]) -> str:
        address = resolve(match[2])
        # The words and the address are escaped already.
        return f'<a href="{address}">{match[1]}</a>' if is_safe(address) else match[1]

    return BOLD.sub(r"<strong>\1</strong>", LINK.sub(link, str(escape(text))))
