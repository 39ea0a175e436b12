"""Change requests in real browsers: higher limits with a supplemental application, and a leave that ends up on the
certificate by the carrier's feed. No page has a finding of axe."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.models import OutboxMessage
from core.outbox import deliver
from policies.models import ChangeRequest
from tests.book import days
from tests.browser.people import issue_certificate, text_of
from tests.browser.test_axe import cast, findings, look  # noqa: F401  # fixtures of that module
from tests.browser.test_support import examined
from tests.cast import Cast
from tests.feed.packages import load, row, warnings

pytestmark = pytest.mark.django_db(transaction=True)
Look = Callable[..., Page]


@pytest.fixture
def named(cast: Cast) -> Cast:  # noqa: F811
    cast.paula.last_name = "Prescott"
    cast.paula.save()
    cast.support.is_superuser = True
    cast.support.save()
    return cast


def answer_no(page: Page) -> None:
    """Answer every question that can be answered so with no."""
    for group in page.locator("form.sheet").get_by_role("group").all():
        if group.get_by_label("No", exact=True).count():
            group.get_by_label("No", exact=True).check()


def test_higher_limits_with_a_supplemental_application_on_two_devices(
    look: Look,  # noqa: F811
    named: Cast,
    site: str,
) -> None:
    page = look(named.policy.get_absolute_url(), named.paula, 390, "light")
    page.get_by_role("main").get_by_role("link", name="Ask for a change").first.click()
    assert findings(page) == []
    page.get_by_role("link", name="Limits", exact=True).click()
    page.get_by_label("Which insured?").select_option(label="Ana Núñez, MD")
    page.get_by_label("$2,000,000 / $4,000,000").check()
    # It saves itself, and the address is that of the draft from then on.
    expect(page.locator("#draft-saved")).to_contain_text("Draft saved")
    expect(page).to_have_url(re.compile("/edit/$"))
    draft = ChangeRequest.objects.get()
    assert draft.typed["form"]["limits"] == ["2000000/4000000"]

    other = look("/", named.paula, 1280, "dark")
    other.get_by_role("link", name="Finish or discard a draft").click()
    expect(other.get_by_label("$2,000,000 / $4,000,000")).to_be_checked()
    other.get_by_role("button", name="Continue").click()
    expect(other.get_by_role("alert")).to_contain_text("Enter the day from which it should hold.")
    assert findings(other) == []
    other.get_by_label("From which day?").fill(days(20).isoformat())
    other.get_by_label("A hospital or plan asks for them").check()
    other.get_by_role("button", name="Continue").click()

    expect(other.get_by_role("heading", name="Supplemental application")).to_be_visible()
    assert findings(other) == []
    answer_no(other)
    other.get_by_label("No, only work from that day on").check()
    other.get_by_role("button", name="Continue").click()
    expect(other.get_by_role("heading", name="Check your request")).to_be_visible()
    expect(other.get_by_text("The premium may change.")).to_be_visible()
    assert examined(other, [reverse("policies:change-review", args=[draft.public_id])], site) == []
    other.get_by_label("Your full name").fill("Paula Prescott")
    other.get_by_label("I’ve read this statement").check()
    other.get_by_role("button", name="Sign and send").click()
    expect(other.get_by_text("We have your request.")).to_be_visible()
    expect(other.get_by_role("main").get_by_text("Submitted", exact=True)).to_be_visible()
    # Back to the review, and to the page that is still open elsewhere: it's sent already.
    other.go_back()
    other.goto(site + reverse("policies:change-review", args=[draft.public_id]))
    expect(other.get_by_role("heading", name="Limits", level=1)).to_be_visible()
    draft.refresh_from_db()
    assert draft.signed_name == "Paula Prescott"
    assert "complete and true" in draft.signed_text
    assert [item.action for item in draft.items.all()] == ["", "supplement"]
    pages = [draft.get_absolute_url(), "/policies/changes/", f"/policies/{named.policy.public_id}/changes/new/"]
    assert examined(other, pages, site) == []


def test_a_leave_ends_up_on_the_certificate_by_the_carriers_feed(
    look: Look,  # noqa: F811
    named: Cast,
    site: str,
    tmp_path: Path,
) -> None:
    starts, ends = days(10), days(70)
    page = look(f"/policies/{named.policy.public_id}/changes/new/?kind=leave", named.paula, 1280, "light")
    page.get_by_label("Which insured?").select_option(label="Ana Núñez, MD")
    page.get_by_label("First day of the leave").fill(starts.isoformat())
    page.get_by_label("First day back").fill(ends.isoformat())
    page.get_by_label("Parental").check()
    answer_no(page)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Days not covered: professional services from").first).to_be_visible()
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("main").get_by_text("Submitted", exact=True)).to_be_visible()
    asked = ChangeRequest.objects.get()

    desk = look("/admin/policies/changerequest/?clock=waiting", named.support, 1280, "light")
    assert findings(desk) == []
    desk.get_by_role("link", name="Leave of absence: Ana Núñez").click()
    assert findings(desk) == []
    desk.get_by_label("Assigned to:").select_option(label="support")
    desk.get_by_role("button", name="Assign").click()
    expect(desk.get_by_text("Assigned.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("main").get_by_text("In review", exact=True)).to_be_visible()

    updated = (timezone.now() + dt.timedelta(minutes=1)).isoformat()
    brought = {
        "suspensions.csv": [
            row(
                "suspensions.csv",
                suspension_id="S9",
                coverage_id=named.anas.external_id,
                from_=starts.isoformat(),
                to=ends.isoformat(),
                reason_code="leave",
            )
        ],
        "requests.csv": [
            row(
                "requests.csv",
                portal_request_id=asked.public_id,
                status="done",
                updated=updated,
                message="Suspended for these days.",
                charge="-310.00",
            )
        ],
    }
    run = load(tmp_path, brought, sequence=2, as_of=timezone.now())
    assert (run.status, warnings(run)) == ("applied", [])
    # Beat hands over what a load published, every minute.
    for message in OutboxMessage.objects.filter(topic="request.answered"):
        deliver(message.pk)
    assert ChangeRequest.objects.get().on_record_at is not None
    page.reload()
    expect(page.get_by_text("Our records show it since")).to_be_visible()
    expect(page.get_by_text("Lowers the premium by $310.00.")).to_be_visible()
    expect(page.get_by_text("Suspended for these days.")).to_be_visible()
    assert findings(page) == []

    page.goto(site + reverse("credentialing:issue", args=[named.anas.public_id]))
    text = text_of(issue_certificate(page, "Saint Brendan Medical Center"), tmp_path)
    assert "Days not covered." in text
    assert "aren’t covered" in text
