"""Support contacts (S-46): one page, and in context where things go wrong; portals of sister divisions (S-18)."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from credentialing.models import Certificate
from policies.models import Policy
from portal.faq import shipping
from portal.sisters import sister_portals
from tests.cast import Browse, Cast
from tests.credentialing.helpers import issued
from tests.factories import UserFactory
from tests.helpers import authenticator_for, give_password_only
from tests.reading import links, words

pytestmark = pytest.mark.django_db
WEB = "Web support: (860) 555-0140"
OPEN = "Open now, until 6 p.m. Eastern"
SUPPORT, FAQ = "/support/", "/faq/"


@pytest.fixture(autouse=True)
def _a_wednesday_at_noon(time_machine: object) -> None:
    time_machine.move_to("2026-12-02 17:00:00+00:00", tick=False)  # type: ignore[attr-defined]


def test_anyone_finds_whom_to_call_about_what_and_when() -> None:
    said = words(Client().get(SUPPORT))
    for title, topic, phone, email in (
        ("Web support", "missing policies or documents", "(860) 555-0140", "websupport@portal.example"),
        ("Customer service", "missing seminars", "(860) 555-0150", "service@portal.example"),
        ("Risk management", "registering for seminars", "(860) 555-0160", "risk@portal.example"),
    ):
        assert title in said
        assert topic in said.lower()
        assert phone in said
        assert email in said
    assert "Monday to Friday, 8 a.m. to 6 p.m. Eastern" in said
    assert OPEN in said
    assert "Open now, until 5 p.m. Eastern" in said


def test_contacts_and_hours_are_the_settings_own(settings: Settings) -> None:
    settings.SUPPORT = {
        "web": {**settings.SUPPORT["web"], "title": "Helpdesk", "phone": "(212) 555-0100", "open": "Sat 09:00-10:00"}
    }
    said = words(Client().get(SUPPORT))
    assert "Helpdesk" in said
    assert "(212) 555-0100" in said
    assert "Closed now. Opens Saturday at 9 a.m. Eastern" in said
    assert "Customer service" not in said


def test_every_page_leads_to_support_and_the_faq(cast: Cast, browse: Browse) -> None:
    visitor = Client()
    for browser, address in (
        (visitor, "/"),
        (visitor, reverse("accounts:sign-in")),
        (visitor, SUPPORT),
        (browse(cast.ana), "/"),
        (browse(cast.paula), "/policies/"),
    ):
        assert {SUPPORT, FAQ} <= set(links(browser.get(address))), address


@pytest.mark.parametrize("address", ["/accounts/activate/", "/no/such/page/", FAQ])
def test_where_things_go_wrong_the_page_says_whom_to_call_and_whether_they_are_there(address: str) -> None:
    said = words(Client().get(address))
    assert WEB in said
    assert OPEN in said


def test_a_lockout_says_whom_to_call(client: Client) -> None:
    for _ in range(6):
        response = client.post(reverse("accounts:sign-in"), {"username": "ada", "password": "not the password"})
    assert response.status_code == 429
    assert f"Trouble signing in? {WEB}. {OPEN}" in words(response)


def test_a_page_without_the_right_says_whom_to_call(cast: Cast, browse: Browse) -> None:
    response = browse(cast.ana).get("/admin/login/")
    assert response.status_code == 403
    assert f"Think this is a mistake? {WEB}. {OPEN}" in words(response)


def test_an_account_without_a_policy_says_whom_to_call_and_takes_a_request(browse: Browse) -> None:
    browser = browse(UserFactory.create())
    for address in ("/", "/policies/"):
        response = browser.get(address)
        assert "No policy is linked to your account" in words(response)
        assert WEB in words(response)
        assert reverse("support-new") + "?place=policies" in links(response)


def test_a_failed_certificate_says_whom_to_call_and_which_number_to_mention(cast: Cast, browse: Browse) -> None:
    certificate = issued(cast.anas, cast.paula)
    Certificate.objects.filter(pk=certificate.pk).update(status=Certificate.Status.FAILED)
    said = words(browse(cast.paula).get(certificate.get_absolute_url()))
    assert f"call us and mention {certificate.serial}. {WEB}. {OPEN}" in said


def test_the_policys_own_underwriter_is_named_to_those_who_manage_it(cast: Cast, browse: Browse) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(
        underwriter_name="Marisol Vance",
        underwriter_phone="(860) 555-0171",
        underwriter_email="m.vance@carrier.example",
    )
    page = cast.policy.get_absolute_url()
    for user in (cast.paula, cast.adam):
        response = browse(user).get(page)
        assert "Underwriter Marisol Vance (860) 555-0171 m.vance@carrier.example" in words(response)
        assert "tel:+1-860-555-0171" in links(response)
    assert "Marisol" not in browse(cast.ana).get(page).content.decode()
    assert "Underwriter" not in words(browse(cast.mia).get(cast.mias.term.policy.get_absolute_url()))


def test_sister_divisions_portals_are_at_the_foot_of_each_page_and_on_the_support_page(settings: Settings) -> None:
    settings.SISTER_PORTALS = [{"name": "Acme Dental", "url": "https://dental.acme.example/", "for": "Dentists"}]
    for address in ("/", SUPPORT):
        assert "https://dental.acme.example/" in links(Client().get(address))
    assert "Our other portals Acme Dental Dentists" in words(Client().get(SUPPORT))
    settings.SISTER_PORTALS = []
    assert "Our other portals" not in words(Client().get(SUPPORT))


def test_the_setting_of_sister_portals_is_a_list_of_names_addresses_and_purposes() -> None:
    one = {"name": "Acme Dental", "url": "https://dental.acme.example/", "for": "Dentists"}
    assert sister_portals(json.dumps([one])) == [one]
    assert sister_portals(" ") == []
    for wrong in (
        "{",
        "{}",
        '["x"]',
        json.dumps([{**one, "url": "http://plain.example/"}]),
        json.dumps([{"name": "x"}]),
    ):
        with pytest.raises(ImproperlyConfigured):
            sister_portals(wrong)


@pytest.mark.parametrize(
    ("address", "slugs"),
    [
        ("/accounts/sign-in/", ["shared-computers", "public-wi-fi", "phishing"]),
        ("/accounts/mfa/setup/", ["why-two-step-verification"]),
        ("/accounts/preferences/password/", ["choose-a-password"]),
    ],
)
def test_advice_leads_to_an_answer_that_is_there(address: str, slugs: list[str], browse: Browse) -> None:
    shipping.load(shipping.shipped())
    browser = Client()
    if "sign-in" not in address:
        user = UserFactory.create()
        browser = browse(user)
    if "mfa" in address:
        browser = Client()
        give_password_only(browser, UserFactory.create())
    found = links(browser.get(address))
    page = Client().get(FAQ).content.decode()
    for slug in slugs:
        assert f"{FAQ}#{slug}" in found
        assert f'id="{slug}"' in page


def test_the_box_to_remember_a_device_says_what_it_does() -> None:
    user = UserFactory.create()
    device = authenticator_for(user)
    browser = Client()
    give_password_only(browser, user)
    response = browser.get(reverse("accounts:verify-device", args=[device.public_id]))
    assert f"{FAQ}#remembered-devices" in links(response)
