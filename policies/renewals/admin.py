"""Renewals for staff: the queue of applications, what was signed, and the fraud warnings of the states. Each look is
recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.admin import RecordedLooks, StaffAdmin, WorkAdmin
from core.downloads import FileChangedError, file_name_part, private_file_response
from core.events import record_event
from core.request_admin import AssignedFilter, ClockFilter, RequestAdmin
from policies.models import (
    FraudWarning,
    RenewalApplication,
    RenewalAsking,
    RenewalPart,
    RenewalSignature,
    RenewalSubmission,
)
from policies.renewals.events import RenewalEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.urls import URLPattern

LOOK = RenewalEvent.VIEWED


@admin.register(FraudWarning)
class FraudWarningAdmin(StaffAdmin[FraudWarning]):
    """What applicants read before they sign. A state without a row has the general words."""

    valued = ("state", "text", "source")
    list_display = ("state", "source")
    search_fields = ("=state",)
    ordering = ("state",)


class ReopenFilter(admin.SimpleListFilter):
    """Those whose customers ask to change them."""

    title = "reopening"
    parameter_name = "reopening"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("asked", "Asked for")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reopen_asked_at__isnull=False) if self.value() == "asked" else queryset


@admin.register(RenewalApplication)
class RenewalApplicationAdmin(RequestAdmin[RenewalApplication]):
    """Renewal applications, those that wait the longest first: assign, write, reopen, close."""

    look = LOOK
    permission = "policies.work_renewalapplication"
    title = "Renewal applications"
    list_display = ("__str__", "progress", "signed", "term_ends", "submitted_at", "due_at", "assigned_to", "reopening")
    list_select_related: ClassVar[Any] = ("user", "assigned_to", "policy", "term")
    list_filter: ClassVar[Any] = (ClockFilter, AssignedFilter, ReopenFilter, "status")
    change_form_template = "admin/policies/renewalapplication/change_form.html"
    readonly_fields = ("progress", "signed", "term_ends")
    fields = (
        *("policy", "term_ends", "progress", "due_at", "assigned_to", "user", "submitted_at", "submitted_by"),
        *("signed", "reopen_asked_at"),
    )

    @admin.display(description="parts signed")
    def signed(self, asked: RenewalApplication) -> str:
        return f"{asked.signed_count} of {asked.parts_count}"

    @admin.display(description="term ends", ordering="term__expires")
    def term_ends(self, asked: RenewalApplication) -> Any:
        return asked.term.expires

    @admin.display(description="asks to reopen", boolean=True)
    def reopening(self, asked: RenewalApplication) -> bool:
        return asked.reopen_asked_at is not None

    def acts(self) -> dict[str, Callable[[HttpRequest, int], HttpResponse]]:
        """Return those of every queue, and reopening."""
        return super().acts() | {"reopen": self.reopen_view}

    def get_urls(self) -> list[URLPattern]:
        file = path(
            "<int:pk>/files/<int:number>/", self.admin_site.admin_view(self.file_view), name="policies_renewal_file"
        )
        return [file, *super().get_urls()]

    def more(self, request: HttpRequest, asked: RenewalApplication) -> dict[str, Any]:
        """Return the submissions with their files, and where the clinicians' parts are."""
        files = [
            (submission, reverse("admin:policies_renewal_file", args=[asked.pk, submission.number]))
            for submission in asked.submissions.all()
        ]
        here = reverse("admin:policies_renewalpart_changelist")
        return {"files": files, "parts": f"{here}?{PartOfFilter.parameter_name}={asked.pk}"}

    def reopen_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let the customer change an application again."""
        asked = self.to_work_on(request, pk)
        if asked.reopen(by=self.staff(request), as_staff=True):
            messages.success(request, "Reopened. An email tells the customer.")
        else:
            messages.warning(request, "It can’t be reopened: it is open, has ended, or its term is over.")
        return self.back(asked)

    def file_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponseBase:
        """Download a submission."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = RenewalSubmission.objects.filter(application=pk, number=number, status=RenewalSubmission.Status.READY)
        submission = rows.select_related("application__policy").first()
        if submission is None:
            raise Http404("no such file")
        name = f"Renewal application {file_name_part(submission.application.policy.number)}.pdf"
        try:
            response = private_file_response(submission.file, filename=name, sha256=submission.sha256)
        except (FileNotFoundError, FileChangedError) as error:
            raise Http404("the file isn’t there") from error
        record_event(RenewalEvent.DOWNLOADED, subject=submission.application, submission=submission.public_id)
        return response


