"""A delegate is invited, works, and is ended; web support sees what a customer sees. In a real browser."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core import mail as sent
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Look, User
from core.models import Event
from policies.models import Membership
from portal.staff import make_staff_groups
from tests.book import CoverageFactory, InsuredFactory, holder_of, insured_by
from tests.browser.people import set_up_authenticator, type_app_code, type_password, until
from tests.browser.test_axe import findings
from tests.factories import UserFactory
from tests.helpers import authenticator_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(site: str, settings) -> SimpleNamespace:
    """Pat administers Riverbend's policy, on which Ana is insured."""
    settings.FEED_AS_OF = "tests.book.fresh"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PUBLIC_URL = site
    coverage = CoverageFactory(
        term__policy__policyholder__name="Riverbend Medical Group",
        insured=InsuredFactory(first_name="Ana", last_name="Núñez"),
    )
    pat = UserFactory(username="pat", first_name="Pat", last_name="Quill")
    ana = UserFactory(username="ana", first_name="Ana", last_name="Núñez")
    holder_of(pat, coverage.term.policy.policyholder)
    insured_by(ana, coverage.insured)
    for user in (pat, ana):
        authenticator_for(user)
    return SimpleNamespace(coverage=coverage, policy=coverage.term.policy, pat=pat, ana=ana)


def seen_by_axe(page: Page) -> None:
    """On a desk and on a phone: no finding, and nothing wider than the screen."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 900})


def mailed_link(site: str) -> str:
    """Wait for the worker's mail, and return its link."""

    def found() -> str:
        lines = [line for each in sent.outbox for line in str(each.body).splitlines() if "/access/link/" in line]
        return lines[-1] if lines else ""

    return str(until(found))


def test_a_delegate_is_invited_works_and_is_ended(page: Page, site, book, other_browser):
    sent.outbox = []
    type_password(page, site, "pat")
    type_app_code(page, book.pat)
    page.get_by_role("link", name="Who has access").click()
    seen_by_axe(page)
    page.get_by_role("link", name="Invite a colleague").click()
    seen_by_axe(page)
    page.get_by_label("First name").fill("Dana")
    page.get_by_label("Last name").fill("Whitfield")
    page.get_by_label("Work email").fill("dana@clinic.example")
    page.get_by_label(re.compile("Create a certificate of insurance")).check()
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text("We sent an invitation to dana@clinic.example.")).to_be_visible()
    seen_by_axe(page)

    dana = other_browser()
    dana.goto(mailed_link(site))
    expect(dana.get_by_role("heading", name="Pat Quill invites you")).to_be_visible()
    expect(dana).to_have_url(re.compile("/access/invitation/$"))
    seen_by_axe(dana)
    dana.get_by_role("link", name="Accept with a new account").click()
    seen_by_axe(dana)
    dana.get_by_label("Username").fill("dana")
    dana.get_by_label("Password", exact=True).fill("quiet-otter-parade")
    dana.get_by_label("Confirm password").fill("quiet-otter-parade")
    dana.get_by_role("button", name="Create account").click()
    set_up_authenticator(dana)
    dana.get_by_role("link", name="Continue to the portal").click()
    dana.goto(f"{site}{book.policy.get_absolute_url()}")
    expect(dana.get_by_role("heading", level=1)).to_contain_text("Riverbend Medical Group")
    dana.goto(f"{site}{reverse('credentialing:issue', args=[book.coverage.public_id])}")
    expect(dana.get_by_role("button", name="Create and download")).to_be_visible()
    dana.goto(f"{site}{reverse('policies:access')}")
    expect(dana.get_by_role("heading", level=1)).to_contain_text("You don’t have access")

    page.reload()
    expect(page.get_by_role("row", name=re.compile("Dana Whitfield"))).to_contain_text("Delegate")
    page.get_by_role("link", name=re.compile("Change what Dana Whitfield")).click()
    seen_by_axe(page)
    page.get_by_label(re.compile("Create a certificate of insurance")).uncheck()
    page.get_by_role("button", name="Save access").click()
    dana.goto(f"{site}{reverse('credentialing:issue', args=[book.coverage.public_id])}")
    expect(dana.get_by_role("heading", level=1)).to_contain_text("You don’t have access")

    page.get_by_role("link", name=re.compile("End access of Dana Whitfield")).click()
    seen_by_axe(page)
    page.get_by_role("button", name="End access").click()
    page.get_by_text("Ended access").click()
    seen_by_axe(page)
    dana.goto(f"{site}{book.policy.get_absolute_url()}")
    expect(dana.get_by_role("heading", level=1)).not_to_contain_text("Riverbend")
    ended = Membership.objects.get(user__username="dana")
    assert (ended.ended_by, ended.revoked_by) == ("person", book.pat)


def test_web_support_sees_what_a_customer_sees_and_changes_nothing(page: Page, site, book):
    make_staff_groups()
    wes = UserFactory.create(username="wes", first_name="Wes", last_name="Porter", is_staff=True)
    wes.groups.add(Group.objects.get(name="Web support"))
    authenticator_for(wes)
    type_password(page, site, "wes")
    type_app_code(page, wes)
    page.goto(f"{site}{reverse('admin:accounts_user_change', args=[book.ana.pk])}")
    page.get_by_role("link", name="View as customer").click()
    page.get_by_role("button", name="View as this customer").click()
    expect(page.get_by_text("Enter a reason")).to_be_visible()
    page.get_by_label(re.compile("Reason")).fill("Called: can’t find the certificate")
    page.get_by_role("button", name="View as this customer").click()

    banner = page.get_by_role("complementary", name="Viewing as a customer")
    expect(banner).to_contain_text("Viewing as Ana Núñez (ana). You’re Wes Porter.")
    expect(page.get_by_role("heading", level=1)).to_contain_text("in force until")
    seen_by_axe(page)
    page.goto(f"{site}{reverse('credentialing:issue', args=[book.coverage.public_id])}")
    expect(banner).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Create and download").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not while viewing as a customer")
    seen_by_axe(page)
    page.get_by_role("main").get_by_role("button", name="End view").click()
    expect(page).to_have_url(re.compile(f"/admin/accounts/user/{book.ana.pk}/change/"))
    page.goto(f"{site}/")
    expect(banner).to_have_count(0)

    look = Look.objects.get()
    assert (look.staff, look.subject, look.end_reason) == (wes, User.objects.get(username="ana"), "by_hand")
    assert Event.objects.filter(tag="staff:look:page", actor_id=wes.pk, on_behalf_of_id=book.ana.pk).count() >= 2
    assert not Event.objects.filter(actor_id=book.ana.pk).exists()
