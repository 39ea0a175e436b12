"""SVG drawings: what is kept of them, and what isn't taken."""

from __future__ import annotations

import pytest

from core.images import ImageRefusedError
from core.svg import MOST_BYTES, MOST_ELEMENTS, clean_svg, looks_like_svg

STROKE = '<path d="M1 1C2 3 4 5 9 9" fill="none" stroke="#0b3f55"/>'


def svg(inside: str = STROKE, *, root: str = 'viewBox="0 0 300 100"', before: str = "") -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:i="urn:i"'
    return f"{before}<svg {names} {root}>{inside}</svg>".encode()


def test_a_drawing_is_written_again_as_large_as_it_is_printed() -> None:
    doctype = '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">'
    drawn = clean_svg(
        svg(f'<title>A & B</title><g transform="scale(2)">{STROKE}</g>'.replace("&", "&amp;"), before=doctype)
    )
    assert drawn == (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 100" width="600.00" height="200.00">'
        b'<g transform="scale(2)"><path d="M1 1C2 3 4 5 9 9" fill="none" stroke="#0b3f55"></path></g></svg>'
    )
    assert clean_svg(drawn) == drawn
    assert b'viewBox="0 0 32 16"' in clean_svg(svg(root='width="32px" height="16"'))
    assert b'fill="none" stroke="#000"' in clean_svg(svg('<path d="M0 0h9" style="fill:none; stroke:#000; -x-y:z"/>'))


def test_nothing_is_kept_that_runs_or_fetches() -> None:
    drawn = clean_svg(
        svg(
            '<i:script>alert(1)</i:script><metadata><a xlink:href="https://a.example/"/></metadata>'
            '<defs><style>@import "https://a.example/"</style></defs>'
            '<path d="M0 0h9" onclick="alert(1)" xlink:href="https://a.example/" id="p" class="c"/>',
            root='viewBox="0 0 9 9" onload="alert(1)" xml:base="https://a.example/"',
        )
    )
    assert drawn.endswith(b'<path d="M0 0h9"></path></svg>')
    assert b"example" not in drawn
    assert b"alert" not in drawn


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (svg("<script>alert(1)</script>"), "‘script’"),
        (svg("<style>path {fill: url(https://a.example/)}</style>" + STROKE), "‘style’"),
        (svg('<image xlink:href="file:///etc/passwd"/>' + STROKE), "‘image’"),
        (svg('<use xlink:href="#p"/>' + STROKE), "‘use’"),
        (svg("<foreignObject/>" + STROKE), "‘foreignObject’"),
        (svg("<text>Imogen Vale</text>"), "‘text’"),
        (svg('<path d="M0 0" fill="url(#g)"/>'), "plain colors"),
        (svg('<path d="M0 0" style="fill:URL(https://a.example/)"/>'), "plain colors"),
        (svg('<path d="&quot;&gt;&lt;script&gt;"/>'), "plain colors"),
        (svg("&e;" + STROKE, before='<!DOCTYPE svg [<!ENTITY e "eeee">]>'), "entities"),
        (svg(""), "empty"),
        (svg(root=""), "how large"),
        (svg(root='viewBox="0 0 nan 1"'), "how large"),
        (svg(root='viewBox="0 0 1"'), "damaged"),
        (svg()[:-3], "damaged"),
        (svg().decode().encode("utf-16"), "damaged"),
        (b"<html><body/></html>", "isn’t an SVG"),
        (svg("<g>" * 30 + STROKE + "</g>" * 30), "too many"),
        (svg(STROKE * (MOST_ELEMENTS + 1)), "too many"),
        (svg("<title>" + "x" * MOST_BYTES + "</title>" + STROKE), "larger than"),
    ],
)
def test_what_is_more_than_shapes_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ImageRefusedError, match=why):
        clean_svg(data)


def test_a_drawing_is_told_from_pixels() -> None:
    assert looks_like_svg(b"\xef\xbb\xbf\n " + svg())
    assert not looks_like_svg(b"\x89PNG\r\n\x1a\n")
