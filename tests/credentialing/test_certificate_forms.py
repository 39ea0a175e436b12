"""Which form a paper bears (docs/feed-format.md#certificate-forms)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from credentialing.models import CertificateForm, wants_approved_form
from policies.models import Company
from tests.book import CompanyFactory
from tests.on_file import CertificateFormFactory

pytestmark = pytest.mark.django_db

COI, LETTER = CertificateForm.Kind.CERTIFICATE, CertificateForm.Kind.LETTER
TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def company() -> Company:
    """Make a company with forms for all states and for New York in two editions, for Texas (it has ended), and for
    Georgia (from tomorrow); and with a letter for Texas."""
    company: Company = CompanyFactory.create()
    rows: list[tuple[str, CertificateForm.Kind, str, dt.date, dt.date | None]] = [
        ("", COI, "general-1", dt.date(2020, 1, 1), None),
        ("", COI, "general-2", dt.date(2026, 6, 1), None),
        ("NY", COI, "new-york-1", dt.date(2024, 1, 1), None),
        ("NY", COI, "new-york-2", dt.date(2026, 1, 1), dt.date(2027, 1, 1)),
        ("TX", COI, "texas", dt.date(2024, 1, 1), TODAY),
        ("GA", COI, "georgia", TODAY + dt.timedelta(days=1), None),
        ("TX", LETTER, "texas-letter", TODAY, None),
    ]
    for state, kind, number, effective, expires in rows:
        CertificateFormFactory.create(
            company=company, state=state, kind=kind, form_number=number, effective=effective, expires=expires
        )
    CertificateFormFactory.create(state="TX", form_number="another company's")
    return company


@pytest.mark.parametrize(
    ("state", "kind", "day", "number"),
    [
        # A state without a form of its own has the general one, and so has an insured without a state.
        ("OH", COI, TODAY, "general-2"),
        ("", COI, TODAY, "general-2"),
        ("OH", COI, dt.date(2019, 12, 31), None),
        # A state's own goes before it, even if it's older, in the edition of the day.
        ("NY", COI, TODAY, "new-york-2"),
        ("NY", COI, dt.date(2025, 12, 31), "new-york-1"),
        ("NY", COI, dt.date(2027, 1, 1), "new-york-1"),
        ("NY", COI, dt.date(2023, 12, 31), "general-1"),
        # Where an approved form is wanted, only the state's own serves, on its days.
        ("TX", COI, TODAY - dt.timedelta(days=1), "texas"),
        ("TX", COI, TODAY, None),
        ("GA", COI, TODAY, None),
        ("GA", COI, TODAY + dt.timedelta(days=1), "georgia"),
        # Each kind has its own.
        ("TX", LETTER, TODAY, "texas-letter"),
        ("OH", LETTER, TODAY, None),
    ],
)
def test_a_paper_bears_the_form_of_its_company_state_kind_and_day(
    company: Company,
    state: str,
    kind: str,
    day: dt.date,
    number: str | None,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        form = CertificateForm.objects.serving(company, state, kind, day)
    assert (form.form_number if form else None) == number


def test_the_states_that_want_an_approved_form_are_a_setting(company: Company, settings: Settings) -> None:
    assert [state for state in ("TX", "GA", "NY", "") if wants_approved_form(state)] == ["TX", "GA"]
    settings.CERTIFICATE_FORM_STATES = ["OH"]
    serving = CertificateForm.objects.serving
    assert serving(company, "OH", COI, TODAY) is None
    assert str(serving(company, "GA", COI, TODAY)) == "general-2 (06-26)"


def test_a_retired_form_serves_nobody(company: Company) -> None:
    CertificateForm.objects.filter(state="").update(retired_at=timezone.now())
    assert CertificateForm.objects.serving(company, "OH", COI, TODAY) is None
