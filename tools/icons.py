"""Draws the icons of the installed portal from the mark: `python -m tools.icons`, after the mark has changed.

The results are kept in `static/img/`, so that nobody needs a browser to build the portal. A maskable icon fills its
square, and the mark stays inside the circle that every phone leaves (https://www.w3.org/TR/appmanifest/#icon-masks).
"""

from __future__ import annotations

import re
from pathlib import Path

from core.system import needs

IMAGES = Path(__file__).resolve().parent.parent / "static" / "img"
# Name of the file: its size, and whether it's maskable. Apple cuts its own corners, so that its icon fills the square.
ICONS = {
    "icon-192.png": (192, False),
    "icon-512.png": (512, False),
    "icon-maskable-512.png": (512, True),
    "icon-apple-180.png": (180, True),
}


def drawing(size: int, *, maskable: bool) -> str:
    """Return the mark as SVG of that size."""
    svg = (IMAGES / "mark.svg").read_text()
    if maskable:
        svg = svg.replace(' rx="8"', "")
        svg = re.sub(
            r"<g (.*)</g>", r'<g transform="translate(16 16) scale(.82) translate(-16 -16)"><g \1</g></g>', svg
        )
    return svg.replace("<svg ", f'<svg width="{size}" height="{size}" ', 1)


def main() -> None:
    """Draw each icon in a browser, which draws SVG as the pages show it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs()["chromium"].program, args=["--no-sandbox"])
        for name, (size, maskable) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{drawing(size, maskable=maskable)}")
            page.screenshot(path=IMAGES / name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
