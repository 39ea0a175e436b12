"""A PDF compared with those that we issued: the same, or not, and nothing of it is kept."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from core.storage import private_storage
from credentialing.models import Certificate, Verification
from credentialing.verification.files import HashedFile, HashingUploadHandler, hashes_uploads


def content_of(certificate: Certificate) -> bytes:
    with private_storage().open(certificate.file) as stored:
        return bytes(stored.read())


def pdf(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("certificate.pdf", content, "application/pdf")


def test_the_file_that_we_issued_is_known_and_answered_as_its_code(certificate: Certificate, stranger: Client) -> None:
    response = stranger.post("/verify/file/", {"file": pdf(content_of(certificate))})
    text = response.content.decode()
    assert response.status_code == 200
    assert "This is the file that we issued" in text
    assert "In force on" in text
    assert Verification.objects.get().way == "file"


def test_a_fingerprint_taken_in_the_browser_does_as_well(certificate: Certificate, stranger: Client) -> None:
    response = stranger.post("/verify/file/", {"sha256": certificate.sha256})
    assert "This is the file that we issued" in response.content.decode()


@pytest.mark.parametrize("change", ["one byte", "one more", "empty", "another"])
def test_any_other_file_differs(certificate: Certificate, stranger: Client, change: str) -> None:
    content = content_of(certificate)
    changed = {
        "one byte": content[:500] + bytes([content[500] ^ 1]) + content[501:],
        "one more": content + b"\n",
        "empty": b"",
        "another": b"%PDF-1.7 forged",
    }[change]
    response = stranger.post("/verify/file/", {"file": pdf(changed)})
    text = response.content.decode()
    assert response.status_code == 404
    assert "This file differs from every file that we issued" in text
    assert "Don’t rely on what it says." in text
    assert certificate.serial not in text
    assert not Verification.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"sha256": "zz"}, {"sha256": "0" * 63}])
def test_without_a_file_the_sentence_is_beside_the_field(db: None, stranger: Client, sent: dict[str, str]) -> None:
    response = stranger.post("/verify/file/", sent)
    assert response.status_code == 422
    assert "Choose the PDF file of a certificate or letter." in response.content.decode()


def test_a_file_without_a_stored_one_never_matches_a_certificate_in_preparation(
    certificate: Certificate, stranger: Client
) -> None:
    assert stranger.post("/verify/file/", {"sha256": ""}).status_code == 422


def test_too_large_a_file_is_refused_before_it_is_read(db: None, stranger: Client) -> None:
    response = stranger.post("/verify/file/", {"file": pdf(b"x" * (13 * 1024**2))})
    assert response.status_code == 413


def test_a_browser_without_the_forms_token_is_refused(db: None) -> None:
    assert Client(enforce_csrf_checks=True).post("/verify/file/", {"sha256": "0" * 64}).status_code == 403


def test_an_upload_is_hashed_as_it_comes_and_neither_memory_nor_disk_has_it() -> None:
    content = b"%PDF-1.7 " + bytes(range(256)) * 40_000
    request = RequestFactory().post("/verify/file/", {"file": pdf(content)})
    found: list[object] = []

    @hashes_uploads
    def view(request: object) -> None:
        found.append(request.FILES["file"])  # type: ignore[attr-defined]
        found.append(request.upload_handlers)  # type: ignore[attr-defined]

    view(request)  # type: ignore[arg-type]
    (uploaded, handlers) = found
    assert isinstance(uploaded, HashedFile)
    assert uploaded.file is None
    assert uploaded.sha256 == hashlib.sha256(content).hexdigest()
    assert uploaded.size == len(content)
    assert [type(handler) for handler in handlers] == [HashingUploadHandler]  # type: ignore[attr-defined]
