"""A changed email that wasn't the owner's: locked from the old address, and unlocked by support (S-13)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import User
from tests.browser.people import type_app_code, type_password, until
from tests.browser.test_axe import findings
from tests.factories import UserFactory
from tests.helpers import authenticator_for, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "ana@practice.example", "intruder@elsewhere.example"
PASSWORD = "amber-ferry-lantern-12"


def signed_in(page: Page, site: str, user: User) -> None:
    """Give a browser a session of this user as after password and code."""
    client = Client()
    sign_in(client, user)
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": site}])


def mail_to(address: str, subject: str) -> str:
    """Return the path of the link in the latest mail to an address, once it has come."""

    def link() -> str | None:
        found = [each for each in mail.outbox if each.to == [address] and subject in each.subject]
        return re.findall(r"https?://[^/]+(/\S+/link/\S+)", str(found[-1].body))[0] if found else None

    return str(until(link))


def looked_at(page: Page, name: str) -> None:
    """Check a page on a phone and on a desk; keep pictures where PORTAL_SHOTS says."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if shots := os.environ.get("PORTAL_SHOTS"):
            page.screenshot(path=Path(shots) / f"{width}-{name}.png", full_page=True)


def test_a_changed_email_is_locked_from_the_old_address_and_unlocked_by_support(
    page: Page, site: str, other_browser: Callable[[], Page], settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PUBLIC_URL = site
    ana = UserFactory.create(username="ana", first_name="Ana", last_name="Núñez", email=OLD)
    app = authenticator_for(ana)
    stan = UserFactory.create(username="stan", is_staff=True, is_superuser=True)

    # An intruder at Ana's open browser changes the email, and confirms it.
    intruder = page
    signed_in(intruder, site, ana)
    intruder.goto(f"{site}/accounts/preferences/")
    intruder.get_by_role("link", name="Change email", exact=True).click()
    intruder.get_by_label("New email").fill(NEW)
    intruder.get_by_role("button", name="Send the link").click()
    expect(intruder.get_by_text("Confirm your new email")).to_be_visible()
    looked_at(intruder, "pending")
    intruder.goto(site + mail_to(NEW, "Confirm your email"))
    looked_at(intruder, "confirm")
    intruder.get_by_role("button", name="Confirm email").click()
    expect(intruder.get_by_role("heading", name="Your email is confirmed")).to_be_visible()
    assert User.objects.get(pk=ana.pk).email == NEW

    # Ana reads of it at the old address, and locks the account. The intruder is out at once.
    owner = other_browser()
    owner.goto(site + mail_to(OLD, "The email of your account was changed"))
    expect(owner.get_by_role("heading", name="Lock your account")).to_be_visible()
    looked_at(owner, "lock")
    owner.get_by_role("button", name="Lock my account").click()
    expect(owner.get_by_role("heading", name="Your account is locked")).to_be_visible()
    expect(owner.get_by_role("main").get_by_role("link", name="(860) 555-0140")).to_be_visible()
    looked_at(owner, "locked")
    intruder.goto(f"{site}/accounts/preferences/")
    expect(intruder.get_by_role("heading", name="Sign in")).to_be_visible()

    # Support sees what was changed, restores the email, and keeps Ana's app.
    support = other_browser()
    signed_in(support, site, stan)
    support.goto(f"{site}/admin/accounts/user/{ana.pk}/unlock/")
    expect(support.get_by_role("cell", name="The email of your account was changed.")).to_be_visible()
    support.get_by_label("Reason").fill("Called back on the number of the policy.")
    support.get_by_label(f"Restore {OLD}").check()
    support.get_by_label("Keep: the owner has it").check()
    if shots := os.environ.get("PORTAL_SHOTS"):
        support.screenshot(path=Path(shots) / "unlock.png", full_page=True)
    mail.outbox.clear()
    support.get_by_role("button", name="Unlock this account").click()
    expect(support.get_by_text("ana is unlocked.")).to_be_visible()

    # Ana chooses a password with the link at her own address, and signs in with it and her app.
    owner.goto(site + mail_to(OLD, "Choose your password"))
    owner.get_by_label("New password", exact=True).fill("Ana-Nunez-2026")
    expect(owner.get_by_role("status").filter(has_text="Don’t base your password on your name")).to_be_visible()
    owner.get_by_label("New password", exact=True).fill(PASSWORD)
    expect(owner.get_by_role("status").filter(has_text="Strong.")).to_be_visible()
    looked_at(owner, "choose-password")
    owner.get_by_label("Confirm new password").fill(PASSWORD)
    owner.get_by_role("button", name="Save password").click()
    type_password(owner, site, "ana", PASSWORD)
    app.refresh_from_db()
    type_app_code(owner, ana)
    owner.goto(f"{site}/accounts/preferences/")
    expect(owner.get_by_text(OLD)).to_be_visible()
    assert not [each for each in mail.outbox if each.to == [NEW]]
