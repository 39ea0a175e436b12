"""Classes of the style sheets: one that nothing uses goes, and one that no sheet knows is a slip of the pen.

`python -m tools.css_classes` prints each; part of `make lint`. Admin's pages keep Django's classes, and paper its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMENT = re.compile(r"/\*.*?\*/|\{#.*?#\}", re.DOTALL)
NAME = re.compile(r"\.([a-zA-Z][\w-]*)")
WORD = re.compile(r"[a-zA-Z][\w-]*")
# A name that is put together: "notice-{{ kind }}", "status-{}".
PREFIX = re.compile(r"([a-zA-Z][\w-]*-)\{")
ATTRIBUTE = re.compile(r'class="((?:\{\{.*?\}\}|\{%.*?%\}|[^"])*)"')
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
# Where a class may be used: templates, scripts, and the tags that write markup.
USERS = ("templates/**/*.html", "*/templates/**/*.html", "static/js/*.js", "*/templatetags/*.py", "accounts/**/*.py")
PAGES = ("templates/**/*.html", "*/templates/**/*.html")
NOT_OURS = {"admin", "pdf", "emails"}
# Django's own forms write these.
DJANGOS = {"errorlist"}


def sheets() -> dict[str, str]:
    """Return the text of each sheet of the portal's pages, by its name."""
    folder = ROOT / "static" / "css"
    return {
        str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.css") if path.name != "admin.css"
    }


def texts(patterns: Iterable[str]) -> dict[str, str]:
    """Return the text of the files of these patterns, without comments and without pages that aren't the portal's."""
    files = {path for pattern in patterns for path in ROOT.glob(pattern) if not NOT_OURS & set(path.parts)}
    return {str(path.relative_to(ROOT)): COMMENT.sub("", path.read_text()) for path in sorted(files)}


def defined(css: str) -> set[str]:
    """Return the classes that a sheet has rules for."""
    selectors = re.findall(r"([^{};]+)\{", COMMENT.sub("", css))
    return {name for selector in selectors if not selector.strip().startswith("@") for name in NAME.findall(selector)}


def unused(css: str, users: Iterable[str]) -> list[str]:
    """Return the classes of a sheet that none of these texts uses, whole or put together."""
    words = set(DJANGOS)
    prefixes: set[str] = set()
    for text in users:
        words |= set(WORD.findall(text))
        prefixes |= set(PREFIX.findall(text))
    return sorted(name for name in defined(css) - words if not any(name.startswith(prefix) for prefix in prefixes))


def unknown(page: str, known: set[str]) -> list[str]:
    """Return the classes of a page that no sheet has rules for, those that are put together aside."""
    found: set[str] = set()
    for value in ATTRIBUTE.findall(page):
        # What is put together with a tag is known by its parts alone.
        plain = re.sub(r"[\w-]*\x00[\w-]*", " ", re.sub(r"\{\{.*?\}\}", "\x00", value))
        found |= set(WORD.findall(TAG.sub(" ", plain)))
    return sorted(found - known)


def faults() -> Iterator[str]:
    """Return a line for each class that is unused or unknown."""
    every = sheets()
    users = texts(USERS).values()
    for name, css in every.items():
        yield from (f"static/css/{name}: nothing uses .{found}" for found in unused(css, users))
    known = {found for css in every.values() for found in defined(css)}
    for name, page in texts(PAGES).items():
        yield from (f"{name}: no sheet has .{found}" for found in unknown(page, known))


def main() -> int:
    """Print the faults; 1 if there are any."""
    found = list(faults())
    print("\n".join(found) or "Every class has a rule and a use.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
