"""Cells that a spreadsheet program takes as text."""

from __future__ import annotations

import pytest

from core.spreadsheets import text_cell


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＠x"])
def test_what_would_be_run_as_a_formula_becomes_text(value: str) -> None:
    assert text_cell(value) == f"'{value}"


@pytest.mark.parametrize("value", ["", "You signed in.", "203.0.113.9", "a=b", "2026-03-02"])
def test_anything_else_stays_as_it_is(value: str) -> None:
    assert text_cell(value) == value
