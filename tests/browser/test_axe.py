"""Every page in a real browser: no finding of axe (WCAG 2.2 AA and good practice), nothing wider than the screen, in
light and dark, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from accounts.models import User
from accounts.services.links import hand_over_activation
from core.models import Event
from credentialing.models import Delivery
from credentialing.sending.services import send
from feed.models import Run
from policies.models import Coverage, Policy, Term
from portal.models import Announcement
from tests.accounts.people import phone_for
from tests.book import CoverageFactory, TermFactory, days
from tests.browser.people import text_of_file
from tests.cast import Cast, make_cast
from tests.credentialing.helpers import issued
from tests.factories import remembered_for
from tests.helpers import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture
def cast(transactional_db: None, settings: Settings) -> Cast:
    """Return the cast of policies, with something on every page: news, a renewal, a cancellation that is pending."""
    settings.ROOT_URLCONF = "tests.browser.urls"
    settings.PUBLIC_URL_NAMES = {*settings.PUBLIC_URL_NAMES, "style"}
    cast = make_cast()
    TermFactory.create(policy=cast.policy, effective=cast.term.expires, expires=days(630), status=Term.Status.OFFERED)
    Policy.objects.filter(pk=cast.mias.term.policy_id).update(
        status=Policy.Status.PENDING_CANCELLATION, cancellation_effective=days(9), cure_amount=870
    )
    Announcement.objects.create(title="Office closed", body="On Friday.", for_visitors=True)
    return cast


@pytest.fixture
def look(browser: Browser, site: str) -> Callable[..., Page]:
    """Open an address as somebody, on a screen of that width, in that color scheme."""

    def open_page(address: str, user: User | None, width: int, scheme: str, **options: object) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", **options
        )
        if user is not None:
            client = Client()
            sign_in(client, user)
            context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": site}])
        page = context.new_page()
        page.goto(site + address)
        return page

    return open_page


def findings(page: Page) -> list[str]:
    """Return what axe has to say against a page, a line each; a page that a click led to is read to its end first."""
    page.wait_for_load_state()
    violations = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{page.url}: {violation['id']} ({violation['impact']}): {violation['help']}: {node['html'][:160]}"
        for violation in violations
        for node in violation["nodes"]
    ]


def pages(cast: Cast) -> dict[str, list[str]]:
    """Each page with whom it differs for; "" is a visitor."""
    group, own = cast.policy.get_absolute_url(), cast.mias.term.policy.get_absolute_url()
    gone, link = reverse("accounts:activate"), urlsplit(hand_over_activation(user=cast.mia)).path
    changes = ("", "name/", "password/", "address/", "time-zone/", "language/", "paperless/", "emails/")
    preferences = [reverse("accounts:preferences") + change for change in changes]
    setup = [reverse(f"accounts:mfa-setup{step}") for step in ("", "-text", "-done")]
    return {
        "": ["/", reverse("accounts:sign-in"), gone, link, "/no/such/page/", "/style/"],
        "ana": [
            "/",
            group,
            cast.anas.insured.get_absolute_url(),
            reverse("credentialing:issue", args=[cast.anas.public_id]),
        ],
        "paula": ["/", group, reverse("credentialing:home"), *emailed(cast)],
        "adam": ["/", "/policies/", "/policies/?q=nobody-at-all", "/policies/?status=nonsense"],
        "mia": ["/", own, issue_page_with_parts(cast.mias), *browsers_and_activity(cast.mia), *preferences],
        "support": ["/", *setup],
    }


def issue_page_with_parts(coverage: Coverage) -> str:
    """Return the page that issues for an insured with two parts to choose and one that begins later."""
    for part, effective in (("excess", coverage.effective), ("general", days(30))):
        CoverageFactory.create(term=coverage.term, insured=coverage.insured, part=part, effective=effective)
    return reverse("credentialing:issue", args=[coverage.public_id])


def emailed(cast: Cast) -> list[str]:
    """Return the page of a certificate whose email came back, and the one that corrects the address."""
    certificate = issued(cast.anas, cast.paula)
    delivery = send(certificate=certificate, to="records@hospital.example", by=cast.paula, key="axe")
    delivery.told(Delivery.Status.BOUNCED, at=timezone.now(), bounce=Delivery.Bounce.INVALID)
    Delivery.objects.update(status=Delivery.Status.BOUNCED)
    address = reverse("credentialing:send", args=[certificate.public_id])
    return [certificate.get_absolute_url(), f"{address}?corrects={delivery.public_id}"]


def browsers_and_activity(user: User) -> list[str]:
    """Return the pages of one's devices, sessions, and activity, with something on each."""
    phone_for(user)
    device = remembered_for(user, label="A laptop with a long name, at the office in Hartford")
    remembered_for(user)
    sign_in(Client(), user)
    Event.objects.create(tag="account:password:wrong", subject_type="accounts.user", subject_id=str(user.pk), ip="::1")
    return [
        reverse("accounts:devices"),
        reverse("accounts:device-rename", args=[device.public_id]),
        reverse("accounts:phone-check"),
        reverse("accounts:activity"),
        f"{reverse('accounts:activity')}?kind=access",
        f"{reverse('accounts:activity')}?kind=nonsense",
    ]


