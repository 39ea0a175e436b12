"""The way to a batch in a real browser: no finding of axe, nothing wider than the screen, with and without
JavaScript."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from credentialing.batches.freezing import HolderChoice
from credentialing.models import Batch
from tests.browser.test_axe import RULES
from tests.cast import Cast, make_cast
from tests.credentialing.batches_helpers import a_batch, run_all, started
from tests.helpers import sign_in
from tests.on_file import CarrierHolderFactory, StandingHolderFactory

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def page_of(
    browser: Browser, site: str, user: User, *, width: int = 1280, scheme: str = "light", **options: bool
) -> Page:
    client = Client()
    sign_in(client, user)
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", base_url=site, **options
    )
    context.add_cookies([{"name": name, "value": morsel.value, "url": site} for name, morsel in client.cookies.items()])
    return context.new_page()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    cast = make_cast()
    hospital = CarrierHolderFactory.create(
        name="Saint Aldhelm Medical Center", minimum_per_claim=Decimal(2_000_000), separate_limits=True
    )
    StandingHolderFactory.create(holder=hospital, policy=cast.policy)
    return cast


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_every_page_of_a_batch_is_accessible_and_fits(
    cast: Cast, browser: Browser, site: str, width: int, scheme: str
) -> None:
    draft = a_batch(cast.paula, [cast.anas, cast.bens], HolderChoice(concern=True, standing=True))
    running = started(cast.paula, [cast.anas])
    done = started(cast.paula, [cast.anas, cast.bens])
    run_all(done)
    home = reverse("credentialing:home")
    addresses = [
        home,
        home + "?group=insured",
        home + "?group=holder",
        draft.get_absolute_url(),
        reverse("credentialing:batch-settle", args=[draft.public_id]),
        reverse("credentialing:batch-items", args=[draft.public_id]),
        running.get_absolute_url(),
        done.get_absolute_url(),
        reverse("credentialing:batches"),
    ]
    page = page_of(browser, site, cast.paula, width=width, scheme=scheme)
    wrong = {}
    for number, address in enumerate(addresses):
        page.goto(address)
        if folder := os.environ.get("PORTAL_SHOTS"):
            page.screenshot(path=Path(folder) / f"{number}-{width}-{scheme}.png", full_page=True)
        found = Axe().run(page, options=RULES)
        if found.violations_count:
            wrong[address] = found.generate_report()
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong[address] = "wider than the screen"
    assert wrong == {}


def test_without_javascript_and_by_keyboard_a_batch_is_chosen_and_started(
    cast: Cast, browser: Browser, site: str
) -> None:
    page = page_of(browser, site, cast.paula, java_script_enabled=False)
    page.goto(reverse("credentialing:home"))
    page.get_by_label("All 2 of this search").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Create several").focus()
    page.keyboard.press("Enter")
    page.get_by_label("To whom it may concern").check()
    page.get_by_role("button", name="See what we’ll create").click()
    page.get_by_role("button", name="Create 2").click()
    expect(page.get_by_role("heading", name="Batch of certificates")).to_be_visible()
    assert Batch.objects.get().total == 2
    assert not Batch.objects.get().is_draft
