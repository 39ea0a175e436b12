"""Standing arrangements: the feed's and the customers' own, for whatever sends something to them (B-03)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from credentialing.holders.standing import arrangements_for, arrangements_of, holders_for, issuers_of
from credentialing.models import Holder, OwnStandingHolder
from policies.models import AgentOfRecord, Coverage, Membership
from tests.book import AgencyFactory, AgentOfRecordFactory, CoverageFactory, agent_at
from tests.cast import Cast
from tests.credentialing.helpers import a_holder
from tests.credentialing.holders import a_standing_holder
from tests.factories import UserFactory
from tests.on_file import CarrierHolderFactory, StandingHolderFactory


def loaded(*coverages: Coverage) -> list[Coverage]:
    return list(Coverage.objects.with_policy().filter(pk__in=[one.pk for one in coverages]).order_by("pk"))


def test_both_kinds_come_in_one_form_each_for_the_coverages_that_it_concerns(cast: Cast) -> None:
    StandingHolderFactory.create(holder=CarrierHolderFactory.create(name="Abbey"), policy=cast.policy, notices=True)
    a_standing_holder(
        cast.paula, cast.bens, insured=cast.bens.insured, holder=a_holder(cast.paula, cast.bens, name="B")
    )
    a_standing_holder(cast.ana, cast.anas, insured=cast.anas.insured, holder=a_holder(cast.ana, cast.anas, name="C"))
    found = arrangements_for(loaded(cast.anas, cast.bens, cast.mias))
    assert [one.name for one in found[cast.anas.pk]] == ["Abbey", "C"]
    assert [one.name for one in found[cast.bens.pk]] == ["Abbey", "B"]
    assert found[cast.mias.pk] == []
    abbey, own = found[cast.bens.pk]
    assert (abbey.is_own, abbey.renewals, abbey.notices, abbey.claims_history) == (False, True, True, False)
    assert (own.is_own, own.renewals, own.notices, own.claims_history) == (True, True, True, False)
    assert own.address_lines == ["One Hospital Plaza", "Kingston, NY 12401"]


def test_the_same_holder_comes_once_with_renewals_and_notices_that_are_on_in_either(cast: Cast) -> None:
    on_file = CarrierHolderFactory.create(name="Abbey", email="coi@abbey.example", minimum_per_claim=1_000_000)
    brought = StandingHolderFactory.create(holder=on_file, policy=cast.policy, renewals=False, claims_history=True)
    same = a_holder(
        cast.paula, cast.anas, name="ABBEY", address1="1 Abbey Road", city="Albany", state="NY", zip="12208"
    )
    chosen = a_standing_holder(cast.paula, cast.anas, holder=same, notices=False)
    (one,) = arrangements_for(loaded(cast.anas))[cast.anas.pk]
    assert (one.key, one.also) == (f"feed:{brought.public_id}", (f"own:{chosen.public_id}",))
    assert (one.renewals, one.notices, one.claims_history) == (True, False, False)
    assert (one.email, one.asks) == ("coi@abbey.example", on_file)


def test_nobody_diverts_what_the_carrier_sends_by_an_address_of_their_own(cast: Cast) -> None:
    """Ana keeps the hospital that is on file, with an email address of hers, and switches notices off."""
    on_file = CarrierHolderFactory.create(name="Abbey", email="coi@abbey.example")
    standing = StandingHolderFactory.create(holder=on_file, policy=cast.policy, notices=True)
    same = a_holder(cast.ana, cast.anas, name="Abbey", address1="1 Abbey Road", city="Albany", zip="12208")
    Holder.objects.filter(pk=same.pk).update(email="ana@home.example")
    own = a_standing_holder(cast.ana, cast.anas, insured=cast.anas.insured, holder=Holder.objects.get(), notices=False)
    (one,) = arrangements_for(loaded(cast.anas))[cast.anas.pk]
    assert (one.email, one.notices, one.renewals) == ("coi@abbey.example", True, True)
    # Without an arrangement of the feed, too: the hospital's address is on file.
    standing.delete()
    assert [each.email for each in arrangements_of([cast.policy.pk])] == ["coi@abbey.example"]
    # What is Ana's alone ends without the feed's.
    again = StandingHolderFactory.create(holder=on_file, policy=cast.policy, notices=True)
    OwnStandingHolder.objects.filter(pk=own.pk).update(ended_at=timezone.now(), ended_by=cast.ana)
    (one,) = arrangements_for(loaded(cast.anas))[cast.anas.pk]
    assert (one.key, one.notices) == (f"feed:{again.public_id}", True)


def test_an_arrangement_holds_only_while_its_party_has_to_do_with_the_policy(cast: Cast) -> None:
    agents = a_standing_holder(cast.adam, cast.anas)
    assert [one.key for one in arrangements_of([cast.policy.pk])] == [f"own:{agents.public_id}"]
    AgentOfRecord.objects.update(retired_at=timezone.now())
    assert arrangements_of([cast.policy.pk]) == []


def test_nobody_sees_another_partys_arrangements(cast: Cast) -> None:
    """Ana's hospital tells where she applies; so does the group's, to her."""
    anas = a_standing_holder(cast.ana, cast.anas, insured=cast.anas.insured)
    groups = a_standing_holder(cast.paula, cast.anas)
    for who, own in ((cast.ana, {anas}), (cast.paula, {groups}), (cast.ben, set()), (cast.adam, set())):
        keys = {one.key for one in arrangements_of([cast.policy.pk], user=who)}
        assert keys == {f"own:{one.public_id}" for one in own}
        assert set(OwnStandingHolder.objects.visible_to(who)) == own
    assert len(arrangements_of([cast.policy.pk])) == 2


def test_many_policies_cost_as_many_queries_as_one(cast: Cast, django_assert_num_queries: Any) -> None:
    for n in range(4):
        coverage = CoverageFactory.create()
        StandingHolderFactory.create(policy=coverage.term.policy)
        a_standing_holder(cast.paula, cast.anas, holder=a_holder(cast.paula, cast.anas, name=f"Holder {n}"))
    coverages = list(Coverage.objects.select_related("term"))
    with django_assert_num_queries(3):
        found = arrangements_for(coverages)
    everything = [one for each in found.values() for one in each]
    assert len(everything) == 4 + 2 * 4
    with django_assert_num_queries(3):
        issuers = issuers_of(everything)
    pairs = [(one, issuers[one.key]) for one in everything if one.key in issuers]
    with django_assert_num_queries(0):
        assert len(holders_for(pairs)) == 4


def test_the_policyholder_issues_what_the_feed_asks_for_and_each_party_its_own(cast: Cast) -> None:
    StandingHolderFactory.create(policy=cast.policy)
    a_standing_holder(cast.ana, cast.anas, insured=cast.anas.insured)
    brought, own = arrangements_of([cast.policy.pk])
    issuers = issuers_of([own, brought])
    assert issuers[own.key].user == cast.ana
    assert issuers[brought.key].user == cast.paula
    Membership.objects.filter(user=cast.paula).update(revoked_at=timezone.now(), ended_by="person")
    Membership.objects.filter(user=cast.ana).update(revoked_at=timezone.now(), ended_by="person")
    assert {key: by.user for key, by in issuers_of([own, brought]).items()} == {brought.key: cast.adam}


def test_an_agency_that_isnt_of_record_issues_nothing(cast: Cast) -> None:
    StandingHolderFactory.create(policy=cast.policy)
    Membership.objects.filter(user=cast.paula).delete()
    other = AgencyFactory.create()
    agent_at(UserFactory.create(), other)
    AgentOfRecord.objects.update(retired_at=timezone.now())
    assert issuers_of(arrangements_of([cast.policy.pk])) == {}
    AgentOfRecordFactory.create(policy=cast.policy, agency=other)
    (by,) = issuers_of(arrangements_of([cast.policy.pk])).values()
    assert by.agency == other


def test_a_holder_on_file_gets_an_entry_in_the_issuers_book_once(cast: Cast) -> None:
    on_file = CarrierHolderFactory.create(name="Ábbey", email="coi@abbey.example")
    StandingHolderFactory.create(policy=cast.policy, holder=on_file)
    (one,) = arrangements_of([cast.policy.pk])
    (by,) = issuers_of([one]).values()
    (entry,) = holders_for([(one, by)]).values()
    assert entry.is_in_book_of(by)
    assert (entry.name, entry.fingerprint, entry.search_name) == ("Ábbey", on_file.fingerprint, "abbey")
    assert holders_for([(one, by)]) == {(one.key, by.pk): entry}
    assert Holder.objects.count() == 1


@pytest.mark.parametrize("gone", ["ended", "removed"])
def test_what_was_ended_or_removed_from_the_book_gets_nothing(cast: Cast, gone: str) -> None:
    standing = a_standing_holder(cast.paula, cast.anas)
    if gone == "ended":
        OwnStandingHolder.objects.update(ended_at=timezone.now(), ended_by=cast.paula)
    else:
        Holder.objects.filter(pk=standing.holder_id).update(removed_at=timezone.now())
    assert arrangements_of([cast.policy.pk]) == []
