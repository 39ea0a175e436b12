"""A file of a packet that is gone or was changed: recorded, and told to staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.alerts import alert_staff
from core.events import record_event
from credentialing import papers
from credentialing.events import PacketEvent

if TYPE_CHECKING:
    from credentialing.models import PacketItem


def report(item: PacketItem, *, missing: bool) -> None:
    """Record it, and tell staff; once an hour for each file."""
    if item.paper is not None:
        papers.report_broken_file(item.paper, missing=missing)
        return
    if not papers.BROKEN_FILE.hit(f"packets:{item.pk}").allowed:
        return
    record_event(PacketEvent.FILE_BROKEN, subject=item.packet, item=item.public_id, missing=missing)
    what = "is missing" if missing else "isn’t the one that was stored"
    kind = item.get_kind_display().lower()
    alert_staff(
        f"A file of a packet {what}",
        f"The file of the {kind} in packet {item.packet.public_id} {what}, so it isn’t given out. "
        f"Restore {item.file} from a backup; its SHA-256 is {item.sha256}.",
    )
