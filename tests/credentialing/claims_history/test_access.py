"""Whose claims history one may have, and on what ground (docs/decisions/0187-authorizations-as-rows.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from claims.models import Claim
from core.dates import carrier_today
from core.models import Event
from credentialing.claims_history import issuing
from credentialing.claims_history.access import subjects_of
from credentialing.claims_history.authorizing import revoke
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Authorization, AuthorizationRevocation, ClaimsPaper
from credentialing.models.authorizations import months_after
from policies.models import AgentOfRecord
from tests.book import PolicyholderFactory, days, delegate_of, holder_of
from tests.cast import Cast
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized, issued, made, subject_of
from tests.credentialing.helpers import a_holder
from tests.factories import UserFactory
from tests.on_file import CarrierHolderFactory, StandingHolderFactory

pytestmark = pytest.mark.django_db

Browse = Callable[[AbstractBaseUser], Client]
NOON = dt.datetime(2026, 3, 2, 17, 0, tzinfo=dt.UTC)


def why_not(done: issuing.Issued) -> str:
    """Return the one reason for which nothing was issued."""
    assert not done.papers
    assert not done.requests
    ((_, why),) = done.refused
    return why


@pytest.mark.parametrize("who", ["paula", "adam"])
def test_switch_and_authorization_are_both_needed(cast: Cast, who: str) -> None:
    user = getattr(cast, who)
    party = {"policyholder": cast.policy.policyholder} if who == "paula" else {"agency": cast.agency}
    assert subjects_of(user, [cast.anas.insured.pk]) == []
    switch_on(user)
    assert why_not(issued(user, cast.anas.insured)) == "Ana María Núñez-Đặng, MD hasn’t authorized this."
    assert Event.objects.filter(tag=ClaimsPaperEvent.REFUSED).count() == 1
    given = authorized(cast.ana, cast.anas.insured, **party)
    (paper,) = issued(user, cast.anas.insured).papers
    assert paper.authorization == given
    assert why_not(issued(user, cast.bens.insured)) == "Łukasz Şahin, MD hasn’t authorized this."
    user.memberships.update(capabilities=[])
    assert subjects_of(type(user).objects.get(pk=user.pk), [cast.anas.insured.pk]) == []


def test_the_carriers_rule_replaces_the_authorization_never_the_switch(cast: Cast, settings: Settings) -> None:
    settings.CLAIMS_HISTORY_WITHOUT_AUTHORIZATION = [cast.policy.company.external_id]
    assert subjects_of(cast.paula, [cast.anas.insured.pk]) == []
    switch_on(cast.paula)
    (paper,) = issued(cast.paula, cast.anas.insured).papers
    assert paper.authorization is None
    settings.CLAIMS_HISTORY_WITHOUT_AUTHORIZATION = ["another company"]
    assert issued(cast.paula, cast.anas.insured).refused


def test_an_authorization_opens_what_it_names_and_nothing_else(cast: Cast) -> None:
    switch_on(cast.paula)
    switch_on(cast.adam)
    authorized(cast.ana, cast.anas.insured, years=5, policyholder=cast.policy.policyholder)
    insured = cast.anas.insured
    assert issued(cast.paula, insured, years=5).papers
    assert "covers 5 years" in why_not(issued(cast.paula, insured, years=10))
    assert "covers 5 years" in why_not(issued(cast.paula, insured, years=None))
    assert "hasn’t authorized" in why_not(issued(cast.adam, insured, years=5))
    other = holder_of(UserFactory.create(), PolicyholderFactory.create())
    other.capabilities = ["view_claims_history"]
    other.save()
    assert subjects_of(other.user, [insured.pk]) == []


def test_one_for_a_holder_opens_papers_for_that_holder_only(cast: Cast) -> None:
    switch_on(cast.paula)
    named = a_holder(cast.ana, cast.anas)
    authorized(cast.ana, cast.anas.insured, holder=named)
    same = a_holder(cast.paula, cast.anas, name="SAINT BRENDAN MEDICAL CENTER")
    another = a_holder(cast.paula, cast.anas, name="Two Rivers Regional Hospital")
    (paper,) = issued(cast.paula, cast.anas.insured, holder=same).papers
    assert paper.holder == same
    assert why_not(issued(cast.paula, cast.anas.insured, holder=another))
    assert why_not(issued(cast.paula, cast.anas.insured))


def test_a_standing_holder_without_the_switch_needs_an_authorization_that_names_it(cast: Cast) -> None:
    switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    holder = a_holder(cast.paula, cast.anas)
    on_file = CarrierHolderFactory.create(name=holder.name, fingerprint=holder.fingerprint)
    assert issued(cast.paula, cast.anas.insured, holder=holder).papers, "a holder that isn’t standing"
    standing = StandingHolderFactory.create(holder=on_file, policy=cast.policy, claims_history=False)
    assert "no claims histories" in why_not(issued(cast.paula, cast.anas.insured, holder=holder))
    standing.claims_history = True
    standing.save()
    assert issued(cast.paula, cast.anas.insured, holder=holder).papers
    standing.claims_history, standing.insured = False, cast.bens.insured
    standing.save()
    assert issued(cast.paula, cast.anas.insured, holder=holder).papers, "it is standing for Ben"
    standing.insured = cast.anas.insured
    standing.save()
    assert issued(cast.ana, cast.anas.insured, holder=a_holder(cast.ana, cast.anas)).papers, "her own"
    authorized(cast.ana, cast.anas.insured, holder=holder)
    assert issued(cast.paula, cast.anas.insured, holder=holder).papers


@pytest.mark.time_machine(NOON, tick=False)
def test_it_holds_for_24_months_and_a_shorter_setting_ends_older_ones(cast: Cast, settings: Settings) -> None:
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    assert (given.given_on, given.expires_on) == (dt.date(2026, 3, 2), dt.date(2028, 3, 2))
    in_effect = Authorization.objects.in_effect
    assert in_effect(dt.date(2028, 3, 1)).exists()
    assert not in_effect(dt.date(2028, 3, 2)).exists()
    settings.AUTHORIZATION_MONTHS = 12
    assert in_effect(dt.date(2027, 3, 1)).exists()
    assert not in_effect(dt.date(2027, 3, 2)).exists()


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (dt.date(2028, 2, 29), 24, dt.date(2030, 2, 28)),
        (dt.date(2026, 12, 31), 2, dt.date(2027, 2, 28)),
        (dt.date(2026, 1, 15), -24, dt.date(2024, 1, 15)),
        (dt.date(2026, 11, 30), 1, dt.date(2026, 12, 30)),
    ],
)
def test_a_month_that_is_too_short_gives_its_last_day(day: dt.date, months: int, then: dt.date) -> None:
    assert months_after(day, months) == then


def test_revoking_closes_at_once_what_was_issued_before_too(
    cast: Cast, claims: dict[str, Claim], browse: Browse
) -> None:
    switch_on(cast.paula)
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    paper = made(issued(cast.paula, cast.anas.insured).papers[0])
    client = browse(cast.paula)
    address = reverse("credentialing:claims-paper-pdf", args=[paper.public_id])
    assert client.get(address).status_code == 200
    event = Event.objects.get(tag=ClaimsPaperEvent.DOWNLOADED)
    assert (event.actor_name, event.data["authorization"]) == ("paula", given.public_id)

    assert revoke(given, by=cast.ana, side=AuthorizationRevocation.By.INSURED)

    assert client.get(address).status_code == 403
    assert "The file is closed" in client.get(paper.get_absolute_url()).content.decode()
    assert why_not(issued(cast.paula, cast.anas.insured))
    page = client.get(
        reverse("credentialing:claims-history-new"), {"who": subject_of(cast.paula, cast.anas.insured).code}
    )
    assert "LC-SUIT" not in page.content.decode()
    assert browse(cast.ana).get(address).status_code == 200, "it is her own history"


def test_an_authorization_that_ran_out_closes_the_file(cast: Cast, settings: Settings) -> None:
    switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    (paper,) = issued(cast.paula, cast.anas.insured).papers
    assert issuing.may_be_given(cast.paula, paper)
    settings.AUTHORIZATION_MONTHS = 0
    assert not issuing.may_be_given(cast.paula, paper)
    assert issuing.may_be_given(cast.ana, paper)


def seen_by(user: object) -> set[ClaimsPaper]:
    return set(ClaimsPaper.objects.visible_to(user))  # type: ignore[arg-type]


def test_a_history_is_seen_by_its_insured_and_by_the_party_that_issued_it(cast: Cast) -> None:
    switch_on(cast.paula)
    switch_on(cast.adam)
    for party in ({"policyholder": cast.policy.policyholder}, {"agency": cast.agency}):
        authorized(cast.ana, cast.anas.insured, **party)
    (own,) = issued(cast.ana, cast.anas.insured).papers
    (groups,) = issued(cast.paula, cast.anas.insured).papers
    (agents,) = issued(cast.adam, cast.anas.insured).papers
    assert seen_by(cast.ana) == {own, groups, agents}
    assert seen_by(cast.paula) == {groups}
    assert seen_by(cast.adam) == {agents}
    for stranger in (cast.ben, cast.mia, cast.olga, cast.support, AnonymousUser()):
        assert seen_by(stranger) == set()
    delegate = UserFactory.create()
    delegate_of(cast.paula.memberships.get(), delegate)
    assert seen_by(delegate) == set()
    colleague = UserFactory.create()
    delegate_of(cast.paula.memberships.get(), colleague, "view_claims_history")
    assert seen_by(colleague) == {groups}
    AgentOfRecord.objects.update(ends=days(0))
    assert seen_by(cast.adam) == set()


def test_a_membership_that_ended_opens_nothing(cast: Cast) -> None:
    place = switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    issued(cast.paula, cast.anas.insured)
    place.revoke(by=cast.support, reason="left")
    assert seen_by(cast.paula) == set()
    assert subjects_of(cast.paula, [cast.anas.insured.pk]) == []


def test_today_is_the_carriers_day(cast: Cast) -> None:
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    assert given.given_on == carrier_today()
    assert given.holds
    assert given.given_at <= timezone.now()
