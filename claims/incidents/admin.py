"""The triage queue of the claims team: reports by due time, the story, files, messages, and the patient on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path, reverse

from claims.events import IncidentEvent
from claims.incidents import words
from claims.models import IncidentFile, IncidentReport
from core.events import record_event
from core.request_admin import AnswerForm, AssignedFilter, ClockFilter, RequestAdmin
from core.uploads.serving import upload_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.urls import URLPattern


class UrgentFilter(admin.SimpleListFilter):
    """Reports with papers that have a deadline."""

    title = "papers"
    parameter_name = "papers"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("urgent", "With a deadline")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind__in=IncidentReport.URGENT) if self.value() == "urgent" else queryset


class IncidentAnswerForm(AnswerForm):
    """Staff's words about a report, and who reads them."""

    private = forms.BooleanField(
        label="For the insured alone, not for the person who sent the report",
        required=False,
    )
    field_order = ("idempotency_key", "text", "private", "closes")


@admin.register(IncidentReport)
class IncidentReportAdmin(RequestAdmin[IncidentReport]):
    """Reports that were sent. No list, search, or log says what was reported, or about which patient."""

    look = IncidentEvent.LOOKED_AT
    permission = "claims.answer_incidentreport"
    title = "Reports of incidents and claims"
    answer_form = IncidentAnswerForm
    change_form_template = "admin/claims/incidentreport.html"
    list_display = (
        "number",
        "so_far",
        "urgent",
        "progress",
        "due_at",
        "assigned_to",
        "insured",
        "policy",
        "submitted_at",
    )
    list_filter: ClassVar[Any] = (ClockFilter, UrgentFilter, AssignedFilter, "status", "kind")
    list_select_related: ClassVar[Any] = ("user", "assigned_to", "insured", "policy")
    search_fields: ClassVar[Any] = ("=number", "=user__username_key", "=policy__number")
    search_help_text = "A whole report number, username, or policy number."
    ordering = ("due_at", "id")
    fields: ClassVar[Any] = (
        *("number", "submitted_at", "user", "role", "insured", "policy", "kind", "status", "due_at", "assigned_to"),
        *("happened_on", "place", "received_on", "answer_due", "phone", "description", "others", "intact"),
    )
    readonly_fields: ClassVar[Any] = ("intact",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[IncidentReport]:
        """Return those that were sent: a draft is its reporter's alone."""
        return super().get_queryset(request).filter(submitted_at__isnull=False)

    @admin.display(description="kind", ordering="kind")
    def so_far(self, report: IncidentReport) -> str:
        return words.SHORT[report.kind]

    @admin.display(description="urgent", boolean=True)
    def urgent(self, report: IncidentReport) -> bool:
        return report.is_urgent

    @admin.display(description="as it was sent", boolean=True)
    def intact(self, report: IncidentReport) -> bool:
        return report.is_intact

    def facts(self, row: IncidentReport) -> dict[str, Any]:
        return {"number": row.number}

    def acts(self) -> dict[str, Callable[[HttpRequest, int], HttpResponse]]:
        return {**super().acts(), "patient": self.patient_view}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        file = path("<int:pk>/file/<int:file_pk>/", wrap(self.file_view), name="claims_incidentreport_file")
        return [file, *super().get_urls()]

    def more(self, request: HttpRequest, asked: IncidentReport) -> dict[str, Any]:
        files = list(asked.files.select_related("upload", "message", "added_by"))
        return {
            "files": [(each, reverse("admin:claims_incidentreport_file", args=[asked.pk, each.pk])) for each in files],
            "may_see_patient": request.user.has_perm("claims.view_patient"),
        }

    def to_work_on(self, request: HttpRequest, pk: int) -> IncidentReport:
        """Return a report that was sent, with who reads what is answered."""
        report = super().to_work_on(request, pk)
        if report.is_draft:
            raise Http404
        report.answers_privately = request.POST.get("private") == "on"
        return report

    def patient_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page with the patient's name and birth date. Each look is an event; 403 without the right."""
        if not request.user.has_perm("claims.view_patient"):
            raise PermissionDenied
        report = IncidentReport.objects.submitted().filter(pk=pk).first()
        if request.method != "POST" or report is None:
            raise Http404
        record_event(IncidentEvent.PATIENT_LOOKED_AT, subject=report, on_behalf_of=report.user, number=report.number)
        # Django's own form page takes a POST for a change of the row's fields, which nobody may.
        request.method = "GET"
        return self.changeform_view(request, str(pk), extra_context={"patient": True})

    def file_view(self, request: HttpRequest, pk: int, file_pk: int) -> HttpResponseBase:
        """Download a file; an event."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        files = IncidentFile.objects.filter(report_id=pk, report__submitted_at__isnull=False)
        found = files.select_related("upload", "report").filter(pk=file_pk).first()
        if found is None:
            raise Http404
        record_event(
            IncidentEvent.FILE_DOWNLOADED, subject=found.report, on_behalf_of=found.report.user, file=found.public_id
        )
        return upload_response(request, found.upload)
