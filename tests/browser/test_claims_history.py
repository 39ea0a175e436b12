"""Claims histories in a real browser: the whole way of an authorization, and no finding of axe on any page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from claims.models import Claim
from credentialing.claims_history import issuing
from credentialing.models import Authorization, ClaimsPaper
from policies.models import Policy
from tests.book import TermFactory
from tests.browser.people import text_of
from tests.browser.test_axe import findings
from tests.browser.test_axe import look as look_fixture
from tests.cast import Cast, make_cast
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized, issued, subject_of
from tests.on_file import ClaimFactory

pytestmark = pytest.mark.django_db(transaction=True)
Look = Callable[..., Page]
look = look_fixture


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Return the cast, with claims of Ana's, and Paula's access to claims histories."""
    cast = make_cast()
    switch_on(cast.paula)
    for number in range(3):
        ClaimFactory.create(
            insured=cast.anas.insured,
            policy=cast.policy,
            number=f"LC-000123-{number:04}",
            description="Delayed diagnosis of a lesion; lack of informed consent alleged",
            disposition="Dismissed with prejudice",
        )
    ClaimFactory.create(insured=cast.anas.insured, policy=cast.policy, number="LC-I", kind=Claim.Kind.INCIDENT)
    Policy.objects.filter(pk=cast.policy.pk).update(billing_account_key="BA-1")
    second = {"policy__billing_account_key": "BA-1", "policy__policyholder": cast.policy.policyholder}
    TermFactory.create(**second, policy__company=cast.policy.company)
    return cast


def test_a_clinician_authorizes_her_group_which_gets_the_history_until_she_revokes(
    cast: Cast,
    look: Look,
    site: str,
    tmp_path: Path,
) -> None:
    ana = look(reverse("credentialing:claims-histories"), cast.ana, 1280, "light")
    ana.get_by_role("link", name="Authorize someone").click()
    ana.get_by_label("Riverbend Medical Group, your policyholder").check()
    ana.get_by_label("All years").check()
    ana.get_by_role("button", name="Read and sign").click()
    expect(ana.get_by_text("release my claims history to Riverbend Medical Group")).to_be_visible()
    ana.get_by_label("Your full name").fill("Ana Núñez")
    ana.get_by_label("I’ve read this authorization").check()
    ana.get_by_role("button", name="Sign", exact=True).click()
    expect(ana.get_by_text("This authorization holds", exact=True)).to_be_visible()

    paula = look(reverse("credentialing:claims-histories"), cast.paula, 390, "dark")
    paula.get_by_label(re.compile("Ana Núñez")).check()
    paula.get_by_role("button", name="Continue with the selected").click()
    expect(paula.get_by_text("3 claims with this company")).to_be_visible()
    paula.get_by_label("What is it for?").select_option("Medical staff privileges")
    paula.get_by_label("To whom it may concern").check()
    with paula.expect_download() as started:
        paula.get_by_role("button", name="Create and download").click()
    text = text_of(started.value, tmp_path)
    assert "LC-000123-0002" in text
    assert "LC-I " not in text
    assert "not a National Practitioner Data Bank report" in text

    ana.reload()
    expect(ana.get_by_text("Created CLH-")).to_be_visible()
    ana.get_by_role("button", name="Revoke authorization").click()
    expect(ana.get_by_text("Your authorization is revoked")).to_be_visible()
    paula.reload()
    expect(paula.get_by_text("The file is closed")).to_be_visible()


def addresses(cast: Cast) -> dict[str, list[str]]:
    """Return each page, with something on it, for whom it is."""
    given = authorized(cast.ana, cast.anas.insured, years=10, policyholder=cast.policy.policyholder)
    revoked = authorized(cast.ana, cast.anas.insured, agency=cast.agency)
    own = issued(cast.ana, cast.anas.insured).papers[0]
    issued(cast.paula, cast.anas.insured)
    for paper in ClaimsPaper.objects.all():
        issuing.render(paper.pk)
    sign = f"insured={cast.anas.insured.public_id}&to=policyholder.{cast.policy.policyholder.public_id}&years=10"
    who = "&".join(f"who={subject_of(cast.paula, one.insured).code}" for one in (cast.anas, cast.bens))
    run = reverse("credentialing:loss-run", args=[cast.policy.public_id])
    assert Authorization.objects.count() == 2
    return {
        "ana": [
            reverse("credentialing:claims-histories"),
            reverse("credentialing:claims-history-new"),
            own.get_absolute_url(),
            reverse("credentialing:claims-papers"),
            reverse("credentialing:authorizations"),
            reverse("credentialing:authorization-new"),
            f"{reverse('credentialing:authorization-sign')}?{sign}",
            given.get_absolute_url(),
            revoked.get_absolute_url(),
        ],
        "paula": [
            reverse("credentialing:claims-histories"),
            f"{reverse('credentialing:claims-history-new')}?{who}",
            reverse("credentialing:loss-runs"),
            run,
            f"{run}?of=account&years=all",
            reverse("credentialing:claims-papers"),
        ],
    }


@pytest.mark.parametrize("who", ["ana", "paula"])
def test_no_page_has_a_finding_or_a_sideways_scroll(cast: Cast, look: Look, site: str, who: str) -> None:
    found: list[str] = []
    user: User = getattr(cast, who)
    pages = addresses(cast)[who]
    page = look("/", user, 1280, "light")
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    for address in pages:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
        page.goto(site + address)
        found += findings(page)
        page.set_viewport_size({"width": 390, "height": 844})
        page.emulate_media(color_scheme="dark")
        page.reload()
        found += findings(page)
        for width in (640, 390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{page.url}: {wide} px wide on a screen of {width} px")
    assert found == []
