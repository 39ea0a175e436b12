"""From the first visit to the first certificate, on a phone (S-06)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core import mail as sent
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import Registration, User
from accounts.models.registrations import Reason
from credentialing.models import Certificate
from policies.models import Membership
from tests.book import CoverageFactory, InsuredFactory, LicenseFactory
from tests.browser.people import (
    issue_certificate,
    set_up_authenticator,
    text_of,
    type_app_code,
    type_password,
    until,
)
from tests.browser.test_axe import findings
from tests.factories import UserFactory
from tests.helpers import authenticator_for
from tests.policies.registering import birth_hash

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"width": 390, "height": 844}


def looks_well(page: Page) -> None:
    """Check what every page must hold: no finding of axe, and nothing wider than the phone."""
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.fixture
def rosa(site: str, settings: Settings) -> str:
    """Rosa is insured by a group and has no account; returns the site's address."""
    settings.FEED_AS_OF = "tests.book.fresh"
    settings.PUBLIC_URL = site
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sent.outbox = []
    insured = InsuredFactory(
        first_name="Rosa María",
        last_name="Quist-Đặng",
        email="rosa.quist@clinic.example",
        zip="12207-4410",
        date_of_birth_hash=birth_hash("1979-03-14"),
    )
    coverage = CoverageFactory(term__policy__number="MPL-204-118832", insured=insured)
    LicenseFactory(insured=coverage.insured, state="NY", number="274881")
    return site


def test_a_clinician_registers_on_a_phone_and_holds_her_first_certificate(
    page: Page, rosa: str, other_browser: Callable[[], Page], tmp_path: Path
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{rosa}/")
    page.get_by_role("main").get_by_role("link", name="Create an account").click()
    expect(page.get_by_role("img", name=re.compile("The policy number is in the upper right corner"))).to_be_visible()
    looks_well(page)

    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter your policy number.")
    looks_well(page)
    page.get_by_role("textbox", name="Policy number").fill("mpl 204 118832")
    page.get_by_label("Full name").fill("Dr. Rosa M. Quist Dang, MD")
    page.get_by_label("Date of birth").fill("3/14/1979")
    page.get_by_label("ZIP code").fill("12207")
    page.get_by_label("Email").fill("rosa@home.example")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    looks_well(page)

    until(lambda: sent.outbox)
    (message,) = sent.outbox
    assert message.to == ["rosa.quist@clinic.example"]
    link = re.search(r"https?://\S+/register/link/\S+", str(message.body))
    assert link is not None
    # A mail scanner opens it first; that changes nothing.
    other_browser().goto(link.group())
    page.goto(link.group())
    assert "/link/" not in page.url
    expect(page.get_by_label("Username")).to_have_value("rosa.quist@clinic.example")
    looks_well(page)
    page.get_by_label("Username").fill("rosa.quist")
    page.get_by_label("Password", exact=True).fill("quiet-otter-parade")
    page.get_by_label("Confirm password").fill("quiet-otter-parade")
    page.get_by_role("button", name="Create account").click()

    # Nothing but the second factor opens before it is set up.
    expect(page.get_by_role("heading", name="Set up two-step verification")).to_be_visible()
    page.goto(f"{rosa}/policies/")
    expect(page).to_have_url(re.compile("/accounts/"))
    page.goto(f"{rosa}/accounts/mfa/setup/")
    set_up_authenticator(page)
    page.get_by_role("link", name="Continue to the portal").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("in force until")
    page.get_by_role("main").get_by_role("link", name="Create certificate").first.click()
    text = text_of(issue_certificate(page, "Saint Brendan Medical Center"), tmp_path)
    assert "Rosa María Quist-Đặng, MD" in text

    user = User.objects.get(username="rosa.quist")
    assert user.email_confirmed_at is not None
    assert Membership.objects.get(user=user).insured.last_name == "Quist-Đặng"
    assert Certificate.objects.get().issued_by == user
    assert Registration.objects.get().status == Registration.Status.DONE
    page.goto(link.group())
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()


def test_web_support_completes_a_registration_by_hand(page: Page, rosa: str, other_browser: Callable[[], Page]) -> None:
    Registration.objects.create(
        idempotency_key=uuid.uuid4(),
        policy_number="MPL-204-118832",
        full_name="Rosa Kwist",
        email="rosa@home.example",
        zip="12207",
        date_of_birth_hash=birth_hash("1979-03-14"),
        status=Registration.Status.UNMATCHED,
        reason=Reason.NAME,
    )
    support = UserFactory(username="wes", is_staff=True, is_superuser=True)
    authenticator_for(support)
    type_password(page, rosa, "wes")
    type_app_code(page, support)
    expect(page.get_by_role("banner").locator("summary").last).to_be_visible()
    page.goto(f"{rosa}/admin/accounts/registration/?status__exact=unmatched")
    assert findings(page) == []
    page.locator("#result_list tbody a").first.click()
    assert findings(page) == []
    page.get_by_role("link", name="Complete by hand…").click()
    page.get_by_role("button", name="Complete", exact=True).click()
    expect(page.get_by_text("Enter a reason.")).to_be_visible()
    assert findings(page) == []

    page.locator(".form-row:has(#id_insured) .select2").click()
    page.locator(".select2-search__field").fill("Quist")
    page.get_by_role("option", name=re.compile("Quist-Đặng")).click()
    page.get_by_label("A link to the email on file").check()
    page.get_by_label("Reason").fill("Called back on the number on file")
    page.get_by_role("button", name="Complete", exact=True).click()
    expect(page.get_by_text("We sent the link to the email on file.")).to_be_visible()
    until(lambda: any(message.to == ["rosa.quist@clinic.example"] for message in sent.outbox))
    page.get_by_role("link", name="Refuse…").click()
    assert findings(page) == []
