"""Words that docs/style.md forbids are found, and their plain neighbors are left alone."""

from __future__ import annotations

import pytest

from tools.wording import faults


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("It is made anew.", "anew"),
        ("The row stands in the log.", "stands"),
        ("The tags stand as they are.", "stand"),
        ("Whoever asks is told.", "Whoever"),
        ("A window is no door.", "is no "),
        ("Besides, it is late.", "Besides"),
        ("The COLOUR of a mark", "COLOUR"),
        ("We recognise a browser.", "recognise"),
        ("A judgement on a value", "judgement"),
        ("A drivers licence", "licence"),
        ("The enrolment of a factor", "enrolment"),
        ("def test_a_row_that_stands_alone_or_stands_twice():", "stands"),
    ],
)
def test_a_word_of_the_list_is_found_with_what_to_write_instead(text: str, word: str) -> None:
    [found] = list(faults(f"A line.\n{text}"))
    assert found.startswith(f"2: '{word}' (")


@pytest.mark.parametrize(
    "text",
    [
        "The policy was cancelled.",
        "The mark stands out.",
        "There is no row.",
        "It is no longer there.",
        "An understanding of the standing holders",
        "We advise you to exercise care and to revise it.",
        "https://example.com/licence",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    assert list(faults(text)) == []
