"""Rows: whose policies and coverages a user sees (docs/spec.md#roles-rows-and-rights)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from policies.models import Coverage, Insured, Membership, Policy, Term
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    PolicyFactory,
    PolicyholderFactory,
    TermFactory,
    agent_at,
    days,
    holder_of,
    insured_by,
)
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_an_insured_sees_her_own_coverage_and_no_colleagues():
    term = TermFactory()
    own = CoverageFactory(term=term)
    CoverageFactory(term=term, insured__last_name="Colleague")
    ana = UserFactory()
    insured_by(ana, own.insured)

    assert list(Coverage.objects.visible_to(ana)) == [own]
    assert list(Policy.objects.visible_to(ana)) == [term.policy]
    assert list(Insured.objects.visible_to(ana)) == [own.insured]
    assert list(Term.objects.visible_to(ana)) == [term]


def test_a_policyholder_sees_everyone_on_her_policies_and_nothing_of_another_group():
    mine, theirs = CoverageFactory(), CoverageFactory()
    colleague = CoverageFactory(term=mine.term)
    pat = UserFactory()
    holder_of(pat, mine.term.policy.policyholder)

    assert set(Coverage.objects.visible_to(pat)) == {mine, colleague}
    assert list(Policy.objects.visible_to(pat)) == [mine.term.policy]
    assert theirs not in Coverage.objects.visible_to(pat)


@pytest.mark.parametrize(
    ("starts", "ends", "sees"),
    [(-10, None, True), (0, None, True), (1, None, False), (-10, 1, True), (-10, 0, False), (-10, -1, False)],
)
def test_an_agent_sees_a_policy_only_on_days_her_agency_is_agent_of_record(starts, ends, sees):
    coverage = CoverageFactory()
    agency = AgencyFactory()
    AgentOfRecordFactory(
        policy=coverage.term.policy,
        agency=agency,
        starts=days(starts),
        ends=None if ends is None else days(ends),
    )
    alex = UserFactory()
    agent_at(alex, agency)

    assert (coverage in Coverage.objects.visible_to(alex)) is sees
    assert (coverage.term.policy in Policy.objects.visible_to(alex)) is sees


def test_an_appointment_that_the_feed_retired_opens_nothing():
    agency = AgencyFactory()
    AgentOfRecordFactory(agency=agency, retired_at=timezone.now())
    alex = UserFactory()
    agent_at(alex, agency)

    assert not Policy.objects.visible_to(alex).exists()


def test_who_holds_several_roles_sees_the_union_once():
    own = CoverageFactory()
    group = CoverageFactory()
    sam = UserFactory()
    insured_by(sam, own.insured)
    holder_of(sam, group.term.policy.policyholder)
    holder_of(sam, own.term.policy.policyholder)

    assert sorted(p.pk for p in Policy.objects.visible_to(sam)) == sorted([own.term.policy.pk, group.term.policy.pk])
    assert set(Coverage.objects.visible_to(sam)) == {own, group}


def test_ended_coverage_stays_to_be_seen():
    old = TermFactory(policy__status=Policy.Status.EXPIRED, effective=days(-800), expires=days(-435))
    coverage = CoverageFactory(term=old)
    ana, pat = UserFactory(), UserFactory()
    insured_by(ana, coverage.insured)
    holder_of(pat, old.policy.policyholder)

    assert coverage in Coverage.objects.visible_to(ana)
    assert coverage in Coverage.objects.visible_to(pat)


@pytest.mark.parametrize("end", ["revoked", "last day came", "not begun", "user inactive"])
def test_a_membership_that_is_not_live_opens_nothing(end):
    coverage = CoverageFactory()
    pat = UserFactory()
    membership = holder_of(pat, coverage.term.policy.policyholder)
    assert Policy.objects.visible_to(pat).exists()

    if end == "revoked":
        membership.revoke(by=UserFactory(), reason="left the practice")
    elif end == "last day came":
        Membership.objects.update(starts=days(-9), ends=days(0))
    elif end == "not begun":
        Membership.objects.update(starts=days(1))
    else:
        pat.is_active = False
        pat.save()

    assert not Policy.objects.visible_to(pat).exists()
    assert not Coverage.objects.visible_to(pat).exists()


def test_revoking_is_recorded_once_with_its_reason():
    from core.models import Event

    boss = UserFactory()
    membership = holder_of(UserFactory(), PolicyholderFactory())
    membership.revoke(by=boss, reason="left the practice")
    first = membership.revoked_at
    membership.revoke(by=boss, reason="again")

    events = Event.objects.filter(tag="policies:membership:revoked")
    assert [event.data["reason"] for event in events] == ["left the practice"]
    assert membership.revoked_at == first


def test_what_the_feed_retired_is_hidden_from_customers():
    coverage = CoverageFactory()
    pat = UserFactory()
    holder_of(pat, coverage.term.policy.policyholder)
    Policy.objects.update(retired_at=timezone.now())

    assert not Policy.objects.visible_to(pat).exists()
    assert not Coverage.objects.visible_to(pat).exists()
    assert not Term.objects.visible_to(pat).exists()


def test_nobody_and_staff_without_membership_see_nothing():
    CoverageFactory()

    for user in (AnonymousUser(), UserFactory(is_staff=True, is_superuser=True)):
        assert not Policy.objects.visible_to(user).exists()
        assert not Coverage.objects.visible_to(user).exists()


def test_the_database_refuses_a_membership_with_the_wrong_party_or_two():
    insured, holder, user = InsuredFactory(), PolicyholderFactory(), UserFactory()
    for wrong in (
        {"role": "insured", "policyholder": holder},
        {"role": "policyholder", "policyholder": holder, "insured": insured},
        {"role": "agent"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(user=user, **wrong)


def test_the_same_membership_cannot_be_there_twice_but_may_be_granted_again_after_revocation():
    user, holder = UserFactory(), PolicyholderFactory()
    first = holder_of(user, holder)
    with pytest.raises(IntegrityError), transaction.atomic():
        holder_of(user, holder)
    first.revoke(by=user, reason="mistake")
    assert holder_of(user, holder).pk


def test_a_search_finds_numbers_in_any_spelling_and_names_without_accents():
    coverage = CoverageFactory(term__policy__number="MPL-2041 77")
    CoverageFactory(
        term__policy__number="ZZZ-1",
        insured=InsuredFactory(first_name="Bo", last_name="Lund"),
        term__policy__policyholder__name="Elm Street Practice",
    )
    wanted = coverage.term.policy
    for text in ("mpl204177", "MPL 2041", "mpl-2041-77", "nunez", "Núñez ana", "RIVERBEND"):
        assert list(Policy.objects.search(text)) == [wanted], text
    assert not Policy.objects.search("nunez bo").exists()
    assert Policy.objects.search("  ").count() == 2


def test_two_sources_may_use_the_same_number_and_one_may_not():
    PolicyFactory(number="MPL-1", source="core")
    PolicyFactory(number="MPL-1", source="legacy")
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyFactory(number="mpl 1", source="core", external_id="other")
