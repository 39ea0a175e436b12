"""What the tests of claims papers begin with: the printable cast, and claims of Ana's, Ben's, and Mia's."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from claims.models import Claim
from policies.models import Membership
from policies.roles import Capability
from tests.book import days
from tests.cast import Cast
from tests.on_file import ClaimFactory


@pytest.fixture
def claims(cast: Cast) -> dict[str, Claim]:
    """Ana's open suit, settled claim, and incident on the group's policy, and an old one elsewhere; Ben's claim."""
    ana, ben = cast.anas.insured, cast.bens.insured
    told = {"reserve": Decimal(77777), "expense_paid": Decimal("1234.00"), "handler": "Rosalind Peake"}
    return {
        "suit": ClaimFactory.create(
            insured=ana, policy=cast.policy, number="LC-SUIT", kind=Claim.Kind.SUIT, report_date=days(-300),
            incident_date=days(-500), description="Delayed diagnosis", **told,
        ),
        "settled": ClaimFactory.create(
            insured=ana, policy=cast.policy, number="LC-SETTLED", status=Claim.Status.CLOSED, disposition="Settled",
            report_date=days(-7 * 365), closed_date=days(-5 * 365), indemnity_paid=Decimal(187500),
        ),
        "incident": ClaimFactory.create(
            insured=ana, policy=cast.policy, number="LC-INCIDENT", kind=Claim.Kind.INCIDENT
        ),
        "former": ClaimFactory.create(
            insured=ana, policy=None, number="LC-FORMER", status=Claim.Status.CLOSED,
            report_date=dt.date(1999, 5, 6), closed_date=dt.date(2001, 1, 1),
        ),
        "ben": ClaimFactory.create(insured=ben, policy=cast.policy, number="LC-BEN"),
        "mia": ClaimFactory.create(insured=cast.mias.insured, policy=cast.mias.term.policy, number="LC-MIA"),
    }  # fmt: skip


def switch_on(user: object) -> Membership:
    """Give the user's membership access to claims histories."""
    membership: Membership = user.memberships.get()  # type: ignore[attr-defined]
    membership.capabilities = [str(Capability.VIEW_CLAIMS_HISTORY)]
    membership.save()
    return membership
