"""Packets for staff: read only, each look recorded; they revoke one, and retry its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.urls import reverse

from accounts.guards import user_of
from core import work
from core.admin import RecordedLooks
from core.desk import DeskItem, counted
from credentialing.events import CertificateEvent
from credentialing.models import Packet, PacketItem, PacketOpening
from credentialing.packets import building

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

    from accounts.models import User


class PacketRows(admin.TabularInline[Any, Any]):
    """Rows that belong to a packet, to look at only."""

    template = "admin/rows.html"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PacketItems(PacketRows):
    model = PacketItem
    fields = ("kind", "certificate", "claims_paper", "authorization", "sha256")


class PacketOpenings(PacketRows):
    model = PacketOpening
    fields = ("at", "what", "item", "ip", "generation")


@admin.register(Packet)
class PacketAdmin(RecordedLooks[Packet]):
    """Packets for facilities: what is in one, who opened it, and until when. The actions end one, and retry its
    files."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("insured", "facility", "built_by", "built_at", "expires_at", "state", "status")
    list_filter = ("status", "built_at")
    list_select_related = ("holder", "insured", "built_by")
    search_fields = ("=public_id", "insured__last_name__istartswith", "=built_by__username_key")
    search_help_text = "A whole id as in the packet’s address, how a last name begins, or a whole username."
    exclude = ("token_hash", "password_hash", "idempotency_key")
    readonly_fields = ("state",)
    inlines = (PacketItems, PacketOpenings)
    actions = ("revoke", "retry_failed")

    @admin.display(description="facility")
    def facility(self, row: Packet) -> str:
        return row.holder.name

    def customer(self, row: Packet) -> User:
        return row.built_by

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many have no files after all attempts."""
        failed = Packet.objects.filter(status=Packet.Status.FAILED).count()
        href = reverse("admin:credentialing_packet_changelist") + f"?status__exact={Packet.Status.FAILED}"
        return [counted("Failed packets", failed, href)]

    @admin.action(description="Revoke the selected packets", permissions=["revoke"])
    def revoke(self, request: HttpRequest, packets: QuerySet[Packet]) -> None:
        """End those chosen at once."""
        ended = sum(building.revoke(one, by=user_of(request)) for one in packets)
        messages.info(request, f"Revoked: {ended}." if ended else "Those were over already.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.revoke_packet"))

    @admin.action(description="Retry failed packets", permissions=["retry"])
    def retry_failed(self, request: HttpRequest, packets: QuerySet[Packet]) -> None:
        """Hand the failed ones of the chosen rows to the queue again."""
        failed = list(packets.filter(status=Packet.Status.FAILED))
        again = sum(work.retry(one, by=user_of(request)) for one in failed)
        messages.info(request, f"We’re trying {again} again." if again else "None of the selected packets has failed.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.retry_packet"))
