"""Forms to download: public, by writing company, as staff publish them, and nothing but PDFs that open."""

from __future__ import annotations

import io
import os
from typing import Any

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.models import Event
from core.storage import private_storage
from policies.models import Company
from portal.models import PublishedForm
from tests.book import CompanyFactory, days
from tests.cast import browser_of
from tests.factories import UserFactory
from tests.feed.assets import a_pdf
from tests.reading import words

pytestmark = pytest.mark.django_db
PDF = a_pdf("form")


@pytest.fixture
def staff() -> Client:
    return browser_of(UserFactory.create(username="publisher", is_staff=True, is_superuser=True))


def upload(staff: Client, *companies: Company, content: bytes = PDF, **values: Any) -> Any:
    """Add an edition in admin as staff do."""
    given: dict[str, Any] = {"title": "Report a new address", "number": "LM-CR-10", "edition": "01/26", "order": "100"}
    given |= {"is_published": "on", "published_on": days(0).isoformat(), "companies": [one.pk for one in companies]}
    given |= {"upload": SimpleUploadedFile("form.pdf", content, "application/pdf")} | values
    return staff.post(reverse("admin:portal_publishedform_add"), given)


def test_the_page_is_public_and_says_whose_policies_each_form_is_for(staff):
    mutual, specialty = CompanyFactory.create(), CompanyFactory.create(name="Larkfield Specialty Company")
    upload(staff, mutual, specialty, about="Tell us where you practice.", roles=["policyholder"])
    upload(staff, specialty, title="No-loss statement", number="LM-NL-1")
    visitor = Client()
    text = words(visitor.get(reverse("forms")))
    assert "For policies written by Larkfield Mutual Insurance Company." in text
    assert "For policies written by Larkfield Specialty Company." in text
    assert text.count("Report a new address Tell us where you practice. For policyholders") == 2
    assert text.count("No-loss statement") == 1
    only = words(visitor.get(reverse("forms"), {"company": specialty.name, "q": "no-loss"}))
    assert "Report a new address" not in only
    assert "No-loss statement" in only
    assert "No forms found" in words(visitor.get(reverse("forms"), {"q": "zebra"}))
    form = PublishedForm.objects.get(number="LM-NL-1")
    response = visitor.get(form.get_absolute_url())
    assert b"".join(response).startswith(b"%PDF")
    assert response["Content-Disposition"] == 'attachment; filename="LM-NL-1 No-loss statement.pdf"'
    assert (form.pages, form.size) == (1, len(PDF))


def test_a_company_whose_service_is_off_offers_no_forms(staff):
    company = CompanyFactory.create(services=["pay"])
    upload(staff, company)
    visitor = Client()
    assert "No forms here yet" in words(visitor.get(reverse("forms")))
    assert visitor.get(PublishedForm.objects.get().get_absolute_url()).status_code == 404


def test_a_new_edition_takes_the_place_of_the_earlier_one_from_its_day_on_and_old_links_lead_to_it(staff):
    company = CompanyFactory.create()
    upload(staff, company, published_on=days(-30).isoformat())
    upload(staff, company, edition="07/26", number="lm-cr-10", content=a_pdf("new"))
    upload(staff, company, edition="01/27", content=a_pdf("ahead"), published_on=days(5).isoformat())
    old, new, ahead = PublishedForm.objects.order_by("pk")
    visitor = Client()
    page = words(visitor.get(reverse("forms")))
    assert ("07/26" in page, "01/26" in page, "01/27" in page) == (True, False, False)
    assert visitor.get(old.get_absolute_url())["Location"] == new.get_absolute_url()
    assert visitor.get(ahead.get_absolute_url())["Location"] == new.get_absolute_url()
    PublishedForm.objects.update(is_published=False)
    assert visitor.get(old.get_absolute_url()).status_code == 404


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<html><script>alert(1)</script>", "web page"),
        (a_pdf(password="x"), "password"),
        (b"%PDF-1.7 torn", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 60, "isn’t a"),
        (b"", "empty"),
    ],
)
def test_what_is_not_a_pdf_that_opens_gets_its_sentence_and_nothing_is_kept(staff, content, sentence):
    response = upload(staff, CompanyFactory.create(), content=content)
    assert response.status_code == 200
    assert sentence in words(response)
    assert not PublishedForm.objects.exists()


def test_staff_correct_an_entry_without_its_file_and_never_delete_one(staff):
    company = CompanyFactory.create()
    upload(staff, company)
    form = PublishedForm.objects.get()
    again = upload(staff, company, edition=" 01/26")
    assert "This edition of the form is here already." in words(again)
    assert "Choose the form’s PDF." in words(upload(staff, company, edition="2", upload=""))
    values = {
        "title": "Address",
        "number": form.number,
        "edition": form.edition,
        "order": "1",
        "companies": [company.pk],
    }
    change = reverse("admin:portal_publishedform_change", args=[form.pk])
    assert staff.post(change, values | {"published_on": days(0).isoformat()}).status_code == 302
    changed = PublishedForm.objects.get()
    assert (changed.title, changed.sha256, changed.is_published) == ("Address", form.sha256, False)
    assert private_storage().exists(changed.file)
    assert staff.post(reverse("admin:portal_publishedform_delete", args=[form.pk])).status_code == 403
    assert Event.objects.filter(tag="staff:row:changed", subject_id=str(form.pk)).exists()


def test_a_form_larger_than_a_page_may_send_is_taken_by_this_page(staff):
    large = with_noise(os.urandom(3 * 1024**2))
    upload(staff, CompanyFactory.create(), content=large)
    assert PublishedForm.objects.get().size > 3 * 1024**2


def with_noise(noise: bytes) -> bytes:
    to = io.BytesIO()
    with pikepdf.open(io.BytesIO(a_pdf())) as pdf:
        pdf.pages[0].obj.PieceInfo = pikepdf.Dictionary(Bytes=pdf.make_stream(noise))
        pdf.save(to)
    return to.getvalue()


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_costs_the_same_for_many_forms(staff, count, django_assert_max_num_queries):
    company = CompanyFactory.create()
    facts = {"edition": "1", "file": "forms/a.pdf", "sha256": "0", "size": 1, "pages": 1}
    for number in range(count):
        PublishedForm.objects.create(title="Form", number=f"F{number}", **facts).companies.add(company)
    with django_assert_max_num_queries(4):
        assert Client().get(reverse("forms")).status_code == 200
