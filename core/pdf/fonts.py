"""The faces of printed documents, subset once from packages into the data folder.

Source Serif and Source Sans come by pip, never from the machine, so a page breaks its lines the same way everywhere. A
subset keeps Latin with every accent that the faces have, punctuation, and the features in use, so a face is a third of
its size, and every page faster. The subsets have names of their own, as the fonts' license asks of changed versions.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import font_source_sans_pro
import font_source_serif_pro
import fontTools
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


@dataclass(frozen=True)
class Face:
    """One face: its family and weight in style sheets, and the package's file that it comes from."""

    family: str
    weight: int
    directory: str
    source: str

    @property
    def path(self) -> Path:
        return Path(self.directory) / self.source

    @property
    def file_name(self) -> str:
        return f"{self.family.replace(' ', '')}-{self.weight}.ttf"


SERIF, SANS = "Portal Serif", "Portal Sans"
FACES = (
    Face(SERIF, 400, font_source_serif_pro.font_directory, "SourceSerifPro-Regular.ttf"),
    Face(SERIF, 600, font_source_serif_pro.font_directory, "SourceSerifPro-Semibold.ttf"),
    Face(SANS, 400, font_source_sans_pro.font_directory, "SourceSansPro-Regular.ttf"),
    Face(SANS, 600, font_source_sans_pro.font_directory, "SourceSansPro-Semibold.ttf"),
)
# Latin in all its blocks, modifier letters, combining marks, punctuation, and a few signs.
UNICODES = frozenset(
    (*range(0x20, 0x250), *range(0x2B0, 0x370), *range(0x1E00, 0x1F00), *range(0x2000, 0x2070), *map(ord, "€№™−"))
)
FEATURES = ["ccmp", "locl", "mark", "mkmk", "kern", "liga", "lnum", "tnum", "onum", "pnum", "case"]
# Characters that the packages' faces lack and that look like one they have: hyphens and spaces of other kinds.
ALIASES = {
    0x2010: 0x2D,
    0x2011: 0x2D,
    **dict.fromkeys([*range(0x2000, 0x200B), 0x202F, 0x205F], 0x20),
}
# Goes up when the recipe above changes in a way that the digest below doesn't see.
RECIPE = 1


def fonts_dir() -> Path:
    """Return the folder of the subsets: one for each recipe, so that an upgrade never mixes faces."""
    return Path(settings.DATA_DIR) / "fonts" / _recipe_digest()


def prepare_fonts() -> Path:
    """Make the subsets unless they exist, and return their folder. The first time takes a few seconds."""

    def make(folder: Path) -> None:
        for face in FACES:
            _make_subset(face, folder / face.file_name)

    return made_once(fonts_dir(), make)


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder, which `make` fills unless it exists. Of several processes at once each makes its own, and the
    first one's stays."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
    try:
        make(making)
        making.chmod(0o755)
        making.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def faces_css() -> str:
    """Return the `@font-face` rules of all faces, with absolute file addresses, for layout anywhere on this machine."""
    folder = prepare_fonts()
    return "\n".join(
        f"@font-face {{ font-family: '{face.family}'; font-weight: {face.weight}; font-style: normal; "
        f"src: url('{(folder / face.file_name).as_uri()}') format('truetype'); }}"
        for face in FACES
    )


def unprintable(text: str) -> list[str]:
    """Return the characters of `text` that no face has, each once, in order; none where all of it is printable."""
    known = _printable()
    composed = unicodedata.normalize("NFC", text)
    return list(dict.fromkeys(char for char in composed if ord(char) not in known and char not in "\n\r\t"))


@cache
def _printable() -> frozenset[int]:
    """Return code points that every weight of one family has; style sheets fall back to the other family."""
    found: set[int] = set()
    for family in (SERIF, SANS):
        found |= set.intersection(*(_code_points(face) for face in FACES if face.family == family))
    return frozenset((found & UNICODES) | set(ALIASES))


def _code_points(face: Face) -> set[int]:
    from fontTools.ttLib import TTFont

    with TTFont(face.path, lazy=True) as font:
        return set(font.getBestCmap())


@cache
def _recipe_digest() -> str:
    digest = hashlib.sha256(f"{RECIPE} {fontTools.version} {FEATURES} {sorted(UNICODES)}".encode())
    for face in FACES:
        digest.update(f"{face.family} {face.weight}".encode() + face.path.read_bytes())
    return digest.hexdigest()[:16]


def _make_subset(face: Face, target: Path) -> None:
    write_subset(face, target, unicodes=UNICODES, features=FEATURES)


def write_subset(
    face: Face, target: Path, *, unicodes: Iterable[int], features: Sequence[str], flavor: str | None = None
) -> None:
    """Write those characters of a face; the same input gives the same bytes. `flavor`: "woff2" for the screen."""
    # Half a second to import, and needed once per machine.
    from fontTools import subset

    options = subset.Options(
        layout_features=list(features), hinting=False, notdef_outline=True, recalc_timestamp=False, name_IDs=["*"]
    )
    with subset.load_font(str(face.path), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=unicodes)
        subsetter.subset(font)
        for table in font["cmap"].tables:
            if table.isUnicode():
                for alias, original in ALIASES.items():
                    if original in table.cmap:
                        table.cmap.setdefault(alias, table.cmap[original])
        # Name records of the original are left behind; ours says what the file is.
        names = font["name"]
        names.names = [record for record in names.names if record.nameID in (0, 13, 14)]
        style = "Semibold" if face.weight == 600 else "Regular"
        postscript = f"{face.family.replace(' ', '')}-{style}"
        for name_id, value in ((1, face.family), (2, style), (4, f"{face.family} {style}"), (6, postscript)):
            names.setName(value, name_id, 3, 1, 0x409)
        font.flavor = flavor
        font.save(target)
