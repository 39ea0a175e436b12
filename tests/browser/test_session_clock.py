"""The end of a session in a real browser: the warning, staying, and what was typed."""

from __future__ import annotations

import datetime as dt
import re

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import User
from tests.factories import PASSWORD, UserFactory
from tests.helpers import authenticator_for, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "/accounts/mfa/setup/text/"


@pytest.fixture
def ada() -> User:
    """Has an authenticator."""
    user = UserFactory.create(username="ada")
    authenticator_for(user)
    return user


def arrive_signed_in(page: Page, site: str, user: User) -> None:
    """Give the browser a whole session, as after password and code."""
    client = Client()
    sign_in(client, user)
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": site}])


def test_a_warning_comes_before_the_end_and_one_click_stays(
    page: Page, site: str, ada: User, settings: Settings
) -> None:
    settings.SESSION_IDLE, settings.SESSION_IDLE_WARNING = dt.timedelta(seconds=12), dt.timedelta(seconds=8)
    arrive_signed_in(page, site, ada)
    page.goto(site + FORM)
    dialog = page.get_by_role("dialog", name="Still there?")
    expect(dialog).to_be_visible(timeout=60_000)
    expect(dialog).to_contain_text(re.compile(r"signed out in 0:0\d"))
    settings.SESSION_IDLE = dt.timedelta(minutes=15)
    dialog.get_by_role("button", name="Stay signed in").click()
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(site + FORM)


def test_what_was_typed_comes_back_after_signing_in_again(page: Page, site: str, ada: User, settings: Settings) -> None:
    settings.SESSION_IDLE, settings.SESSION_IDLE_WARNING = dt.timedelta(seconds=8), dt.timedelta(seconds=2)
    arrive_signed_in(page, site, ada)
    page.goto(site + FORM)
    page.get_by_label("Mobile phone number").fill("(202) 555-0123")
    page.wait_for_url("**/accounts/sign-in/**", timeout=60_000)
    settings.SESSION_IDLE = dt.timedelta(minutes=15)
    expect(page.get_by_text("What you typed is saved in this tab")).to_be_visible()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill(pyotp.TOTP(authenticator_for(ada).seed).now())
    page.get_by_role("button", name="Verify").click()
    expect(page).to_have_url(site + FORM)
    expect(page.get_by_label("Mobile phone number")).to_have_value("(202) 555-0123")
    expect(page.get_by_text("What you typed on this page is back.")).to_be_visible()


def test_what_was_typed_is_never_shown_to_another_user(page: Page, site: str, ada: User, settings: Settings) -> None:
    settings.SESSION_IDLE, settings.SESSION_IDLE_WARNING = dt.timedelta(seconds=8), dt.timedelta(seconds=2)
    arrive_signed_in(page, site, ada)
    page.goto(site + FORM)
    page.get_by_label("Mobile phone number").fill("(202) 555-0123")
    page.wait_for_url("**/accounts/sign-in/**", timeout=60_000)
    settings.SESSION_IDLE = dt.timedelta(minutes=15)
    bo = UserFactory.create(username="bo")
    arrive_signed_in(page, site, bo)
    page.goto(site + FORM)
    expect(page.get_by_label("Mobile phone number")).to_have_value("")
    assert page.evaluate("sessionStorage.getItem('portal.kept')") is None


def test_codes_and_passwords_are_never_kept(page: Page, site: str, ada: User, settings: Settings) -> None:
    settings.SESSION_IDLE, settings.SESSION_IDLE_WARNING = dt.timedelta(seconds=8), dt.timedelta(seconds=2)
    arrive_signed_in(page, site, ada)
    page.goto(f"{site}/accounts/verify/{authenticator_for(ada).public_id}/")
    page.get_by_label("Code").fill("123456")
    page.wait_for_url("**/accounts/sign-in/**", timeout=60_000)
    assert page.evaluate("sessionStorage.getItem('portal.kept')") is None


def test_caps_lock_is_noticed_and_the_password_can_be_looked_at(page: Page, site: str, ada: User) -> None:
    page.goto(f"{site}/accounts/sign-in/")
    password = page.get_by_label("Password", exact=True)
    password.focus()
    page.evaluate(
        """() => document.querySelector('input[type=password]').dispatchEvent(
            new KeyboardEvent('keydown', {key: 'A', modifierCapsLock: true, bubbles: true}))"""
    )
    expect(page.get_by_text("Caps Lock is on.")).to_be_visible()
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(password).to_have_attribute("type", "password")


def test_the_pages_of_sign_in_have_no_barriers_that_axe_finds(page: Page, site: str, ada: User) -> None:
    nell = UserFactory.create(username="nell")
    problems: list[str] = []

    def look() -> None:
        found = Axe().run(page)
        problems.extend(f"{page.url}: {violation['id']}" for violation in found.response["violations"])

    page.goto(f"{site}/accounts/sign-in/")
    look()
    page.get_by_label("Username").fill(nell.username)
    page.get_by_label("Password", exact=True).fill("wrong-wrong-wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Set up two-step verification")
    look()
    page.get_by_label("Authenticator app").check()
    page.get_by_role("button", name="Continue").click()
    look()
    page.get_by_label("Enter the 6-digit code").fill("000000")
    page.get_by_role("button", name="Finish setup").click()
    look()
    key = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Enter the 6-digit code").fill(pyotp.TOTP(key).now())
    page.get_by_role("button", name="Finish setup").click()
    expect(page.get_by_role("link", name="Continue to the portal")).to_be_visible()
    look()
    page.goto(site + FORM)
    look()
    page.get_by_label("Mobile phone number").fill("(202) 555-0123")
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_text("It may take a moment to arrive")).to_be_visible(timeout=60_000)
    look()
    page.goto(f"{site}/accounts/verify/ways/")
    look()
    assert problems == []
