"""The way through the portal as its users walk it, in a real browser, with a worker doing what is enqueued."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Challenge, Session, TrustedDevice
from core.models import Event, Throttle
from credentialing.models import Certificate
from tests.accounts.gateways import RecordingGateway, Text
from tests.accounts.people import phone_for
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    LicenseFactory,
    agent_at,
    holder_of,
    insured_by,
)
from tests.browser.people import (
    issue_certificate,
    set_up_authenticator,
    sign_out,
    text_of,
    type_app_code,
    type_code,
    type_password,
    until,
)
from tests.factories import UserFactory
from tests.helpers import authenticator_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(site: str, settings) -> SimpleNamespace:
    """Ana is insured by her group's policy, Pat administers the group, Alex is its agent; none has a second factor."""
    settings.FEED_AS_OF = "tests.book.fresh"
    coverage = CoverageFactory(
        term__policy__number="MPL-204-118832",
        term__policy__policyholder__name="Riverbend Medical Group",
        insured=InsuredFactory(first_name="Ana María", last_name="Núñez-Đặng"),
    )
    LicenseFactory(insured=coverage.insured, state="NY", number="274881")
    CoverageFactory(term=coverage.term, insured=InsuredFactory(first_name="Ben", last_name="Okonkwo"))
    agency = AgencyFactory(name="Harborlight Insurance Agency")
    AgentOfRecordFactory(policy=coverage.term.policy, agency=agency)
    ana, pat, alex = (UserFactory(username=name, first_name=name.title()) for name in ("ana", "pat", "alex"))
    insured_by(ana, coverage.insured)
    holder_of(pat, coverage.term.policy.policyholder)
    agent_at(alex, agency)
    return SimpleNamespace(coverage=coverage, ana=ana, pat=pat, alex=alex)


@pytest.fixture
def texts(settings) -> list[Text]:
    """Return what was texted, newest last."""
    settings.SMS_GATEWAY = "tests.accounts.gateways.RecordingGateway"
    RecordingGateway.sent.clear()
    return RecordingGateway.sent


def test_a_clinician_signs_in_the_first_time_and_holds_her_certificate(page: Page, site, book, tmp_path: Path):
    type_password(page, site, "ana")
    expect(page.get_by_role("heading", name="Set up two-step verification")).to_be_visible()
    # The password alone opens nothing.
    page.goto(f"{site}/policies/")
    expect(page).to_have_url(re.compile("/accounts/"))
    page.goto(f"{site}{reverse('accounts:mfa-setup')}")
    set_up_authenticator(page)
    page.get_by_role("link", name="Continue to the portal").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("in force until")
    expect(page.get_by_text("$1,000,000").first).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Create certificate").first.click()
    text = text_of(issue_certificate(page, "Saint Brendan Medical Center"), tmp_path)

    certificate = Certificate.objects.get()
    for words in (
        "Certificate of Insurance",
        "Ana María Núñez-Đặng, MD",
        "MPL-204-118832",
        "Riverbend Medical Group",
        "Saint Brendan Medical Center",
        "$1,000,000",
        "$3,000,000",
        "July 1, 2015",
        "In force on",
        "Harborlight Insurance Agency",
        certificate.serial,
    ):
        assert words in text, words
    assert certificate.is_ready
    assert certificate.issued_by == book.ana
    tags = list(Event.objects.filter(actor_id=book.ana.pk).order_by("id").values_list("tag", flat=True))
    for tag in ("account:method:added", "credentialing:certificate:issued", "credentialing:certificate:downloaded"):
        assert tag in tags


def test_with_a_text_code_and_a_remembered_device(page: Page, site, book, texts, other_browser):
    phone_for(book.ana)
    type_password(page, site, "ana")
    code = until(lambda: texts and texts[-1].code)
    expect(page.get_by_label(re.compile("Do not challenge me"))).not_to_be_checked()
    page.get_by_label(re.compile("Do not challenge me")).check()
    type_code(page, str(code))
    expect(page.get_by_role("heading", level=1)).to_contain_text("in force until")
    assert Challenge.objects.get().used_at is not None
    sign_out(page)
    assert Session.objects.filter(user=book.ana, ended_at=None).count() == 0

    type_password(page, site, "ana")
    expect(page.get_by_role("heading", level=1)).to_contain_text("in force until")
    assert len(texts) == 1

    elsewhere = other_browser()
    type_password(elsewhere, site, "ana")
    expect(elsewhere.get_by_role("heading", name="Verify it’s you")).to_be_visible()
    elsewhere.goto(f"{site}/policies/")
    expect(elsewhere).to_have_url(re.compile("/accounts/"))

    TrustedDevice.objects.get().revoke()
    sign_out(page)
    type_password(page, site, "ana")
    expect(page.get_by_role("heading", name="Verify it’s you")).to_be_visible()


def test_through_a_lockout_and_its_lifting_by_web_support(page: Page, site, book, other_browser):
    authenticator_for(book.ana)
    for _ in range(5):
        type_password(page, site, "ana", "not-my-password-1")
    expect(page.get_by_role("heading", level=1)).to_contain_text("temporarily locked")
    type_password(page, site, "ana")
    expect(page.get_by_role("heading", level=1)).to_contain_text("temporarily locked")
    assert Throttle.objects.filter(scope="account:password", blocked_until__isnull=False).exists()

    support = UserFactory(username="wes", is_staff=True, is_superuser=True)
    authenticator_for(support)
    desk = other_browser()
    type_password(desk, site, "wes")
    type_app_code(desk, support)
    desk.goto(f"{site}/admin/accounts/user/?q=ana")
    desk.get_by_role("link", name="ana", exact=True).click()
    expect(desk.get_by_text("Too many wrong passwords").first).to_be_visible()
    desk.get_by_role("link", name=re.compile("Unlock")).first.click()
    desk.get_by_role("button", name=re.compile("Unlock")).click()
    expect(desk.get_by_text(re.compile("reason", re.IGNORECASE)).first).to_be_visible()
    assert not Event.objects.filter(tag="account:lock:lifted").exists()
    desk.get_by_label(re.compile("Reason", re.IGNORECASE)).fill("Called from the number on file")
    desk.get_by_role("button", name=re.compile("Unlock")).click()
    until(lambda: Event.objects.filter(subject_id=str(book.ana.pk), data__reason="Called from the number on file"))

    type_password(page, site, "ana")
    type_app_code(page, book.ana)
    expect(page.get_by_role("heading", level=1)).to_contain_text("in force until")


@pytest.mark.parametrize("who", ["pat", "alex"])
def test_a_policyholder_and_an_agent_issue_for_an_insured(page: Page, site, book, who, tmp_path: Path):
    user = getattr(book, who)
    type_password(page, site, who)
    set_up_authenticator(page)
    page.get_by_role("link", name="Continue to the portal").click()
    page.get_by_role("navigation").get_by_role("link", name="Policies").first.click()
    page.get_by_role("main").get_by_role("link", name="Riverbend Medical Group").click()
    expect(page.get_by_role("main").get_by_text("Okonkwo").first).to_be_visible()
    page.get_by_role("row", name=re.compile("Núñez")).get_by_role("link", name=re.compile("ertificate")).first.click()
    text = text_of(issue_certificate(page, "Kingston General Hospital"), tmp_path)

    assert "Ana María Núñez-Đặng, MD" in text
    assert "Kingston General Hospital" in text
    assert Certificate.objects.get().issued_by == user
