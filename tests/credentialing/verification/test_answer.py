"""What anyone is told who has the code: what was certified, what holds today, and nothing more."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from core.models import Event, Mail
from credentialing.events import VerificationEvent
from credentialing.models import Certificate, CertificateForm, Verification
from credentialing.verification.reading import read_code, read_serial
from feed.models import Source
from policies.models import Company, Coverage, Policy, Suspension, Term
from tests.book import CoverageFactory, PolicyFactory, PolicyholderFactory, TermFactory, days
from tests.cast import Cast
from tests.credentialing.helpers import flat, made
from tests.credentialing.test_letter import a_past_term


def address(certificate: Certificate) -> str:
    return f"/verify/{certificate.verification_code.replace('-', '')}/"


def page(client: Client, certificate: Certificate) -> str:
    """Return the text of the answer on one line."""
    response = client.get(address(certificate))
    assert response.status_code == 200
    text = flat(re.sub(r"<[^>]+>", " ", response.content.decode()))
    return text[text.index("Verification") :]


def cancel(cast: Cast, day: dt.date, **fields: object) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(
        status="cancelled", status_date=day, cancellation_effective=day, status_reason="Premium unpaid", **fields
    )


def test_who_has_the_code_sees_what_was_certified_and_that_it_is_in_force(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    text = page(stranger, certificate)
    coverage = cast.coverage
    for shown in (
        certificate.serial,
        "Ana María Núñez-Đặng, MD",
        "Larkfield Mutual Insurance Company",
        "Riverbend Medical Group",
        "MPL-204-118832",
        "$1,000,000 per claim / $3,000,000 annual aggregate",
        "Claims-made",
        "In force on",
        f"Coverage runs to {coverage.expires:%B} {coverage.expires.day}, {coverage.expires.year}.",
        "issued as a matter of information only. It confers no rights",
    ):
        assert shown in text


def test_holder_addresses_producer_and_issuer_are_never_shown(certificate: Certificate, stranger: Client) -> None:
    text = page(stranger, certificate)
    for hidden in ("Saint Brendan", "One Hospital Plaza", "400 River Street", "Harborlight", "274881", "ana@"):
        assert hidden not in text


def test_nobody_keeps_finds_or_passes_on_the_page(certificate: Certificate, stranger: Client) -> None:
    for path in ("/verify/", address(certificate), "/verify/AAAA/"):
        response = stranger.get(path)
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "same-origin"
        assert "noindex" in response["X-Robots-Tag"]


def test_any_spelling_of_the_code_leads_to_the_answer(certificate: Certificate, stranger: Client) -> None:
    code = certificate.verification_code
    for typed in (
        code.lower(),
        code.replace("-", " "),
        f" {code.replace('-', '')}. ",
        code.replace("Q", "0").replace("L", "1").replace("V", "u"),
        f"https://elsewhere.example{address(certificate)}",
    ):
        assert stranger.post("/verify/", {"code": typed})["Location"] == address(certificate)


@pytest.mark.parametrize(
    "typed", ["", "7KQM", "7KQM-4XDR-PHT2-W9BC-3FY!", "COI-2026-AAAAAAAAB", "x" * 400, "\x00" * 20]
)
def test_what_cannot_be_a_code_is_refused_beside_the_field(db: None, stranger: Client, typed: str) -> None:
    response = stranger.post("/verify/", {"code": typed})
    assert response.status_code == 422
    assert "field-error" in response.content.decode()
    assert not Event.objects.filter(tag=VerificationEvent.NOT_FOUND).exists()


def test_a_code_of_none_of_ours_is_404_and_recorded(db: None, stranger: Client) -> None:
    response = stranger.get("/verify/22223333444455556666/")
    assert response.status_code == 404
    assert "We didn’t issue a certificate or letter with this code." in response.content.decode()
    assert Event.objects.filter(tag=VerificationEvent.NOT_FOUND).count() == 1


def test_a_serial_number_only_says_that_it_exists(certificate: Certificate, stranger: Client) -> None:
    known = stranger.post("/verify/", {"code": certificate.serial.lower().replace("-", " ")})
    other = read_serial("COI-2026-222222222")
    assert other is not None
    unknown = stranger.post("/verify/", {"code": other})
    assert (known.status_code, unknown.status_code) == (200, 200)
    text = known.content.decode()
    assert "enter the verification code" in text
    for hidden in ("Núñez", "MPL-204", certificate.verification_code):
        assert hidden not in text
    assert "We didn’t issue a paper" in unknown.content.decode()
    assert not Verification.objects.exists()


def test_both_answers_to_a_serial_number_ask_the_database_the_same(certificate: Certificate, stranger: Client) -> None:
    counts = []
    for typed in (certificate.serial, "COI-2026-222222222"):
        stranger.get("/verify/")
        before = len(connection.queries_log)
        connection.force_debug_cursor = True
        stranger.post("/verify/", {"code": typed})
        connection.force_debug_cursor = False
        counts.append(len(connection.queries_log) - before)
    assert counts[0] == counts[1] > 0


def test_an_end_that_came_early_is_told_without_its_reason(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    cancel(cast, days(-3))
    text = page(stranger, certificate)
    assert "Ended Coverage ended on" in text
    assert "cancelled" not in text.lower()
    assert "unpaid" not in text


def test_cancelled_is_said_only_where_the_companys_setting_says_so(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    Company.objects.update(says_cancelled=True)
    cancel(cast, days(-3))
    text = page(stranger, certificate)
    assert "Policy MPL-204-118832 was cancelled, and coverage under it ended on" in text
    assert "unpaid" not in text


def test_a_cancellation_ahead_is_told_by_the_companys_setting(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    Policy.objects.update(
        status="pending_cancellation", cancellation_effective=days(20), status_reason="Premium unpaid"
    )
    assert "Cancellation is pending for" in page(stranger, certificate)
    Company.objects.update(pending_cancellation=Company.PendingCancellation.STAFF)
    text = page(stranger, certificate)
    assert "We can’t say online what holds today." in text
    assert "pending" not in text.lower()


def test_changed_limits_are_told_and_a_change_in_mid_term_does_not_end_it(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    first = cast.coverage
    Coverage.objects.filter(pk=first.pk).update(expires=days(-1))
    CoverageFactory.create(
        term=first.term,
        insured=first.insured,
        effective=days(-1),
        expires=first.expires,
        limit_per_claim=Decimal(2_000_000),
        limit_aggregate=Decimal(4_000_000),
    )
    text = page(stranger, certificate)
    assert "In force on" in text
    assert "The limits have changed: they are $2,000,000 / $4,000,000 from" in text
    assert "$1,000,000 per claim / $3,000,000 annual aggregate" in text, "as certified"


def test_a_certificate_that_doesnt_hold_as_issued_says_so_first(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    warning = "Not all of it holds today just as it was certified."
    assert warning not in page(stranger, certificate)
    Coverage.objects.update(limit_aggregate=Decimal(2_000_000))
    assert warning in page(stranger, certificate), "changed limits"
    Coverage.objects.update(limit_aggregate=Decimal(3_000_000))
    cancel(cast, days(-3))
    assert warning in page(stranger, certificate), "ended"


def test_a_letter_is_about_what_ended_and_warns_of_nothing(cast: Cast, stranger: Client) -> None:
    assert "Not all of it holds" not in page(stranger, made(a_past_term(cast, 2001), cast.ana))


def test_days_that_arent_covered_are_told_without_why(certificate: Certificate, stranger: Client, cast: Cast) -> None:
    Suspension.objects.create(
        source="core", external_id="1", coverage=cast.coverage, starts=days(-2), ends=days(30), reason_code="leave"
    )
    text = page(stranger, certificate)
    assert "Services aren’t covered today" in text
    assert "aren’t covered." in text
    assert "leave" not in text.lower()


def test_a_later_term_that_continues_the_coverage_is_told(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    certified = cast.coverage
    starts, ends = days(-400), days(-10)
    Term.objects.filter(pk=certified.term_id).update(effective=starts, expires=ends, status="expired")
    Coverage.objects.filter(pk=certified.pk).update(effective=starts, expires=ends)
    term = TermFactory.create(policy=cast.policy, effective=ends, expires=days(355))
    CoverageFactory.create(term=term, insured=certified.insured, effective=ends, expires=days(355))
    text = page(stranger, certificate)
    assert "Coverage ended on" in text
    assert "Coverage continued under a later term of the same policy, from" in text


@pytest.mark.parametrize("same_group", [True, False])
def test_a_policy_that_continues_it_is_named_by_a_group_only_if_its_own(
    cast: Cast, stranger: Client, same_group: bool
) -> None:
    certificate = made(cast.bens, cast.paula)
    group = cast.policy.policyholder if same_group else PolicyholderFactory.create(name="Northgate Surgical Partners")
    other = PolicyFactory.create(policyholder=group, company=cast.policy.company, number="NEW-1")
    cancel(cast, days(-3), replaced_by=other)
    term = TermFactory.create(policy=other, effective=days(-3), expires=days(362))
    CoverageFactory.create(term=term, insured=cast.bens.insured, effective=days(-3), expires=days(362))
    assert ("under policy NEW-1" in page(stranger, certificate)) is same_group


def test_the_insureds_own_paper_names_the_policy_that_continues_it(
    certificate: Certificate, cast: Cast, stranger: Client
) -> None:
    group = PolicyholderFactory.create(name="Northgate Surgical Partners")
    other = PolicyFactory.create(policyholder=group, company=cast.policy.company, number="NEW-1")
    cancel(cast, days(-3), replaced_by=other)
    term = TermFactory.create(policy=other, effective=days(-3), expires=days(362))
    CoverageFactory.create(term=term, insured=cast.coverage.insured, effective=days(-3), expires=days(362))
    assert "Coverage continued under policy NEW-1" in page(stranger, certificate)


def test_data_too_old_says_nothing_of_today_but_what_was_certified(certificate: Certificate, stranger: Client) -> None:
    Source.objects.update(as_of=timezone.now() - dt.timedelta(hours=85))
    text = page(stranger, certificate)
    assert "The company’s data is too old to say what holds today." in text
    assert "Coverage runs to" not in text
    assert "$1,000,000 per claim / $3,000,000 annual aggregate" in text


def test_a_letter_is_answered_from_old_data_too(cast: Cast, stranger: Client) -> None:
    letter = made(a_past_term(cast, 2001), cast.ana)
    Source.objects.update(as_of=timezone.now() - dt.timedelta(hours=85))
    assert "Coverage ended on March 1, 2002." in page(stranger, letter)


def test_coverage_that_the_carrier_sends_no_more_sends_the_reader_to_a_person(
    certificate: Certificate, stranger: Client, cast: Cast
) -> None:
    Coverage.objects.filter(pk=cast.coverage.pk).update(retired_at=timezone.now())
    assert "We can’t say online what holds today." in page(stranger, certificate)


def test_the_answer_bears_the_legend_of_its_form(certificate: Certificate, stranger: Client, cast: Cast) -> None:
    CertificateForm.objects.create(
        source="core",
        external_id="1",
        company=cast.policy.company,
        kind="verification",
        form_number="VER-1",
        edition="01/26",
        effective=dt.date(2020, 1, 1),
        legend="Filed for verifications.",
    )
    text = page(stranger, certificate)
    assert "VER-1 (01/26)" in text
    assert "Filed for verifications." in text


def test_a_state_that_wants_a_form_gets_no_answer_without_one_and_staff_are_told(
    certificate: Certificate, stranger: Client, settings: Settings
) -> None:
    settings.CERTIFICATE_FORM_STATES = ["NY"]
    text = page(stranger, certificate)
    assert "We can’t answer online in this state" in text
    assert "MPL-204" not in text
    stranger.get(address(certificate))
    assert Event.objects.filter(tag=VerificationEvent.NO_FORM).count() == 1
    assert Mail.objects.count() == 1
    key = {"idempotency_key": str(uuid.uuid4())}
    assert stranger.post(f"{address(certificate)}receipt/", key).status_code == 409
    assert not Verification.objects.exclude(receipt="").exists()


def test_a_look_is_kept_once_and_stays_for_good(certificate: Certificate, stranger: Client) -> None:
    page(stranger, certificate)
    page(stranger, certificate)
    row = Verification.objects.get()
    assert row.certificate == certificate
    assert row.answer["holdings"][0]["kind"] == "in_force"
    assert Event.objects.filter(tag=VerificationEvent.ANSWERED, subject_id=str(certificate.pk)).count() == 1
    for statement in (
        "UPDATE credentialing_verification SET name = 'x'",
        "DELETE FROM credentialing_verification",
        "TRUNCATE credentialing_verification CASCADE",
        "SET LOCAL session_replication_role = replica; DELETE FROM credentialing_verification",
    ):
        with pytest.raises(DatabaseError, match="Verifications stay as answered"), transaction.atomic():
            connection.cursor().execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")


def test_a_head_request_leaves_no_look(certificate: Certificate, stranger: Client) -> None:
    assert stranger.head(address(certificate)).status_code == 200
    assert not Verification.objects.exists()


def test_codes_are_read_in_any_spelling() -> None:
    code = "7KQM-4XDR-PHT2-W9BC-3FYN"
    assert read_code("7kqm 4xdr pht2 w9bc 3fyn") == code
    assert read_code("7K0M4XDRPHT2W9BC3FYN") == code
    assert read_code("https://portal.example/verify/7KQM4XDRPHT2W9BC3FYN/?x=1") == code
    assert read_code("7KQM-4XDR-PHT2-W9BC-3FY") is None
    assert read_code("7KQM-4XDR-PHT2-W9BC-3FYÑ") is None
