"""An account of a former portal, taken over from the feed: the password known there, then a second factor (S-08)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import PhoneDevice, User
from feed.example.words import FORMER_HASHES, FORMER_PASSWORD
from tests.accounts.gateways import RecordingGateway
from tests.browser.people import sign_out, type_code, type_password, until
from tests.feed.packages import load, small_book

pytestmark = pytest.mark.django_db(transaction=True)


def test_rae_signs_in_as_at_the_former_portal_and_has_her_codes_called_to_her_office(
    page: Page, site: str, tmp_path: Path, settings
):
    settings.SMS_GATEWAY = "tests.accounts.gateways.RecordingGateway"
    settings.FEED_AS_OF = "tests.book.fresh"
    called = RecordingGateway.called
    called.clear()
    book = small_book()
    book["contacts.csv"][0] |= {"username": "rae.office", "password_hash": FORMER_HASHES[0]}
    load(tmp_path, book)

    type_password(page, site, "Rae.Office", FORMER_PASSWORD)
    expect(page.get_by_role("heading", name="Set up two-step verification")).to_be_visible()
    page.get_by_label("Phone call").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Phone number").fill("(212) 736-5000")
    page.get_by_label("Extension").fill("45")
    page.get_by_role("button", name="Call me with a code").click()
    expect(page.get_by_text("Write down the 5-digit code")).to_be_visible()
    until(lambda: len(called) == 1)
    assert (called[0].to, called[0].extension) == ("+12127365000", "45")
    page.get_by_label("Code", exact=True).fill(called[0].code)
    page.get_by_role("button", name="Finish setup").click()
    expect(page.get_by_role("heading", name="You’re all set")).to_be_visible()
    page.get_by_role("link", name="Continue to the portal").click()
    expect(page.get_by_role("main")).to_contain_text("MPL-1")

    rae = User.objects.get(username="rae.office")
    assert rae.password.startswith("argon2$")
    assert rae.email_confirmed_at is None
    assert PhoneDevice.objects.get(user=rae).is_called

    # And the next time, with the upgraded password and another call.
    PhoneDevice.objects.get(user=rae).challenges.all().delete()
    sign_out(page)
    type_password(page, site, "rae.office", FORMER_PASSWORD)
    expect(page).to_have_url(re.compile("/accounts/verify/"))
    until(lambda: len(called) == 2)
    type_code(page, called[1].code)
    expect(page.get_by_role("main")).to_contain_text("MPL-1")
