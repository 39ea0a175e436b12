"""Certificate holders that the carrier knows, and who of the book has one standing."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from feed.example.members import Member, Outline
from feed.example.people import pick
from feed.example.rows import Ids, flag, money, policy_number
from feed.example.stories import GROUP, SOLO
from feed.example.words import Address
from feed.example.writing import PackageWriter

# Share of policies with a standing holder, and of these of all on the policy.
STANDING, WHOLE_POLICY = 0.2, 0.5
# So many of the cast's group are known to a credentials verification organization.
VERIFIED = 40


class Holder(NamedTuple):
    """A holder and what it requires: minimum limits, separate limits, a tail if claims-made, and days ahead."""

    id: str
    name: str
    place: Address
    phone: str
    email: str
    minimum: tuple[int, int] | None = None
    separate: bool = False
    tail: bool = False
    days: int | None = None


ONE_THREE = (1_000_000, 3_000_000)
SAINT_ALDHELM = Holder(
    "HO-01", "Saint Aldhelm Medical Center – Medical Staff Services",
    Address("2200 Cathedral Parkway", "Suite 140", "Albany", "NY", "12208"), "(518) 555-0121",
    "medicalstaff@saintaldhelm.example", ONE_THREE, separate=True, tail=True, days=30,
)  # fmt: skip
LANTERN = Holder(
    "HO-05", "Lantern Credentials Verification, LLC",
    Address("77 Old Mill Street", "Suite 600", "Columbus", "OH", "43215"), "(614) 555-0125",
    "verify@lanterncvo.example", ONE_THREE, days=14,
)  # fmt: skip
WAYFARER = Holder(
    "HO-06", "Wayfarer Locums", Address("18 Harborview Avenue", "Suite 4", "Denver", "CO", "80202"), "(303) 555-0126",
    "clinicians@wayfarerlocums.example", tail=True,
)  # fmt: skip
HOLDERS = (
    SAINT_ALDHELM,
    Holder(
        "HO-02", "Two Rivers Regional Hospital",
        Address("85 Two Rivers Boulevard", "Medical Staff Office", "Saratoga Springs", "NY", "12866"),
        "(518) 555-0122", "credentialing@tworivers.example", ONE_THREE, separate=True, days=30,
    ),
    Holder(
        "HO-03", "Prairie View Surgery Center", Address("410 Meadowbrook Drive", "", "Albany", "NY", "12205"),
        "(518) 555-0123", "office@prairieviewsurgery.example", ONE_THREE,
    ),
    Holder(
        "HO-04", "Copper Canyon Health Plan – Provider Enrollment",
        Address("1900 Juniper Court", "Floor 3", "Phoenix", "AZ", "85004"), "(602) 555-0124",
        "enrollment@coppercanyon.example", ONE_THREE, days=10,
    ),
    LANTERN,
    WAYFARER,
    Holder(
        "HO-07", "Valley State Nursing Registry", Address("600 Meadowbrook Drive", "", "Tampa", "FL", "33602"),
        "(813) 555-0127", "registry@valleystate.example",
    ),
    Holder(
        "HO-08", "Marigold County Free Clinic", Address("12 Old Mill Street", "", "Austin", "TX", "78701"),
        "(512) 555-0128", "volunteers@marigoldclinic.example", separate=True,
    ),
)  # fmt: skip


def write_holders(out: PackageWriter) -> None:
    """Add the holders."""
    for one in HOLDERS:
        per_claim, aggregate = map(money, one.minimum) if one.minimum else ("", "")
        out.add(
            "holders.csv", holder_id=one.id, name=one.name, email=one.email, phone=one.phone, **one.place._asdict(),
            minimum_per_claim=per_claim, minimum_aggregate=aggregate, separate_limits=flag(one.separate),
            tail_required=flag(one.tail), days_ahead=one.days,
        )  # fmt: skip


class StandingRows:
    """Writes who has a standing holder on one policy."""

    def __init__(self, outline: Outline, ids: Ids, members: Sequence[Member], *, seed: int) -> None:
        self._outline, self._ids, self._members = outline, ids, members
        self._rng = Random(f"{seed}/{outline.index}/holders")  # noqa: S311  # an invented book, repeatable

    def write(self, out: PackageWriter) -> None:
        """Add the rows; the cast's have several, and many others none."""
        index, rng = self._outline.index, self._rng
        if index == GROUP:
            self._write(out, SAINT_ALDHELM, None, claims_history=True)
            for place in range(VERIFIED):
                self._write(out, LANTERN, place, claims_history=place % 4 == 0)
        elif index == SOLO:
            self._write(out, SAINT_ALDHELM, 0, claims_history=True)
            self._write(out, WAYFARER, 0, claims_history=False)
        elif self._outline.status != "pending" and rng.random() < STANDING:
            whole = rng.random() < WHOLE_POLICY
            someone = None if whole else int(rng.random() * self._outline.clinicians)
            self._write(out, pick(rng, HOLDERS), someone, claims_history=rng.random() < 0.3)

    def _write(self, out: PackageWriter, holder: Holder, place: int | None, *, claims_history: bool) -> None:
        out.add(
            "standing_holders.csv", holder_id=holder.id,
            policy_number=policy_number(self._outline.index, self._outline.program),
            insured_id="" if place is None else self._ids.insured(place), claims_history=flag(claims_history),
            renewals=flag(True), notices=flag(self._rng.random() < 0.6),
        )  # fmt: skip
