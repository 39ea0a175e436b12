"""The claims team's queue in admin: due times, assignment, messages, files, and the patient on request."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from claims.events import IncidentEvent
from claims.models import IncidentReport
from core.models import Event, Mail
from tests.cast import Browse, Cast
from tests.claims.reports import PATIENT, STORY, a_draft, a_report
from tests.portal.test_support_queue import member_of
from tests.reading import words

pytestmark = pytest.mark.django_db
LIST = "/admin/claims/incidentreport/"


@pytest.fixture
def desk(browse: Browse) -> Client:
    return browse(member_of("Claims"))


@pytest.fixture
def report(cast: Cast) -> IncidentReport:
    cast.ana.email = "ana@example.com"
    cast.ana.save()
    return a_report(cast.paula, cast.anas, kind="suit")


def page_of(report: IncidentReport, act: str = "change") -> str:
    return f"{LIST}{report.pk}/{act}/"


def test_the_desk_and_the_list_show_what_waits_without_patient_or_story(
    cast: Cast, report: IncidentReport, desk: Client
) -> None:
    a_draft(cast.paula, cast.bens)
    assert "Reports of incidents and claims 1 waiting" in words(desk.get("/admin/"))
    listed = words(desk.get(LIST))
    assert report.number in listed
    for hidden in (PATIENT, STORY, "Ben"):
        assert hidden not in listed
    assert report.number in words(desk.get(f"{LIST}?papers=urgent&clock=waiting&assigned=nobody"))
    for query in ("Quackenbush", "sponge"):
        assert report.number not in words(desk.get(f"{LIST}?q={query}"))
    IncidentReport.objects.update(due_at=timezone.now() - dt.timedelta(hours=1))
    assert f"Overdue: {report.number}" in words(desk.get("/admin/"))


def test_a_draft_is_not_for_staff(cast: Cast, desk: Client) -> None:
    draft = a_draft(cast.paula, cast.bens)
    assert desk.get(page_of(draft)).status_code == 302  # to the index, as for any row that isn't there
    for act in ("answer", "close", "patient", "assign"):
        assert desk.post(page_of(draft, act), {"text": "x"}).status_code == 404


def test_the_patient_is_shown_on_request_and_each_look_is_recorded(report: IncidentReport, desk: Client) -> None:
    page = words(desk.get(page_of(report)))
    assert STORY in page
    assert PATIENT not in page.replace(f"{PATIENT} 1.pdf", "")
    looks = Event.objects.filter(tag=IncidentEvent.PATIENT_LOOKED_AT)
    assert not looks.exists()
    assert f"{PATIENT}, born 1951-02-03" in words(desk.post(page_of(report, "patient")))
    assert looks.get().data == {"number": report.number}
    assert desk.get(page_of(report, "patient")).status_code == 404
    assert Event.objects.filter(tag=IncidentEvent.LOOKED_AT).count() == 2


@pytest.mark.parametrize("group", ["Web support", "Customer service", "Risk", "Underwriting"])
def test_other_staff_see_nothing_of_it(report: IncidentReport, browse: Browse, group: str) -> None:
    browser = browse(member_of(group))
    file = report.files.get()
    assert browser.get(LIST).status_code == 403
    assert browser.get(page_of(report)).status_code == 403
    assert browser.get(page_of(report, f"file/{file.pk}")).status_code == 403
    assert browser.post(page_of(report, "patient")).status_code == 403


def test_staff_take_answer_and_close_and_both_sides_hear_of_it(
    cast: Cast, report: IncidentReport, desk: Client, browse: Browse
) -> None:
    sam = report.user.__class__.objects.get(username="sam")
    assert desk.post(page_of(report, "assign"), {"assigned_to": sam.pk}).status_code == 302
    sent = {"idempotency_key": uuid.uuid4(), "text": "Send us the chart."}
    assert desk.post(page_of(report, "answer"), sent).status_code == 302
    for user in (cast.paula, cast.ana):
        assert "Send us the chart." in words(browse(user).get(report.get_absolute_url()))
    answered = Mail.objects.filter(name="incident_answered")
    assert {mail.to for mail in answered} == {cast.paula.email, "ana@example.com"}
    assert all("chart" not in str(mail.context) for mail in answered)
    private = {"idempotency_key": uuid.uuid4(), "text": "Between us.", "private": "on"}
    assert desk.post(page_of(report, "answer"), private).status_code == 302
    assert "Between us." in words(browse(cast.ana).get(report.get_absolute_url()))
    assert "Between us." not in words(browse(cast.paula).get(report.get_absolute_url()))
    assert answered.all().count() == 3
    assert desk.post(page_of(report, "close")).status_code == 302
    report.refresh_from_db()
    assert report.status == "closed"


def test_staff_download_a_file_and_it_is_recorded(report: IncidentReport, desk: Client) -> None:
    file = report.files.get()
    response = desk.get(page_of(report, f"file/{file.pk}"))
    assert b"".join(response.streaming_content).startswith(b"%PDF")  # type: ignore[attr-defined]
    assert response["Content-Disposition"].startswith("attachment")
    assert Event.objects.get(tag=IncidentEvent.FILE_DOWNLOADED).on_behalf_of_id == report.user_id
