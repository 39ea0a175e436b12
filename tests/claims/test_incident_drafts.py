"""Drafts of reports: for whom, saved as one types, files kept, and nothing lost (S-45)."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from claims.events import IncidentEvent
from claims.incidents.drafting import begin, choices_for, forget_old_drafts
from claims.models import IncidentReport
from core.models import Event, Mail, OutboxMessage, Upload
from core.storage import private_storage
from core.uploads.checking import MOST_BYTES
from policies.models import Coverage
from tests.book import CoverageFactory, InsuredFactory, days
from tests.cast import Browse, Cast
from tests.claims.reports import PATIENT, STORY, a_draft, a_report
from tests.feed.assets import a_pdf
from tests.reading import words
from tests.uploads import HTML, an_image, uploaded

pytestmark = pytest.mark.django_db
NEW = "/claims/incidents/new/"


def start(browser: Client, coverage: Coverage) -> Any:
    return browser.post(NEW, {"coverage": coverage.public_id, "idempotency_key": uuid.uuid4()})


def address(report: IncidentReport, act: str = "edit") -> str:
    return reverse(f"claims:incident-{act}", args=[report.public_id])


def typed(report: IncidentReport, **values: Any) -> dict[str, Any]:
    """Return what the form sends."""
    filled = {"kind": "incident", "happened_on": str(days(-3)), "description": STORY, "patient_name": PATIENT}
    return {"version": report.version, "window": "one"} | filled | values


def test_insureds_policyholders_and_agents_start_a_report_about_whom_they_see(cast: Cast, browse: Browse) -> None:
    for user, role in ((cast.ana, "insured"), (cast.paula, "policyholder"), (cast.adam, "agent")):
        response = start(browse(user), cast.anas)
        report = IncidentReport.objects.get(user=user)
        assert response.url == address(report)
        assert (report.role, report.insured_id, report.status) == (role, cast.anas.insured_id, "draft")
        assert browse(user).get(response.url).status_code == 200
    assert Event.objects.filter(tag=IncidentEvent.STARTED).count() == 3


def test_nobody_starts_one_about_others(cast: Cast, browse: Browse) -> None:
    for user, coverage in ((cast.ana, cast.bens), (cast.olga, cast.anas), (cast.adam, cast.mias)):
        assert start(browse(user), coverage).status_code == 404
    assert browse(cast.support).get(NEW).status_code == 403
    assert start(browse(cast.ana), cast.anas).status_code == 302
    assert browse(cast.ana).post(NEW, {}).status_code == 422


def test_an_incident_of_a_time_that_is_past_is_reported_by_who_was_covered_then(cast: Cast, browse: Browse) -> None:
    Coverage.objects.filter(pk=cast.anas.pk).update(effective=days(-900), expires=days(-500))
    cast.policy.terms.update(effective=days(-900), expires=days(-500), status="expired")
    browser = browse(cast.ana)
    assert "Ana Núñez" in words(browser.get(NEW))
    assert start(browser, cast.anas).status_code == 302


def test_whom_a_report_is_about_is_found_by_name_or_number(cast: Cast) -> None:
    for number in range(30):
        CoverageFactory.create(
            term=cast.term, insured=InsuredFactory.create(first_name="Zed", last_name=f"Filler{number:02}")
        )
    shown, more = choices_for(cast.paula)
    assert (len(shown), more) == (25, True)
    assert [each.insured_id for each in choices_for(cast.paula, "nunez")[0]] == [cast.anas.insured_id]
    assert len(choices_for(cast.paula, cast.policy.number)[0]) == 25
    assert choices_for(cast.paula, "elsewhere") == ([], False)
    assert choices_for(cast.paula, policy=cast.mias.term.policy.public_id) == ([], False)


def test_the_same_form_starts_one_draft(cast: Cast, browse: Browse) -> None:
    sent = {"coverage": cast.anas.public_id, "idempotency_key": uuid.uuid4()}
    browser = browse(cast.ana)
    assert browser.post(NEW, sent).url == browser.post(NEW, sent).url
    assert IncidentReport.objects.count() == 1


def test_a_draft_is_as_incomplete_as_one_likes(cast: Cast, browse: Browse) -> None:
    report = begin(cast.anas, by=cast.ana, key=uuid.uuid4())
    browser = browse(cast.ana)
    sent = {"version": 0, "window": "one", "description": "Only this.", "save": "1"}
    assert browser.post(address(report), sent).url == address(report)
    report.refresh_from_db()
    assert report.description == "Only this."
    said = words(browser.post(address(report), {**sent, "version": report.version, "review": "1"}))
    assert "Choose what has happened so far." in said
    assert "Enter the date of the incident." in said
    assert browser.get(address(report, "review")).url == address(report)


def test_a_fault_has_its_sentence_and_the_rest_is_kept(cast: Cast, browse: Browse) -> None:
    report = begin(cast.anas, by=cast.ana, key=uuid.uuid4())
    sent = typed(report, happened_on="someday", answer_due="2026-02-31", patient_birth_date=str(days(5)))
    response = browse(cast.ana).post(address(report), sent)
    assert response.status_code == 422
    assert words(response).count("Enter a date, such as 03/14/2026.") == 4  # each in the summary, and at its field
    assert "The patient’s date of birth is in the future." in words(response)
    report.refresh_from_db()
    assert (report.description, report.patient_name, report.happened_on) == (STORY, PATIENT, None)


def test_a_refused_file_leaves_what_was_typed_and_the_good_files(cast: Cast, browse: Browse) -> None:
    report = begin(cast.anas, by=cast.ana, key=uuid.uuid4())
    files = [
        uploaded("chart.pdf", a_pdf()),
        uploaded("scan.pdf", HTML),
        uploaded("photo.png", an_image()),
        uploaded("large.pdf", b"%PDF-" + bytes(MOST_BYTES)),
    ]
    browser = browse(cast.ana)
    response = browser.post(address(report), {**typed(report), "uploads": files, "review": "1"})
    assert response.status_code == 422
    said = words(response)
    assert "“scan.pdf” is a web page (HTML), whatever its name says." in said
    assert "“large.pdf” is larger than 10 MB." in said
    report.refresh_from_db()
    assert report.description == STORY
    assert [each.upload.filename for each in report.files.select_related("upload")] == ["chart.pdf", "photo.png"]
    again = {**typed(report), "uploads": [uploaded("chart.pdf", a_pdf())], "review": "1"}
    assert browser.post(address(report), again).url == address(report, "review")
    assert report.files.count() == 2, "the same file twice is one"


def test_a_file_is_removed_with_its_content_and_what_was_typed_is_saved(
    cast: Cast, browse: Browse, django_capture_on_commit_callbacks: Any
) -> None:
    report = begin(cast.anas, by=cast.ana, key=uuid.uuid4())
    browser = browse(cast.ana)
    browser.post(address(report), {**typed(report), "uploads": [uploaded("chart.pdf", a_pdf())]})
    file = report.files.select_related("upload").get()
    report.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(address(report), {**typed(report, place="Ward 3"), "remove": file.public_id})
    report.refresh_from_db()
    assert (report.files.count(), Upload.objects.count(), report.place) == (0, 0, "Ward 3")
    assert not private_storage().exists(file.upload.stored_as)


def test_what_is_typed_is_saved_without_sending_the_form(cast: Cast, browse: Browse) -> None:
    report = begin(cast.anas, by=cast.ana, key=uuid.uuid4())
    browser = browse(cast.ana)
    said = browser.post(address(report, "autosave"), typed(report))
    report.refresh_from_db()
    assert report.description == STORY
    assert "Saved at" in words(said)
    assert f'name="version" value="{report.version}"' in said.content.decode()


def test_another_window_doesnt_overwrite_and_loses_nothing(cast: Cast, browse: Browse) -> None:
    report = begin(cast.anas, by=cast.ana, key=uuid.uuid4())
    browser = browse(cast.ana)
    browser.post(address(report, "autosave"), typed(report, description="From the first window."))
    sent = typed(report, window="two", description="From the second window.", save="1")
    refused = browser.post(address(report), sent)
    assert refused.status_code == 409
    assert "This draft was changed in another window." in words(refused)
    assert "From the second window." in words(refused)
    report.refresh_from_db()
    assert report.description == "From the first window."
    assert browser.post(address(report), {**sent, "version": report.version}).status_code == 302
    # What the first window's own page sent before its answer came isn't another window's.
    browser.post(address(report, "autosave"), {**sent, "version": 0, "description": "Later."})
    report.refresh_from_db()
    assert report.description == "Later."


def test_a_draft_is_nobody_elses(cast: Cast, browse: Browse) -> None:
    report = a_draft(cast.paula, cast.anas)
    for user in (cast.ana, cast.adam, cast.ben):
        for act in ("edit", "review"):
            assert browse(user).get(address(report, act)).status_code == 404
        assert browse(user).post(address(report, "submit"), {"version": 1}).status_code == 404


def test_sending_is_once_whatever_tabs_and_the_back_button_do(cast: Cast, browse: Browse) -> None:
    report = a_draft(cast.ana, cast.anas)
    browser = browse(cast.ana)
    assert STORY in words(browser.get(address(report, "review")))
    stale = browser.post(address(report, "submit"), {"version": 0})
    assert stale.url == address(report, "review"), "it isn't what was read"
    sent = {"version": report.version}
    assert browser.post(address(report, "submit"), sent).url == report.get_absolute_url()
    report.refresh_from_db()
    number = report.number
    assert browser.post(address(report, "submit"), sent).url == report.get_absolute_url()
    assert browser.post(address(report), typed(report, description="Changed.")).url == report.get_absolute_url()
    browser.post(address(report, "autosave"), typed(report, description="Changed."))
    assert browser.post(address(report, "discard")).url == report.get_absolute_url()
    report.refresh_from_db()
    assert (report.number, report.description) == (number, STORY)
    assert OutboxMessage.objects.filter(topic="incident.submitted").count() == 1
    assert Mail.objects.filter(name="incident_waiting").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_windows_that_send_at_once_send_one_report(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("celery.Celery.send_task", lambda _self, name, args=(), **_more: None)
    report = a_draft(cast.ana, cast.anas)
    together, outcomes = threading.Barrier(4), []

    def send() -> None:
        own = IncidentReport.objects.get(pk=report.pk)
        together.wait(60)
        outcomes.append(own.submit(by=cast.ana, version=report.version))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(outcomes) == [False, False, False, True]
    assert OutboxMessage.objects.filter(topic="incident.submitted").count() == 1


def test_old_drafts_go_with_their_files_and_what_was_sent_stays(
    cast: Cast, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    old, sent, fresh = a_draft(cast.ana, cast.anas), a_report(cast.ana, cast.anas), a_draft(cast.ana, cast.anas)
    IncidentReport.objects.filter(pk=old.pk).update(changed_at=timezone.now() - dt.timedelta(days=91))
    IncidentReport.objects.filter(pk=sent.pk).update(changed_at=timezone.now() - dt.timedelta(days=91))
    with django_capture_on_commit_callbacks(execute=True):
        assert forget_old_drafts() == 1
    assert set(IncidentReport.objects.values_list("pk", flat=True)) == {sent.pk, fresh.pk}


def test_too_many_in_an_hour_are_refused_with_the_time_and_the_phone(cast: Cast, browse: Browse, settings: Any) -> None:
    settings.INCIDENTS_PER_USER = 1
    settings.INCIDENT_FILES_PER_USER = 1
    browser = browse(cast.ana)
    assert start(browser, cast.anas).status_code == 302
    refused = start(browser, cast.anas)
    assert refused.status_code == 429
    assert settings.CLAIMS_PHONE in words(refused)
    report = IncidentReport.objects.get()
    files = [uploaded("a.png", an_image()), uploaded("b.jpg", an_image("JPEG"))]
    response = browser.post(address(report), {**typed(report), "uploads": files})
    assert response.status_code == 429
    report.refresh_from_db()
    assert (report.description, report.files.count()) == (STORY, 1)
