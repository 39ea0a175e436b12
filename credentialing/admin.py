"""Certificates and holders for staff: read only, each look recorded; failed certificates can be retried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.urls import reverse

from accounts.guards import user_of
from core import work
from core.admin import RecordedLooks
from core.desk import DeskItem, counted
from credentialing.events import CertificateEvent
from credentialing.models import CarrierHolder, Certificate, CertificateForm, Holder, StandingHolder

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


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


@admin.register(Holder)
class HolderAdmin(RecordedLooks[Holder]):
    """The address books of insureds, policyholders, and agencies."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("name", "city", "state", "insured", "policyholder", "agency", "last_used_at")
    list_select_related = ("insured", "policyholder", "agency")
    search_fields = ("name__istartswith",)


@admin.register(CarrierHolder)
class CarrierHolderAdmin(RecordedLooks[CarrierHolder]):
    """Holders on file with the carrier, and what they ask for."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("name", "city", "state", "minimum_per_claim", "minimum_aggregate", "source", "retired_at")
    search_fields = ("name__istartswith", "external_id")
    ordering = ("pk",)


@admin.register(StandingHolder)
class StandingHolderAdmin(RecordedLooks[StandingHolder]):
    """Who gets the certificates of a policy without being asked."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("holder", "policy", "insured", "claims_history", "renewals", "notices", "source", "retired_at")
    list_select_related = ("holder", "policy", "insured")
    search_fields = ("policy__number_normalized__startswith", "insured__last_name__istartswith")
    ordering = ("pk",)


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
