"""Rights: what may be done with a policy that is seen (docs/spec.md#roles-rows-and-rights)."""

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
        can.VIEW_LOSS_RUN,
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
    assert capabilities(people["agent"], policy) == managers | {can.PREPARE_RENEWAL}
    assert capabilities(people["outsider"], policy) == frozenset()


def test_an_agent_never_pays_whatever_her_membership_says(coverage, people):
    people["agent"].memberships.update(capabilities=[Capability.PAY, Capability.MANAGE_AUTOPAY])
    granted = capabilities(people["agent"], coverage.term.policy)
    assert not granted & {Capability.PAY, Capability.MANAGE_AUTOPAY}


def test_the_table_has_every_capability_with_a_sentence_of_its_own():
    assert set(RULES) == set(Capability)
    assert len({rule.allows for rule in RULES.values()}) == len(RULES)
    for rule in RULES.values():
        assert rule.allows.endswith(".")
        assert rule.historic <= rule.roles
        assert rule.switch <= rule.roles


def as_of_now(policy, **fields):
    """Return the policy as stored, with these fields changed."""
    Policy.objects.filter(pk=policy.pk).update(**fields)
    return Policy.objects.get(pk=policy.pk)


ALIVE = {Capability.REQUEST_CHANGE, Capability.MANAGE_AUTOPAY, Capability.REQUEST_HOLDER, Capability.NAME_DELEGATES}


@pytest.mark.parametrize(
    ("fields", "term_ends"),
    [
        ({"status": "cancelled", "cancellation_effective": days(-1)}, days(265)),
        ({"status": "cancelled", "cancellation_effective": days(0)}, days(265)),
        ({"status": "cancelled", "status_date": days(-1)}, days(265)),
        ({"status": "cancelled"}, days(265)),
        ({"status": "expired"}, days(0)),
        ({"status": "nonrenewed"}, days(0)),
    ],
)
def test_from_the_day_on_which_the_policy_ends_what_is_left_is_historic(coverage, people, fields, term_ends):
    Term.objects.update(expires=term_ends)
    policy = as_of_now(coverage.term.policy, **fields)
    can = Capability

    left = capabilities(people["policyholder"], policy)
    historic = {can.ISSUE_CERTIFICATE, can.ELECT_ERE, can.PAY, can.REPORT_INCIDENT, can.VIEW_POLICY, can.CREATE_PACKET}
    assert historic | {can.VIEW_DOCUMENTS} <= left
    assert not left & (ALIVE | {can.FILL_IN_RENEWAL})
    own = capabilities(people["insured"], policy)
    assert {can.ISSUE_CERTIFICATE, can.VIEW_CLAIMS_HISTORY, can.ELECT_ERE, can.CREATE_PACKET} <= own
    assert can.REPORT_INCIDENT in own
    assert not own & {can.REQUEST_HOLDER, can.MANAGE_STANDING_HOLDERS}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "nonrenewed"},
        {"status": "cancelled", "cancellation_effective": days(1)},
        {"status": "cancelled", "status_date": days(1)},
        {"status": "pending_cancellation", "cancellation_effective": days(1)},
        {"status": "pending_cancellation", "cancellation_effective": days(-1)},
    ],
)
@pytest.mark.parametrize("term_status", ["bound", "cancelled"])
def test_until_that_day_access_stays_current_whatever_the_word(coverage, people, fields, term_status):
    if term_status == "cancelled" and fields["status"] != "cancelled":
        pytest.skip("a term is called cancelled with its policy")
    Term.objects.update(status=term_status)
    policy = as_of_now(coverage.term.policy, **fields)
    assert capabilities(people["policyholder"], policy) >= ALIVE
    assert Capability.MANAGE_STANDING_HOLDERS in capabilities(people["insured"], policy)


def test_the_switch_for_the_page_of_forms_hides_no_policys_documents(coverage, people):
    policy = coverage.term.policy
    policy.company.services.remove(Company.Service.FORMS)
    policy.company.save()
    for role in ("policyholder", "agent"):
        assert Capability.VIEW_DOCUMENTS in capabilities(people[role], policy)


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


@pytest.mark.parametrize("billing", [Term.Billing.AGENCY, Term.Billing.FINANCED, ""])
@pytest.mark.parametrize("status", ["accepted", "bound", "expired", "cancelled"])
def test_agency_billed_financed_and_unknown_terms_have_no_pay_during_the_term_and_after_it(
    coverage, people, billing, status
):
    Term.objects.update(billing=billing, status=status)
    TermFactory(policy=coverage.term.policy, effective=days(265), expires=days(630), status=Term.Status.OFFERED)
    granted = capabilities(people["policyholder"], coverage.term.policy)
    assert not granted & {Capability.PAY, Capability.MANAGE_AUTOPAY}
    assert Capability.VIEW_BILLING in granted


def test_who_bills_is_unknown_where_no_term_was_ever_taken_up(coverage, people):
    Term.objects.update(status=Term.Status.OFFERED)
    assert Capability.PAY not in capabilities(people["policyholder"], coverage.term.policy)


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
