"""Someone joins: holders chosen ahead get the certificate as soon as the feed binds the coverage (B-17)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from core.crypto import keyed_hash
from core.models import Event
from credentialing.joining.holders import begun
from credentialing.models import Certificate, Delivery, JoinerHolder, OwnStandingHolder, StandingIssue
from credentialing.sending import standing
from policies.change_requests.forms import Item
from policies.models import ChangeRequest, Coverage
from tests.book import CoverageFactory, InsuredFactory, delegate_of
from tests.cast import Cast, browser_of
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder
from tests.credentialing.sending.test_renewals import work_off
from tests.factories import UserFactory
from tests.policies.changes import a_change
from tests.reading import words

pytestmark = pytest.mark.django_db
NPI, BORN = "1003000126", "1976-10-17"


@pytest.fixture
def cast(db: None) -> Cast:
    return make_printable_cast()


def joiner(cast: Cast, **answers: str) -> ChangeRequest:
    """Return the request to add Mae."""
    given = {"first_name": "Mae", "last_name": "Jemison", "npi": NPI, "specialty": "Surgery"} | answers
    item = Item(
        answers=given, sealed={"answers": {"date_of_birth": BORN}, "shown": []}, action="add", label="Mae Jemison, MD"
    )
    return a_change(cast.paula, cast.policy, "add_insured", items=[item], about="Mae Jemison, MD")


def bound(cast: Cast, *, npi: str = NPI, last: str = "Jemison", born: str = BORN) -> Coverage:
    """Return the coverage as the feed brings it."""
    hashed = keyed_hash("date_of_birth", born)
    insured = InsuredFactory.create(first_name="Mae", last_name=last, npi=npi, date_of_birth_hash=hashed)
    return CoverageFactory.create(term=cast.term, insured=insured)


def told(coverage: Coverage) -> None:
    begun({"coverage": coverage.public_id, "policy": "", "run": 1}, key="k")


def page(asked: ChangeRequest) -> str:
    return reverse("credentialing:joiner", args=[asked.public_id])


def test_holders_chosen_ahead_get_the_certificate_once_coverage_is_bound_and_nobody_else_does(cast: Cast) -> None:
    asked, browser = joiner(cast), browser_of(cast.paula)
    chosen = a_holder(cast.paula, cast.anas, email="office@brendan.example")
    a_holder(cast.paula, cast.anas, name="Mercy Hospital", email="office@mercy.example")
    assert f'href="{page(asked)}"' in browser.get(asked.get_absolute_url()).content.decode()
    browser.post(page(asked), {"holders": [chosen.public_id]})
    assert Event.objects.filter(tag="credentialing:joiner:holders_chosen").count() == 1

    coverage = bound(cast)
    told(coverage)
    told(coverage)
    work_off()

    (delivery,) = Delivery.objects.all()
    assert (delivery.to, delivery.handed_over_at is not None) == ("office@brendan.example", True)
    certificate = Certificate.objects.get()
    assert certificate.snapshot["insured"]["name"].startswith("Mae Jemison")
    assert OwnStandingHolder.objects.get().insured == coverage.insured
    assert StandingIssue.objects.get().reason == "joiner"
    assert standing.due_of_joiners(cast.term) == [], "never twice"
    assert "1 of 1" in words(browser.get(page(asked)))


@pytest.mark.parametrize(
    ("found", "is_mae"),
    [
        ({}, True),
        ({"npi": "1003000134"}, False),
        ({"npi": ""}, True),
        ({"npi": "", "born": "1980-01-01"}, False),
        ({"npi": "", "last": "Jameson"}, False),
    ],
)
def test_the_joiner_is_known_by_npi_or_by_name_and_date_of_birth(
    cast: Cast, found: dict[str, str], is_mae: bool
) -> None:
    asked = joiner(cast)
    JoinerHolder.objects.create(request=asked, holder=a_holder(cast.paula, cast.anas), chosen_by=cast.paula)

    told(bound(cast, **found))

    assert OwnStandingHolder.objects.exists() == is_mae


@pytest.mark.parametrize("status", ["declined", "withdrawn"])
def test_nobody_gets_anything_of_a_request_that_came_to_nothing(cast: Cast, status: str) -> None:
    asked = joiner(cast)
    JoinerHolder.objects.create(request=asked, holder=a_holder(cast.paula, cast.anas), chosen_by=cast.paula)
    ChangeRequest.objects.update(status=status)

    told(bound(cast))

    assert not StandingIssue.objects.exists()
    assert browser_of(cast.paula).get(page(asked)).status_code == 404


def test_only_holders_of_the_partys_own_book_can_be_chosen_and_by_those_who_may(cast: Cast) -> None:
    asked = joiner(cast)
    others: Any = a_holder(cast.ana, cast.anas)

    refused = browser_of(cast.paula).post(page(asked), {"holders": [others.public_id]})
    assert refused.status_code in (200, 422)
    assert not JoinerHolder.objects.exists()
    delegate = delegate_of(cast.paula.memberships.get(), UserFactory.create(), "request_change").user
    assert browser_of(delegate).get(page(asked)).status_code == 403


def test_a_choice_can_be_changed_until_it_has_its_arrangement(cast: Cast) -> None:
    asked, browser = joiner(cast), browser_of(cast.paula)
    one, other = a_holder(cast.paula, cast.anas), a_holder(cast.paula, cast.anas, name="Mercy Hospital")
    browser.post(page(asked), {"holders": [one.public_id]})
    browser.post(page(asked), {"holders": [other.public_id]})
    assert JoinerHolder.objects.get().holder == other

    told(bound(cast))
    browser.post(page(asked), {"holders": []})

    assert JoinerHolder.objects.get().standing is not None
