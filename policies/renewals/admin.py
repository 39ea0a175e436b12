"""Renewals for staff: the fraud warnings of the states."""

from __future__ import annotations

from django.contrib import admin

from core.admin import StaffAdmin
from policies.models import FraudWarning


@admin.register(FraudWarning)
class FraudWarningAdmin(StaffAdmin[FraudWarning]):
    """What applicants read before they sign. A state without a row has the general words."""

    valued = ("state", "text", "source")
    list_display = ("state", "source")
    search_fields = ("=state",)
    ordering = ("state",)
