"""Who sees which billing accounts, and how much of one that several policyholders share."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import Allocation, BillingAccount, Installment, Invoice, Payment, Transaction
from policies.models import Policy
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    AllocationFactory,
    BillingAccountFactory,
    CoverageFactory,
    InstallmentFactory,
    InvoiceFactory,
    PaymentFactory,
    PolicyFactory,
    PolicyholderFactory,
    TermFactory,
    TransactionFactory,
    agent_at,
    days,
    holder_of,
    insured_by,
)
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

MODELS: tuple[Any, ...] = (BillingAccount, Transaction, Installment, Invoice, Payment, Allocation)


class SharedAccount:
    """The account of a health system, with a policy of each of two clinics that it owns, and one row of each kind for
    each policy's term."""

    def __init__(self) -> None:
        self.parent = PolicyholderFactory(name="Harbor Health System")
        self.account = BillingAccountFactory(policyholder=self.parent)
        self.north, self.south = self._clinic("North"), self._clinic("South")
        self.fee = TransactionFactory(account=self.account, term=None, posted=days(-3), kind="nsf_fee", amount=25)
        self.invoice = InvoiceFactory(account=self.account)

    def _clinic(self, name: str) -> Any:
        policy = PolicyFactory(
            policyholder=PolicyholderFactory(name=f"{name} Clinic"), billing_account_key=self.account.external_id
        )
        term: Any = TermFactory(policy=policy)
        TransactionFactory(account=self.account, term=term)
        InstallmentFactory(account=self.account, term=term)
        AllocationFactory(payment=PaymentFactory(account=self.account), term=term)
        return term


@pytest.fixture
def shared() -> SharedAccount:
    return SharedAccount()


def seen_by(user: User) -> dict[str, int]:
    """Return how many rows of each kind the user sees."""
    return {model._meta.model_name: model.objects.visible_to(user).count() for model in MODELS}


NOTHING = {model._meta.model_name: 0 for model in MODELS}
WHOLE = {"billingaccount": 1, "transaction": 3, "installment": 2, "invoice": 1, "payment": 2, "allocation": 2}
SHARE = {"billingaccount": 1, "transaction": 1, "installment": 1, "invoice": 0, "payment": 0, "allocation": 1}


def test_who_holds_the_account_sees_all_of_it(shared: SharedAccount) -> None:
    user = UserFactory.create()
    holder_of(user, shared.parent)
    assert seen_by(user) == WHOLE
    assert BillingAccount.objects.whole_to(user).get() == shared.account


def test_who_holds_one_of_its_policies_sees_that_policys_share(shared: SharedAccount) -> None:
    user = UserFactory.create()
    holder_of(user, shared.north.policy.policyholder)
    assert seen_by(user) == SHARE
    assert Transaction.objects.visible_to(user).get().term == shared.north
    assert not BillingAccount.objects.whole_to(user).exists()


def test_who_holds_all_of_its_policies_sees_all_of_it(shared: SharedAccount) -> None:
    user = UserFactory.create()
    holder_of(user, shared.north.policy.policyholder)
    holder_of(user, shared.south.policy.policyholder)
    assert seen_by(user) == WHOLE


def test_an_agent_sees_the_policies_of_the_agency_today(shared: SharedAccount) -> None:
    user, agency = UserFactory.create(), AgencyFactory()
    agent_at(user, agency)
    assert seen_by(user) == NOTHING
    north = AgentOfRecordFactory(policy=shared.north.policy, agency=agency)
    assert seen_by(user) == SHARE
    AgentOfRecordFactory(policy=shared.south.policy, agency=agency)
    assert seen_by(user) == WHOLE
    north.ends = days(0)
    north.save()
    assert seen_by(user) == SHARE


def test_an_insured_sees_nothing_of_billing(shared: SharedAccount) -> None:
    user = UserFactory.create()
    insured_by(user, CoverageFactory(term=shared.north).insured)
    assert Policy.objects.visible_to(user).exists()
    assert seen_by(user) == NOTHING


def test_strangers_and_the_same_id_of_another_source_see_nothing(shared: SharedAccount) -> None:
    user = UserFactory.create()
    elsewhere = PolicyFactory(source="other", billing_account_key=shared.account.external_id)
    holder_of(user, elsewhere.policyholder)
    assert seen_by(user) == NOTHING


def test_a_policy_without_an_account_opens_none_that_has_no_policies() -> None:
    user = UserFactory.create()
    BillingAccountFactory()
    holder_of(user, PolicyFactory().policyholder)
    assert seen_by(user) == NOTHING


def test_what_is_retired_is_seen_by_nobody(shared: SharedAccount) -> None:
    user = UserFactory.create()
    holder_of(user, shared.parent)
    for model in MODELS[1:]:
        model.objects.update(retired_at=timezone.now())
    assert seen_by(user) == NOTHING | {"billingaccount": 1}
    BillingAccount.objects.update(retired_at=timezone.now())
    Transaction.objects.update(retired_at=None)
    assert seen_by(user) == NOTHING


def test_a_retired_policy_opens_no_account(shared: SharedAccount) -> None:
    user = UserFactory.create()
    holder_of(user, shared.north.policy.policyholder)
    Policy.objects.filter(pk=shared.north.policy_id).update(retired_at=timezone.now())
    assert seen_by(user) == NOTHING
