"""Short ways to what the tests of packets do again and again."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import User
from credentialing.certificates import issuing
from credentialing.claims_history import issuing as claims_papers
from credentialing.claims_history.access import subjects_of
from credentialing.models import Authorization, Certificate, ClaimsPaper, Holder, Packet, PacketItem
from credentialing.packets import building, preparing
from credentialing.packets.timeline import snapshot_of
from policies.eligibility import Part, judge_now
from policies.models import Coverage
from policies.pages.insured import page_of_insured


@dataclass
class Built:
    """A packet with its link (the path alone) and its password."""

    packet: Packet
    link: str
    password: str

    def item(self, kind: str) -> PacketItem:
        return self.packet.items.get(kind=kind)

    def now(self) -> Packet:
        """Return the packet as it is stored now."""
        return Packet.objects.get(pk=self.packet.pk)


def a_packet(
    by: User,
    coverage: Coverage,
    holder: Holder,
    release: Authorization | None = None,
    *,
    timeline: bool = True,
    days: int = 14,
    delivery: building.Delivery | None = None,
    made: bool = True,
) -> Built:
    """Return a packet of a coverage for a holder: with a release, the claims history on it, too."""
    loaded = Coverage.objects.with_policy().get(pk=coverage.pk)
    membership = issuing.acting_membership(by, loaded)
    subjects = [
        one for one in subjects_of(by, [loaded.insured_id]) if one.is_own == (membership.insured_id is not None)
    ]
    wanted = building.Wanted(
        coverage=loaded,
        holder=holder,
        parts=[Part(loaded, judge_now(loaded))],
        subjects=subjects if release else (),
        years=10,
        purpose=ClaimsPaper.Purpose.PRIVILEGES,
        authorization=release,
        with_release=release is not None,
        timeline=snapshot_of(page_of_insured(by, loaded.insured.public_id)) if timeline else None,
    )
    packet, secrets = building.build(
        wanted,
        expires_at=timezone.now() + dt.timedelta(days=days),
        delivery=delivery or building.Delivery(),
        by=by,
        membership=membership,
        key=uuid.uuid4(),
    )
    if made:
        make_files(packet)
    return Built(packet, path_of(secrets.link), secrets.password)


def make_files(packet: Packet) -> None:
    """Do what the workers do."""
    for item in packet.items.select_related("certificate", "claims_paper"):
        if item.certificate is not None and item.certificate.status == Certificate.Status.QUEUED:
            issuing.render(item.certificate.pk)
        if item.claims_paper is not None and item.claims_paper.status == ClaimsPaper.Status.QUEUED:
            claims_papers.render(item.claims_paper.pk)
    preparing.prepare(packet.pk)


def path_of(link: str) -> str:
    """Return the path of a link."""
    return "/" + link.split("/", 3)[3] if link else ""


def open_packet(client: Client, built: Built, password: str = "") -> Any:
    """Open the link, and type the password on its page."""
    return type_password(client, built.link, password or built.password)


def type_password(client: Client, link: str, password: str) -> Any:
    """Open a link, and send the form of its page."""
    form = client.get(link).context["form"]
    return client.post("/packet/", {"link": form["link"].value(), "password": password})


def new_packet_form(holder: Holder, **fields: Any) -> dict[str, Any]:
    """Return what the form sends for a saved facility: a new certificate, and what else is named."""
    return {
        "idempotency_key": str(uuid.uuid4()),
        "recipient": "saved",
        "holder": holder.public_id,
        "certificate": "new",
        "years": "10",
        "purpose": "privileges",
        "days": "14",
        **fields,
    }
