"""The worker's part of a packet: the files of the papers that are made for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile

from core import work
from core.events import record_event
from core.storage import keep_once
from credentialing.events import PacketEvent
from credentialing.models import Packet, PacketItem
from credentialing.packets.release import release_pdf
from credentialing.packets.timeline import timeline_pdf

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = "packets"


def prepare(packet_id: int) -> None:
    """Lay out and store the release and the timeline of a packet, unless another worker is at it."""
    with work.attempt(Packet, packet_id) as packet:
        if packet is None:
            return
        items = packet.items.select_related("authorization__insured", "authorization__policyholder")
        for item in items.select_related(
            "authorization__agency", "authorization__insured", "authorization__policyholder"
        ):
            if (make := _maker(item)) is not None and not item.sha256:
                _store(item, make(), packet)
        Packet.objects.filter(pk=packet.pk).update(status=Packet.Status.READY)
        record_event(PacketEvent.PREPARED, subject=packet, attempt=packet.attempts)


def _maker(item: PacketItem) -> Callable[[], bytes] | None:
    """Return what makes the file; None for a paper that has its own."""
    if item.kind == PacketItem.Kind.RELEASE and item.authorization is not None:
        given = item.authorization
        return lambda: release_pdf(given)
    if item.kind == PacketItem.Kind.TIMELINE and item.snapshot is not None:
        snapshot = item.snapshot
        return lambda: timeline_pdf(snapshot)
    return None


def _store(item: PacketItem, pdf: bytes, packet: Packet) -> None:
    sha256 = hashlib.sha256(pdf).hexdigest()
    # The name says the content: a file left by an attempt that was killed after storing it is the same file.
    name = f"{FOLDER}/{packet.built_at:%Y/%m}/{item.public_id}-{sha256[:16]}.pdf"
    keep_once(name, ContentFile(pdf))
    PacketItem.objects.filter(pk=item.pk).update(file=name, sha256=sha256, size=len(pdf))
