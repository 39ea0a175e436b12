"""One-click entry: an ordinary sign-in of an account of its own, in demo mode only."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client, override_settings
from django.urls import clear_url_caches, reverse
from pytest_django import Settings

from accounts.models import Session, User
from core.models import Event
from demo.data import load_example
from demo.explore import ROLES, make_twins
from demo.users import DEMO_PASSWORD, make_users
from policies.models import Policy
from tests.accounts.people import deliver_codes, phone_for, type_code, type_password

TEMPLATES = [
    {
        **django_settings.TEMPLATES[0],
        "DIRS": [django_settings.BASE_DIR / "demo" / "templates", django_settings.BASE_DIR / "templates"],
    }
]


@pytest.fixture
def demo(db: None, tmp_path: Path, settings: Settings) -> Iterator[None]:
    """Yield the demo with its book and its people, as demo mode has it."""
    settings.DATA_DIR = tmp_path
    load_example(12)
    make_users()
    make_twins()
    with override_settings(
        ROOT_URLCONF="tests.demo.test_outbox",
        TEMPLATES=TEMPLATES,
        PUBLIC_URL_NAMES=settings.PUBLIC_URL_NAMES | {"demo:explore", "demo:outbox"},
        HALF_SIGNED_IN_URL_NAMES=settings.HALF_SIGNED_IN_URL_NAMES | {"demo:code"},
        SMS_GATEWAY="demo.outbox.DemoGateway",
    ):
        clear_url_caches()
        yield
    clear_url_caches()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.key)
def test_one_click_opens_each_role_with_a_second_factor(demo: None, client: Client, role) -> None:
    assert f"Explore as {role.label}" in client.get("/").content.decode()

    answer = client.post(f"/demo/explore/{role.key}/", follow=True)

    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == reverse(role.start)
    user = User.objects.get(username=role.username)
    session = Session.objects.open().get(user=user)
    assert session.has_fresh_code()
    assert set(Policy.objects.visible_to(user)) == set(
        Policy.objects.visible_to(User.objects.get(username=role.twin_of))
    )
    tags = list(Event.objects.filter(actor_id=user.pk).values_list("tag", flat=True))
    for tag in ("account:password:accepted", "account:code:accepted", "account:session:started"):
        assert tags.count(tag) == 1, tag


def test_visitors_in_the_same_half_minute_all_get_in(demo: None) -> None:
    with time_machine.travel("2026-11-24 15:00:00+00:00", tick=False):
        browsers = [Client() for _ in range(5)]
        for browser in browsers:
            assert browser.post("/demo/explore/agent/")["Location"] == "/"
        for browser in browsers:
            assert browser.get("/policies/").status_code == 200


def test_a_stop_of_the_tour_opens_its_page_and_no_other_site(demo: None, client: Client) -> None:
    assert client.post("/demo/explore/physician/", {"next": "/policies/"})["Location"] == "/policies/"
    assert client.post("/demo/explore/physician/", {"next": "//evil.example/"})["Location"] == "/"


def test_a_get_and_an_unknown_role_sign_nobody_in(demo: None, client: Client) -> None:
    assert client.get("/demo/explore/agent/").status_code == 405
    assert client.post("/demo/explore/ceo/").status_code == 404
    assert not Session.objects.exclude(user=None).exists()


def test_entries_count_as_sign_ins_do_and_a_locked_account_stays_out(demo: None, client: Client) -> None:
    for _ in range(5):
        type_password(client, "explore-agent", "not-the-password-1")

    answer = client.post("/demo/explore/agent/", follow=True)

    assert "You can’t sign in as an agent right now." in answer.content.decode()
    assert not Session.objects.exclude(user=None).exists()
    assert client.post("/demo/explore/physician/")["Location"] == "/"


def test_a_demo_user_still_sets_up_a_second_factor_at_the_first_sign_in(demo: None, client: Client) -> None:
    client.post("/demo/explore/physician/")

    assert type_password(Client(), "insured", DEMO_PASSWORD)["Location"] == "/accounts/mfa/setup/"


def test_the_code_is_shown_where_it_is_asked_for(demo: None, client: Client) -> None:
    browser = Client()
    type_password(browser, "insured", DEMO_PASSWORD)
    browser.post("/accounts/mfa/setup/", {"method": "authenticator"})
    page = browser.get("/accounts/mfa/setup/authenticator/").content.decode()
    code = re.search(r'data-fill-code="(\d{6})"', page)
    assert code is not None
    assert browser.post("/accounts/mfa/setup/authenticator/", {"code": code[1]}).status_code == 302


def test_a_texted_code_appears_as_soon_as_it_is_sent(demo: None, client: Client) -> None:
    insured = User.objects.get(username="insured")
    phone = phone_for(insured)
    type_password(client, "insured", DEMO_PASSWORD)
    page = f"/accounts/verify/{phone.public_id}/"
    assert "Demo: your code will appear here" in client.get(page).content.decode()

    deliver_codes()

    hint = client.get(f"/demo/code/{phone.public_id}/").content.decode()
    code = re.search(r'data-fill-code="(\d{6})"', hint)
    assert code is not None
    assert f'Demo: your text says <strong class="figures">{code[1]}</strong>' in client.get(page).content.decode()
    assert Client().get(f"/demo/code/{phone.public_id}/").status_code == 302
    assert type_code(client, phone, code[1])["Location"] == "/"


def test_a_spent_code_is_not_offered_again(demo: None, client: Client) -> None:
    with time_machine.travel("2026-11-24 15:00:00+00:00", tick=False) as clock:
        client.post("/demo/explore/agent/")
        app = User.objects.get(username="explore-agent").authenticatordevice_set.get()
        page = f"/accounts/verify/{app.public_id}/"
        code = re.search(r'data-fill-code="(\d{6})"', client.get(page).content.decode())
        assert code is not None
        assert type_code(client, app, code[1]).status_code == 302
        assert "this code was just used" in client.get(page).content.decode()
        clock.shift(dt.timedelta(seconds=30))
        assert "data-fill-code" in client.get(page).content.decode()


def test_outside_demo_mode_pages_hold_neither_roles_nor_codes(client: Client, db: None) -> None:
    assert "Explore as" not in client.get("/").content.decode()
