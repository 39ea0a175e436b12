"""The look: every pair of colors in use has the contrast that WCAG 2.2 AA asks for, and sheets keep to the tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

CSS = Path(settings.BASE_DIR) / "static" / "css"
TOKENS = (CSS / "kit" / "tokens.css").read_text()

# Text and its ground: 4.5 to 1 (WCAG 1.4.3).
TEXT = [
    ("ink", "paper surface sunken accent-soft info-soft good-soft attention-soft danger-soft accent-line"),
    ("ink-soft", "paper surface sunken accent-soft"),
    ("ink-faint", "paper surface sunken"),
    ("accent", "paper surface sunken accent-soft info-soft good-soft attention-soft danger-soft"),
    ("accent-strong", "paper surface sunken accent-soft"),
    ("info", "surface info-soft paper sunken"),
    ("good", "surface good-soft paper sunken"),
    ("attention", "surface attention-soft paper sunken"),
    ("danger", "surface danger-soft paper sunken"),
    ("accent-on", "accent-fill accent-fill-strong"),
    ("danger-on", "danger-fill danger-fill-strong"),
]
# Edges of controls and the focus ring: 3 to 1 (WCAG 1.4.11).
EDGES = [
    ("line-strong", "paper surface"),
    ("accent", "paper surface sunken"),
    ("accent-fill", "paper surface"),
    ("danger-fill", "paper surface"),
    ("danger", "surface"),
]
ROLES = ("small", "body", "lead", "title", "heading", "display")
# Paper has colors and sizes of its own, and admin Django's.
SHEETS = [path for path in sorted(CSS.rglob("*.css")) if path.name not in {"tokens.css", "print.css", "admin.css"}]
PAIRS = [
    (scheme, ink, ground, bound)
    for scheme in ("light", "dark")
    for pairs, bound in ((TEXT, 4.5), (EDGES, 3.0))
    for ink, grounds in pairs
    for ground in grounds.split()
]


def tokens(scheme: str) -> dict[str, str]:
    """Return the colors of a scheme by name, as #rrggbb; dark ones override light ones."""
    light, _, dark = TOKENS.partition("@media (prefers-color-scheme: dark)")
    colors = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", light))
    if scheme == "dark":
        colors |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", dark))
    return colors


def luminance(color: str) -> float:
    """Relative luminance as WCAG defines it."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 (none) to 21 (black on white)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_the_most_contrast_there_is():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


@pytest.mark.parametrize(("scheme", "ink", "ground", "bound"), PAIRS, ids=str)
def test_colors_stand_out_from_their_ground(scheme, ink, ground, bound):
    colors = tokens(scheme)
    assert contrast(colors[ink], colors[ground]) >= bound


def test_dark_carries_the_names_of_light():
    light, _, dark = TOKENS.partition("@media (prefers-color-scheme: dark)")
    named = set(re.findall(r"--([\w-]+):\s*(?:#|rgb)", light))
    overridden = set(re.findall(r"--([\w-]+):\s*(?:#|rgb)", dark))
    assert overridden == named - {"qr-paper"}, "a QR code stays dark on light for the cameras' sake"


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_only_the_tokens_give_a_color_or_a_size_of_type(sheet):
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", text)
    sizes = set(re.findall(r"font-size:\s*([^;]+);", text))
    # Code beside text is as large as the text.
    assert sizes <= {f"var(--text-{role})" for role in ROLES} | {"0.94em"}


def test_no_template_carries_a_style_or_a_script_of_its_own():
    offenders = [
        path.name
        for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html")
        if "pdf" not in path.parts and "emails" not in path.parts
        if re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", path.read_text())
    ]
    assert offenders == []


@pytest.mark.parametrize(
    "path", sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html")), ids=lambda path: path.name
)
def test_every_template_can_be_read(path):
    assert get_template(str(path.relative_to(Path(settings.BASE_DIR) / "templates")))


def test_type_has_six_sizes_by_role():
    assert set(re.findall(r"--text-(\w+):", TOKENS)) == set(ROLES)
    assert "--text-small: 0.875rem" in TOKENS
    assert "--text-body: 1rem" in TOKENS


def test_pages_change_at_two_widths():
    sheets = "\n".join(sheet.read_text() for sheet in CSS.rglob("*.css"))
    queries = re.findall(r"@(?:media|container) .*", sheets)
    widths = {width for query in queries for width in re.findall(r"width: ([\d.]+)px", query)}
    assert widths == {"719.98", "720", "1024"}
