"""A roster of 1,000 rows with 30 changes and 10 errors, from the file to one request, in a real browser."""

from __future__ import annotations

import datetime as dt

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Browser, expect

from feed.example.people import check_digit
from policies.models import ChangeRequest, Coverage, Insured, RosterUpload
from tests.browser.test_axe import RULES
from tests.browser.test_batches import page_of
from tests.cast import make_cast
from tests.policies.rosters.files import a_workbook

pytestmark = pytest.mark.django_db(transaction=True)
MANY, CHANGED, WRONG, NEW, GONE = 1000, 30, 10, 5, 5
HEAD = ("Provider Last Name", "Provider First Name", "Individual NPI", "Birth Date", "Practice", "Primary Specialty")


def person(number: int) -> tuple[str, str, str]:
    digits = f"1{number:08}"
    return f"Abernathy{number:04}", f"Given{number % 40}", f"{digits}{check_digit(digits)}"


def insure(many: range, template: Coverage) -> None:
    people = []
    for number in many:
        last, first, npi = person(number)
        names = {"last_name": last, "first_name": first, "sort_key": f"{last} {first}".lower()}
        people.append(
            Insured(source="core", external_id=f"R{number}", kind="person", npi=npi, credential="MD", **names)
        )
    Insured.objects.bulk_create(people)
    copied = {field: getattr(template, field) for field in ("term", "part", "form", "retroactive_date", "specialty")}
    copied |= {
        field: getattr(template, field) for field in ("limit_per_claim", "limit_aggregate", "effective", "expires")
    }
    Coverage.objects.bulk_create(
        Coverage(source="core", external_id=f"RC{one.pk}", insured=one, sort_key=one.sort_key, **copied)
        for one in people
    )


def test_a_roster_of_a_thousand_rows_from_the_file_to_one_request(browser: Browser, site: str) -> None:
    cast = make_cast()
    insure(range(MANY), cast.anas)
    Coverage.objects.filter(pk__in=[cast.anas.pk, cast.bens.pk]).update(retired_at=dt.datetime.now(dt.UTC))
    rows: list[list[object]] = []
    # Five are gone, five new.
    for number in range(GONE, MANY + NEW):
        last, first, npi = person(number)
        rows.append([last, first, npi, dt.date(1970, 1, 1) + dt.timedelta(days=number), "", "Family medicine"])
    for row in rows[:CHANGED]:
        row[0] = f"Brandt-{row[0]}"
    for row in rows[CHANGED : CHANGED + WRONG]:
        row[3] = "31/31/1970"
    content = a_workbook(HEAD, *map(tuple, rows))
    page = page_of(browser, site, cast.paula)

    page.goto(reverse("policies:roster", args=[cast.policy.public_id]))
    page.get_by_label("Spreadsheet").set_input_files(
        {"name": "Roster.xlsx", "mimeType": "application/octet-stream", "buffer": content}
    )
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_label("Column D: Birth Date")).to_have_value("date_of_birth")
    expect(page.get_by_label("Column E: Practice")).to_have_value("")
    page.get_by_role("button", name="Compare").click()
    for tab in ("Errors 10", "In doubt 0", "New 5", "Gone 5", "Changed 30"):
        expect(page.get_by_role("link", name=tab)).to_be_visible()
    assert Axe().run(page, options=RULES).response["violations"] == []

    # One row is corrected in place, the others are left out.
    page.get_by_role("link", name="Correct row").first.click()
    page.get_by_label("Date of birth").fill("1/31/1970")
    page.get_by_role("button", name="Save the row").click()
    expect(page.get_by_role("link", name="Errors 9")).to_be_visible()
    page.get_by_role("button", name="Leave out all 9 rows with errors").click()
    page.get_by_role("link", name="Gone 5").click()
    page.get_by_role("button", name="Don’t remove Given0 Abernathy0000, MD").click()
    expect(page.get_by_role("button", name="Include it again Given0 Abernathy0000, MD")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.get_by_role("link", name="Review and send").click()
    first = cast.term.effective.isoformat()
    page.get_by_label("First day of coverage of those who are new").fill(first)
    page.get_by_label("First day without coverage of those who leave").fill(first)
    assert Axe().run(page, options=RULES).response["violations"] == []
    page.get_by_role("button", name="Send as one request").click()
    expect(page.get_by_text("We have your changes as one request.")).to_be_visible()

    request = ChangeRequest.objects.get()
    assert (request.about, request.items.count()) == ("5 added, 4 removed, 30 changed", 39)
    assert RosterUpload.objects.get().cells == ""
    page.context.close()
