"""Saved certificate holders and a few certificates, so that the demo doesn't start with empty lists."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from accounts.models import User
from core.dates import carrier_today
from credentialing.certificates.issuing import acting_membership, issue, keep_holder
from credentialing.models import Holder
from credentialing.pages.coverages import in_order
from credentialing.pages.issue import choice_of
from policies.models import Coverage, Policy, Term


class Address(NamedTuple):
    """The name and address of an invented holder, as `keep_holder` takes them."""

    name: str
    address1: str
    address2: str
    city: str
    state: str
    zip: str


SAINT_ALDHELM = Address(
    "Saint Aldhelm Medical Center – Medical Staff Services",
    "2200 Cathedral Parkway",
    "Suite 140",
    "Albany",
    "NY",
    "12208",
)
TWO_RIVERS = Address(
    "Two Rivers Regional Hospital", "85 Two Rivers Boulevard", "Medical Staff Office", "Saratoga Springs", "NY", "12866"
)
SURGERY_CENTER = Address("Prairie View Surgery Center", "410 Meadowbrook Drive", "", "Albany", "NY", "12205")
HEALTH_PLAN = Address(
    "Copper Canyon Health Plan – Provider Enrollment", "1900 Juniper Court", "Floor 3", "Phoenix", "AZ", "85004"
)
VERIFIER = Address(
    "Lantern Credentials Verification, LLC", "77 Old Mill Street", "Suite 600", "Columbus", "OH", "43215"
)
LOCUMS = Address("Wayfarer Locums", "3050 Quarry Hill Road", "Suite 210", "Round Rock", "TX", "78664")
FREE_CLINIC = Address("Marigold County Free Clinic", "12 Larkspur Lane", "", "Saratoga Springs", "NY", "12866")
# Username → the holders in that user's address book. The first ones get a certificate each.
BOOKS = {
    "insured": (SAINT_ALDHELM, HEALTH_PLAN, VERIFIER),
    "practitioner": (TWO_RIVERS, FREE_CLINIC),
    "policyholder": (SAINT_ALDHELM, TWO_RIVERS, SURGERY_CENTER, HEALTH_PLAN),
    "agent": (TWO_RIVERS, LOCUMS),
}
# Username → the order of the user's coverages, and which of them get a certificate: the agent's is for another client.
CERTIFICATES = {
    "insured": ("external_id", slice(0, 1)),
    "practitioner": ("external_id", slice(0, 1)),
    "policyholder": ("external_id", slice(1, 3)),
    "agent": ("-external_id", slice(0, 1)),
}


def make_samples() -> int:
    """Save the holders and issue the certificates on the first start, and return how many were issued.

    Workers make the files.
    """
    if Holder.objects.exists():
        return 0
    return sum(_make_for(User.objects.get(username=name), holders) for name, holders in BOOKS.items())


def _make_for(user: User, addresses: tuple[Address, ...]) -> int:
    """Fill the user's address book, issue certificates to its first holders, and return how many."""
    today = carrier_today()
    in_force = Coverage.objects.visible_to(user).filter(
        part=Coverage.Part.PROFESSIONAL,
        term__status=Term.Status.BOUND,
        term__policy__status=Policy.Status.ACTIVE,
        effective__lte=today,
        expires__gt=today,
        ended_reason="",
    )
    order, chosen = CERTIFICATES[user.username]
    coverages = list(in_order(in_force).order_by(order)[chosen])
    membership = acting_membership(user, coverages[0])
    holders = [keep_holder(by=user, membership=membership, **address._asdict()) for address in addresses]
    for coverage, holder in zip(coverages, holders, strict=False):
        issue(
            parts=choice_of(coverage, user=user).parts,
            holder=holder,
            by=user,
            membership=membership,
            key=uuid.uuid4(),
        )
    return len(coverages)
