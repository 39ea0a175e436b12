"""CAQH sheets: the fields to enter, with the certificate, and those of a whole term (B-20)."""

from __future__ import annotations

import io
import uuid
import zipfile
from typing import TYPE_CHECKING

from django.urls import reverse

from core.models import Event
from core.storage import private_storage
from credentialing.caqh.fields import LABELS, Sheets
from credentialing.certificates import issuing
from credentialing.events import CaqhEvent
from credentialing.models import Certificate
from policies.eligibility import judge_now
from policies.models import Coverage
from tests.book import CoverageFactory, InsuredFactory, days
from tests.cast import Browse, Cast
from tests.reading import words

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries


def fields_of(coverage: Coverage) -> dict[str, str]:
    loaded = Coverage.objects.with_policy().get(pk=coverage.pk)
    return {field.label: field.value for field in Sheets([loaded]).of(loaded, judge_now(loaded))}


def sheet(coverage: Coverage) -> str:
    return reverse("credentialing:caqh", args=[coverage.public_id])


def test_each_field_has_what_is_typed_there(cast: Cast) -> None:
    anas, bens = fields_of(cast.anas), fields_of(cast.bens)
    assert tuple(anas) == LABELS
    assert anas["Carrier name"] == "Larkfield Mutual Insurance Company"
    assert anas["Policy number"] == "MPL-204-118832"
    assert anas["Original effective date"] == "07/01/2015"
    assert anas["Current effective date"] == f"{cast.term.effective:%m/%d/%Y}"
    assert anas["Current expiration date"] == f"{cast.term.expires:%m/%d/%Y}"
    assert (anas["Coverage type"], bens["Coverage type"]) == ("Individual", "Shared")
    assert (anas["Claims-made or occurrence"], bens["Claims-made or occurrence"]) == ("Claims-made", "Occurrence")
    assert (anas["Amount per claim or occurrence"], anas["Aggregate amount"]) == ("$1,000,000", "$3,000,000")
    assert (anas["Unlimited coverage"], anas["Self-insured"], anas["Tail coverage"]) == ("No", "No", "No")


def test_without_a_retroactive_date_it_is_the_first_day_with_the_company(cast: Cast) -> None:
    earlier = CoverageFactory.create(
        term__policy=cast.policy, term__effective=days(-465), term__expires=days(-100), insured=cast.bens.insured
    )
    assert fields_of(cast.bens)["Original effective date"] == f"{earlier.effective:%m/%d/%Y}"


def test_every_value_can_be_copied_and_read_without_a_script(cast: Cast, browse: Browse) -> None:
    response = browse(cast.ana).get(sheet(cast.anas))
    page = response.content.decode()
    # Fields that have a value; the second line of the street has none.
    assert page.count("data-copy=") == sum(bool(value) for value in fields_of(cast.anas).values())
    assert "MPL-204-118832" in words(response)
    assert "Copy Policy number" in words(response)


def test_others_do_not_see_it(cast: Cast, browse: Browse) -> None:
    assert browse(cast.olga).get(sheet(cast.anas)).status_code == 404
    assert browse(cast.ben).get(sheet(cast.anas)).status_code == 404
    term = reverse("credentialing:caqh-excel", args=[cast.term.public_id])
    assert browse(cast.olga).get(term).status_code == 404


def test_what_cannot_be_certified_says_why_instead(cast: Cast, browse: Browse) -> None:
    offered = CoverageFactory.create(term__policy=cast.policy, term__status="offered", insured=cast.bens.insured)
    response = browse(cast.paula).get(sheet(offered))
    assert "An offer isn’t coverage." in words(response)
    assert "data-copy" not in response.content.decode()
    refused = browse(cast.paula).post(
        reverse("credentialing:caqh-together", args=[offered.public_id]), {"idempotency_key": str(uuid.uuid4())}
    )
    assert refused["Location"] == sheet(offered)
    assert not Certificate.objects.exists()


def test_the_certificate_and_the_sheet_come_in_one_file(cast: Cast, browse: Browse) -> None:
    client, form = browse(cast.paula), {"idempotency_key": str(uuid.uuid4())}
    together = reverse("credentialing:caqh-together", args=[cast.anas.public_id])
    assert client.post(together, {"idempotency_key": "junk"})["Location"] == sheet(cast.anas)
    first, again = client.post(together, form), client.post(together, form)
    certificate = Certificate.objects.get()
    file = reverse("credentialing:caqh-zip", args=[certificate.public_id])
    assert first["Location"] == again["Location"] == file
    assert client.get(file)["Location"] == certificate.get_absolute_url(), "until the file is ready"
    issuing.render(certificate.pk)
    certificate.refresh_from_db()
    with zipfile.ZipFile(io.BytesIO(client.get(file).content)) as archive:
        pdf, book = archive.namelist()
        assert archive.read(pdf).startswith(b"%PDF-")
        with zipfile.ZipFile(io.BytesIO(archive.read(book))) as workbook:
            assert "MPL-204-118832" in workbook.read("xl/worksheets/sheet1.xml").decode()
    assert browse(cast.ana).get(file).status_code == 403, "another party issued it"
    assert browse(cast.olga).get(file).status_code == 404
    with open(private_storage().path(certificate.file), "ab") as stored:  # noqa: PTH123
        stored.write(b"changed")
    assert client.get(file)["Location"] == certificate.get_absolute_url()


def test_a_term_as_an_excel_file_has_a_row_for_each_clinician(
    cast: Cast, browse: Browse, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        CoverageFactory.create(term=cast.term, insured=InsuredFactory.create(last_name=f"Zz{number:02}"))
    client = browse(cast.paula)
    with django_assert_max_num_queries(16):
        response = client.get(reverse("credentialing:caqh-excel", args=[cast.term.public_id]))
    with zipfile.ZipFile(io.BytesIO(response.content)) as book:
        rows = book.read("xl/worksheets/sheet1.xml").decode()
    assert rows.count("<row ") == 1 + 22
    assert "Núñez" in rows
    assert Event.objects.get(tag=CaqhEvent.EXPORTED).data["clinicians"] == 22
    own = browse(cast.ana).get(reverse("credentialing:caqh-excel", args=[cast.term.public_id]))
    with zipfile.ZipFile(io.BytesIO(own.content)) as book:
        assert "Şahin" not in book.read("xl/worksheets/sheet1.xml").decode()
