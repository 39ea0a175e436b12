"""One style sheet of all sheets: `css/site.css`, so that a page asks for one file and every page shares it.

The kit's sheets come first (`css/kit/`), then one per area (`css/<area>.css`). Cascade layers decide what wins, so the
order within them doesn't matter. Sheets of single pages stay apart: admin's and the style page's.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from django.conf import settings

from core.assets.faces import faces_css

NAME = "css/site.css"
ALONE = {"admin.css", "style-page.css"}
# A comment; or a piece of text in quotes, which is kept as it is; or white space.
_TOKEN = re.compile(r"/\*.*?\*/|(?P<text>\"[^\"]*\"|'[^']*')|\s+", re.DOTALL)
# Signs that need no white space around them. In a selector, ":" and ">" do not appear here: " :hover" has its meaning.
_TIGHT = re.compile(r" ?([{};,]) ?")
_VALUE = re.compile(r"([{;][-\w]+): ")


def sources() -> list[Path]:
    """Return the sheets in the order they are joined: the tokens first, since they declare the layers."""
    folder = Path(settings.BASE_DIR) / "static" / "css"
    kit = sorted((folder / "kit").glob("*.css"), key=lambda path: (path.name != "tokens.css", path.name))
    return [*kit, *sorted(path for path in folder.glob("*.css") if path.name not in ALONE)]


def shrink(css: str) -> str:
    """Return a sheet without comments and idle white space; what is in quotes stays as it is."""
    kept: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        if match["text"] is None:
            return " "
        kept.append(match["text"])
        return f"\x00{len(kept) - 1}\x00"

    css = _TOKEN.sub(put_aside, css)
    css = _TIGHT.sub(r"\1", re.sub(" +", " ", css))
    css = _VALUE.sub(r"\1:", css).replace(";}", "}").strip()
    return re.sub(r"\x00(\d+)\x00", lambda match: kept[int(match[1])], css)


def prepare_sheet() -> Path:
    """Write the joined sheet where it differs from the last one, and return its path."""
    target = Path(settings.DATA_DIR) / "sheets" / NAME
    tokens, *others = (path.read_text() for path in sources())
    text = shrink(tokens + faces_css() + "".join(others))
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(f".{os.getpid()}")
        fresh.write_text(text)
        fresh.replace(target)
    return target
