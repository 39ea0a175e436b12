"""An incident with three files, from home to the claims team's answer, in a real browser: scanned by ClamAV's own
protocol, saved as one types, one file refused first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from claims.models import IncidentReport
from core.models import OutboxMessage, Upload
from tests.book import days
from tests.browser.people import text_of_file, until
from tests.browser.test_axe import cast, findings, look  # noqa: F401  # fixtures of that module
from tests.cast import Cast
from tests.claims.reports import PATIENT, STORY, a_matter
from tests.clamd import StandIn
from tests.feed.assets import a_pdf
from tests.uploads import HTML, an_image, an_office_file

pytestmark = pytest.mark.django_db(transaction=True)
CHOOSE = "Files"


@pytest.fixture(autouse=True)
def _scanner(settings: Settings) -> Iterator[None]:
    with StandIn() as server:
        settings.CLAMD_ADDRESS = server.address
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield
        server.shutdown()


def fit(page: Page) -> list[str]:
    """Return what axe says, and whether the page is wider than a phone."""
    page.set_viewport_size({"width": 390, "height": 900})
    found = findings(page)
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > 390:
        found.append(f"{page.url}: {wide} px wide")
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def test_an_incident_with_three_files_one_of_which_is_refused_first(
    look: Callable[..., Page],  # noqa: F811
    cast: Cast,  # noqa: F811
    site: str,
    tmp_path: Path,
) -> None:
    made = {"chart.pdf": a_pdf(), "scan.pdf": HTML, "photo.png": an_image(), "notes.docx": an_office_file()}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    found: list[str] = []
    page = look("/", cast.ana, 1280, "light")
    page.get_by_role("main").get_by_role("link", name="Report an incident").first.click()
    found += fit(page)
    page.get_by_role("button", name="Start").click()

    # Saved as one types: another device has it at once.
    page.get_by_label("What happened?").fill(STORY)
    expect(page.get_by_role("status").filter(has_text="Saved at")).to_be_visible()
    phone = look(IncidentReport.objects.get().get_absolute_url(), cast.ana, 390, "dark")
    expect(phone.get_by_label("What happened?")).to_have_value(STORY)
    page.get_by_label("A summons, a complaint, or other court papers").check()
    page.get_by_label("Date of the incident").fill(str(days(-3)))
    page.get_by_label("Patient’s name").fill(PATIENT)
    page.get_by_label(CHOOSE).set_input_files([tmp_path / "chart.pdf", tmp_path / "scan.pdf", tmp_path / "photo.png"])
    page.get_by_role("button", name="Review and send").click()

    expect(page.get_by_role("alert")).to_contain_text("“scan.pdf” is a web page (HTML), whatever its name says.")
    expect(page.get_by_role("button", name="Remove chart.pdf")).to_be_visible()
    expect(page.get_by_label("Patient’s name")).to_have_value(PATIENT)
    found += fit(page)
    page.get_by_label(CHOOSE).set_input_files(tmp_path / "notes.docx")
    page.get_by_role("button", name="Review and send").click()

    expect(page.get_by_role("heading", name="Check your report")).to_be_visible()
    for name in ("chart.pdf", "photo.png", "notes.docx", PATIENT):
        expect(page.get_by_role("main")).to_contain_text(name)
    found += fit(page)
    page.get_by_role("button", name="Send report").click()
    report = IncidentReport.objects.get()
    expect(page.get_by_role("heading", name=report.number)).to_be_visible()
    expect(page.get_by_text("What to do now")).to_be_visible()
    found += fit(page)
    with page.expect_download() as receipt:
        page.get_by_role("link", name="Download receipt").click()
    text = text_of_file(Path(receipt.value.path()))
    assert report.number in text
    assert PATIENT not in text
    page.go_back()
    expect(page.get_by_text("You’ve sent this report already.")).to_be_visible()
    assert OutboxMessage.objects.filter(topic="incident.submitted").count() == 1

    until(lambda: not Upload.objects.exclude(status="ready").exists())
    page.reload()
    with page.expect_download() as chart:
        page.get_by_role("link", name="chart.pdf").click()
    assert Path(chart.value.path()).read_bytes() == made["chart.pdf"]
    assert set(Upload.objects.values_list("status", flat=True)) == {"ready"}

    cast.support.is_superuser = True
    cast.support.save()
    desk = look(f"/admin/claims/incidentreport/{report.pk}/change/", cast.support, 1280, "light")
    expect(desk.get_by_text(PATIENT, exact=True)).to_have_count(0)
    found += findings(desk)
    desk.get_by_role("button", name="Show the patient").click()
    expect(desk.get_by_text(PATIENT, exact=True)).to_be_visible()
    desk.get_by_label("Answer:").fill("Counsel will call you today.")
    desk.get_by_role("button", name="Send answer").click()
    page.goto(site + report.get_absolute_url())
    expect(page.get_by_text("Counsel will call you today.")).to_be_visible()

    matter = a_matter(cast.anas, by=cast.support)
    page.goto(f"{site}/claims/")
    found += fit(page)
    page.get_by_role("link", name=matter.claim.number).click()
    page.get_by_label("Write to the claims team").fill("Thank you.")
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_text("Thank you.")).to_be_visible()
    found += fit(page)
    desk.goto(f"{site}/admin/claims/matter/{matter.pk}/change/")
    found += findings(desk)
    assert not found, "\n".join(found)


def test_a_report_is_sent_without_javascript(
    look: Callable[..., Page],  # noqa: F811
    cast: Cast,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "chart.pdf").write_bytes(a_pdf())
    page = look("/claims/incidents/new/", cast.ana, 390, "light", java_script_enabled=False)
    page.get_by_role("button", name="Start").click()
    page.get_by_label("What happened?").fill(STORY)
    page.get_by_label(CHOOSE).set_input_files(tmp_path / "chart.pdf")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Saved. Nothing is sent yet.")).to_be_visible()
    page.get_by_label("Something happened, and nobody has made a claim").check()
    page.get_by_label("Date of the incident").fill(str(days(-3)))
    page.get_by_role("button", name="Review and send").click()
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("We have your report.")).to_be_visible()
