"""Claims: who sees them, what a claims history may hold, and how far back it goes (docs/spec.md#insurance-facts)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from claims.models import FOR_THIRD_PARTIES, Claim, years_before
from policies.models import AgentOfRecord, Membership
from policies.roles import Capability
from tests.book import days, delegate_of
from tests.cast import Cast, make_cast
from tests.factories import UserFactory
from tests.on_file import ClaimFactory

pytestmark = pytest.mark.django_db

VALUED = dt.date(2026, 11, 20)
HISTORY = str(Capability.VIEW_CLAIMS_HISTORY)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def claims(cast: Cast) -> dict[str, Claim]:
    """Ana's claim and incident on the group's policy, and an old one elsewhere; Ben's; Mia's own; a stranger's."""
    ana, ben = cast.anas.insured, cast.bens.insured
    return {
        "ana": ClaimFactory.create(insured=ana, policy=cast.policy),
        "incident": ClaimFactory.create(insured=ana, policy=cast.policy, kind=Claim.Kind.INCIDENT),
        "former": ClaimFactory.create(insured=ana, policy=None, report_date=dt.date(1999, 5, 6)),
        "ben": ClaimFactory.create(insured=ben, policy=cast.policy, kind=Claim.Kind.SUIT),
        "mia": ClaimFactory.create(insured=cast.mias.insured, policy=cast.mias.term.policy),
        "olga": ClaimFactory.create(insured=cast.olgas.insured, policy=cast.olgas.term.policy),
    }


def seen_by(user: User, claims: dict[str, Claim]) -> set[str]:
    """Return the names of the claims that the user sees."""
    seen = set(Claim.objects.visible_to(user))
    return {name for name, claim in claims.items() if claim in seen}


def grant(user: User) -> Membership:
    """Give the user's membership access to claims histories."""
    membership = user.memberships.get()
    membership.capabilities = [HISTORY]
    membership.save()
    return membership


@pytest.mark.parametrize(
    ("who", "sees", "with_the_switch"),
    [
        ("ana", {"ana", "incident", "former"}, {"ana", "incident", "former"}),
        ("ben", {"ben"}, {"ben"}),
        ("paula", set(), {"ana", "ben"}),
        ("adam", set(), {"ana", "ben"}),
        ("olga", {"olga"}, {"olga"}),
    ],
)
def test_insureds_see_their_own_and_managers_what_they_were_given_but_no_incident(
    cast: Cast, claims: dict[str, Claim], who: str, sees: set[str], with_the_switch: set[str]
) -> None:
    user = getattr(cast, who)
    assert seen_by(user, claims) == sees
    grant(user)
    assert seen_by(user, claims) == with_the_switch
    assert not Claim.objects.visible_to(AnonymousUser()).exists()  # type: ignore[arg-type]


def test_a_policyholder_who_is_insured_sees_all_of_their_own(cast: Cast, claims: dict[str, Claim]) -> None:
    assert seen_by(cast.mia, claims) == {"mia"}
    assert set(Claim.objects.own_of(cast.mia)) == {claims["mia"]}


def test_own_matters_are_the_insureds_alone(cast: Cast, claims: dict[str, Claim]) -> None:
    grant(cast.paula)
    assert set(Claim.objects.own_of(cast.ana)) == {claims["ana"], claims["incident"], claims["former"]}
    assert not Claim.objects.own_of(cast.paula).exists()


def test_a_delegate_sees_them_only_if_given_the_right_that_the_giver_has(cast: Cast, claims: dict[str, Claim]) -> None:
    place = cast.paula.memberships.get()
    dana, noor = UserFactory.create(), UserFactory.create()
    delegate_of(place, dana, HISTORY)
    delegate_of(place, noor)
    assert seen_by(dana, claims) == set()
    grant(cast.paula)
    assert (seen_by(dana, claims), seen_by(noor, claims)) == ({"ana", "ben"}, set())


def test_the_former_agency_and_a_retired_policy_open_nothing(cast: Cast, claims: dict[str, Claim]) -> None:
    grant(cast.adam)
    grant(cast.paula)
    AgentOfRecord.objects.update(ends=days(0))
    assert seen_by(cast.adam, claims) == set()
    cast.policy.retired_at = timezone.now()
    cast.policy.save()
    assert seen_by(cast.paula, claims) == set()
    assert "ana" in seen_by(cast.ana, claims)


def test_a_third_party_reads_no_reserve_no_incident_and_nothing_of_the_handling(cast: Cast) -> None:
    told = {"reserve": Decimal(90000), "expense_paid": Decimal(1200), "handler": "Rosalind Peake", "stage": "Discovery"}
    claim = ClaimFactory.create(description="Delayed diagnosis alleged.", indemnity_paid=Decimal(500), **told)
    ClaimFactory.create(kind=Claim.Kind.INCIDENT)
    ClaimFactory.create(retired_at=timezone.now())

    (row,) = Claim.objects.for_third_parties()

    assert set(row) == set(FOR_THIRD_PARTIES)
    assert (row["number"], row["policy__number"], row["indemnity_paid"]) == (
        claim.number, claim.policy.number, Decimal(500),
    )  # fmt: skip
    assert not {"reserve", "expense_paid", "handler", "handler_phone", "counsel", "stage", "next_event"} & set(row)


@pytest.mark.parametrize(
    ("reported", "status", "windows"),
    [
        (dt.date(2026, 11, 20), "closed", {5, 10, None}),
        (dt.date(2021, 11, 20), "closed", {5, 10, None}),
        (dt.date(2021, 11, 19), "closed", {10, None}),
        (dt.date(2021, 11, 19), "open", {5, 10, None}),
        (dt.date(2016, 11, 20), "closed", {10, None}),
        (dt.date(2016, 11, 19), "closed", {None}),
        (dt.date(1999, 1, 1), "open", {5, 10, None}),
        # Not known yet on the valuation date.
        (dt.date(2026, 11, 21), "open", set()),
    ],
)
def test_a_window_has_what_was_reported_in_it_and_whatever_is_still_open(
    reported: dt.date, status: str, windows: set[int | None]
) -> None:
    ClaimFactory.create(report_date=reported, status=status)
    found = {years for years in (*Claim.WINDOWS, None) if Claim.objects.in_window(years, valued=VALUED).exists()}
    assert found == windows


def test_five_years_before_a_leap_day_is_the_last_of_february() -> None:
    assert years_before(dt.date(2028, 2, 29), 5) == dt.date(2023, 2, 28)
    assert years_before(dt.date(2028, 2, 29), 4) == dt.date(2024, 2, 29)


def test_open_ones_are_those_not_closed() -> None:
    still = ClaimFactory.create()
    ClaimFactory.create(status=Claim.Status.CLOSED, closed_date=days(-1))
    assert (list(Claim.objects.still_open()), still.is_open) == ([still], True)


@pytest.mark.parametrize(
    "wrong", [{"closed_date": days(-400)}, {"reserve": Decimal(-1)}, {"expense_paid": Decimal(-1)}]
)
def test_the_database_refuses_a_claim_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ClaimFactory.create(**wrong)
    assert not Claim.objects.exists()
