"""Certificates and holders for staff: read only, each look recorded; failed certificates can be retried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.urls import reverse
from django.utils import timezone

from accounts.guards import user_of
from core import work
from core.admin import RecordedLooks, StaffAdmin
from core.dates import carrier_today
from core.desk import DeskItem, counted
from credentialing.claims_history import authorizing, settling
from credentialing.events import CertificateEvent

# Read here, so that admin finds them.
from credentialing.holders import admin as holders_admin
from credentialing.models import (
    Authorization,
    AuthorizationRevocation,
    Batch,
    Certificate,
    CertificateForm,
    ClaimsPaper,
    ClaimsRequest,
    LossRunRule,
    PaperRequest,
    Verification,
)
from credentialing.packets.admin import PacketAdmin

# Read here, so that admin finds them.
from credentialing.sending import admin as sending_admin

__all__ = ["PacketAdmin", "holders_admin", "sending_admin"]

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

    from accounts.models import User


@admin.register(Certificate)
class CertificateAdmin(RecordedLooks[Certificate]):
    """Certificates; the filter finds those that failed, and the action retries them."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("serial", "kind", "status", "insured_name", "policy_number", "issued_at", "attempts", "last_error")
    list_filter = ("status", "kind", "issued_on")
    search_fields = ("=serial", "=verification_code", "=coverage__term__policy__number")
    search_help_text = "A whole serial number, verification code, or policy number."
    list_select_related = ("coverage",)
    readonly_fields = ("insured_name", "holder_name", "policy_number")
    actions = ("retry_failed",)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many certificates have no file after all attempts."""
        failed = Certificate.objects.filter(status=Certificate.Status.FAILED).count()
        href = reverse("admin:credentialing_certificate_changelist") + f"?status__exact={Certificate.Status.FAILED}"
        return [counted("Failed certificates", failed, href)]

    @admin.action(description="Retry failed certificates", permissions=["retry"])
    def retry_failed(self, request: HttpRequest, certificates: QuerySet[Certificate]) -> None:
        """Hand the failed ones of the chosen rows to the queue again."""
        failed = list(certificates.filter(status=Certificate.Status.FAILED))
        again = sum(work.retry(certificate, by=user_of(request)) for certificate in failed)
        if again:
            messages.success(request, f"We’re trying {again} again.")
        else:
            messages.info(request, "None of the selected certificates has failed.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.retry_certificate"))


@admin.register(CertificateForm)
class CertificateFormAdmin(RecordedLooks[CertificateForm]):
    """Form numbers, editions, and legends by company, state, and kind."""

    look = CertificateEvent.LOOKED_AT
    list_display = (
        "form_number",
        "edition",
        "company",
        "state",
        "kind",
        "effective",
        "expires",
        "source",
        "retired_at",
    )
    list_select_related = ("company",)
    list_filter = ("kind", "state")
    search_fields = ("form_number__startswith",)
    ordering = ("pk",)


@admin.register(ClaimsPaper)
class ClaimsPaperAdmin(RecordedLooks[ClaimsPaper]):
    """The register of claims histories and loss runs; the filter finds those that failed, and the action retries
    them."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("serial", "kind", "subject", "company", "window", "status", "valued_on", "issued_at", "issued_by")
    list_filter = ("status", "kind", "issued_on")
    list_select_related = ("company", "issued_by")
    search_fields = ("=serial", "=verification_code", "subject__icontains", "=policy__number")
    search_help_text = "A whole serial number, verification code, or policy number, or a part of the name."
    readonly_fields = ("window", "holder_name")
    actions = ("retry_failed",)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many have no file after all attempts."""
        failed = ClaimsPaper.objects.filter(status=ClaimsPaper.Status.FAILED).count()
        href = reverse("admin:credentialing_claimspaper_changelist") + f"?status__exact={ClaimsPaper.Status.FAILED}"
        return [counted("Failed claims papers", failed, href)]

    @admin.action(description="Retry failed claims papers", permissions=["retry"])
    def retry_failed(self, request: HttpRequest, papers: QuerySet[ClaimsPaper]) -> None:
        """Hand the failed ones of the chosen rows to the queue again."""
        failed = list(papers.filter(status=ClaimsPaper.Status.FAILED))
        again = sum(work.retry(paper, by=user_of(request)) for paper in failed)
        messages.info(request, f"We’re trying {again} again." if again else "None of the selected papers has failed.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.retry_claimspaper"))


class HoldsFilter(admin.SimpleListFilter):
    """Those that hold, and those that don't."""

    title = "holds"
    parameter_name = "holds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Holds"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(pk__in=Authorization.objects.in_effect().values("pk"))
        return queryset.filter(revocation__isnull=False) if self.value() == "revoked" else queryset


