"""The renewal application: when it opens, who fills it in, what is saved, and what is submitted (S-28)."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from core.models import Event, Mail, OutboxMessage
from policies.models import (
    Company,
    Policy,
    RenewalApplication,
    RenewalPart,
    RenewalSection,
    RenewalSignature,
    RenewalSubmission,
    Term,
)
from policies.renewals import drafting, rendering, submitting
from policies.renewals.access import NotNowError, renewal_for
from policies.renewals.stages import Stage
from tests.book import CoverageFactory, InsuredFactory, TermFactory, days, delegate_of
from tests.browser.people import text_of_file
from tests.factories import UserFactory
from tests.policies.renewals.book import (
    PAGES,
    address,
    application_of,
    ends_in,
    fill_in,
    fresh,
    part_of,
    renewing,
    signed_by,
    submitted,
)
from tests.reading import words

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

    from tests.cast import Browse, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    return renewing()


def stage(cast: Cast, user: Any = None) -> Stage:
    return renewal_for(user or cast.paula, cast.policy.public_id).stage


# When it opens, and to whom.


@pytest.mark.parametrize(("left", "opens"), [(91, False), (90, True), (1, True), (0, False)])
def test_it_opens_90_days_before_the_end_and_closes_with_the_term(cast: Cast, left: int, opens: bool) -> None:
    ends_in(cast, left)
    assert renewal_for(cast.paula, cast.policy.public_id).can_start is opens


def test_days_ahead_are_a_setting(cast: Cast, settings: Settings) -> None:
    settings.RENEWAL_OPENS_DAYS = 30
    found = renewal_for(cast.paula, cast.policy.public_id)
    assert not found.can_start
    assert "opens on" in found.closed_because


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": Policy.Status.NONRENEWED}, "We aren’t renewing"),
        ({"status": Policy.Status.CANCELLED, "cancellation_effective": days(30)}, "We aren’t renewing"),
    ],
)
def test_a_policy_that_isnt_renewed_has_nothing_to_fill_in(cast: Cast, change: dict[str, Any], sentence: str) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(**change)
    assert sentence in renewal_for(cast.paula, cast.policy.public_id).closed_because


def test_a_company_without_the_service_shows_and_takes_nothing(cast: Cast, browse: Browse) -> None:
    application_of(cast)
    Company.objects.filter(pk=cast.policy.company_id).update(services=["pay"])
    paula = browse(cast.paula)
    for name in ("renewal", "renewal-review", "renewal-parts"):
        assert paula.get(address(name, cast.policy.public_id)).status_code == 403
    assert paula.post(address("renewal-start", cast.policy.public_id)).status_code == 403
    assert not RenewalApplication.objects.visible_to(cast.paula).exists()


def test_an_agent_sees_it_once_it_is_submitted_and_prepares_only_where_the_company_says_so(
    cast: Cast, browse: Browse, settings: Settings
) -> None:
    application = application_of(cast)
    adam, here = browse(cast.adam), address("renewal-page", cast.policy.public_id, "address")
    assert adam.get(here).status_code == 404
    assert adam.post(address("renewal-start", cast.policy.public_id)).status_code == 403
    settings.RENEWALS_PREPARED_BY_AGENTS = [cast.policy.company.external_id]
    assert adam.post(here, PAGES["address"]).status_code == 302
    assert RenewalSection.objects.get(application=application, name="address").saved_by == cast.adam
    # Never signs.
    assert adam.get(address("renewal-sign", cast.policy.public_id)).status_code == 403
    settings.RENEWALS_PREPARED_BY_AGENTS = []
    submission = submitted_again(cast)
    assert adam.get(address("renewal", cast.policy.public_id)).status_code == 200
    rendering.render(submission.pk)
    assert adam.get(address("renewal-pdf", submission.public_id))["Content-Type"] == "application/pdf"


def submitted_again(cast: Cast) -> RenewalSubmission:
    application = fresh(cast)
    for name, values in PAGES.items():
        row = RenewalSection.objects.filter(application=application, name=name).first()
        drafting.save_page(
            application, name=name, values=values, version=row.version if row else 0, window="", by=cast.paula
        )
    return submitting.submit(
        application, by=cast.paula, signed_name="Paula Reyes", without_missing=True, code_at=None, key=uuid.uuid4()
    )


def test_a_delegate_who_may_only_look_changes_and_signs_nothing(cast: Cast, browse: Browse) -> None:
    application_of(cast)
    looker = UserFactory.create()
    delegate_of(cast.paula.memberships.get(), looker, "view_renewal")
    client = browse(looker)
    assert client.get(address("renewal", cast.policy.public_id)).status_code == 200
    assert client.post(address("renewal-page", cast.policy.public_id, "address"), PAGES["address"]).status_code == 403
    assert client.post(address("renewal-ask-all", cast.policy.public_id)).status_code == 403
    assert client.post(address("renewal-sign", cast.policy.public_id)).status_code == 403


# Beginning, and saving as one types.


def test_two_who_begin_at_once_begin_one_application_with_a_part_for_each_clinician(cast: Cast) -> None:
    first = application_of(cast)
    second = application_of(cast)
    assert first.pk == second.pk
    assert (second.parts_count, second.signed_count) == (2, 0)
    assert set(first.parts.values_list("insured_id", flat=True)) == {cast.anas.insured_id, cast.bens.insured_id}
    assert Event.objects.filter(tag="policies:renewal:started").count() == 1


def test_what_is_typed_is_saved_right_or_wrong_and_the_page_says_what_is_wrong(cast: Cast, browse: Browse) -> None:
    application = application_of(cast)
    paula, here = browse(cast.paula), address("renewal-page", cast.policy.public_id, "address")
    wrong = {"moves": "yes", "address1": "7 New Street", "zip": "123", "state": "NY"}
    response = paula.post(here, wrong)
    assert response.status_code == 422
    assert "Enter the city." in words(response)
    assert "Enter 5 digits" in words(response)
    assert RenewalSection.objects.get(application=application).values == wrong
    assert "7 New Street" in paula.get(here).content.decode()
    later = paula.post(here, wrong | {"version": "1", "city": "Albany", "later": "1"})
    assert later.status_code == 302
    assert RenewalSection.objects.get(application=application).values["city"] == "Albany"


def test_a_page_saves_itself_without_judging(cast: Cast, browse: Browse) -> None:
    application_of(cast)
    here = address("renewal-autosave", cast.policy.public_id, "practice")
    response = browse(cast.paula).post(here, {"sites": "yes", "sites_details": "A sec\x00ond one", "version": "0"})
    assert "Saved at" in words(response)
    assert RenewalSection.objects.get().values == {"sites": "yes", "sites_details": "A second one"}


def test_two_people_dont_overwrite_each_other_unknowingly(cast: Cast, browse: Browse) -> None:
    application_of(cast)
    other = UserFactory.create(first_name="Rosalind", last_name="Quimby")
    delegate_of(cast.paula.memberships.get(), other, "view_renewal", "fill_in_renewal")
    here = address("renewal-page", cast.policy.public_id, "address")
    hers = {"moves": "no", "phone": "(518) 555-0111", "version": "0"}
    mine = {"moves": "no", "phone": "(518) 555-0122", "version": "0"}
    assert browse(other).post(here, hers).status_code == 302
    paula = browse(cast.paula)
    response = paula.post(here, mine)
    assert response.status_code == 409
    said = words(response)
    assert "Rosalind Quimby saved it" in said
    assert "(518) 555-0111" in said
    assert "(518) 555-0122" in response.content.decode()
    assert RenewalSection.objects.get().values["phone"] == "(518) 555-0111"
    line = words(paula.post(address("renewal-autosave", cast.policy.public_id, "address"), mine))
    assert "Someone saved this page" in line
    # Saved again, knowingly, from the page that showed the difference.
    assert 'name="version" value="1"' in response.content.decode()
    assert paula.post(here, mine | {"version": "1"}).status_code == 302
    assert RenewalSection.objects.get().values["phone"] == "(518) 555-0122"


def test_a_windows_own_saves_follow_one_another(cast: Cast, browse: Browse) -> None:
    application_of(cast)
    window, paula = str(uuid.uuid4()), browse(cast.paula)
    here = address("renewal-page", cast.policy.public_id, "address")
    paula.post(address("renewal-autosave", cast.policy.public_id, "address"), {"moves": "no", "window": window})
    # The page's button, pressed before the answer to the autosave came.
    assert paula.post(here, {"moves": "no", "phone": "5", "version": "0", "window": window}).status_code == 302


def test_a_change_of_limits_or_specialty_asks_its_supplemental_questions(cast: Cast, browse: Browse) -> None:
    application = application_of(cast)
    paula, here = browse(cast.paula), address("renewal-line", cast.policy.public_id, cast.anas.public_id)
    lower = {"limits": "500000/1500000", "specialty_changes": "no"}
    assert paula.post(here, lower).status_code == 302
    higher = {"limits": "2000000/6000000", "specialty_changes": "yes", "specialty": "Cardiology", "version": "1"}
    refused = paula.post(here, higher)
    assert refused.status_code == 422
    assert words(refused).count("Answer this, because you ask for other limits.") == 4
    assert words(refused).count("Answer this, because the specialty changes.") == 6
    whole = higher | {"version": "2", "limits_why": "A hospital wants it.", "limits_known": "no"}
    whole |= {"specialty_from": "2027-03-01", "specialty_training": "Fellowship", "specialty_procedures": "Echo"}
    assert paula.post(here, whole).status_code == 302
    line = RenewalSection.objects.get(application=application, name="line")
    assert submitting.line_of(line)["changes"] == ["Limits $2,000,000 / $6,000,000", "Specialty Cardiology"]
    shown = words(paula.get(address("renewal-page", cast.policy.public_id, "coverage")))
    assert "Limits $2,000,000 / $6,000,000, Specialty Cardiology" in shown


def test_another_policys_coverage_isnt_found(cast: Cast, browse: Browse) -> None:
    application_of(cast)
    here = address("renewal-line", cast.policy.public_id, cast.olgas.public_id)
    assert browse(cast.paula).get(here).status_code == 404


# Submitting.


def test_it_is_submitted_signed_with_the_states_warning_and_told_once(cast: Cast, browse: Browse) -> None:
    application = application_of(cast)
    paula, here = browse(cast.paula), address("renewal-sign", cast.policy.public_id)
    key = str(uuid.uuid4())
    form = {"signed_name": "Paula Reyes", "agrees": "on", "without_missing": "on", "idempotency_key": key}
    refused = paula.post(here, form)
    assert refused.status_code == 422
    assert "Coverage: fill in this page." in words(refused)
    fill_in(application, cast.paula)
    for _ in range(2):
        assert paula.post(here, form).status_code == 302
    submission = RenewalSubmission.objects.get()
    signature = submission.signature
    assert (signature.signed_name, signature.user, signature.part) == ("Paula Reyes", cast.paula, None)
    assert "five thousand dollars" in signature.fraud_warning
    assert signature.fraud_state == "NY"
    assert "Riverbend Medical Group" in signature.text
    assert signature.ip
    assert signature.code_at
    message = OutboxMessage.objects.get(topic="renewal.submitted")
    assert message.payload["submission"] == submission.public_id
    assert "Paula" not in str(message.payload)
    application = fresh(cast)
    assert (application.status, application.submitted_by) == ("open", cast.paula)
    assert stage(cast) is Stage.SUBMITTED
    assert Mail.objects.filter(name="renewal_news", to=cast.paula.email).count() == 1
    assert Mail.objects.filter(name="request_waiting").count() == 1


def test_an_answer_is_kept_with_the_words_of_its_question(cast: Cast) -> None:
    application = application_of(cast)
    fill_in(application, cast.paula, practice=PAGES["practice"] | {"sites": "yes", "sites_details": "Troy, in May"})
    submission = submitted_again_as_is(cast)
    practice = submission.snapshot["pages"][2]["answers"][0]
    assert practice == {
        "set": "practice 2026-11",
        "key": "sites",
        "text": "Will you open, close, or move a practice site?",
        "value": "Yes",
        "details": "Troy, in May",
    }


def submitted_again_as_is(cast: Cast) -> RenewalSubmission:
    return submitting.submit(
        fresh(cast), by=cast.paula, signed_name="Paula Reyes", without_missing=True, code_at=None, key=uuid.uuid4()
    )


def test_missing_parts_must_be_left_out_knowingly(cast: Cast, browse: Browse) -> None:
    fill_in(application_of(cast), cast.paula)
    here = address("renewal-sign", cast.policy.public_id)
    form = {"signed_name": "Paula Reyes", "agrees": "on", "idempotency_key": str(uuid.uuid4())}
    response = browse(cast.paula).post(here, form)
    assert response.status_code == 422
    assert "Clinicians’ parts are missing." in words(response)
    assert not RenewalSubmission.objects.exists()
    for name in ("ana", "ben"):
        signed_by(cast, name)
    assert browse(cast.paula).post(here, form).status_code == 302


def test_after_the_term_nothing_is_saved_or_submitted_and_the_page_says_why(cast: Cast, browse: Browse) -> None:
    application = application_of(cast)
    fill_in(application, cast.paula)
    ends_in(cast, 0)
    paula = browse(cast.paula)
    response = paula.post(
        address("renewal-page", cast.policy.public_id, "address"), {"moves": "yes", "address1": "7 X"}
    )
    assert response.status_code in (403, 409)
    with pytest.raises(NotNowError):
        submitted_again_as_is(cast)
    assert not RenewalSubmission.objects.exists()


def test_a_clinician_who_came_or_left_meanwhile_has_a_part_or_none(cast: Cast) -> None:
    application = application_of(cast)
    joiner = CoverageFactory.create(term=cast.term, insured=InsuredFactory.create(first_name="Jo", last_name="Iner"))
    type(cast.bens).objects.filter(pk=cast.bens.pk).update(retired_at=timezone.now())
    with transaction.atomic():
        drafting.sync_parts(application)
    people = set(RenewalPart.objects.values_list("insured_id", flat=True))
    assert people == {cast.anas.insured_id, joiner.insured_id}
    assert fresh(cast).parts_count == 2


# What comes after.


def test_it_is_reopened_until_staff_took_it_and_then_asked_for(cast: Cast, browse: Browse, stan: Any) -> None:
    submitted(cast)
    paula = browse(cast.paula)
    assert "Reopen the application" in words(paula.get(address("renewal", cast.policy.public_id)))
    paula.post(address("renewal-reopen", cast.policy.public_id))
    assert fresh(cast).is_draft
    assert submitted_again_as_is(cast).number == 2
    assert fresh(cast).assign(stan, by=stan)
    assert stage(cast) is Stage.IN_REVIEW
    paula.post(address("renewal-reopen", cast.policy.public_id))
    assert not fresh(cast).is_draft
    asked = {"text": "A site is missing.", "idempotency_key": str(uuid.uuid4()), "reopen": "1"}
    assert paula.post(address("renewal-message", cast.policy.public_id), asked).status_code == 302
    assert fresh(cast).reopen_asked_at
    assert fresh(cast).reopen(by=stan, as_staff=True)
    assert fresh(cast).is_draft


def test_signatures_and_submissions_stay_as_they_were_signed(cast: Cast) -> None:
    submission = submitted(cast)
    for row, change in (
        (RenewalSignature.objects.all(), {"signed_name": "Someone Else"}),
        (RenewalSubmission.objects.all(), {"snapshot": {}}),
    ):
        with pytest.raises(DatabaseError, match="stay as signed"), transaction.atomic():
            row.update(**change)
    for table in ("policies_renewalsignature", "policies_renewalsubmission"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names
    rendering.render(submission.pk)
    assert RenewalSubmission.objects.get().is_ready


def test_the_pdf_has_the_answers_who_signed_and_nothing_that_a_clinician_answered(cast: Cast, tmp_path: Path) -> None:
    application_of(cast)
    signed_by(cast, "ana")
    submission = submitted(cast)
    content = rendering.pdf_of(submission)
    assert content == rendering.pdf_of(submission)
    path = tmp_path / "application.pdf"
    path.write_bytes(content)
    text = text_of_file(path)
    assert "Will you open, close, or move a practice site?" in text
    assert "Paula Reyes" in text
    assert "five thousand dollars" in text
    assert "1 of 2 were not signed" in text
    assert "hours a week" not in text


@pytest.mark.parametrize(
    ("renewal_status", "expected"),
    [
        ("offered", Stage.OFFERED),
        ("accepted", Stage.ACCEPTED),
        ("bound", Stage.BOUND),
        ("declined", Stage.OFFER_DECLINED),
    ],
)
def test_the_carriers_data_brings_it_to_its_end(cast: Cast, renewal_status: str, expected: Stage) -> None:
    submitted(cast)
    TermFactory.create(policy=cast.policy, status=renewal_status, effective=cast.term.expires, expires=days(LEFT_AFTER))
    assert stage(cast) is expected


LEFT_AFTER = 425


def test_a_large_group_is_listed_by_the_day_of_the_signature(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_ROWS", 1)
    application_of(cast)
    signed_by(cast, "ana")
    html = rendering.html_of(submitted(cast))
    assert "Not signed yet (1)" in html
    assert html.index("Ben Okafor, MD") < html.index("Signed on") < html.index("Ana Núñez, MD")
    assert "<table>" not in html


def test_an_offer_before_the_application_leaves_it_to_be_filled_in(cast: Cast) -> None:
    application_of(cast)
    TermFactory.create(
        policy=cast.policy, status=Term.Status.OFFERED, effective=cast.term.expires, expires=days(LEFT_AFTER)
    )
    assert stage(cast) is Stage.IN_PROGRESS


@pytest.mark.django_db(transaction=True)
def test_submitted_twice_at_once_it_is_one_submission(transactional_db: None) -> None:
    cast = renewing()
    fill_in(application_of(cast), cast.paula)
    key, found, failed = uuid.uuid4(), [], []
    ready = threading.Barrier(4)

    def send() -> None:
        try:
            ready.wait()
            found.append(
                submitting.submit(
                    fresh(cast), by=cast.paula, signed_name="Paula R", without_missing=True, code_at=None, key=key
                ).pk
            )
        except Exception as error:  # noqa: BLE001  # told by the assertion
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(set(found)) == 1
    assert RenewalSubmission.objects.count() == RenewalSignature.objects.count() == 1


def test_the_parts_of_a_policy_are_told_apart(cast: Cast) -> None:
    assert part_of(application_of(cast), cast.anas.insured).email == "ana@clinic.example"
