"""Signed PDFs: valid to readers that others wrote, and told when changed."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pypdf
import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from core.pdf import signing
from credentialing.certificates import rendering
from tests.credentialing.papers import paper

AT = dt.datetime(2026, 11, 30, 9, 15, tzinfo=dt.UTC)
needs_pdfsig = pytest.mark.skipif(not shutil.which("pdfsig"), reason="pdfsig checks signatures: install poppler-utils")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key and its certificate as the demo does."""
    folder = tmp_path_factory.mktemp("keys")
    signing._make_own(folder)
    return folder


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    signing.sealer.cache_clear()
    yield
    signing.sealer.cache_clear()


@pytest.fixture
def configured(settings: Settings, keys: Path) -> None:
    settings.PDF_SIGNING_KEY = str(keys / "key.pem")
    settings.PDF_SIGNING_CERTIFICATE = str(keys / "certificate.pem")


@pytest.fixture(scope="module")
def unsigned() -> bytes:
    return rendering.layout().make(rendering.pages_of(paper(0))).content


def checked(pdf: bytes, folder: Path) -> str:
    """Return what Poppler says of the signature."""
    path = folder / "signed.pdf"
    path.write_bytes(pdf)
    return subprocess.run(["pdfsig", path], capture_output=True, check=False, text=True).stdout


@needs_pdfsig
def test_a_certificate_is_signed_where_a_key_is_configured(configured: None, tmp_path: Path) -> None:
    pdf = rendering.certificate_pdf(paper(0))
    found = checked(pdf, tmp_path)
    assert "Signature is Valid." in found
    assert "Total document signed" in found
    assert "ETSI.CAdES.detached" in found
    assert rendering.certificate_pdf(paper(0)) == pdf, "the same row gives the same bytes"
    assert len(pdf) < 50_000
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert opened.check_pdf_syntax() == []
        assert opened.Root.MarkInfo.Marked
        with opened.open_metadata() as metadata:
            assert metadata["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
    fields = pypdf.PdfReader(io.BytesIO(pdf)).get_fields() or {}
    signature = fields["Signature"]["/V"]
    assert signature["/M"].startswith("D:20261130090000")


@needs_pdfsig
def test_a_changed_file_is_told(configured: None, unsigned: bytes, tmp_path: Path) -> None:
    seal = signing.sealer()
    assert seal is not None
    pdf = bytearray(seal.sign(unsigned, at=AT))
    place = pdf.index(b"Certificate of Insurance COI-")
    pdf[place] ^= 1
    assert "Signature is Valid." not in checked(bytes(pdf), tmp_path)


def test_nothing_is_signed_without_a_key(unsigned: bytes) -> None:
    assert signing.sealer() is None
    assert rendering.certificate_pdf(paper(0)) == unsigned


def test_the_key_is_read_once_and_not_again_for_each_file(
    configured: None, unsigned: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives import serialization

    seal = signing.sealer()
    monkeypatch.setattr(serialization, "load_pem_private_key", None)
    monkeypatch.setattr(serialization, "load_der_private_key", None)
    assert seal is not None
    assert signing.sealer() is seal
    assert len({seal.sign(unsigned, at=AT) for _ in range(2)}) == 1


def test_the_demo_makes_its_own_key_in_its_data_folder_once(settings: Settings, tmp_path: Path) -> None:
    settings.DEMO, settings.DATA_DIR = True, tmp_path
    assert signing.sealer() is not None
    key = tmp_path / "signing" / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    signing.sealer.cache_clear()
    assert signing.sealer() is not None
    assert key.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"PDF_SIGNING_KEY": "/nowhere/key.pem"}, "can't be read"),
        ({"PDF_SIGNING_CERTIFICATE": "/nowhere/certificate.pem"}, "can't be read"),
        ({"PDF_SIGNING_PASSPHRASE": "wrong"}, "can't be read"),
        ({"PDF_SIGNING_PKCS11_MODULE": "/nowhere/module.so"}, "can't be used"),
    ],
)
def test_a_key_that_cant_be_used_is_said(
    configured: None, settings: Settings, change: dict[str, str], says: str
) -> None:
    for name, value in change.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=says):
        signing.sealer()
