"""A renewal in real browsers: begun on one device, resumed on another, with three clinicians' own parts, and no finding
of axe on any page."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.core import mail as outbox
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from core import work
from core.models import Mail
from policies.models import Insured, RenewalApplication, RenewalSection, RenewalSignature, RenewalSubmission
from policies.renewals import asking, opening
from tests.book import CoverageFactory, InsuredFactory
from tests.browser.people import text_of, until
from tests.browser.test_axe import findings
from tests.browser.test_axe import look as look_fixture
from tests.policies.renewals.book import PAGES, address, application_of, fill_in, fresh, part_of, renewing

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)
Look = Callable[..., Page]
look = look_fixture


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Return the group with a third clinician, Cleo, who has an email and a phone on file; Ben has no phone."""
    cast = renewing()
    cleo = InsuredFactory.create(
        first_name="Cleo", last_name="Marsh", email="cleo@clinic.example", phone="(518) 555-0143"
    )
    CoverageFactory.create(term=cast.term, insured=cleo)
    return cast


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that the worker sends."""
    sent: list[str] = []

    class Gateway:
        def send_text(self, to: str, body: str, reference: str) -> str:
            sent.append(body)
            return "1"

    monkeypatch.setattr(opening, "gateway", Gateway)
    return sent


def answer(page: Page) -> None:
    """Answer every question of a clinician's part with no, and 40 hours."""
    page.get_by_label("About how many hours a week").fill("40")
    for group in page.locator("form.sheet").get_by_role("group").all():
        group.get_by_label("No", exact=True).check()


def sign(page: Page, name: str) -> None:
    page.get_by_role("button", name="Save and go on to sign").click()
    page.get_by_label("Your full name").fill(name)
    page.get_by_label("I’ve read the statements").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_role("heading", name="You’ve signed your part")).to_be_visible()


def mailed(name: str, *, subject: str = "Your part") -> str:
    """Return the newest mail to a clinician, once the worker has sent it."""

    def found() -> str:
        # As beat does some seconds later.
        Mail.objects.filter(is_enqueued=False).update(enqueued_at=timezone.now() - dt.timedelta(minutes=1))
        work.requeue_lost()
        bodies = [str(one.body) for one in outbox.outbox if one.to == [name] and subject in one.subject]
        return bodies[-1] if bodies else ""

    return str(until(found))


def six_digits(text: str) -> str:
    found = re.search(r"\b(\d{6})\b", text)
    assert found is not None
    return found[1]


