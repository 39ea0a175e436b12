"""The style page shows the kit in the demo; outside of it there is no such address."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from core.templatetags.ui import STATUS_ICONS, render_icon, render_status
from demo.style import style


def test_outside_the_demo_there_is_no_style_page(client, db):
    with pytest.raises(NoReverseMatch):
        reverse("demo:style")
    assert client.get("/demo/style/").status_code == 404


def test_the_page_shows_each_component(db, django_user_model):
    request = RequestFactory().get("/demo/style/")
    request.user = django_user_model(username="looker")
    request.user.is_verified = lambda: False
    body = style(request).content.decode()
    for piece in (
        "button-danger",
        "status-attention",
        "notice-danger",
        "error-summary",
        "field-choices",
        "table-cards",
        "status-quiet",
    ):
        assert f'class="{piece}' in body or f" {piece}" in body, piece
    pieces = "pagination empty progress stats facts-row crumbs tabs dialog menu-list item-list disclosure"
    for piece in pieces.split():
        assert f'class="{piece}' in body or f" {piece}" in body, piece


def test_a_field_is_tied_to_its_label_help_and_error(db, django_user_model):
    request = RequestFactory().get("/demo/style/")
    request.user = django_user_model(username="looker")
    request.user.is_verified = lambda: False
    body = style(request).content.decode()
    assert '<label for="sample_code">' in body
    assert 'aria-describedby="sample_code_helptext sample_code_error"' in body
    assert 'id="sample_code_helptext"' in body
    assert 'id="sample_code_error"' in body
    assert '<a href="#sample_code">' in body
    assert 'aria-invalid="true"' in body


@pytest.mark.parametrize("kind", STATUS_ICONS)
def test_a_status_never_speaks_by_color_alone(kind):
    mark = render_status(kind, "A & B")
    assert "A &amp; B" in mark
    assert "<svg" in mark


def test_an_icon_is_decoration_unless_it_is_named():
    assert 'aria-hidden="true"' in render_icon("lock")
    named = render_icon("lock", 20, 'Locked "now"')
    assert 'role="img"' in named
    assert 'aria-label="Locked &quot;now&quot;"' in named
    assert "aria-hidden" not in named
