"""What is the same on every page is rendered once, and is nobody's."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from django.template import Context, Template
from django.test import RequestFactory
from django.urls import set_script_prefix

from core.templatetags.ui import menu_links, menu_links_with_icons
from portal.context import Site
from portal.menu import MenuItem

if TYPE_CHECKING:
    from pytest_django import Settings

    from accounts.models import User


class Numbered:
    """Stands in for the settled part of a site: says how often it was asked."""

    def __init__(self) -> None:
        self._numbers = count(1)

    @property
    def number(self) -> int:
        return next(self._numbers)


def page_of(user: User) -> dict[str, Any]:
    request = RequestFactory().get("/")
    request.user = user
    return {"site": Site(request), "user": user, "request": request, "csrf_token": "token-of-this-page"}


def test_a_fixed_part_sees_nothing_of_the_request_that_it_is_first_rendered_for(ada: User, stan: User) -> None:
    template = Template(
        "{% fixed %}{{ site.brand.name }} {% address 'support' %} {{ user.username }}{{ request.path }}"
        "{{ csrf_token }}{{ site.subject }}{{ site.menu }}{{ site.roles }}{{ site.printed }}{% endfixed %}"
        "|{{ user.username }}"
    )
    fixed, _, own = template.render(Context(page_of(ada))).partition("|")
    assert (fixed.strip(), own) == ("Larkfield Mutual /support/", ada.username)
    assert template.render(Context(page_of(stan))) == f"{fixed}|{stan.username}"


def test_a_fixed_part_is_rendered_once_and_again_for_other_settings(ada: User, settings: Settings) -> None:
    template = Template("{% fixed %}{{ site.number }}{% endfixed %}{% fixed %}, {{ site.number }}{% endfixed %}")
    page = page_of(ada)
    page["site"].fixed = Numbered()
    assert [template.render(Context(page)) for _ in range(2)] == ["1, 2", "1, 2"]
    settings.BRAND = {**settings.BRAND, "name": "Fern Mutual"}
    page["site"] = Site(page["request"])
    assert Template("{% fixed %}{{ site.brand.name }}{% endfixed %}").render(Context(page)) == "Fern Mutual"
    page["site"].fixed = Numbered()
    assert template.render(Context(page)) == "1, 2"


def test_a_fixed_part_under_another_prefix_has_its_addresses(ada: User) -> None:
    template = Template("{% fixed %}{{ site.sign_out_url }}{% endfixed %}")
    assert template.render(Context(page_of(ada))) == "/accounts/sign-out/"
    set_script_prefix("/portal/")
    try:
        assert template.render(Context(page_of(ada))) == "/portal/accounts/sign-out/"
    finally:
        set_script_prefix("/")
    assert template.render(Context(page_of(ada))) == "/accounts/sign-out/"


def test_a_menu_marks_where_the_reader_is_and_escapes_its_words() -> None:
    home, terms = MenuItem("Home", "/", "house", "page"), MenuItem("Terms & <b>", "/terms/", "house")
    assert menu_links([home, terms]) == (
        '<li><a href="/" aria-current="page">Home</a></li><li><a href="/terms/">Terms &amp; &lt;b&gt;</a></li>'
    )
    with_icons = menu_links_with_icons([home, terms], in_list=False)
    assert with_icons.startswith('<a href="/" aria-current="page"><svg ')
    assert "<li>" not in with_icons
    assert with_icons.count("<svg ") == 2
    assert menu_links([]) == ""