def test_a_renewal_resumed_on_another_device_with_three_clinicians_own_parts(
    cast: Cast, look: Look, site: str, browser: Browser, texts: list[str], tmp_path: Path, settings: object
) -> None:
    settings.PUBLIC_URL = site  # type: ignore[attr-defined]
    policy = cast.policy
    # At the office: begun, and left in the middle of the address; nothing was pressed.
    office = look("/", cast.paula, 1280, "light")
    expect(office.get_by_text("the renewal application is due by")).to_be_visible()
    office.goto(site + policy.get_absolute_url())
    office.get_by_role("link", name="Complete the renewal application").click()
    office.get_by_role("button", name="Start the application").click()
    office.get_by_role("link", name="Begin: Coverage").click()
    office.get_by_label("Yes, everyone who is on the policy now").check()
    office.get_by_label("I’ve reviewed the coverage").check()
    office.get_by_role("button", name="Save and continue").click()
    office.get_by_label("No, it changes").check()
    office.get_by_label("Address", exact=True).fill("7 New Street")
    expect(office.get_by_text(re.compile("Saved at"))).to_be_visible()
    until(lambda: RenewalSection.objects.filter(name="address", values__address1="7 New Street").exists())

    # On the phone: everything typed is there.
    phone = look(address("renewal", policy.public_id), cast.paula, 390, "dark")
    phone.get_by_role("link", name=re.compile("Continue: Address")).click()
    expect(phone.get_by_label("Address", exact=True)).to_have_value("7 New Street")
    phone.get_by_label("City").fill("Albany")
    phone.get_by_label("State").select_option("NY")
    phone.get_by_label("ZIP code").fill("12207")
    phone.get_by_role("button", name="Save and continue").click()
    for group in phone.locator("form.sheet").get_by_role("group").all():
        group.get_by_label("No", exact=True).check()
    phone.get_by_role("button", name="Save and continue").click()
    expect(phone.get_by_role("heading", name="Clinicians’ parts")).to_be_visible()
    phone.get_by_role("button", name="Ask everyone who is missing").click()
    expect(phone.get_by_text("We’re writing to everyone who is missing")).to_be_visible()

    # Ana, by her own sign-in.
    ana = look("/", cast.ana, 390, "light")
    ana.get_by_role("link", name="Answer and sign your part").first.click()
    answer(ana)
    sign(ana, "Ana Núñez")

    # Cleo, by a link and a code on her phone.
    context = browser.new_context(base_url=site)
    cleo = context.new_page()
    link = re.search(rf"{site}\S+/link/\S+", mailed("cleo@clinic.example"))
    assert link is not None
    cleo.goto(link[0])
    assert "/link/" not in cleo.url
    cleo.get_by_role("button", name="Send me a code").click()
    until(lambda: texts)
    cleo.get_by_label("6-digit code").fill(six_digits(texts[0]))
    cleo.get_by_role("button", name="Continue").click()
    answer(cleo)
    sign(cleo, "Cleo Marsh")
    context.close()

    # Ben, without a phone on file, and without JavaScript.
    context = browser.new_context(base_url=site, java_script_enabled=False)
    ben = context.new_page()
    link = re.search(rf"{site}\S+/link/\S+", mailed("ben@clinic.example"))
    assert link is not None
    ben.goto(link[0])
    expect(ben.get_by_text("we have no phone on file for you")).to_be_visible()
    ben.get_by_role("button", name="Send me a code").click()
    ben.get_by_label("6-digit code").fill(six_digits(mailed("ben@clinic.example", subject="Your code")))
    ben.get_by_role("button", name="Continue").click()
    answer(ben)
    sign(ben, "Ben Okafor")
    context.close()

    # Back at the office: nobody is missing, and it's signed and submitted.
    office.goto(site + address("renewal-parts", policy.public_id))
    expect(office.get_by_text("3 of 3", exact=True)).to_be_visible()
    expect(office.get_by_text("Nobody is missing.")).to_be_visible()
    office.goto(site + address("renewal-review", policy.public_id))
    expect(office.get_by_text("7 New Street")).to_be_visible()
    office.get_by_role("link", name="Sign and submit").click()
    office.get_by_label("Your full name").fill("Paula Reyes")
    office.get_by_label("I’ve read the statements").check()
    office.get_by_role("button", name="Sign and submit").click()
    with office.expect_download() as started:
        office.get_by_role("link", name="Download PDF").click()
    text = text_of(started.value, tmp_path)
    assert "7 New Street" in text
    assert "Marsh" in text
    assert {one.way for one in RenewalSignature.objects.exclude(part=None)} == {"sign_in", "text", "email"}
    assert RenewalApplication.objects.get().signed_count == 3

    # Her agent has it, too.
    agent = look(reverse("policies:renewals"), cast.adam, 1280, "light")
    expect(agent.get_by_role("link", name=re.compile("Download the application"))).to_be_visible()


def addresses(cast: Cast) -> dict[str, list[str]]:
    """Return each page with something on it, for whom it is."""
    policy, application = cast.policy, application_of(cast)
    fill_in(application, cast.paula, practice=PAGES["practice"] | {"sites": "yes", "sites_details": "Troy, in May"})
    asking.ask(part_of(fresh(cast), cast.anas.insured), by=cast.paula)
    Insured.objects.filter(pk=cast.bens.insured_id).update(email="")
    own = part_of(fresh(cast), cast.anas.insured)
    of = policy.public_id
    return {
        "paula": [
            "/",
            policy.get_absolute_url(),
            address("renewal", of),
            *(address("renewal-page", of, name) for name in PAGES),
            address("renewal-line", of, cast.anas.public_id),
            address("renewal-parts", of),
            address("renewal-parts", of) + "?status=all",
            address("renewal-email", of, own.public_id),
            address("renewal-review", of),
            address("renewal-sign", of),
            address("renewals"),
        ],
        "ana": ["/", own.get_absolute_url()],
    }


@pytest.mark.parametrize("who", ["paula", "ana"])
def test_no_page_has_a_finding_or_a_sideways_scroll(
    cast: Cast, look: Look, site: str, who: str, request: pytest.FixtureRequest
) -> None:
    found: list[str] = []
    user: User = getattr(cast, who)
    pages = addresses(cast)[who]
    page = look("/", user, 1280, "light")
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    for number, here in enumerate(pages):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
        page.goto(site + here)
        shot(page, f"{who}-{number}-1280")
        found += findings(page)
        page.set_viewport_size({"width": 390, "height": 844})
        page.emulate_media(color_scheme="dark")
        page.reload()
        shot(page, f"{who}-{number}-390")
        found += findings(page)
        for width in (640, 390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{page.url}: {wide} px wide on a screen of {width} px")
    assert found == []
    assert RenewalSubmission.objects.count() == 0


def shot(page: Page, name: str) -> None:
    """Keep a picture of the page where PORTAL_SHOTS names a folder."""
    if folder := os.environ.get("PORTAL_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
