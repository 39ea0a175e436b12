"""The faces of the screen: the paper's own, subset to WOFF2 once per recipe (docs/decisions/0061-faces-on-screen.md).

Each face comes in two files. `latin` is what a page of ordinary English needs, and all that a first visit loads;
`latin-ext` has every other Latin letter, and a browser fetches it only for a name that has one.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import fontTools
from django.conf import settings

from core.pdf.fonts import FACES, SANS, SERIF, Face, made_once, write_subset

# Headings have one weight, text two: each more is a file that a first visit waits for.
SCREEN = tuple(face for face in FACES if (face.family, face.weight) in {(SERIF, 400), (SANS, 400), (SANS, 600)})
LATIN = (
    *((0x20, 0x7E), (0xA0, 0xFF), (0x152, 0x153), (0x2C6, 0x2C6), (0x2DA, 0x2DC)),
    *((0x2010, 0x2026), (0x2030, 0x203A), (0x20AC, 0x20AC), (0x2116, 0x2122)),
    *((0x2190, 0x2193), (0x2212, 0x2212)),
)
LATIN_EXT = ((0x100, 0x151), (0x154, 0x24F), (0x2B0, 0x2C5), (0x2C7, 0x2D9), (0x2DD, 0x36F), (0x1E00, 0x1EFF))
SUBSETS = {"latin": LATIN, "latin-ext": LATIN_EXT}
# Accents that are put on a letter by the face come with the letters that have them.
FEATURES = {
    "latin": ("kern", "liga", "lnum", "tnum"),
    "latin-ext": ("ccmp", "locl", "mark", "mkmk", "kern", "liga", "lnum", "tnum"),
}
# Goes up when the recipe changes in a way that the digest below doesn't see.
RECIPE = 1


def file_name(face: Face, subset: str) -> str:
    """Return the file's name: `sans-600-latin.woff2`."""
    return f"{'serif' if face.family == SERIF else 'sans'}-{face.weight}-{subset}.woff2"


def prepare_faces() -> Path:
    """Make the files unless they are there, and return their folder. Takes some seconds the first time."""

    def make(folder: Path) -> None:
        for face in SCREEN:
            for subset, ranges in SUBSETS.items():
                codes = [code for start, end in ranges for code in range(start, end + 1)]
                file = folder / file_name(face, subset)
                write_subset(face, file, unicodes=codes, features=FEATURES[subset], flavor="woff2")

    return made_once(Path(settings.DATA_DIR) / "screen-faces" / _recipe_digest(), make)


def faces_css() -> str:
    """Return the `@font-face` rules of all files, with addresses beside the sheet's folder."""
    rules = []
    for face in SCREEN:
        for subset, ranges in SUBSETS.items():
            covers = ", ".join(f"U+{start:X}" if start == end else f"U+{start:X}-{end:X}" for start, end in ranges)
            rules.append(
                f'@font-face {{ font-family: "{face.family}"; font-weight: {face.weight}; font-style: normal; '
                f'font-display: swap; src: url("../fonts/{file_name(face, subset)}") format("woff2"); '
                f"unicode-range: {covers}; }}"
            )
    return "\n".join(rules) + "\n"


@cache
def _recipe_digest() -> str:
    digest = hashlib.sha256(f"{RECIPE} {fontTools.version} {FEATURES} {SUBSETS}".encode())
    for face in SCREEN:
        digest.update(f"{face.family} {face.weight}".encode() + face.path.read_bytes())
    return digest.hexdigest()[:16]
