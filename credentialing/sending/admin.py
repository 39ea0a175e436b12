"""Certificates by email and notices to holders for staff: what became of each, and what waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import Count
from django.urls import reverse
from django.utils.html import format_html

from accounts.guards import user_of
from core import work
from core.admin import RecordedLooks, WorkAdmin
from core.desk import DeskItem, counted
from credentialing.events import CertificateEvent
from credentialing.models import Delivery, NoticeRun, StandingIssue

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


@admin.register(Delivery)
class DeliveryAdmin(RecordedLooks[Delivery]):
    """Certificates by email: to whom, why, and what became of each; the action tries again what couldn't be sent."""

    look = CertificateEvent.LOOKED_AT
    list_display = (
        *("certificate", "notice", "holder_name", "to", "purpose", "status", "bounce", "attempts", "last_error"),
        *("created_at", "handed_over_at", "sent_by"),
    )
    list_filter = ("status", "purpose", "bounce", "created_at", ("run", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("certificate", "notice", "sent_by")
    search_fields = ("=certificate__serial", "=to", "=certificate__coverage__term__policy__number")
    search_help_text = "A whole serial number, email address, or policy number."
    ordering = ("-id",)
    actions = ("retry_failed",)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many emails to standing holders came back, and how many of all couldn't be sent."""
        rows = Delivery.objects.undelivered()
        href = reverse("admin:credentialing_delivery_changelist")
        failed = rows.filter(status=Delivery.Status.FAILED).count()
        returned = rows.filter(status=Delivery.Status.BOUNCED, sent_by=None).count()
        return [
            counted("Emails to holders that failed", failed, f"{href}?status__exact={Delivery.Status.FAILED}"),
            counted(
                "Emails to standing holders that came back", returned, f"{href}?status__exact={Delivery.Status.BOUNCED}"
            ),
        ]

    @admin.action(description="Try failed emails again", permissions=["retry"])
    def retry_failed(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """Hand the failed ones of the chosen rows to the queue again."""
        failed = list(deliveries.filter(status=Delivery.Status.FAILED))
        again = sum(work.retry(delivery, by=user_of(request)) for delivery in failed)
        messages.info(request, f"We’re trying {again} again." if again else "None of the selected emails has failed.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.retry_delivery"))


@admin.register(NoticeRun)
class NoticeRunAdmin(RecordedLooks[NoticeRun]):
    """The notices of each load; those of a load with many wait until someone releases or drops them."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("run", "status", "notices", "mails", "created_at", "decided_by", "decided_at")
    list_filter = ("status",)
    list_select_related = ("decided_by",)
    ordering = ("-id",)
    actions = ("release", "drop")

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many loads have notices that wait."""
        held = NoticeRun.objects.filter(status=NoticeRun.Status.HELD).count()
        href = reverse("admin:credentialing_noticerun_changelist") + f"?status__exact={NoticeRun.Status.HELD}"
        return [counted("Held notices to holders", held, href)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NoticeRun]:
        """Return them with the number of their deliveries."""
        return super().get_queryset(request).annotate(mail_count=Count("deliveries"))

    @admin.display(description="deliveries")
    def mails(self, row: NoticeRun) -> str:
        """Return how many there are, as a link to them."""
        number = getattr(row, "mail_count", 0)
        href = reverse("admin:credentialing_delivery_changelist") + f"?run__id__exact={row.pk}"
        return format_html('<a href="{}">{}</a>', href, number)

    @admin.action(description="Release the held notices", permissions=["decide"])
    def release(self, request: HttpRequest, runs: QuerySet[NoticeRun]) -> None:
        """Send what the chosen loads hold."""
        done = sum(run.release(by=user_of(request)) for run in runs)
        messages.info(request, f"Released: {done}." if done else "None of the selected is held.")

    @admin.action(description="Drop the held notices", permissions=["decide"])
    def drop(self, request: HttpRequest, runs: QuerySet[NoticeRun]) -> None:
        """Never send what the chosen loads hold."""
        done = sum(run.drop(by=user_of(request)) for run in runs)
        messages.info(request, f"Dropped: {done}." if done else "None of the selected is held.")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.decide_noticerun"))


@admin.register(StandingIssue)
class StandingIssueAdmin(WorkAdmin):
    """Certificates that standing holders were due: of which policy, how many, and what failed."""

    list_display = ("policy", "reason", "status", "issued", "refused", "attempts", "last_error", "created_at")
    list_filter = ("status", "reason")
    list_select_related = ("policy",)
    search_fields = ("=policy__number",)
    search_help_text = "A whole policy number."
