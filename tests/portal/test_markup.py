"""The markup of every page: what an HTML checker would object to, and what keyboards and screen readers rely on."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from core.templatetags.show import phone_href
from tests.book import CoverageFactory, insured_by
from tests.factories import UserFactory
from tests.helpers import sign_in
from tests.test_access_matrix import ROWS, VIEWERS, book, client_of  # noqa: F401  # `book` is a fixture

pytestmark = pytest.mark.django_db

TELEPHONE = re.compile(r"tel:(\+[0-9-]+(;ext=[0-9]+)?|[0-9]*)")
# The forms of `<time datetime>` that the portal uses: a date, or a moment with whole seconds and its offset.
TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z))?")


@dataclass
class Page(HTMLParser):
    """What a page says of itself."""

    ids: list[str] = field(default_factory=list)
    focused: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        if "autofocus" in values:
            self.focused.append(tag)
        href = values.get("href", "")
        if href.startswith("tel:") and not TELEPHONE.fullmatch(href):
            self.faults.append(f"telephone address {href!r}")
        if href.startswith("#") and len(href) > 1:
            self.fragments.append(href[1:])
        if tag == "time" and not TIME.fullmatch(values.get("datetime", "")):
            self.faults.append(f"datetime {values.get('datetime')!r}")


def faults_of(html: str) -> list[str]:
    """Return what is wrong with a page."""
    page = Page()
    page.feed(html)
    twice = [f"id {name!r} is there {times} times" for name, times in Counter(page.ids).items() if times > 1]
    focus = [f"{len(page.focused)} elements ask for the focus"] if len(page.focused) > 1 else []
    lost = [f"link to #{name}, which is not there" for name in page.fragments if name not in page.ids]
    return page.faults + twice + focus + lost


def keep(name: str, html: bytes) -> None:
    """Write a whole page for the HTML checker (tools/html.py), where it asks for that."""
    folder = os.environ.get("PORTAL_PAGES_DIR")
    if folder and html.lstrip().lower().startswith(b"<!doctype"):
        (Path(folder) / f"{name.replace(':', '-')}.html").write_bytes(html)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_no_page_has_markup_that_a_checker_refuses(viewer, book, settings):  # noqa: F811
    settings.METRICS_TOKEN = ""
    wrong = {}
    for name, row in ROWS.items():
        if row.method != "get":
            continue
        response = client_of(viewer, book).get(reverse(name, args=row.args(book) if row.args else []))
        is_page = response.headers.get("Content-Type", "").startswith("text/html") and not response.streaming
        if is_page:
            keep(f"{viewer}-{name}", response.content)
        if is_page and (faults := faults_of(response.content.decode())):
            wrong[name] = faults
    assert wrong == {}


def test_a_refused_sign_in_gives_the_focus_to_its_error_summary_alone(client: Client):
    response = client.post(reverse("accounts:sign-in"), {"username": "", "password": ""})
    page = Page()
    page.feed(response.content.decode())
    assert response.status_code == 422
    assert page.focused == ["div"]
    assert faults_of(response.content.decode()) == []


def test_the_error_of_a_choice_leads_to_its_first_radio_button(client: Client, settings):
    settings.FEED_AS_OF = "tests.book.fresh"
    coverage, user = CoverageFactory(), UserFactory()
    insured_by(user, coverage.insured)
    sign_in(client, user)
    response = client.post(reverse("credentialing:issue", args=[coverage.public_id]), {"recipient": "nobody"})
    html = response.content.decode()
    assert response.status_code == 422
    assert 'href="#id_recipient_0"' in html
    assert faults_of(html) == []


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("(860) 555-0140", "tel:+1-860-555-0140"),
        ("860.555.0140 ext. 12", "tel:+1-860-555-0140;ext=12"),
        ("+44 20 7946 0018", "tel:+44-20-7946-0018"),
        ("", "tel:"),
        ("call us", "tel:"),
    ],
)
def test_a_number_however_written_becomes_a_telephone_address(written, address):
    assert phone_href(written) == address
