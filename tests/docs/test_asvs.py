"""The page about security answers each requirement of OWASP ASVS 5.0.0, levels 1 and 2, once.

(docs/security.md#asvs).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
HEADING = "## OWASP ASVS 5.0, levels 1 and 2"
# Section: the numbers of its requirements of level 1 and 2.
REQUIREMENTS = {
    "1.1": "1-2",
    "1.2": "1-9",
    "1.3": "1-11",
    "1.4": "1-3",
    "1.5": "1-2",
    "2.1": "1-3",
    "2.2": "1-3",
    "2.3": "1-4",
    "2.4": "1",
    "3.2": "1-2",
    "3.3": "1-4",
    "3.4": "1-6",
    "3.5": "1-5",
    "3.7": "1-2",
    "4.1": "1-3",
    "4.2": "1",
    "4.3": "1-2",
    "4.4": "1-4",
    "5.1": "1",
    "5.2": "1-3",
    "5.3": "1-2",
    "5.4": "1-3",
    "6.1": "1-3",
    "6.2": "1-12",
    "6.3": "1-4",
    "6.4": "1-4",
    "6.5": "1-5",
    "6.6": "1-3",
    "6.8": "1-4",
    "7.1": "1-3",
    "7.2": "1-4",
    "7.3": "1-2",
    "7.4": "1-5",
    "7.5": "1-2",
    "7.6": "1-2",
    "8.1": "1-2",
    "8.2": "1-3",
    "8.3": "1",
    "8.4": "1",
    "9.1": "1-3",
    "9.2": "1-4",
    "10.1": "1-2",
    "10.2": "1-2",
    "10.3": "1-4",
    "10.4": "1-11",
    "10.5": "1-5",
    "10.6": "1-2",
    "10.7": "1-3",
    "11.1": "1-2",
    "11.2": "1-3",
    "11.3": "1-3",
    "11.4": "1-4",
    "11.5": "1",
    "11.6": "1",
    "12.1": "1-3",
    "12.2": "1-2",
    "12.3": "1-4",
    "13.1": "1",
    "13.2": "1-5",
    "13.3": "1-2",
    "13.4": "1-5",
    "14.1": "1-2",
    "14.2": "1-4",
    "14.3": "1-3",
    "15.1": "1-3",
    "15.2": "1-3",
    "15.3": "1-7",
    "16.1": "1",
    "16.2": "1-5",
    "16.3": "1-4",
    "16.4": "1-3",
    "16.5": "1-3",
    "17.1": "1",
    "17.2": "1-4",
    "17.3": "1-2",
}


def _numbers(text: str) -> list[int]:
    """Return the numbers of '1-3 5'."""
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _named(page: str) -> list[str]:
    """Return the requirements in the first column of the section's tables, ranges written out."""
    found: list[str] = []
    for line in page[page.index(HEADING) :].splitlines():
        cell = re.match(r"\| ([\d., –]+) \|", line)
        for part in cell[1].split(", ") if cell else ():
            first, _, last = part.partition(" – ")
            section, _, number = first.rpartition(".")
            numbers = range(int(number), int((last or first).rpartition(".")[2]) + 1)
            found += [f"{section}.{each}" for each in numbers]
    return found


def test_each_requirement_of_level_1_and_2_is_answered_once() -> None:
    wanted = {f"{section}.{number}" for section, text in REQUIREMENTS.items() for number in _numbers(text)}
    assert len(wanted) == 253
    named = Counter(_named(PAGE.read_text()))
    assert {each for each, times in named.items() if times > 1} == set()
    assert wanted - set(named) == set()
    assert set(named) - wanted == set()


def test_a_row_about_what_is_held_names_a_test() -> None:
    page = PAGE.read_text()
    held = page[page.index("### Held by tests") : page.index("### Documented")]
    rows = [line for line in held.splitlines() if re.match(r"\| \d", line)]
    assert rows
    assert [row for row in rows if "::test_" not in row] == []


@pytest.mark.parametrize(
    ("cell", "named"), [("1.1.1", ["1.1.1"]), ("3.3.1 – 3.3.3, 4.1.1", ["3.3.1", "3.3.2", "3.3.3", "4.1.1"])]
)
def test_a_range_is_written_out(cell: str, named: list[str]) -> None:
    assert _named(f"{HEADING}\n| {cell} | how | tests |\n") == named
