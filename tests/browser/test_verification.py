"""Verifying a certificate in a browser: pages without a finding of axe, and a file whose fingerprint is taken there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from core.storage import private_storage
from credentialing.models import Certificate, Verification
from tests.browser.test_axe import findings, look  # noqa: F401  # a fixture
from tests.cast import Cast, make_cast
from tests.credentialing.helpers import a_holder, made


@pytest.fixture
def certificate(transactional_db: None, settings: Settings, tmp_path: Path) -> Certificate:
    settings.STORAGES = {
        **settings.STORAGES,
        "private": {"BACKEND": "core.storage.PrivateFileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }
    cast: Cast = make_cast()
    return made(cast.coverage, cast.ana, a_holder(cast.ana, cast.coverage))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_of_it_has_a_finding(
    certificate: Certificate,
    look: Callable[..., Page],  # noqa: F811
    site: str,
    width: int,
    scheme: str,
) -> None:
    page = look("/verify/", None, width, scheme)
    found = findings(page)
    for address in (f"/verify/{certificate.verification_code}/", "/verify/22223333444455556666/"):
        page.goto(site + address)
        found += findings(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{address}: {wide} px wide"
    assert found == []


def test_a_file_stays_in_the_browser_and_its_fingerprint_is_answered(
    certificate: Certificate,
    look: Callable[..., Page],  # noqa: F811
    tmp_path: Path,
) -> None:
    page = look("/verify/", None, 1280, "light")
    sent: list[int] = []
    page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    with private_storage().open(certificate.file) as stored:
        content = stored.read()
    for name, body, answer in (
        ("ours.pdf", content, "This is the file that we issued"),
        ("forged.pdf", content.replace(b"1", b"2"), "This file differs from every file that we issued"),
    ):
        path = tmp_path / name
        path.write_bytes(body)
        page.goto(page.url.split("/verify/")[0] + "/verify/")
        page.get_by_label("PDF file").set_input_files(path)
        page.get_by_role("button", name="Compare file").click()
        expect(page.get_by_text(answer)).to_be_visible()
    assert max(sent) < 5_000, "the file itself was never sent"
    assert Verification.objects.get().way == "file"


def test_a_code_is_typed_and_its_receipt_downloaded(
    certificate: Certificate,
    look: Callable[..., Page],  # noqa: F811
) -> None:
    page = look("/verify/", None, 390, "light")
    page.get_by_label("Verification code").fill(certificate.verification_code.lower().replace("-", " "))
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="What holds today")).to_be_visible()
    page.get_by_label("Your organization").fill("Two Rivers Regional Hospital")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download receipt").click()
    assert download.value.suggested_filename.startswith("Verification VR-")
    assert Verification.objects.exclude(receipt="").get().organization == "Two Rivers Regional Hospital"
