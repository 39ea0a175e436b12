"""What the pages of packets show to those who build them, and to the insured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from credentialing.models import PacketOpening
from credentialing.packets import opening
from credentialing.pages.coverages import in_order
from policies.models import Coverage, Membership, Term, reach_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from credentialing.models import Packet

MOST_OPENINGS = 200
MOST_COVERAGES = 10


def own_coverages(user: User) -> list[Coverage]:
    """Return the user's own coverages to build a packet from: the latest of each policy and part."""
    ids = reach_of(user).only(Membership.Role.INSURED).insured_ids
    if not ids:
        return []
    rows = in_order(Coverage.objects.visible_to(user).filter(insured_id__any=ids, term__status__in=Term.TAKEN_UP))
    latest: dict[tuple[int, int, str], Coverage] = {}
    for coverage in rows.order_by("-effective", "part", "-pk")[: MOST_COVERAGES * 5]:
        today = coverage.term.policy.today()
        place = (coverage.term.policy_id, coverage.insured_id, coverage.part)
        if coverage.effective <= today:
            latest.setdefault(place, coverage)
    return list(latest.values())[:MOST_COVERAGES]


def is_own(user: User, packet: Packet) -> bool:
    """Whether the user's own party built it."""
    return any(each.party_key == packet.membership.party_key for each in reach_of(user).memberships)


def works(packet: Packet) -> bool:
    """Whether the packet opens anything now; one that isn't over doesn't once its builder's access has ended."""
    return opening.opens(packet)


def items_of(packet: Packet) -> Sequence[opening.Offered]:
    """Return the papers in it, with whether a facility would get each now."""
    return opening.offered(packet)


def openings_of(packet: Packet) -> list[PacketOpening]:
    """Return who opened it, the latest first."""
    rows = packet.openings.select_related("item__certificate", "item__claims_paper")
    return list(rows.order_by("-at", "-id")[:MOST_OPENINGS])


def crumbs() -> list[tuple[str, str]]:
    """Return the way back from a page below."""
    return [("Certificates", reverse("credentialing:home")), ("Packets", reverse("credentialing:packets"))]
