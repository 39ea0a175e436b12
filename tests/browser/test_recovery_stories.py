"""Getting back in, in a real browser: a forgotten password on a phone, a phone that is lost, a browser in trouble."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, FactorReset, User
from accounts.services import factor_resets, recovery_codes
from accounts.tasks import carry_out_factor_resets
from tests.accounts.mails import code_in, link_in
from tests.browser.people import set_up_authenticator, type_app_code, type_password, until
from tests.factories import UserFactory
from tests.helpers import authenticator_for, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "violet-harbor-tram-91"


class Kept(BaseEmailBackend):
    """Keeps what the worker, in a thread of this process, sends."""

    sent: list[str] = []  # emptied by the fixture

    def send_messages(self, messages: object) -> int:
        self.sent += [f"{each.subject}\n{each.body}" for each in messages]  # type: ignore[attr-defined]
        return 1


@pytest.fixture
def mails(settings: Settings) -> list[str]:
    settings.EMAIL_BACKEND = f"{__name__}.Kept"
    Kept.sent.clear()
    return Kept.sent


@pytest.fixture
def ana(transactional_db: None) -> User:
    user = UserFactory.create(username="ana", phone="(202) 555-0177")
    authenticator_for(user)
    return user


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """Yield a page on a phone, 390 px wide."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


def look(page: Page) -> None:
    """Hold a page to axe, and to its width."""
    found = Axe().run(page).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found] == [], page.url
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def newest(mails: list[str], subject: str) -> str:
    """Wait for a mail, and return its text."""
    return str(until(lambda: next((each for each in reversed(mails) if subject in each.partition("\n")[0]), None)))


def choose(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Choose (a new|your) password"))
    look(page)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("Confirm new password").fill(NEW)
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_text("Your password is saved")).to_be_visible()


def ask_for_a_link(page: Page, site: str) -> None:
    page.goto(f"{site}/accounts/sign-in/")
    look(page)
    page.get_by_role("main").get_by_role("link", name="password", exact=True).click()
    look(page)
    page.get_by_label("Username or email").fill("ANA@people.example")
    page.get_by_role("button", name="Email me a link").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    look(page)


def sign_in_again(page: Page, user: User, name: str) -> None:
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    type_app_code(page, user)
    expect(page.get_by_role("banner").get_by_text("Menu")).to_be_visible()


def test_a_forgotten_password_on_a_phone_by_the_mailed_link(
    phone: Page, site: str, ana: User, mails: list[str]
) -> None:
    ask_for_a_link(phone, site)
    phone.goto(site + link_in(newest(mails, "Choose a new password")))
    choose(phone)
    sign_in_again(phone, ana, "ana")


def test_a_forgotten_password_on_a_phone_by_the_typed_code(phone: Page, site: str, ana: User, mails: list[str]) -> None:
    ask_for_a_link(phone, site)
    code = code_in(newest(mails, "Choose a new password"))
    phone.get_by_label("Code from the email").fill("0000-0000")
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_role("alert")).to_contain_text("4 attempts left")
    look(phone)
    phone.get_by_label("Code from the email").fill(code.lower().replace("-", " "))
    phone.get_by_role("button", name="Continue").click()
    choose(phone)
    sign_in_again(phone, ana, ana.email)


def test_a_lost_phone_and_a_recovery_code(page: Page, site: str, ana: User, mails: list[str], tmp_path: Path) -> None:
    type_password(page, site, "ana")
    type_app_code(page, ana)
    page.goto(f"{site}/accounts/recovery-codes/")
    look(page)
    page.get_by_role("button", name="Make recovery codes").click()
    expect(page.get_by_role("heading", name="Save your recovery codes")).to_be_visible()
    look(page)
    codes = page.locator("#recovery-codes").inner_text().split()
    assert len(codes) == 10
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    file = tmp_path / started.value.suggested_filename
    started.value.save_as(file)
    assert file.name == "recovery-codes.txt"
    assert all(code in file.read_text() for code in codes)
    page.get_by_role("link", name="I’ve saved them").click()
    page.context.clear_cookies()

    type_password(page, site, "ana")
    page.get_by_role("link", name="Lost your phone?").click()
    expect(page.get_by_role("heading", name="Lost your phone?")).to_be_visible()
    look(page)
    page.get_by_label("Recovery code").fill(codes[3].lower())
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("You have 9 unused codes left")).to_be_visible()
    look(page)
    assert "9 codes are left" in newest(mails, "A recovery code was used")
    page.get_by_role("link", name="Set up a new method").click()
    page.get_by_label("Authenticator app").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".secret")).to_be_visible()


def staff_page(user: User, open_page: Callable[[], Page], site: str) -> Page:
    client = Client()
    sign_in(client, user)
    page = open_page()
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": site}])
    return page


