"""A session that was ended elsewhere is over in the other browser, whatever is open there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.factories import UserFactory
from tests.helpers import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def open_page(page: Page, site: str, user: User, address: str) -> None:
    """Open an address in a browser that is signed in as the user."""
    client = Client()
    sign_in(client, user)
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": site}])
    page.goto(site + address)


def test_signing_out_everywhere_ends_the_page_that_is_open_in_another_browser(
    page: Page, other_browser: Callable[[], Page], site: str
) -> None:
    ada = UserFactory.create(username="ada")
    there = other_browser()
    open_page(there, site, ada, "/accounts/activity/")
    expect(there.get_by_role("heading", level=1)).to_have_text("Activity")
    open_page(page, site, ada, "/accounts/devices/")
    expect(page.get_by_text("This session")).to_have_count(1)

    page.get_by_role("button", name="Sign out everywhere").click()

    expect(page).to_have_url(re.compile("/accounts/sign-in/"))
    there.get_by_role("button", name="Show").click()
    expect(there).to_have_url(re.compile("/accounts/sign-in/"))
    expect(there.get_by_text("All sessions of your account were ended.")).to_be_visible()
    there.go_back()
    there.reload()
    expect(there).to_have_url(re.compile("/accounts/sign-in/"))


def test_one_session_is_ended_on_a_phone_without_script(
    browser: Browser, other_browser: Callable[[], Page], site: str
) -> None:
    ada = UserFactory.create(username="ada")
    there = other_browser()
    open_page(there, site, ada, "/accounts/activity/")
    here = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
    open_page(here, site, ada, "/accounts/devices/")

    here.get_by_role("button", name="End session").click()

    expect(here.get_by_text("The session has ended.")).to_be_visible()
    there.reload()
    expect(there.get_by_text("This session was ended from another browser.")).to_be_visible()
