"""Holders for staff: what customers chose themselves. Read only; each look is recorded."""

from __future__ import annotations

from django.contrib import admin

from core.admin import RecordedLooks
from credentialing.events import CertificateEvent
from credentialing.models import OwnStandingHolder


@admin.register(OwnStandingHolder)
class OwnStandingHolderAdmin(RecordedLooks[OwnStandingHolder]):
    """Standing holders that customers chose in the portal."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("holder", "policy", "insured", "renewals", "notices", "claims_history", "created_by", "ended_at")
    list_select_related = ("holder", "policy", "insured", "created_by")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("policy__number_normalized__startswith", "insured__last_name__istartswith")
    search_help_text = "How the policy’s number or the insured’s last name begins."
    ordering = ("-id",)