@admin.register(Authorization)
class AuthorizationAdmin(RecordedLooks[Authorization]):
    """Insureds' authorizations to release their claims history; the action revokes one that the insured asks to end."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("insured", "recipient", "window", "given_on", "expires_on", "revoked_at", "given_by")
    list_filter = (HoldsFilter, "given_on")
    list_select_related = ("insured", "policyholder", "agency", "given_by", "revocation")
    search_fields = ("insured__last_name__istartswith", "holder_name__istartswith", "=given_by__username_key")
    search_help_text = "How the insured’s last name or the holder’s name begins, or a whole username."
    readonly_fields = ("recipient", "window", "revoked_at")
    actions = ("revoke",)

    def customer(self, row: Authorization) -> User:
        return row.given_by

    @admin.action(description="Revoke for the insured", permissions=["revoke"])
    def revoke(self, request: HttpRequest, authorizations: QuerySet[Authorization]) -> None:
        """End those chosen, because the insured asked for it."""
        side = AuthorizationRevocation.By.STAFF
        ended = sum(authorizing.revoke(one, by=user_of(request), side=side) for one in authorizations)
        messages.info(request, f"Revoked: {ended}." if ended else "Those were revoked already.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.revoke_authorization"))


@admin.register(LossRunRule)
class LossRunRuleAdmin(StaffAdmin[LossRunRule]):
    """What states want of loss runs. A state without a row has the settings."""

    valued = ("state", "days", "tell_agent", "show_reserves", "source")
    list_display = ("state", "days", "tell_agent", "show_reserves", "source")
    search_fields = ("=state",)
    ordering = ("state",)


class WaitingFilter(admin.SimpleListFilter):
    """What waits, and for how long."""

    title = "clock"
    parameter_name = "clock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("overdue", "Overdue")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = queryset
        if self.value() in ("waiting", "overdue"):
            found = queryset.waiting()
        return found.filter(due_at__lt=timezone.now()) if self.value() == "overdue" else found


class SettleForm(forms.ModelForm[ClaimsRequest]):
    """How staff settled a request, and what the customer reads."""

    status = forms.ChoiceField(
        choices=[(ClaimsRequest.Status.DONE, "Done"), (ClaimsRequest.Status.DECLINED, "Declined")],
        help_text="Done: the customer has, or will get, the paper by other means.",
    )
    message = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5, "cols": 80}),
        help_text="The customer reads it after signing in; the email that we send doesn’t repeat it.",
        error_messages={"required": "Write a message."},
    )

    class Meta:
        model = ClaimsRequest
        fields = ("status", "message")


@admin.register(ClaimsRequest)
class ClaimsRequestAdmin(StaffAdmin[ClaimsRequest]):
    """Requests for loss runs, and for histories that the portal couldn't make, the most urgent first."""

    form = SettleForm
    look = CertificateEvent.LOOKED_AT
    valued = ("status", "message")
    list_display = ("about", "kind", "state", "clock", "due_at", "asked_by", "asked_at", "agent_told_at")
    list_display_links = ("about",)
    list_filter = (WaitingFilter, "kind", "status")
    list_select_related = ("insured", "policy", "policyholder", "asked_by")
    search_fields = ("=asked_by__username_key", "=policy__number")
    search_help_text = "A whole username or policy number."
    ordering = ("due_at", "id")
    actions = ("make_now",)
    readonly_fields = (
        *("about", "kind", "company", "policyholder", "account", "holder", "purpose", "years", "state", "reason"),
        *("asked_by", "asked_at", "due_at", "paper", "settled_by", "settled_at", "agent_told_at"),
    )
    fields = (*readonly_fields, "status", "message")

    @admin.display(description="clock")
    def clock(self, asked: ClaimsRequest) -> str:
        return "Overdue" if asked.is_overdue else str(asked.get_status_display())

    def customer(self, row: ClaimsRequest) -> User:
        return row.asked_by

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many requests wait, and how many of them are overdue."""
        waiting, overdue = ClaimsRequest.objects.waiting().count(), ClaimsRequest.objects.overdue().count()
        href = reverse("admin:credentialing_claimsrequest_changelist")
        lines = ((f"Overdue: {overdue}", f"{href}?clock=overdue"),) if overdue else ()
        return [counted("Requests for claims papers", waiting, f"{href}?clock=waiting", lines=lines)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether it may be settled: by staff with the right, while it waits."""
        if not self.has_settle_permission(request):
            return False
        # As it is stored: a form that was refused has put what was typed on the row.
        return obj is None or ClaimsRequest.objects.waiting().filter(pk=obj.pk).exists()

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.settle_claimsrequest"))

    def save_model(self, request: HttpRequest, obj: ClaimsRequest, form: Any, change: bool) -> None:
        """Settle it."""
        words = {"status": form.cleaned_data["status"], "message": form.cleaned_data["message"]}
        if not settling.settle(obj, by=user_of(request), **words):
            messages.warning(request, "It was settled meanwhile. Nothing was changed.")

    @admin.action(description="Make the paper now", permissions=["settle"])
    def make_now(self, request: HttpRequest, requests: QuerySet[ClaimsRequest]) -> None:
        """Let the portal make those that it can make by now, for the customers who asked."""
        made = sum(settling.make_now(one, by=user_of(request)) for one in requests)
        messages.info(request, f"Being made: {made}." if made else "None of the selected can be made yet.")


