"""The check of classes: what it finds, and what it leaves alone."""

from __future__ import annotations

from tools.css_classes import defined, unknown, unused

SHEET = """/* .old */ .notice, .notice-good > .icon { color: red; }
@media (min-width: 1.5rem) { .card:hover { top: 0.5px; } }
"""


def test_the_classes_of_a_sheet_are_those_of_its_selectors():
    assert defined(SHEET) == {"notice", "notice-good", "icon", "card"}


def test_a_class_that_nothing_uses_is_found():
    assert unused(SHEET, ['<p class="notice icon">']) == ["card", "notice-good"]


def test_a_class_that_is_put_together_is_used():
    assert unused(SHEET, ['<p class="card icon notice notice-{{ kind }}">']) == []
    assert unused(SHEET, ["format_html('<b class=\"notice notice-{}\">{}</b>', kind, icon, card)"]) == []


def test_a_class_of_a_page_that_no_sheet_has_is_found():
    page = '<p class="card carrd{% if wide %} wide{% endif %} notice-{{ kind }} {{ other }}">'
    assert unknown(page, {"card"}) == ["carrd", "wide"]
