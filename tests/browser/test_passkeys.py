"""Passkeys in Chromium with a virtual authenticator: what the script, the browser, and the portal do together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import CDPSession, Page, expect
from pytest_django import Settings

from accounts.models import Passkey, PhoneDevice, Session, User
from tests.accounts.people import phone_for
from tests.browser.people import sign_out, type_app_code, type_password
from tests.browser.test_axe import findings
from tests.factories import UserFactory
from tests.helpers import authenticator_for, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
METHODS = "/accounts/methods/"


@dataclass
class VirtualAuthenticator:
    """The fingerprint reader of the browser's computer. `verifies`: whether it knows the finger."""

    devtools: CDPSession
    number: str

    def verifies(self, it_does: bool) -> None:
        options = {"authenticatorId": self.number, "isUserVerified": it_does}
        self.devtools.send("WebAuthn.setUserVerified", options)

    def forget(self) -> None:
        """Lose every passkey, as a new computer has none."""
        self.devtools.send("WebAuthn.clearCredentials", {"authenticatorId": self.number})


def authenticator(page: Page, *, can_verify: bool = True) -> VirtualAuthenticator:
    """Give the browser an authenticator that touches itself."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": can_verify,
        "isUserVerified": can_verify,
        "automaticPresenceSimulation": True,
    }
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return VirtualAuthenticator(devtools, str(made["authenticatorId"]))


@pytest.fixture
def ada(site: str, settings: Settings) -> User:
    """Has an authenticator app and a phone, at the portal's address of this test."""
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = [site]
    user = UserFactory.create(username="ada")
    authenticator_for(user)
    phone_for(user)
    return user


def arrive_signed_in(page: Page, site: str, user: User, *, minutes_ago: int = 0) -> None:
    """Give the browser a whole session, whose code was given so long ago."""
    client = Client()
    sign_in(client, user, verified_at=timezone.now() - dt.timedelta(minutes=minutes_ago))
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": site}])


def create(page: Page, site: str) -> None:
    """Create a passkey and be back at the list."""
    begin(page, site)
    expect(page.get_by_text("Your passkey is ready")).to_be_visible()


def begin(page: Page, site: str, name: str = "My laptop") -> None:
    """From the list of methods to the browser's question."""
    page.goto(site + METHODS)
    page.get_by_role("link", name="Add a method").click()
    page.get_by_label("Passkey").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create passkey").click()


def test_a_passkey_is_created_used_after_the_password_and_removed(page: Page, site: str, ada: User) -> None:
    authenticator(page)
    arrive_signed_in(page, site, ada)
    create(page, site)
    expect(page.get_by_role("listitem").filter(has_text="My laptop")).to_contain_text("Passkey")
    page.get_by_role("radio", name="My laptop").check()
    page.get_by_role("button", name="Save").click()
    sign_out(page)

    type_password(page, site, "ada")
    expect(page.get_by_role("heading", level=1)).to_have_text("Verify it’s you")
    assert findings(page) == []
    page.get_by_role("button", name="Use passkey").click()
    expect(page).to_have_url(f"{site}/")
    passkey = Passkey.objects.get()
    assert passkey.last_used_at is not None
    assert Session.objects.open().get(user=ada).verified_by == passkey.persistent_id

    page.goto(site + METHODS)
    page.get_by_role("link", name="Remove My laptop").click()
    page.get_by_role("button", name="Remove and sign out").click()
    expect(page.get_by_text("Your sign-in method was removed")).to_be_visible()
    assert not Passkey.objects.exists()


def test_a_passkey_is_enough_where_a_fresh_code_is_asked_for(page: Page, site: str, ada: User) -> None:
    authenticator(page)
    arrive_signed_in(page, site, ada)
    create(page, site)
    Session.objects.update(verified_at=timezone.now() - dt.timedelta(minutes=21))
    page.get_by_role("link", name="Rename My laptop").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter a code to continue")
    page.get_by_role("link", name="Use a different method").click()
    page.get_by_role("link", name="Use your passkey").click()
    page.get_by_role("button", name="Use passkey").click()
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("listitem").filter(has_text="Work laptop")).to_be_visible()


def test_a_device_that_checks_nobody_makes_no_passkey(page: Page, site: str, ada: User) -> None:
    authenticator(page, can_verify=False)
    arrive_signed_in(page, site, ada)
    begin(page, site)
    expect(page.get_by_role("alert")).to_contain_text("fingerprint, face, or PIN")
    expect(page.get_by_label("Name")).to_have_value("My laptop")
    assert not Passkey.objects.exists()


def test_a_finger_that_is_not_known_opens_nothing_and_other_ways_are_offered(page: Page, site: str, ada: User) -> None:
    reader = authenticator(page)
    arrive_signed_in(page, site, ada)
    create(page, site)
    ada.default_method = Passkey.objects.get().public_id
    ada.save(update_fields=["default_method"])
    sign_out(page)
    reader.verifies(False)
    type_password(page, site, "ada")
    page.get_by_role("button", name="Use passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Your browser gave us no passkey")
    # Nothing was sent, so nothing was counted.
    assert Passkey.objects.get().failures == 0
    page.get_by_role("link", name="Use a different method").click()
    expect(page.get_by_role("link", name="Text a code")).to_be_visible()
    page.get_by_role("link", name="Use your authenticator app").click()
    type_app_code(page, ada)
    expect(page).to_have_url(f"{site}/")


def test_a_device_that_has_one_says_so_and_makes_no_second(page: Page, site: str, ada: User) -> None:
    authenticator(page)
    arrive_signed_in(page, site, ada)
    create(page, site)
    begin(page, site, "Again")
    expect(page.get_by_role("alert")).to_contain_text("This device already has a passkey")
    assert Passkey.objects.count() == 1


def test_on_a_computer_without_the_passkey_it_says_so_and_can_be_tried_again(page: Page, site: str, ada: User) -> None:
    reader = authenticator(page)
    arrive_signed_in(page, site, ada)
    create(page, site)
    ada.default_method = Passkey.objects.get().public_id
    ada.save(update_fields=["default_method"])
    sign_out(page)
    reader.forget()
    type_password(page, site, "ada")
    page.get_by_role("button", name="Use passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("isn’t on this device")
    expect(page.get_by_role("button", name="Use passkey")).to_be_enabled()


def test_a_phone_number_is_changed_on_a_phone(page: Page, site: str, ada: User) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    arrive_signed_in(page, site, ada)
    page.goto(site + METHODS)
    page.get_by_role("link", name="Change number of Phone ending in 0123").click()
    page.get_by_label("New number").fill("(202) 555-0144")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("phone ending in 0144").first).to_be_visible()
    assert PhoneDevice.objects.get(confirmed=False).replaces == PhoneDevice.objects.get(confirmed=True).public_id


@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_of_methods_have_no_finding_and_no_sideways_scroll(
    page: Page, site: str, ada: User, width: int
) -> None:
    app, phone = authenticator_for(ada), PhoneDevice.objects.get()
    Passkey.objects.create(user=ada, name="A" * 40, credential_id=b"x", public_key=b"x", disabled_at=timezone.now())
    page.set_viewport_size({"width": width, "height": 844})
    arrive_signed_in(page, site, ada)
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    acts = [f"{phone.public_id}/{act}/" for act in ("rename", "remove", "phone")]
    addresses = [METHODS + each for each in ("", *acts, f"{app.public_id}/remove/")]
    for address in (*addresses, "/accounts/mfa/setup/", "/accounts/mfa/setup/passkey/", "/accounts/verify/ways/"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
            page.goto(site + address)
            found += findings(page)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append(f"{address}: {wide} px wide")
    assert found == []