@admin.register(PaperRequest)
class PaperRequestAdmin(RecordedLooks[PaperRequest]):
    """Papers that can't be made online, the most urgent first; the action settles them."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("__str__", "obstacle", "state", "kind", "due_at", "opened_at", "settled_at", "form_now")
    list_filter = (WaitingFilter, "obstacle", "kind", "state")
    list_select_related = ("company",)
    readonly_fields = ("form_now",)
    ordering = ("due_at", "id")
    actions = ("settle",)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many papers customers wait for."""
        href = reverse("admin:credentialing_paperrequest_changelist") + "?clock=waiting"
        return [counted("Papers that can’t be made online", PaperRequest.objects.waiting().count(), href)]

    @admin.display(description="form on file today")
    def form_now(self, row: PaperRequest) -> str:
        """Return the form that serves by now; with one, the request can be settled."""
        form = CertificateForm.objects.serving(row.company_id, row.state, row.kind, carrier_today())
        return str(form) if form else "None"

    @admin.action(description="Settle the selected requests", permissions=["settle"])
    def settle(self, request: HttpRequest, requests: QuerySet[PaperRequest]) -> None:
        """Mark those that wait as settled."""
        settled = sum(row.settle(by=user_of(request)) for row in requests.filter(settled_at=None))
        messages.success(request, f"{settled} settled.")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.settle_paperrequest"))


@admin.register(Verification)
class VerificationAdmin(RecordedLooks[Verification]):
    """Who verified which certificate, when, and what they were told."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("asked_at", "certificate", "way", "name", "organization", "receipt")
    list_filter = ("way", "asked_at")
    list_select_related = ("certificate",)
    search_fields = ("=certificate__serial", "=receipt", "name__istartswith", "organization__istartswith")
    search_help_text = "A whole serial or receipt number, or the beginning of a name or organization, in quotes."


@admin.register(Batch)
class BatchAdmin(RecordedLooks[Batch]):
    """Batches of certificates: how many, how far, and what failed."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("public_id", "status", "delivery", "total", "issued", "refused", "failed", "started_at", "ended_at")
    list_filter = ("status", "delivery")
    search_fields = ("=public_id",)
    search_help_text = "A whole id, as in the batch's address."
    ordering = ("-id",)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many batches have no file after all attempts."""
        failed = Batch.objects.filter(status=Batch.Status.FAILED).count()
        href = reverse("admin:credentialing_batch_changelist") + f"?status__exact={Batch.Status.FAILED}"
        return [counted("Failed batches", failed, href)]