class PartOfFilter(admin.SimpleListFilter):
    """The parts of one application, by its key."""

    title = "application"
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get(self.parameter_name, "")
        return [(asked, "This application")] if asked.isdecimal() and len(asked) < 18 else [("0", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value() or ""
        return queryset.filter(application=int(asked)) if asked.isdecimal() and len(asked) < 18 else queryset


class SignedFilter(admin.SimpleListFilter):
    """Those that are signed, or missing."""

    title = "signature"
    parameter_name = "signature"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("signed", "Signed"), ("missing", "Missing")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("signed", "missing"):
            return queryset
        return queryset.filter(signed_at__isnull=self.value() == "missing")


@admin.register(RenewalPart)
class RenewalPartAdmin(RecordedLooks[RenewalPart]):
    """Clinicians' parts: who was asked, and the signature with the answers."""

    look = LOOK
    list_display = ("insured", "application", "asked_at", "mailings", "signed_at")
    list_select_related = ("insured", "application__policy")
    list_filter = (PartOfFilter, SignedFilter)
    search_fields = ("=application__policy__number",)
    search_help_text = "A whole policy number."
    ordering = ("application", "sort_key", "id")
    fields = ("application", "insured", "email", "asked_at", "mailings", "signed_at", "answers")
    readonly_fields = ("asked_at", "mailings", "signed_at", "answers")

    @admin.display(description="answers")
    def answers(self, part: RenewalPart) -> SafeString | str:
        signature = RenewalSignature.objects.filter(part=part).first()
        return answers_of(signature.answers) if signature else "Not signed yet"


@admin.register(RenewalSignature)
class RenewalSignatureAdmin(RecordedLooks[RenewalSignature]):
    """Signatures on applications and parts: legal evidence."""

    look = LOOK
    list_display = ("signed_name", "application", "part", "way", "signed_at")
    list_select_related = ("application__policy", "part__insured")
    list_filter = ("way",)
    search_fields = ("=application__policy__number",)
    search_help_text = "A whole policy number."
    ordering = ("-id",)
    exclude = ("answers",)
    readonly_fields = ("what_was_answered",)

    @admin.display(description="answers")
    def what_was_answered(self, signature: RenewalSignature) -> SafeString | str:
        return answers_of(signature.answers) or "–"


def answers_of(answers: Sequence[Mapping[str, str]]) -> SafeString:
    """Return answers as a list, each with its question."""
    return format_html_join(
        "",
        "<p>{}<br><strong>{}</strong> {}</p>",
        ((answer["text"], answer["value"], answer["details"]) for answer in answers),
    )


@admin.register(RenewalSubmission)
class RenewalSubmissionAdmin(WorkAdmin):
    """Applications as they were submitted; the filter finds those whose PDF failed."""

    list_display = ("application", "number", "status", "submitted_at", "attempts", "last_error")
    list_select_related = ("application__policy",)
    list_filter = ("status",)
    ordering = ("-id",)
    exclude = ("snapshot", "file")


@admin.register(RenewalAsking)
class RenewalAskingAdmin(WorkAdmin):
    """Pieces of asking whole groups; the filter finds those that failed."""

    list_display = ("application", "status", "asked", "unreachable", "created_at", "by", "attempts", "last_error")
    list_select_related = ("application__policy", "by")
    list_filter = ("status",)
    ordering = ("-id",)
