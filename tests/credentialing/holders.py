"""Factories of what customers keep about holders."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from credentialing.certificates import issuing
from credentialing.models import Holder, OwnStandingHolder
from policies.models import Coverage, Insured, Membership
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
