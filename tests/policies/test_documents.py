"""Who sees a policy's documents."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import BillingAccount
from policies.models import AgentOfRecord, Document, Membership, Policy
from tests.book import PolicyFactory, days
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def a_document(policy: Policy | None = None, **values: Any) -> Document:
    facts = {"source": "core", "kind": "declarations", "title": "Declarations", "issued": dt.date(2026, 1, 1)}
    return Document.objects.create(
        **facts | {"external_id": f"D{Document.objects.count()}", "policy": policy, "path": "a.pdf"} | values
    )


def seen_by(user: User) -> set[Document]:
    return set(Document.objects.visible_to(user))


def test_those_who_hold_or_serve_a_policy_see_its_documents_and_its_insureds_do_not(cast: Cast) -> None:
    own = a_document(cast.policy)
    a_document(PolicyFactory.create())
    assert seen_by(cast.paula) == {own}
    assert seen_by(cast.adam) == {own}
    assert seen_by(cast.ana) == set()
    own.retired_at = timezone.now()
    own.save()
    assert seen_by(cast.paula) == set()


def test_they_see_them_when_the_policy_has_ended_and_not_when_their_access_has(cast: Cast) -> None:
    own = a_document(cast.policy)
    cast.policy.status, cast.policy.cancellation_effective = Policy.Status.CANCELLED, days(-30)
    cast.policy.save()
    assert (seen_by(cast.paula), seen_by(cast.adam)) == ({own}, {own})
    AgentOfRecord.objects.update(ends=days(-1))
    Membership.objects.get(user=cast.paula).revoke(by=cast.support, reason="left")
    assert (seen_by(cast.paula), seen_by(cast.adam)) == (set(), set())


def test_a_document_of_an_account_alone_is_for_those_whose_policy_the_account_pays(cast: Cast) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(billing_account_key="B1")
    invoice = a_document(billing_account_key="B1", kind="invoice")
    a_document(billing_account_key="B2", kind="invoice")
    a_document(billing_account_key="B1", kind="invoice", source="other")
    assert seen_by(cast.paula) == {invoice}
    assert seen_by(cast.adam) == {invoice}
    assert seen_by(cast.ana) == set()


def test_a_document_of_an_account_that_others_share_is_for_its_holder_alone(cast: Cast) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(billing_account_key="B1")
    others = a_document(PolicyFactory.create(billing_account_key="B1"), billing_account_key="B1")
    invoice = a_document(billing_account_key="B1", kind="invoice")
    assert (seen_by(cast.paula), seen_by(cast.adam)) == (set(), set())
    BillingAccount.objects.create(source="core", external_id="B1", policyholder=cast.policy.policyholder)
    assert (seen_by(cast.paula), seen_by(cast.adam)) == ({invoice}, set())
    assert others not in seen_by(cast.paula)
