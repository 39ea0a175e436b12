"""Rights: what may be done with a policy that is seen (SPEC: roles, rows and rights)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from policies.models import Company, Policy, Term
from policies.rights import capabilities, require
from policies.roles import RULES, Capability
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    TermFactory,
    agent_at,
    days,
    holder_of,
    insured_by,
)
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def coverage():
    return CoverageFactory()


@pytest.fixture
def people(coverage):
    """One user of each role on the same policy, and an outsider."""
    policy = coverage.term.policy
    users = {role: UserFactory() for role in ("insured", "policyholder", "agent", "outsider")}
    insured_by(users["insured"], coverage.insured)
    holder_of(users["policyholder"], policy.policyholder)
    agency = AgencyFactory()
    AgentOfRecordFactory(policy=policy, agency=agency)
    agent_at(users["agent"], agency)
    return users


def test_each_role_has_what_the_specification_gives_it(coverage, people):
    policy = coverage.term.policy
    can = Capability
    everyone = {
        can.VIEW_COVERAGE,
        can.ISSUE_CERTIFICATE,
        can.REQUEST_HOLDER,
        can.MANAGE_STANDING_HOLDERS,
        can.CREATE_PACKET,
        can.VIEW_ERE,
        can.VIEW_SEMINAR_ACTIVITY,
        can.REPORT_INCIDENT,
    }
    managers = everyone | {
        can.VIEW_POLICY,
        can.VIEW_DOCUMENTS,
        can.VIEW_BILLING,
        can.REQUEST_CHANGE,
        can.VIEW_RENEWAL,
        can.NAME_DELEGATES,
    }
    assert capabilities(people["insured"], policy) == everyone | {can.VIEW_CLAIMS_HISTORY, can.ELECT_ERE}
    assert capabilities(people["policyholder"], policy) == managers | {
        can.PAY,
        can.MANAGE_AUTOPAY,
        can.ELECT_ERE,
        can.FILL_IN_RENEWAL,
        can.REGISTER_OTHERS,
    }
    assert capabilities(people["agent"], policy) == managers
    assert capabilities(people["outsider"], policy) == frozenset()


def test_an_agent_never_pays_whatever_her_membership_says(coverage, people):
    people["agent"].memberships.update(capabilities=[Capability.PAY, Capability.MANAGE_AUTOPAY])
    granted = capabilities(people["agent"], coverage.term.policy)
    assert not granted & {Capability.PAY, Capability.MANAGE_AUTOPAY}


def test_every_capability_stands_in_the_table():
    assert set(RULES) == set(Capability)
    for rule in RULES.values():
        assert rule.historic <= rule.roles
        assert rule.switch <= rule.roles


@pytest.mark.parametrize("status", Policy.ENDED)
def test_when_the_policy_has_ended_what_is_left_is_historic(coverage, people, status):
    policy = coverage.term.policy
    policy.status = status
    policy.save()
    can = Capability

    left = capabilities(people["policyholder"], policy)
    assert {can.ISSUE_CERTIFICATE, can.ELECT_ERE, can.PAY, can.REPORT_INCIDENT, can.VIEW_POLICY} <= left
    assert not left & {can.REQUEST_CHANGE, can.MANAGE_AUTOPAY, can.FILL_IN_RENEWAL, can.REQUEST_HOLDER}
    assert {can.ISSUE_CERTIFICATE, can.VIEW_CLAIMS_HISTORY, can.ELECT_ERE} <= capabilities(people["insured"], policy)


def test_an_insured_who_left_a_group_mid_term_keeps_historic_access_only(coverage, people):
    coverage.expires, coverage.ended_reason = days(-1), "left the group"
    coverage.save()
    policy = coverage.term.policy

    left = capabilities(people["insured"], policy)
    assert {Capability.VIEW_COVERAGE, Capability.ISSUE_CERTIFICATE, Capability.ELECT_ERE} <= left
    assert Capability.MANAGE_STANDING_HOLDERS not in left
    assert Capability.REQUEST_CHANGE in capabilities(people["policyholder"], policy)


def test_an_offered_renewal_alone_does_not_make_coverage_current(coverage, people):
    coverage.expires = days(-1)
    coverage.save()
    offer = TermFactory(policy=coverage.term.policy, status=Term.Status.OFFERED, effective=days(265), expires=days(630))
    CoverageFactory(term=offer, insured=coverage.insured)

    assert Capability.MANAGE_STANDING_HOLDERS not in capabilities(people["insured"], coverage.term.policy)


@pytest.mark.parametrize(
    ("service", "capability"),
    [
        (Company.Service.PAY, Capability.PAY),
        (Company.Service.AUTOPAY, Capability.MANAGE_AUTOPAY),
        (Company.Service.ERE, Capability.ELECT_ERE),
        (Company.Service.FORMS, Capability.VIEW_DOCUMENTS),
        (Company.Service.RENEW, Capability.FILL_IN_RENEWAL),
    ],
)
def test_a_service_that_the_company_has_off_is_refused(coverage, people, service, capability):
    policy = coverage.term.policy
    assert capability in capabilities(people["policyholder"], policy)

    policy.company.services.remove(service)
    policy.company.save()

    assert capability not in capabilities(people["policyholder"], policy)
    with pytest.raises(PermissionDenied):
        require(people["policyholder"], capability, policy)


@pytest.mark.parametrize("billing", [Term.Billing.AGENCY, Term.Billing.FINANCED])
def test_agency_billed_and_financed_terms_have_no_pay(coverage, people, billing):
    Term.objects.update(billing=billing)
    granted = capabilities(people["policyholder"], coverage.term.policy)
    assert not granted & {Capability.PAY, Capability.MANAGE_AUTOPAY}
    assert Capability.VIEW_BILLING in granted


def test_claims_history_of_others_needs_its_switch(coverage, people):
    policy = coverage.term.policy
    for role in ("policyholder", "agent"):
        assert Capability.VIEW_CLAIMS_HISTORY not in capabilities(people[role], policy)
        people[role].memberships.update(capabilities=[Capability.VIEW_CLAIMS_HISTORY])
        assert Capability.VIEW_CLAIMS_HISTORY in capabilities(people[role], policy)


def test_only_administrators_name_delegates(coverage, people):
    people["policyholder"].memberships.update(administrator=False)
    assert Capability.NAME_DELEGATES not in capabilities(people["policyholder"], coverage.term.policy)


def test_two_roles_on_one_policy_give_the_union(coverage, people):
    insured_by(people["agent"], coverage.insured)
    assert Capability.ELECT_ERE in capabilities(people["agent"], coverage.term.policy)
    assert Capability.REQUEST_CHANGE in capabilities(people["agent"], coverage.term.policy)
