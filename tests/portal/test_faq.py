"""The FAQ (S-16): an index by topic and audience, search, an address for each entry, and what the release ships."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve
from pytest_django import Settings

from core import markup, memo
from portal.faq import answers, shipping
from portal.models import FaqEntry
from tests.book import CompanyFactory, days
from tests.cast import Browse, Cast
from tests.reading import links, words

pytestmark = pytest.mark.django_db
SHIPPED = shipping.shipped()
ADD = "/admin/portal/faqentry/add/"


def entry(slug: str, question: str = "What is a tail?", answer: str = "An endorsement.", **values: object) -> FaqEntry:
    return FaqEntry.objects.create(
        **{"slug": slug, "topic": "policies", "question": question, "answer": answer, **values}
    )


# The page.


def test_visitors_read_it_and_find_the_way_back_to_sign_in() -> None:
    entry("tail", answer="An **endorsement**. See [support](/support/).")
    response = Client().get("/faq/")
    assert "Policies and documents What is a tail?" in words(response)
    assert "An endorsement . See support" in words(response) or "An endorsement. See support" in words(response)
    assert 'id="tail"' in response.content.decode()
    assert {"/faq/tail/", "/support/", "/accounts/sign-in/", "#topic-policies"} <= set(links(response))


def test_an_entry_has_a_page_with_its_date_and_links_both_ways(browse: Browse, cast: Cast) -> None:
    tail, gap = entry("tail"), entry("gap", "What is a gap?")
    tail.related.add(gap)
    page = Client().get("/faq/tail/")
    assert "What is a tail?" in words(page)
    assert "Updated" in words(page)
    assert "/faq/gap/" in links(page)
    assert "/faq/tail/" in links(Client().get("/faq/gap/")), "who reads the other finds it, too"
    assert "Back to sign in" in words(page)
    assert "Back to sign in" not in words(browse(cast.ana).get("/faq/tail/"))


@pytest.mark.parametrize("values", [{"is_published": False}, {"published_on": days(1)}])
def test_an_entry_that_is_not_published_yet_is_nowhere(values: dict[str, object]) -> None:
    entry("tail", **values)
    assert Client().get("/faq/tail/").status_code == 404
    assert "What is a tail?" not in words(Client().get("/faq/"))


def test_questions_are_narrowed_by_role(cast: Cast, browse: Browse) -> None:
    entry("all", "Is it for everyone?")
    entry("agents", "Is it for agents?", roles=["agent"])
    entry("insureds", "Is it for insureds?", roles=["insured"])

    def shown(browser: Client, query: str = "") -> set[str]:
        return {
            slug
            for slug in ("all", "agents", "insureds")
            if f'id="{slug}"' in browser.get(f"/faq/{query}").content.decode()
        }

    assert shown(Client()) == {"all", "agents", "insureds"}
    assert shown(Client(), "?for=agent") == {"all", "agents"}
    assert shown(Client(), "?for=mine") == {"all", "agents", "insureds"}, "a visitor has no role"
    assert shown(browse(cast.ana)) == {"all", "insureds"}
    assert shown(browse(cast.adam)) == {"all", "agents"}
    assert shown(browse(cast.adam), "?for=all") == {"all", "agents", "insureds"}
    assert shown(browse(cast.adam), "?for=king") == {"all", "agents"}


def test_questions_about_a_writing_company_are_for_those_it_insures(cast: Cast, browse: Browse) -> None:
    own, other = cast.policy.company, CompanyFactory.create(name="Other Company")
    about = entry("own", "What does ours do?")
    about.companies.add(own)
    entry("other", "What does theirs do?").companies.add(other)
    page = browse(cast.paula).get("/faq/").content.decode()
    assert 'id="own"' in page
    assert 'id="other"' not in page
    assert 'id="other"' in browse(cast.paula).get("/faq/?for=all").content.decode()
    narrowed = Client().get("/faq/", {"company": "Other Company"}).content.decode()
    assert 'id="other"' in narrowed
    assert 'id="own"' not in narrowed
    assert own.name in words(Client().get("/faq/own/"))


@pytest.mark.parametrize(
    ("q", "slugs"),
    [
        ("phone", ["phone", "code"]),
        ("lost phon", ["phone"]),
        ("What do I do with a LOST phone", ["phone"]),
        ("códe", ["code"]),
        ("nothing at all", []),
        ("***", []),
    ],
)
def test_search_finds_the_beginnings_of_words_and_questions_come_first(q: str, slugs: list[str]) -> None:
    entry("code", "Where is my code?", "It goes to your phone.", topic="sign-in")
    entry("phone", "I lost my phone.", "Call us.", topic="sign-in", order=200)
    page = Client().get("/faq/", {"q": q})
    assert page.status_code == 200
    assert re.findall(r'<details class="disclosure" id="([^"]+)"', page.content.decode()) == slugs
    if not slugs:
        assert "No answers for" in words(page)


def test_what_staff_typed_is_text_and_never_markup() -> None:
    entry("tail", "<script>alert(1)</script>", '<img src=x onerror="x"> [x](javascript:alert) **<b>**')
    for address in ("/faq/", "/faq/tail/"):
        page = Client().get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "javascript:" not in page


def test_a_page_of_it_asks_no_statement_once_the_process_knows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo, "_recent", {})
    settings.PUBLISHED_SECONDS = 3600
    entry("tail")
    Client().get("/faq/")
    for address in ("/faq/", "/faq/?q=tail", "/faq/?for=agent", "/faq/tail/", "/faq/no-such/", "/support/"):
        with CaptureQueriesContext(connection) as queries:
            Client().get(address)
        assert len(queries) == 0, address


def test_figures_and_contacts_come_from_the_settings(settings: Settings) -> None:
    settings.SUPPORT = {**settings.SUPPORT, "web": {**settings.SUPPORT["web"], "phone": "(212) 555-0100"}}
    entry("tail", answer="Call {web_phone} within {remember_days} days. {not_a_value}")
    assert "Call (212) 555-0100 within 30 days. {not_a_value}" in words(Client().get("/faq/tail/"))


# What the release ships.


def test_every_entry_of_the_release_is_sound() -> None:
    slugs = {one.slug for one in SHIPPED}
    assert len(slugs) >= 35
    for one in SHIPPED:
        assert answers.problems(one.answer, slugs=slugs) == [], one.slug
        assert set(one.related) <= slugs - {one.slug}, one.slug
        assert one.related, f"{one.slug} leads nowhere"
        for address in markup.addresses(one.answer):
            if address.startswith("/"):
                try:
                    resolve(address)
                except Resolver404:
                    pytest.fail(f"{one.slug}: {address} isn't an address")


@pytest.mark.parametrize(
    "slug",
    ["why-two-step-verification", "set-up-text", "set-up-voice", "set-up-app", "set-up-passkey", "lost-phone",
     "remembered-devices", "create-an-account", "former-portal", "create-a-certificate", "how-to-pay", "phishing",
     "shared-computers", "public-wi-fi", "choose-a-password"],
)  # fmt: skip
def test_what_pages_lead_to_is_shipped(slug: str) -> None:
    shipping.load(SHIPPED)
    assert Client().get(f"/faq/{slug}/").status_code == 200


def load() -> str:
    out = StringIO()
    call_command("load_faq", stdout=out)
    return out.getvalue().strip()


def test_loading_again_changes_nothing() -> None:
    assert load() == f"{len(SHIPPED)} new, 0 replaced, 0 left as staff changed them"
    assert load() == "0 new, 0 replaced, 0 left as staff changed them"
    assert FaqEntry.objects.get(slug="lost-phone").related.filter(slug="recovery-codes").exists()


def test_a_newer_release_replaces_what_staff_left_and_nothing_that_they_changed() -> None:
    load()
    FaqEntry.objects.filter(slug="lost-phone").update(answer="Our own words.")
    FaqEntry.objects.filter(slug="phishing").update(is_published=False)
    newer = [replace(one, answer=one.answer + "\n\nNew.") for one in SHIPPED]
    done = shipping.load(newer)
    assert (done.new, done.replaced, done.kept) == (0, len(SHIPPED) - 1, 1)
    assert FaqEntry.objects.get(slug="lost-phone").answer == "Our own words."
    phishing = FaqEntry.objects.get(slug="phishing")
    assert phishing.answer.endswith("New.")
    assert not phishing.is_published, "what staff took down stays down"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("question: Why?\ntopic: kitchen\ndate: 2026-11-30\n\nBecause.", "topic"),
        ("question: Why?\ncolor: red\n\nBecause.", "isn't one of"),
        ("topic: help\ndate: 2026-11-30\n\nBecause.", "no question"),
    ],
)
def test_a_file_that_can_not_be_an_entry_is_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "why.txt").write_text(text)
    with pytest.raises(shipping.ShippedError, match=rf"why.txt.*{sentence}"):
        shipping.shipped(tmp_path)


# Admin.


def form(**values: object) -> dict[str, object]:
    return {
        "topic": "help", "order": "10", "question": "What is new?", "slug": "new", "answer": "This.",
        "is_published": "on", "published_on": str(days(-1)), **values,
    }  # fmt: skip


def test_staff_publish_an_entry_and_take_it_down(staff: Client, settings: Settings) -> None:
    settings.PUBLISHED_SECONDS = 3600
    memo.forget(answers.PUBLISHED)
    assert Client().get("/faq/new/").status_code == 404
    assert staff.post(ADD, form()).status_code == 302
    assert Client().get("/faq/new/").status_code == 200, "this process knows at once"
    change = f"/admin/portal/faqentry/{FaqEntry.objects.get().pk}/change/"
    staff.post(change, form(is_published=""))
    assert Client().get("/faq/new/").status_code == 404
    assert staff.get(f"/admin/portal/faqentry/{FaqEntry.objects.get().pk}/delete/").status_code == 403
    memo.forget(answers.PUBLISHED)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"answer": "Call {kitchen_phone}."}, "{kitchen_phone} isn’t a value of the settings."),
        ({"answer": "[See](faq:nowhere)."}, "No entry is called ‘nowhere’."),
        ({"answer": "[See](javascript:x)."}, "must begin with a slash or with https://"),
        ({"slug": "not a slug"}, "Enter a valid"),
        ({"roles": ["king"]}, "Select a valid choice."),
    ],
)
def test_an_entry_that_leads_nowhere_is_refused(staff: Client, values: dict[str, object], sentence: str) -> None:
    response = staff.post(ADD, form(**values))
    assert sentence in response.content.decode().replace("&#x27;", "’")
    assert not FaqEntry.objects.exists()


def test_an_entry_may_link_to_itself_and_to_others(staff: Client) -> None:
    entry("tail")
    assert staff.post(ADD, form(answer="[One](faq:tail), [this](faq:new), [ours](/support/).")).status_code == 302
    assert {"/faq/tail/", "/faq/new/", "/support/"} <= set(links(Client().get("/faq/new/")))
