"""The signature on a certificate: the company's own image, or none; and an old certificate keeps the one it has."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from pypdf import PageObject

from core.images import ImageRefusedError, clean_png
from core.models import Event
from core.storage import private_storage
from credentialing.certificates import issuing
from credentialing.certificates.rendering import certificate_html, certificate_pdf
from credentialing.models import Certificate
from policies.events import PolicyEvent
from policies.models import Company
from policies.signatures import remove_signature, set_signature
from tests.book import CompanyFactory
from tests.cast import Cast
from tests.credentialing.helpers import issued, made, pdf_of, words_of


def a_png(color: tuple[int, int, int] = (11, 63, 85), size: tuple[int, int] = (400, 100)) -> bytes:
    """Return a drawn line on transparent ground."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).line([(10, 50), (size[0] - 10, 60)], fill=(*color, 255), width=6)
    written = io.BytesIO()
    image.save(written, format="PNG")
    return written.getvalue()


def images_on(page: PageObject) -> int:
    """How many pictures the page shows beside its QR code."""
    resources = page["/Resources"].get("/XObject", {})  # type: ignore[union-attr]
    return sum(entry.get_object()["/Subtype"] == "/Image" for entry in resources.values()) - 1


def company_of(cast: Cast) -> Company:
    return Company.objects.get(pk=cast.policy.company_id)


def test_without_an_image_of_the_company_there_is_no_signature(cast: Cast) -> None:
    certificate = made(cast.coverage, cast.ana)
    assert images_on(pdf_of(certificate).pages[0]) == 0
    html = certificate_html(certificate)
    assert 'alt="Signature' not in html
    assert "Imogen Vale" in words_of(certificate)


def test_without_a_signatory_nothing_pretends_that_there_is_one(cast: Cast) -> None:
    Company.objects.update(signatory="", signatory_title="")
    assert "authorized signatory" not in words_of(made(cast.coverage, cast.ana))


def test_the_companys_image_is_printed(cast: Cast) -> None:
    set_signature(company_of(cast), a_png(), by="operator")
    certificate = made(cast.coverage, cast.ana)
    assert images_on(pdf_of(certificate).pages[0]) == 1
    assert 'alt="Signature of Imogen Vale"' in certificate_html(certificate)


def test_a_certificate_keeps_its_image_when_the_company_has_another_or_none(cast: Cast) -> None:
    first_name = set_signature(company_of(cast), a_png(), by="operator")
    first = made(cast.coverage, cast.ana)
    as_issued = certificate_pdf(first)
    second_name = set_signature(company_of(cast), a_png(color=(120, 0, 0)), by="operator")
    second = made(cast.coverage, cast.ana)
    assert first_name != second_name
    assert second != first, "another signature is another certificate"
    remove_signature(company_of(cast), by="operator")
    assert certificate_pdf(first) == as_issued
    assert first.snapshot["company"]["signature"] == first_name
    assert second.snapshot["company"]["signature"] == second_name
    assert issued(cast.coverage, cast.ana).snapshot["company"]["signature"] == ""


def test_an_image_that_is_gone_makes_no_certificate_that_looks_unsigned(cast: Cast) -> None:
    private_storage().delete(set_signature(company_of(cast), a_png(), by="operator"))
    certificate = issued(cast.coverage, cast.ana)
    with pytest.raises(FileNotFoundError):
        issuing.render(certificate.pk)
    certificate.refresh_from_db()
    assert certificate.status == Certificate.Status.QUEUED
    assert certificate.file == ""


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "isn’t a PNG image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "isn’t a PNG image"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "isn’t a PNG image"),
        (a_png()[:200], "isn’t a PNG image"),
        (b"\xff\xd8\xff\xe0" + b"0" * 100, "isn’t a PNG image"),
        (b"0" * (1024 * 1024 + 1), "larger than 1 MB"),
        (a_png(size=(2500, 2000)), "more than 4 million pixels"),
    ],
    ids=["empty", "svg", "broken", "cut off", "jpeg", "large", "many pixels"],
)
def test_only_a_png_by_its_content_is_taken(data: bytes, why: str) -> None:
    with pytest.raises(ImageRefusedError, match=why):
        clean_png(data)


def test_an_image_with_nothing_on_it_is_refused() -> None:
    written = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(written, format="PNG")
    with pytest.raises(ImageRefusedError, match="empty"):
        clean_png(written.getvalue())


def test_nothing_but_the_pixels_is_kept_and_the_same_image_gives_the_same_file() -> None:
    image = Image.open(io.BytesIO(a_png(size=(3000, 1000))))
    with_secret = io.BytesIO()
    secret = PngInfo()
    secret.add_text("Comment", "made by Imogen at home")
    image.save(with_secret, format="PNG", pnginfo=secret)
    cleaned = clean_png(with_secret.getvalue())
    assert b"Imogen" not in cleaned
    assert cleaned == clean_png(with_secret.getvalue())
    with Image.open(io.BytesIO(cleaned)) as small:
        assert small.width <= 640
        assert small.height <= 200


def test_an_operator_sets_and_removes_it_by_command_and_both_are_recorded(cast: Cast, tmp_path: Path) -> None:
    company = company_of(cast)
    file = tmp_path / "vale.png"
    file.write_bytes(a_png())
    call_command("set_company_signature", company.external_id, str(file))
    company.refresh_from_db()
    assert company.signature.startswith("signatures/")
    with private_storage().open(company.signature) as stored:
        assert stored.read() == clean_png(a_png())
    Company.objects.filter(pk=company.pk).update(name="Larkfield Reciprocal")
    call_command("set_company_signature", "Larkfield Reciprocal", remove=True)
    company.refresh_from_db()
    assert company.signature == ""
    tags = Event.objects.filter(subject_type="policies.company").order_by("id").values_list("tag", flat=True)
    assert list(tags) == [PolicyEvent.SIGNATURE_SET, PolicyEvent.SIGNATURE_REMOVED]


def test_the_command_says_what_is_wrong(cast: Cast, tmp_path: Path) -> None:
    company = company_of(cast)
    file = tmp_path / "vale.png"
    file.write_bytes(b"GIF89a")
    with pytest.raises(CommandError, match="isn’t a PNG image"):
        call_command("set_company_signature", company.external_id, str(file))
    with pytest.raises(CommandError, match="No such file"):
        call_command("set_company_signature", company.external_id, str(tmp_path / "none.png"))
    with pytest.raises(CommandError, match=f"No company is called Nobody. Known: {company.external_id}"):
        call_command("set_company_signature", "Nobody", str(file))
    with pytest.raises(CommandError, match="Name a file, or say --remove"):
        call_command("set_company_signature", company.external_id)
    CompanyFactory.create(source="other", external_id=company.external_id, name="Other")
    with pytest.raises(CommandError, match="Add --source"):
        call_command("set_company_signature", company.external_id, str(file))
    file.write_bytes(a_png())
    call_command("set_company_signature", company.external_id, str(file), source="other")
    assert Company.objects.get(source="other").signature
    company.refresh_from_db()
    assert company.signature == ""