def test_a_lost_phone_without_codes_is_reset_by_staff_after_a_day(
    page: Page, site: str, ana: User, mails: list[str], other_browser: Callable[[], Page]
) -> None:
    type_password(page, site, "ana")
    page.get_by_role("link", name="Lost your phone?").click()
    expect(page.get_by_text("This account has no unused recovery codes.")).to_be_visible()
    look(page)

    stan = UserFactory.create(username="stan", is_staff=True, is_superuser=True)
    desk = staff_page(stan, other_browser, site)
    desk.goto(f"{site}/admin/accounts/user/{ana.pk}/change/")
    desk.get_by_role("link", name="Reset second factors…").click()
    desk.get_by_label("Reason").fill("Lost her phone; called back.")
    desk.get_by_label(re.compile("I called the owner back")).check()
    desk.get_by_role("button", name="Ask for the reset").click()
    expect(desk.get_by_text("The delay has begun, and we told the owner.")).to_be_visible()
    assert "/accounts/factor-reset/" in newest(mails, "Your sign-in methods will be removed")

    FactorReset.objects.update(due_at=timezone.now() - dt.timedelta(seconds=1))
    carry_out_factor_resets()
    assert not AuthenticatorDevice.objects.filter(user=ana).exists()
    page.goto(site + link_in(newest(mails, "Choose your password")))
    choose(page)
    page.get_by_label("Username or email").fill("ana")
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    set_up_authenticator(page)
    expect(page.get_by_role("link", name="Get recovery codes")).to_be_visible()
    look(page)


def test_the_owner_sees_a_reset_right_after_signing_in_and_stops_it(page: Page, site: str, ana: User) -> None:
    stan = UserFactory.create(username="stan", is_staff=True, is_superuser=True)
    reset = factor_resets.ask(user=ana, by=stan, way="call_back", reason="somebody called")
    type_password(page, site, "ana")
    type_app_code(page, ana)
    expect(page.get_by_role("heading", name="Did you lose your phone?")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Stop, I can sign in").click()
    expect(page.get_by_text("Your sign-in methods stay as they are.")).to_be_visible()
    reset.refresh_from_db()
    assert reset.status == "stopped"


def test_the_button_for_trouble_clears_what_the_browser_has_stored(page: Page, site: str, ana: User) -> None:
    recovery_codes.draw(user=ana, drawn=0)
    type_password(page, site, "ana")
    page.evaluate("localStorage.setItem('kept', 'yes'); sessionStorage.setItem('kept', 'yes')")
    page.context.add_cookies([{"name": "csrf", "value": "damaged", "url": site}])
    page.context.add_cookies([{"name": "foreign", "value": "x", "url": site}])
    page.goto(f"{site}/accounts/sign-in/")
    page.get_by_role("link", name="Trouble signing in?").click()
    look(page)
    page.get_by_role("button", name="Clear this site’s data and start over").click()
    expect(page.get_by_text("We cleared this site’s data")).to_be_visible()
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert not names & {"session", "device", "foreign"}
    assert page.evaluate("localStorage.getItem('kept')") is None
    type_password(page, site, "ana")
    expect(page.get_by_label("Code", exact=True)).to_be_visible()


def test_caps_lock_is_noticed_where_a_password_is_chosen(page: Page, site: str, ana: User, mails: list[str]) -> None:
    ask_for_a_link(page, site)
    page.goto(site + link_in(newest(mails, "Choose a new password")))
    press = """field => field.dispatchEvent(
        new KeyboardEvent('keydown', {key: 'A', modifierCapsLock: true, bubbles: true}))"""
    page.get_by_label("Confirm new password").focus()
    page.get_by_label("Confirm new password").evaluate(press)
    expect(page.get_by_text("Caps Lock is on.")).to_be_visible()
    look(page)
    page.get_by_label("New password", exact=True).focus()
    expect(page.get_by_text("Caps Lock is on.")).to_be_hidden()
    page.get_by_role("button", name="Show password").click()
    expect(page.get_by_label("New password", exact=True)).to_have_attribute("type", "text")


def test_the_form_for_a_forgotten_username_on_a_phone(phone: Page, site: str) -> None:
    phone.goto(f"{site}/accounts/forgot-username/")
    look(phone)
    phone.get_by_role("button", name="Email me my username").click()
    expect(phone.get_by_text("Enter your policy number.").first).to_be_visible()
    look(phone)
    phone.get_by_label("Policy number", exact=True).fill("MPL-204-118832")
    phone.get_by_label("Full name").fill("Ana Núñez")
    phone.get_by_label("Date of birth").fill("10/02/1975")
    phone.get_by_label("ZIP").fill("12207")
    phone.get_by_role("button", name="Email me my username").click()
    expect(phone.get_by_role("heading", name="Check your email")).to_be_visible()
    look(phone)
