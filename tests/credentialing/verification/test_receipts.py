"""The receipt: one page with source, time, what was asked and answered, and who asked; and who sees that."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable

import pypdf
import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client

from core.models import Event
from credentialing.events import VerificationEvent
from credentialing.models import Certificate, Verification
from credentialing.verification.receipts import receipt_pdf
from tests.book import days
from tests.cast import Cast
from tests.credentialing.helpers import flat
from tests.credentialing.verification.test_answer import address, cancel

Browse = Callable[[AbstractBaseUser], Client]


def ask(client: Client, certificate: Certificate, **fields: str) -> bytes:
    form = {"idempotency_key": str(uuid.uuid4()), "name": "Mary Quill", "organization": "Two Rivers Regional Hospital"}
    response = client.post(f"{address(certificate)}receipt/", form | fields)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Cache-Control"] == "no-store"
    return response.content


def words(pdf: bytes) -> str:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    return flat(reader.pages[0].extract_text())


def test_a_receipt_says_source_time_what_and_who(certificate: Certificate, stranger: Client) -> None:
    text = words(ask(stranger, certificate))
    row = Verification.objects.get()
    for shown in (
        f"Receipt number {row.receipt}",
        "Mary Quill, Two Rivers Regional Hospital, as entered; not checked",
        f"Certificate of Insurance {certificate.serial}, named by its verification code",
        "Records of Larkfield Mutual Insurance Company, at localhost:8000/verify",
        "Asked and answered",
        "In force on",
        "$1,000,000 per claim / $3,000,000 annual aggregate",
        "as a matter of information only. It confers no rights",
    ):
        assert shown in text
    for hidden in ("Saint Brendan", certificate.verification_code, "400 River Street"):
        assert hidden not in text
    assert row.receipt.startswith("VR-")
    assert Event.objects.filter(tag=VerificationEvent.RECEIPT_GIVEN, subject_id=str(certificate.pk)).count() == 1


def test_who_asks_may_stay_unnamed(certificate: Certificate, stranger: Client) -> None:
    assert "Someone who gave no name" in words(ask(stranger, certificate, name="", organization=""))


def test_a_receipt_stays_as_it_was_answered(certificate: Certificate, stranger: Client, cast: Cast) -> None:
    first = ask(stranger, certificate)
    cancel(cast, days(-3))
    assert receipt_pdf(Verification.objects.select_related("certificate").get()) == first


def test_the_same_form_sent_twice_gives_one_receipt(certificate: Certificate, stranger: Client) -> None:
    key = str(uuid.uuid4())
    assert ask(stranger, certificate, idempotency_key=key) == ask(stranger, certificate, idempotency_key=key)
    assert Verification.objects.count() == 1


def test_that_the_file_was_compared_is_only_said_of_who_has_its_fingerprint(
    certificate: Certificate, stranger: Client
) -> None:
    assert "fingerprint" not in words(ask(stranger, certificate, sha256="0" * 64))
    assert "fingerprint is that of the file issued" in words(ask(stranger, certificate, sha256=certificate.sha256))


@pytest.mark.parametrize("field", ["name", "organization"])
def test_a_name_that_cannot_be_printed_is_refused_beside_its_field(
    certificate: Certificate, stranger: Client, field: str
) -> None:
    form = {"idempotency_key": str(uuid.uuid4()), field: "聖路加"}
    response = stranger.post(f"{address(certificate)}receipt/", form)
    assert response.status_code == 422
    assert "We can’t print these characters: 聖 路 加." in response.content.decode()
    assert not Verification.objects.exists()


def test_markup_in_a_name_is_text(certificate: Certificate, stranger: Client) -> None:
    assert "<b>Mary</b>" in words(ask(stranger, certificate, name="<b>Mary</b>"))


def test_the_longest_names_keep_to_one_page(certificate: Certificate, stranger: Client) -> None:
    words(ask(stranger, certificate, name="W" * 120, organization="M" * 160))


def test_who_issued_the_certificate_sees_who_verified_it(
    certificate: Certificate, stranger: Client, browse: Browse, cast: Cast
) -> None:
    ask(stranger, certificate)
    text = flat(browse(cast.ana).get(certificate.get_absolute_url()).content.decode())
    assert "Mary Quill, Two Rivers Regional Hospital" in text
    assert Verification.objects.get().receipt in text


def test_other_parties_only_see_how_often(
    certificate: Certificate, stranger: Client, browse: Browse, cast: Cast
) -> None:
    ask(stranger, certificate)
    for user in (cast.paula, cast.adam):
        text = flat(browse(user).get(certificate.get_absolute_url()).content.decode())
        assert "1 time, last on" in text
        for hidden in ("Mary Quill", "Two Rivers", Verification.objects.get().receipt):
            assert hidden not in text


def test_before_anyone_has_it_says_so(certificate: Certificate, browse: Browse, cast: Cast) -> None:
    assert "Nobody has verified this certificate online yet." in (
        browse(cast.ana).get(certificate.get_absolute_url()).content.decode()
    )


def test_staff_find_verifications_by_serial_number_and_organization(
    certificate: Certificate, stranger: Client, staff: Client
) -> None:
    ask(stranger, certificate)
    receipt = Verification.objects.get().receipt
    for q in (certificate.serial, receipt, '"Two Rivers"', "mary"):
        found = staff.get("/admin/credentialing/verification/", {"q": q})
        assert found.status_code == 200
        assert receipt in found.content.decode()
    assert receipt not in staff.get("/admin/credentialing/verification/", {"q": "Nobody"}).content.decode()
    row = Verification.objects.get()
    assert staff.post(f"/admin/credentialing/verification/{row.pk}/change/", {"name": "x"}).status_code == 403
