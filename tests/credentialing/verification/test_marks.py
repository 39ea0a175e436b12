"""The code on paper: in words, and as a QR code that another program reads from the page."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
from pathlib import Path

import pytest
import segno
from PIL import Image
from pytest_django import Settings

from core.pdf import Candidate
from core.storage import private_storage
from core.system import needs
from credentialing.certificates.numbers import new_verification_code
from credentialing.certificates.rendering import layout
from credentialing.verification.marks import (
    DOTS,
    ERROR_CORRECTION,
    MASK,
    QUIET_ZONE,
    address_in_words,
    qr_code,
    verification_address,
)
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, made, words_of
from tests.credentialing.test_letter import a_past_term

reads_codes = pytest.mark.skipif(
    needs()["zbar"].missing or needs()["poppler"].missing,
    reason=f"{needs()['zbar'].lack}, or {needs()['poppler'].lack}",
)


def read_codes(pdf: Path, dpi: int) -> list[str]:
    """Return what zbarimg reads from the pages of a PDF, drawn in gray by Poppler at so many dots an inch."""
    drawn = pdf.parent / f"{pdf.stem}-{dpi}"
    subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", "-png", pdf, drawn], check=True)
    pages = sorted(pdf.parent.glob(f"{drawn.name}*.png"))
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", *pages],
        capture_output=True,
        text=True,
        check=False,
    )
    return read.stdout.split()


def file_of(name: str, tmp_path: Path) -> Path:
    """Return a copy of a stored file on the disk."""
    copy = tmp_path / "certificate.pdf"
    with private_storage().open(name) as stored, copy.open("wb") as target:
        shutil.copyfileobj(stored, target)
    return copy


@reads_codes
@pytest.mark.parametrize("dpi", [100, 150])
@pytest.mark.parametrize("site", ["http://localhost:8000", "https://customers.larkfield-medical-mutual.example/portal"])
def test_the_code_is_read_back_from_the_page(
    cast: Cast, tmp_path: Path, settings: Settings, site: str, dpi: int
) -> None:
    settings.PUBLIC_URL = site
    certificate = made(cast.coverage, cast.ana, a_holder(cast.ana, cast.coverage))
    code = certificate.verification_code.replace("-", "")
    assert read_codes(file_of(certificate.file, tmp_path), dpi) == [f"{site}/verify/{code}/"]


@reads_codes
def test_any_code_is_read_back_at_100_dpi(tmp_path: Path, settings: Settings) -> None:
    """The mask is the same for all: no code may make a symbol that can't be read."""
    settings.PUBLIC_URL = "https://customers.larkfield-medical-mutual.example"
    codes = [new_verification_code() for _ in range(40)]
    pages = "".join(
        f'<div style="break-after: page"><div class="check"><img class="qr" src="{qr_code(code)}" alt="-"></div></div>'
        for code in codes
    )
    pdf = tmp_path / "codes.pdf"
    pdf.write_bytes(
        layout().render([Candidate(f"<!DOCTYPE html><html lang='en'><title>-</title><body>{pages}</body>")])
    )
    assert sorted(read_codes(pdf, 100)) == sorted(map(verification_address, codes))


def test_the_page_says_where_to_type_the_code(cast: Cast, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.com/"
    certificate = made(cast.coverage, cast.ana)
    assert (
        f"Verification code {certificate.verification_code} To verify this certificate, scan it, or enter the code at "
        "portal.example.com/verify. Or contact us:" in words_of(certificate)
    )
    assert address_in_words() == "portal.example.com/verify"


def test_a_letter_bears_the_code_as_well(cast: Cast) -> None:
    letter = made(a_past_term(cast, 2001), cast.ana)
    assert f"To verify this letter, scan it, or enter the code at {address_in_words()}." in words_of(letter)


@pytest.mark.parametrize("site", ["http://localhost:8000", "https://customers.larkfield-medical-mutual.example/portal"])
def test_a_symbol_is_the_one_that_segno_draws(settings: Settings, site: str) -> None:
    settings.PUBLIC_URL = site
    for _ in range(20):
        code = new_verification_code()
        symbol = segno.make(verification_address(code), error=ERROR_CORRECTION, mask=MASK, micro=False)
        dots = Image.open(io.BytesIO(base64.b64decode(qr_code(code).partition(",")[2])))
        small = dots.resize([side // DOTS for side in dots.size], Image.Resampling.NEAREST)
        light = bytes(255 * (1 - module) for row in symbol.matrix_iter(border=QUIET_ZONE) for module in row)
        assert small.convert("L").tobytes() == light