@pytest.mark.parametrize("who", ["", "ana", "paula", "adam", "mia", "support"])
def test_no_page_has_a_finding_a_sideways_scroll_or_a_complaint_in_the_console(
    cast: Cast, look: Callable[..., Page], site: str, who: str
) -> None:
    found: list[str] = []
    page = look("/", getattr(cast, who) if who else None, 1280, "light")
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    for address in pages(cast)[who]:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
        page.goto(site + address)
        found += findings(page)
        # What may differ on a phone, in the dark; then what 200 % zoom leaves of 1280 px, and the narrowest screen that
        # counts (WCAG 1.4.10: 320 px).
        page.set_viewport_size({"width": 390, "height": 844})
        page.emulate_media(color_scheme="dark")
        page.reload()
        found += findings(page)
        for width in (640, 390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{page.url}: {wide} px wide on a screen of {width} px")
    # The browser itself complains of a page that is answered with 404 or 422, as these are.
    assert [line for line in found if "the server responded with a status of 4" not in line] == []


def test_without_script_the_phone_menu_opens_and_leads_on(cast: Cast, look: Callable[..., Page], site: str) -> None:
    page = look("/", cast.paula, 390, "light", java_script_enabled=False)
    menu = page.get_by_role("banner").locator("summary")
    expect(menu).to_contain_text("Menu")
    menu.click()
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Policies").click()
    expect(page).to_have_url(f"{site}/policies/")
    page.get_by_role("searchbox", name="Search policies").fill("riverbend")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Riverbend Medical Group").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Riverbend Medical Group")
    expect(page.get_by_role("main").get_by_text("In force until").first).to_be_visible()


