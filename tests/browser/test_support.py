"""Support, the FAQ, maintenance, and a request in a real browser: axe, narrow screens, both color schemes, and that
nothing typed is lost."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from portal.faq.shipping import load, shipped
from portal.maintenance import closing
from portal.models import Announcement, MaintenanceWindow, SupportMessage, SupportRequest
from tests.browser.test_axe import cast, findings, look  # noqa: F401  # fixtures of that module
from tests.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "/support/requests/new/"


@pytest.fixture(autouse=True)
def _published(transactional_db: None, settings: Settings) -> Iterator[None]:
    """Publish the FAQ of the release, a notice, and maintenance ahead."""
    load(shipped())
    Announcement.objects.create(title="Sign-in is changing", body="Soon.", level=2, for_visitors=True)
    now = timezone.now()
    MaintenanceWindow.objects.create(
        starts_at=now + dt.timedelta(days=2), expected_end=now + dt.timedelta(days=2, hours=4), notice_from=now
    )
    yield
    closing.forget()


@pytest.fixture
def asked(cast: Cast) -> SupportRequest:  # noqa: F811
    request = SupportRequest.objects.create(
        user=cast.paula, kind="missing", topic="missing", place="policy", policy=cast.policy
    )
    SupportMessage.objects.create(request=request, author=cast.paula, text="The endorsement of May.\n\nThank you.")
    request.answer(text="Which insured is it for?", by=cast.support, key=uuid.uuid4())
    return request


def examined(page: Page, addresses: list[str], site: str) -> list[str]:
    """Return what axe and the width say against these pages: wide and light, narrow and dark; the first page in every
    way."""
    found: list[str] = []
    ways = [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")]
    for address in addresses:
        for width, scheme in ways if address == addresses[0] else ways[:2]:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
            page.goto(site + address)
            found += findings(page)
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{page.url}: {wide} px wide on a screen of {width} px")
    return found


def test_visitors_pages_have_no_finding(look: Callable[..., Page], cast: Cast, site: str) -> None:  # noqa: F811
    page = look("/support/", None, 1280, "light")
    addresses = ["/support/", "/", reverse("accounts:sign-in"), "/faq/", "/faq/?q=phone", "/faq/?q=zebra"]
    assert examined(page, [*addresses, "/faq/why-two-step-verification/"], site) == []


def test_requests_have_no_finding(
    look: Callable[..., Page],  # noqa: F811
    cast: Cast,  # noqa: F811
    asked: SupportRequest,
    site: str,
) -> None:
    page = look("/support/", cast.paula, 1280, "light")
    filled = f"{NEW}?place=policy&policy={cast.policy.public_id}"
    own = ["/support/requests/", asked.get_absolute_url(), filled, NEW, "/policies/", cast.policy.get_absolute_url()]
    assert examined(page, own, site) == []
    empty = look("/support/requests/", cast.ana, 390, "dark")
    assert findings(empty) == []


def test_the_page_of_maintenance_has_no_finding(look: Callable[..., Page], cast: Cast, site: str) -> None:  # noqa: F811
    MaintenanceWindow.objects.create(expected_end=timezone.now() + dt.timedelta(hours=2), message="Back soon.")
    page = look("/", None, 1280, "light")
    assert examined(page, ["/", "/policies/", reverse("accounts:sign-in")], site) == []


def test_the_queue_of_staff_has_no_finding(
    look: Callable[..., Page],  # noqa: F811
    cast: Cast,  # noqa: F811
    asked: SupportRequest,
    site: str,
) -> None:
    cast.support.is_superuser = True
    cast.support.save()
    page = look("/admin/", cast.support, 1280, "light")
    lists = [f"/admin/portal/{name}/" for name in ("supportrequest", "faqentry", "maintenancewindow")]
    forms = [f"{lists[0]}{asked.pk}/change/", f"{lists[1]}add/", f"{lists[2]}add/"]
    found: list[str] = []
    for address in [*lists, *forms]:
        page.goto(site + address)
        found += findings(page)
    assert not found, "\n".join(found)


def test_a_customer_says_what_is_missing_and_staff_answer(
    look: Callable[..., Page],  # noqa: F811
    cast: Cast,  # noqa: F811
    site: str,
) -> None:
    page = look(cast.policy.get_absolute_url(), cast.paula, 390, "light")
    page.get_by_role("link", name="Tell us").click()
    expect(page.get_by_role("main")).to_contain_text(cast.policy.number)
    page.get_by_label("What is missing or wrong on the policy’s page?").fill("The endorsement of May.")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_text("We have your request.")).to_be_visible()
    asked = SupportRequest.objects.get()

    cast.support.is_superuser = True
    cast.support.save()
    desk = look("/admin/", cast.support, 1280, "light")
    desk.goto(f"{site}/admin/portal/supportrequest/?clock=waiting")
    desk.get_by_role("link", name="A missing policy or document").click()
    desk.get_by_label("Answer:").fill("It’s there now.")
    desk.get_by_role("button", name="Send answer").click()
    expect(desk.get_by_text("The answer is in the customer’s request")).to_be_visible()

    page.goto(site + asked.get_absolute_url())
    expect(page.get_by_text("It’s there now.")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Answered", exact=True)).to_be_visible()


def test_what_was_typed_when_maintenance_began_is_there_again_afterward(
    look: Callable[..., Page],  # noqa: F811
    cast: Cast,  # noqa: F811
    site: str,
) -> None:
    page = look(NEW, cast.paula, 1280, "light")
    page.get_by_label("What is it about?").select_option("billing")
    page.get_by_label("Your message").fill("A long story about an invoice.")
    window = MaintenanceWindow.objects.create()
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", name="The portal is closed for maintenance")).to_be_visible()
    expect(page.get_by_text("What you typed is saved in this browser tab")).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="The portal is closed for maintenance")).to_be_visible()
    window.end()

    page.goto(site + NEW)

    expect(page.get_by_label("Your message")).to_have_value("A long story about an invoice.")
    expect(page.get_by_label("What is it about?")).to_have_value("billing")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_text("We have your request.")).to_be_visible()


def test_an_address_with_an_anchor_opens_that_answer(look: Callable[..., Page], cast: Cast) -> None:  # noqa: F811
    page = look("/faq/#lost-phone", None, 390, "light")
    answer = page.locator("#lost-phone")
    expect(answer.get_by_text("You have another method:")).to_be_visible()
    expect(page.locator("#phishing > div")).to_be_hidden()


def test_without_script_the_faq_is_searched_and_read(look: Callable[..., Page], cast: Cast) -> None:  # noqa: F811
    page = look("/faq/", None, 390, "light", java_script_enabled=False)
    page.get_by_role("searchbox", name="Search the FAQ").fill("lost phone")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("heading", name="I lost my phone, or have a new one.").click()
    expect(page.get_by_text("You have another method:")).to_be_visible()
