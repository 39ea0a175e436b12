"""Reports that were sent: evidence, who sees how much, and that no patient shows anywhere else (S-45)."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import pypdf
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.urls import reverse

from claims.events import IncidentEvent
from claims.models import Claim, IncidentFile, IncidentMessage, IncidentReport
from core.models import Event, Mail, OutboxMessage
from core.storage import private_storage
from tests.book import insured_by
from tests.cast import Browse, Cast
from tests.claims.reports import PATIENT, STORY, a_draft, a_report
from tests.factories import UserFactory
from tests.feed.assets import a_pdf
from tests.reading import words
from tests.uploads import an_image, uploaded

pytestmark = pytest.mark.django_db


def add_to(report: IncidentReport) -> str:
    return reverse("claims:incident-add", args=[report.public_id])


def test_a_report_goes_out_at_once_with_a_number_and_a_time(cast: Cast, settings: Any) -> None:
    settings.CLAIMS_EMAIL = "claims@carrier.example"
    cast.ana.email = "ana@example.com"
    cast.ana.save()
    report = a_report(cast.paula, cast.anas, kind="suit")
    assert report.number.startswith("IR-20")
    message = OutboxMessage.objects.get(topic="incident.submitted")
    assert message.key == report.public_id
    assert message.payload["number"] == report.number
    assert message.payload["urgent"] is True
    assert report.submitted_at is not None
    assert report.due_at - report.submitted_at == settings.INCIDENT_URGENT_WITHIN
    told = {mail.name: mail.to for mail in Mail.objects.all()}
    assert told["incident_waiting"] == "claims@carrier.example"
    assert told["incident_received"] == cast.paula.email
    assert told["incident_reported_for_you"] == "ana@example.com"


def test_nothing_of_patient_or_story_is_anywhere_in_plain_text(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    report = a_report(cast.paula, cast.anas, others="Nurse Zephyrine", phone="(860) 555-0199")
    report.add(text="Quackenbush called.", key=uuid.uuid4(), by=cast.paula)
    report.answer(text="Dear Quackenbush family", by=cast.support, key=uuid.uuid4())
    tables = [*("core_event", "core_outboxmessage", "core_mail", "core_upload", "core_throttle")]
    tables += ["claims_incidentreport", "claims_incidentmessage", "claims_incidentfile"]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT coalesce(json_agg(t)::text, '') FROM {table} t")  # noqa: S608  # named above
            (text,) = cursor.fetchone()
            for secret in ("Quackenbush", "1951", "sponge", "Zephyrine", "555-0199"):
                assert secret not in text, f"{secret} in {table}"
    for secret in ("Quackenbush", "sponge"):
        assert secret not in caplog.text
    for file in report.files.select_related("upload"):
        with private_storage().open(file.upload.stored_as) as stored:
            assert b"%PDF" not in stored.read()
    assert "Quackenbush" not in f"{report}{report.files.first()}{report.messages.first()}"


def test_what_was_sent_stays_as_it_was_sent(cast: Cast) -> None:
    report = a_report(cast.ana, cast.anas)
    message = report.add(text="More.", key=uuid.uuid4(), by=cast.ana)
    assert message is not None
    refused = [
        lambda: IncidentReport.objects.filter(pk=report.pk).update(happened_on=None),
        lambda: IncidentReport.objects.filter(pk=report.pk).update(number="IR-1"),
        lambda: IncidentReport.objects.filter(pk=report.pk).delete(),
        lambda: IncidentFile.objects.filter(report=report).delete(),
        lambda: IncidentMessage.objects.filter(pk=message.pk).update(private=True),
        lambda: IncidentMessage.objects.filter(pk=message.pk).delete(),
    ]
    for attempt in refused:
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    for table in ("claims_incidentreport", "claims_incidentmessage", "claims_incidentfile"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(f"TRUNCATE {table} CASCADE")
    assert report.is_intact
    IncidentReport.objects.filter(pk=report.pk).update(description="Nothing happened.")
    report.refresh_from_db()
    assert not report.is_intact, "the fingerprint tells"


def test_the_receipt_has_number_time_and_notice_and_not_the_patient(cast: Cast, browse: Browse, settings: Any) -> None:
    settings.INCIDENT_NOTICE = {"*": "This report is notice of a medical incident."}
    report = a_report(cast.ana, cast.anas)
    settings.INCIDENT_NOTICE = {"*": "Another wording."}
    browser = browse(cast.ana)
    page = words(browser.get(report.get_absolute_url()))
    assert report.number in page
    assert "This report is notice of a medical incident." in page
    response = browser.get(reverse("claims:incident-receipt", args=[report.public_id]))
    assert response["Content-Disposition"] == f'attachment; filename="Receipt {report.number}.pdf"'
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(response.content)).pages)
    flat = " ".join(text.split())
    for expected in (report.number, "notice of a medical incident", STORY, "Ana Núñez"):
        assert expected in flat
    assert "1951" not in flat
    assert Event.objects.filter(tag=IncidentEvent.RECEIPT_DOWNLOADED, subject_id=str(report.pk)).exists()


def test_the_wording_about_notice_is_the_companys_own(cast: Cast, settings: Any) -> None:
    settings.INCIDENT_NOTICE = {"*": "Ask.", cast.policy.company.external_id: "It counts."}
    assert a_report(cast.ana, cast.anas).notice_wording == "It counts."
    assert a_report(cast.mia, cast.mias).notice_wording == "Ask."


def test_papers_with_a_deadline_are_flagged_with_what_to_do_now(cast: Cast, browse: Browse) -> None:
    page = words(browse(cast.ana).get(a_report(cast.ana, cast.anas, kind="suit").get_absolute_url()))
    assert "What to do now" in page
    assert "Court papers have a deadline" in page
    assert "What to do now" not in words(browse(cast.ana).get(a_report(cast.ana, cast.anas).get_absolute_url()))


def test_the_reporter_alone_sees_the_patient_and_the_insured_the_story(cast: Cast, browse: Browse) -> None:
    report = a_report(cast.paula, cast.anas)
    assert PATIENT in words(browse(cast.paula).get(report.get_absolute_url()))
    insureds = words(browse(cast.ana).get(report.get_absolute_url()))
    assert STORY in insureds
    assert "Patient" not in insureds.replace("patient", "")
    for user in (cast.ben, cast.adam, cast.mia, cast.olga):
        assert browse(user).get(report.get_absolute_url()).status_code == 404


def test_a_policyholder_learns_of_an_insureds_report_only_where_the_company_says_so(
    cast: Cast, browse: Browse, settings: Any
) -> None:
    report = a_report(cast.ana, cast.anas)
    browser = browse(cast.paula)
    assert browser.get(report.get_absolute_url()).status_code == 404
    assert report.number not in words(browser.get("/claims/"))
    settings.INCIDENTS_SHOWN_TO_POLICYHOLDERS = [cast.policy.company.external_id]
    page = words(browser.get(report.get_absolute_url()))
    assert report.number in page
    for hidden in (STORY, PATIENT, "Add to report"):
        assert hidden not in page
    assert browser.post(add_to(report), {"text": "x", "idempotency_key": uuid.uuid4()}).status_code == 403
    assert browser.get(reverse("claims:incident-receipt", args=[report.public_id])).status_code == 403
    assert browser.get(report.files.first().get_absolute_url()).status_code == 404
    assert browse(cast.adam).get(report.get_absolute_url()).status_code == 404, "an agent never"
    settings.INCIDENTS_SHOWN_TO_POLICYHOLDERS = ["another company"]
    assert browser.get(report.get_absolute_url()).status_code == 404


def test_who_lost_access_to_the_policy_doesnt_see_what_they_reported(cast: Cast, browse: Browse) -> None:
    report = a_report(cast.paula, cast.anas)
    cast.paula.memberships.get().revoke(by=cast.support, reason="left")
    assert browse(cast.paula).get(report.get_absolute_url()).status_code == 404


def test_what_the_insured_adds_to_anothers_report_is_between_them_and_staff(cast: Cast, browse: Browse) -> None:
    report = a_report(cast.paula, cast.anas)
    sent = {"text": "I told nobody else.", "idempotency_key": uuid.uuid4(), "uploads": [uploaded("n.png", an_image())]}
    assert browse(cast.ana).post(add_to(report), sent).status_code == 302
    file = IncidentFile.objects.get(message__isnull=False)
    assert "I told nobody else." in words(browse(cast.ana).get(report.get_absolute_url()))
    assert "I told nobody else." not in words(browse(cast.paula).get(report.get_absolute_url()))
    assert browse(cast.ana).get(file.get_absolute_url()).status_code == 200
    assert browse(cast.paula).get(file.get_absolute_url()).status_code == 404
    assert Mail.objects.filter(name="incident_waiting").count() == 2
    browse(cast.paula).post(add_to(report), {"text": "Seen by both.", "idempotency_key": uuid.uuid4()})
    assert "Seen by both." in words(browse(cast.ana).get(report.get_absolute_url()))


def test_the_same_addition_twice_is_one_and_faults_have_sentences(cast: Cast, browse: Browse) -> None:
    report, browser = a_report(cast.ana, cast.anas), browse(cast.ana)
    sent = {"text": "More.", "idempotency_key": uuid.uuid4()}
    for _ in range(2):
        assert browser.post(add_to(report), sent).status_code == 302
    assert report.messages.count() == 1
    nothing = browser.post(add_to(report), {"idempotency_key": uuid.uuid4()})
    assert nothing.status_code == 422
    assert "Write what you want to add, or choose a file." in words(nothing)
    faulty = {"text": "Kept.", "idempotency_key": uuid.uuid4(), "uploads": [uploaded("x.pdf", b"no")]}
    refused = browser.post(add_to(report), faulty)
    assert refused.status_code == 422
    assert "“x.pdf” is another kind of file" in words(refused)
    assert "Kept." in words(refused)
    report.close(by=cast.support)
    closed = browser.post(add_to(report), {"text": "Late.", "idempotency_key": uuid.uuid4()})
    assert closed.status_code == 409
    assert "This report is closed." in words(closed)


def test_a_file_is_downloaded_never_shown(cast: Cast, browse: Browse) -> None:
    report = a_report(cast.ana, cast.anas)
    response = browse(cast.ana).get(report.files.first().get_absolute_url())
    assert b"".join(response.streaming_content) == a_pdf(pages=1)
    assert response["Content-Disposition"].startswith("attachment")
    assert Event.objects.get(tag=IncidentEvent.FILE_DOWNLOADED).data == {"file": report.files.first().public_id}


def test_staff_who_look_as_the_customer_see_that_it_is_there_and_no_more(
    cast: Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = a_report(cast.ana, cast.anas)
    for module in ("views", "draft_views"):
        monkeypatch.setattr(f"claims.incidents.{module}.look_of", lambda _request: object())
    browser = browse(cast.ana)
    page = words(browser.get(report.get_absolute_url()))
    assert report.number in page
    assert STORY not in page
    assert PATIENT not in page
    assert browser.get(report.files.first().get_absolute_url()).status_code == 404
    assert browser.get(reverse("claims:incident-edit", args=[report.public_id])).status_code == 403


def test_a_report_is_never_on_a_claims_history(cast: Cast) -> None:
    """What a history and a loss run hold comes from `Claim` alone, and a report makes no claim."""
    a_report(cast.ana, cast.anas, kind="suit")
    assert not Claim.objects.exists()
    assert list(Claim.objects.filter(insured=cast.anas.insured).for_third_parties()) == []


def test_an_insured_with_two_accounts_is_told_at_both_and_the_reporter_once(cast: Cast) -> None:
    other = UserFactory.create(username="ana2", email="ana2@example.com")
    insured_by(other, cast.anas.insured)
    a_report(cast.ana, cast.anas)
    assert Mail.objects.filter(name="incident_reported_for_you").values_list("to", flat=True).get() == other.email


def test_home_and_the_policys_page_lead_to_it(cast: Cast, browse: Browse) -> None:
    a_draft(cast.ana, cast.anas)
    browser = browse(cast.ana)
    home = words(browser.get("/"))
    assert "Report an incident" in home
    assert "Draft about Ana Núñez" in home
    paulas = browse(cast.paula).get(cast.policy.get_absolute_url()).content.decode()
    assert f"/claims/incidents/new/?policy={cast.policy.public_id}" in paulas


def test_the_list_asks_as_often_for_many_as_for_one(
    cast: Cast, browse: Browse, django_assert_max_num_queries: Any
) -> None:
    for _ in range(6):
        a_report(cast.ana, cast.anas)
    browser = browse(cast.ana)
    browser.get("/claims/")
    with django_assert_max_num_queries(9):
        assert browser.get("/claims/").status_code == 200


def test_the_message_to_the_carriers_systems_names_no_person(cast: Cast) -> None:
    report = a_report(cast.ana, cast.anas)
    payload = json.dumps(OutboxMessage.objects.get(topic="incident.submitted").payload)
    assert report.number in payload
    for name in ("Ana", "Núñez", "Quackenbush"):
        assert name not in payload
