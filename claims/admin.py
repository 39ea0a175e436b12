"""Claims for staff: read only, each look recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages

from claims.events import ClaimEvent
from claims.incidents.admin import IncidentReportAdmin
from claims.matters.admin import MatterAdmin
from claims.models import Claim, Matter
from core.admin import RecordedLooks

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

__all__ = ["ClaimAdmin", "IncidentReportAdmin", "MatterAdmin"]


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
    actions = ("publish",)

    @admin.action(description="Publish the selected claims to their insureds", permissions=["answer"])
    def publish(self, request: HttpRequest, claims: QuerySet[Claim]) -> None:
        """Let each insured see their own claim under Incidents and claims."""
        by = cast("Any", request.user)
        known = claims.filter(retired_at=None).select_related("insured")
        published = sum(Matter.publish(claim, by=by) for claim in known)
        messages.success(request, f"Published: {published}. What was published already stays as it is.")

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("claims.answer_matter"))
