"""Names as people type them, as a query of PostgreSQL's full-text search: one rule for every list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

# A shorter word ("Li") is a whole one: half the book begins with its letters.
SHORTEST_BEGINNING = 3


def name_query(words: Sequence[str]) -> SearchQuery | None:
    """Return what finds the names that have every one of these words, folded; nothing where there are none.

    A word of three letters or more may be the beginning of one.
    """
    if not words:
        return None
    text = " & ".join(f"{word}:*" if len(word) >= SHORTEST_BEGINNING else word for word in words)
    return SearchQuery(text, config="simple", search_type="raw")
