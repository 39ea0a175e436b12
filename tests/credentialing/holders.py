"""Factories of what customers keep about holders."""

from __future__ import annotations

import uuid
from typing import Any

from accounts.models import User
from credentialing.certificates import issuing
from credentialing.holders import requesting
from credentialing.models import Holder, HolderRequest, OwnStandingHolder
from policies.models import Coverage, Insured, Membership, Policy
from tests.credentialing.helpers import a_holder


def a_standing_holder(
    user: User, coverage: Coverage, *, insured: Insured | None = None, holder: Holder | None = None, **fields: Any
) -> OwnStandingHolder:
    """Return one that the user's party chose: for everyone on the coverage's policy, or for an insured."""
    loaded = Coverage.objects.with_policy().get(pk=coverage.pk)
    membership: Membership = issuing.acting_membership(user, loaded)
    return OwnStandingHolder.objects.create(
        holder=holder or a_holder(user, coverage),
        policy=loaded.term.policy,
        insured=insured,
        membership=membership,
        created_by=user,
        **fields,
    )


def a_request(user: User, policy: Policy, kind: str = HolderRequest.Kind.ADD, **fields: Any) -> HolderRequest:
    """Return a request that the user has sent."""
    membership = requesting.membership_for(user, policy)
    assert membership is not None
    typed = {"name": "Saint Brendan Medical Center", "address1": "One Hospital Plaza", "city": "Kingston"}
    holder = typed | {"state": "NY", "zip": "12401", "renewals": True} if kind in HolderRequest.WITH_HOLDER else {}
    asked = HolderRequest(
        user=user, membership=membership, kind=kind, policy=policy, idempotency_key=uuid.uuid4(), **(holder | fields)
    )
    return requesting.open_request(asked, text="Please.")[0]
