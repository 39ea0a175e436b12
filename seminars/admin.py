"""Seminars, attendance, and premium credits for staff: read only, each look recorded."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from core.admin import RecordedLooks
from seminars.events import SeminarEvent
from seminars.models import Attendance, PremiumCredit, Seminar


class SeminarRowAdmin(RecordedLooks[Any]):
    """Rows that the feed owns."""

    look = SeminarEvent.LOOKED_AT
    ordering = ["pk"]


@admin.register(Seminar)
class SeminarAdmin(SeminarRowAdmin):
    list_display = ["title", "kind", "starts", "seats", "cme_credits", "credit_eligible", "source", "retired_at"]
    list_filter = ["kind", "credit_eligible"]
    search_fields = ["title__icontains", "external_id"]


@admin.register(Attendance)
class AttendanceAdmin(SeminarRowAdmin):
    """Who attended what."""

    list_display = ["name", "seminar", "policy", "completed", "cme_credits", "source", "retired_at"]
    list_select_related = ["seminar", "insured", "policy"]
    search_fields = [
        "insured__last_name__istartswith",
        "participant__istartswith",
        "policy__number_normalized__startswith",
    ]


@admin.register(PremiumCredit)
class PremiumCreditAdmin(SeminarRowAdmin):
    list_display = ["insured", "term", "percent", "granted", "source", "retired_at"]
    list_select_related = ["insured", "term"]
    search_fields = ["insured__last_name__istartswith", "term__policy__number_normalized__startswith"]