def test_the_first_tab_stop_skips_to_the_content_and_the_ring_is_seen(cast: Cast, look: Callable[..., Page]) -> None:
    page = look("/policies/", cast.adam, 1280, "light")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    assert search.evaluate("field => getComputedStyle(field).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    expect(search).to_be_focused()


def test_escape_closes_the_menu_and_gives_the_focus_back(cast: Cast, look: Callable[..., Page]) -> None:
    page = look("/", cast.ana, 1280, "light")
    summary = page.get_by_role("banner").locator("summary")
    summary.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    page.get_by_role("heading", level=1).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_in_a_narrow_frame_a_table_is_cards_whose_cells_say_what_they_are(
    cast: Cast, look: Callable[..., Page]
) -> None:
    wide = look("/policies/", cast.adam, 1280, "light")
    assert wide.locator("tbody tr").first.evaluate("row => getComputedStyle(row).display") == "table-row"
    wide.context.close()
    phone = look("/policies/", cast.adam, 390, "light")
    row = phone.locator("tbody tr").first
    assert row.evaluate("row => getComputedStyle(row).display") == "block"
    label = row.locator("td").first.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == '"Policy"'


def test_on_a_tablet_the_first_column_has_room_for_a_name(cast: Cast, look: Callable[..., Page]) -> None:
    page = look(reverse("credentialing:home"), cast.paula, 820, "light")
    name = page.locator("tbody th").first
    assert page.locator("tbody tr").first.evaluate("row => getComputedStyle(row).display") == "table-row"
    assert name.evaluate("cell => cell.getBoundingClientRect().width >= 13 * 16")


def test_the_rows_of_a_list_are_as_wide_as_their_card(cast: Cast, look: Callable[..., Page]) -> None:
    page = look("/", cast.paula, 1280, "light")
    gap = "list => list.clientWidth - list.querySelector('li').getBoundingClientRect().width"
    assert page.locator(".menu-list").first.evaluate(gap) < 1
    page.set_viewport_size({"width": 820, "height": 900})
    assert page.locator(".menu-list").first.evaluate(gap) < 1


def test_on_paper_no_heading_is_left_over_its_links(cast: Cast, look: Callable[..., Page]) -> None:
    page = look("/", cast.paula, 1280, "light")
    page.emulate_media(media="print")
    expect(page.locator("#links")).to_be_hidden()
    empty = """headings => headings.filter(heading => heading.offsetParent)
        .filter(heading => heading.closest('section').innerText.trim() === heading.innerText.trim())
        .map(heading => heading.innerText)"""
    assert page.locator("main section h2").evaluate_all(empty) == []


def test_on_paper_there_are_no_controls(cast: Cast, look: Callable[..., Page]) -> None:
    page = look(cast.policy.get_absolute_url(), cast.paula, 1280, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".site-nav")).to_be_hidden()
    expect(page.locator(".row-action").first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_closed_on_screen_is_on_paper(
    cast: Cast, look: Callable[..., Page], tmp_path: Path, width: int
) -> None:
    page = look(cast.policy.get_absolute_url(), cast.paula, width, "light")
    expect(page.get_by_text("Telemedicine TM-2").first).to_be_hidden()
    file = tmp_path / "policy.pdf"
    page.pdf(path=file, format="Letter", print_background=True)
    text = text_of_file(file)
    assert "Telemedicine TM-2" in text, "what belongs to a coverage"
    assert "Agents of record" in text, "the policy's history"
    assert "$1,000,000 / $3,000,000" in text, "what a phone shows after a press on Details"
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 672, "height": 900})
    row = page.locator("tr.row-more > td").first
    assert row.evaluate("cell => cell.getBoundingClientRect().width / cell.closest('table').clientWidth") > 0.98


def a_held_run() -> Run:
    """Return a held run with a difference to review and a finding."""
    counts = dict.fromkeys(("rows", "inserted", "updated", "unretired", "unchanged", "retired"), 1)
    changed = {"key": "I1", "columns": [{"column": "zip", "was": "12207", "is": "12208"}]}
    sample = {"file": "insureds.csv", "added": ["I2"], "restored": [], "retired": [], "changed": [changed]}
    run = Run.objects.create(
        name="night.zip",
        status=Run.Status.HELD,
        counts={"insureds.csv": counts},
        finding_counts=[{"file": "insureds.csv", "code": "zip", "kind": "warning", "found": 1, "kept": 1}],
        difference={
            "reasons": ["12 of 40 rows of insureds.csv (30.0%) would be retired."],
            "examples": [{"file": "insureds.csv", "what": "retired", "keys": ["I3"]}],
            "samples": [sample],
        },
    )
    run.findings.create(stage="schema", kind="warning", file="insureds.csv", row=2, column="zip", code="zip")
    return run


def test_the_lists_logs_and_forms_of_staff_have_no_finding(cast: Cast, look: Callable[..., Page], site: str) -> None:
    cast.support.is_superuser = True
    cast.support.save()
    browsers_and_activity(cast.ana)
    run = a_held_run()
    page = look("/admin/", cast.support, 1280, "light")
    found: list[str] = []
    for address in (
        "/admin/",
        "/admin/accounts/user/?q=ana",
        f"/admin/accounts/user/{cast.ana.pk}/change/",
        f"/admin/accounts/user/{cast.ana.pk}/end-sessions/",
        f"/admin/accounts/user/{cast.ana.pk}/events/",
        "/admin/feed/run/",
        "/admin/feed/run/upload/",
        f"/admin/feed/run/{run.pk}/change/",
        f"/admin/feed/run/{run.pk}/findings/",
        f"/admin/policies/policy/{cast.policy.pk}/history/",
    ):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
            page.goto(site + address)
            found += findings(page)
    assert found == []
