"""docs/feed-format.md describes the files as the loader reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.feedspec import Column, Kind
from feed.load.table_map import table_maps
from tools.feed_format import PAGE, with_files


def test_the_pages_files_are_what_the_loader_declares() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_files(page), "run python -m tools.feed_format"


def test_a_column_that_isnt_on_the_page_makes_it_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    first = table_maps()[0]
    monkeypatch.setattr(
        first, "table", replace(first.table, columns=(*first.table.columns, Column("day", Kind.DATE, field=None)))
    )
    page = PAGE.read_text(encoding="utf-8")
    assert page != with_files(page)
