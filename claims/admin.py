"""Claims for staff: read only, each look recorded."""

from __future__ import annotations

from django.contrib import admin

from claims.events import ClaimEvent
from claims.incidents.admin import IncidentReportAdmin
from claims.models import Claim
from core.admin import RecordedLooks

__all__ = ["ClaimAdmin", "IncidentReportAdmin"]


@admin.register(Claim)
class ClaimAdmin(RecordedLooks[Claim]):
    """Claims, found by number, insured, or policy."""

    look = ClaimEvent.LOOKED_AT
    list_display = ["number", "insured", "policy", "kind", "status", "report_date", "source", "retired_at"]
    list_filter = ["kind", "status"]
    list_select_related = ["insured", "policy"]
    search_fields = [
        "number__startswith",
        "insured__last_name__istartswith",
        "policy__number_normalized__startswith",
    ]
    ordering = ["pk"]
