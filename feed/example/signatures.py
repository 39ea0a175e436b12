"""Signatures of the invented companies' invented signatories, drawn as a line that runs through the name."""

from __future__ import annotations

import math

TALL, DEEP = frozenset("bdfhklt"), frozenset("gjpqyz")
STEP, SMALL, LARGE, BASE = 26, 18, 52, 84
POINTS = 14


def signature(name: str) -> str:
    """Return an SVG image of a signature: a loop for each letter, high or deep as the letter is."""
    points: list[tuple[float, float]] = []
    x = 24.0
    for letter in name:
        if letter == " ":
            x += STEP * 0.6
            continue
        up = LARGE if letter.isupper() or letter in TALL else SMALL
        down = LARGE * 0.6 if letter in DEEP else 0
        wide = STEP * (1.5 if letter.isupper() else 0.7)
        for number in range(POINTS):
            turn = 2 * math.pi * number / POINTS
            sway = wide * number / POINTS + 7 * math.sin(turn)
            points.append((x + sway + (1 - math.cos(turn)) * up / 9, BASE - (1 - math.cos(turn)) / 2 * up + down * (
                math.sin(turn / 2) ** 4 if letter in DEEP else 0)))  # fmt: skip
        x += wide
    end = x + STEP
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"L{left:.1f} {top:.1f}" for left, top in points[1:])
    path += f"Q{x:.1f} {BASE + 10} {end:.1f} {BASE - 6}"
    width = math.ceil(end + 20)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 120" width="{width}" height="120">'
        f'<path d="{path}" fill="none" stroke="#1b2a41" stroke-width="2.4" stroke-linecap="round" '
        'stroke-linejoin="round"/></svg>\n'
    )
