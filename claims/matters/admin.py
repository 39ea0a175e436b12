"""Matters in admin: what the claims team publishes to an insured, and the messages."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.urls import path, reverse

from claims.events import MatterEvent
from claims.matters.forms import DateForm, DocumentsForm, NoteForm
from claims.models import Matter, MatterDate, MatterFile
from core.bodies import accepts_upload
from core.events import record_event
from core.request_admin import AssignedFilter, ClockFilter, RequestAdmin
from core.uploads.forms import MOST_AT_ONCE
from core.uploads.models import attach
from core.uploads.serving import upload_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.urls import URLPattern

NEWS = "The insured sees it, and an email says that there’s something new."


@admin.register(Matter)
class MatterAdmin(RequestAdmin[Matter]):
    """Matters that are, or were, published. A claim is published from the list of claims."""

    look = MatterEvent.LOOKED_AT
    permission = "claims.answer_matter"
    title = "Messages about claims"
    change_form_template = "admin/claims/matter.html"
    list_display = ("claim", "insured", "stage", "progress", "due_at", "assigned_to", "changed_at")
    list_filter: ClassVar[Any] = (ClockFilter, AssignedFilter, "status")
    list_select_related: ClassVar[Any] = ("claim__insured", "assigned_to")
    search_fields: ClassVar[Any] = ("=claim__number",)
    search_help_text = "A whole claim number."
    fields: ClassVar[Any] = (
        *("claim", "insured", "stage", "status", "due_at", "assigned_to"),
        *("published_by", "opened_at", "changed_at"),
    )
    readonly_fields: ClassVar[Any] = ("insured", "stage")

    @admin.display(description="insured")
    def insured(self, matter: Matter) -> str:
        return matter.claim.insured.display_name

    @admin.display(description="stage")
    def stage(self, matter: Matter) -> str:
        return matter.claim.stage

    def get_urls(self) -> list[URLPattern]:
        wrap, receives = self.admin_site.admin_view, accepts_upload(MOST_AT_ONCE)
        documents = self._for_who_may_answer(receives(self.documents_view))
        return [
            path("<int:pk>/documents/", wrap(documents), name="claims_matter_documents"),
            path("<int:pk>/file/<int:file_pk>/", wrap(self.file_view), name="claims_matter_file"),
            *super().get_urls(),
        ]

    def _for_who_may_answer(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Refuse others before the files are read."""

        @wraps(view)
        def guarded(request: HttpRequest, pk: int) -> HttpResponse:
            self.to_work_on(request, pk)
            return view(request, pk)

        return guarded

    def acts(self) -> dict[str, Callable[[HttpRequest, int], HttpResponse]]:
        return {**super().acts(), "note": self.note_view, "date": self.date_view, "undo": self.undo_view}

    def more(self, request: HttpRequest, asked: Matter) -> dict[str, Any]:
        files = list(asked.files.select_related("upload", "message", "added_by"))
        return {
            "note": NoteForm(initial={"note": asked.note}),
            "date": DateForm(),
            "documents": DocumentsForm(),
            "documents_address": reverse("admin:claims_matter_documents", args=[asked.pk]),
            "dates": list(asked.dates.all()),
            "files": [(each, reverse("admin:claims_matter_file", args=[asked.pk, each.pk])) for each in files],
        }

    def note_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say where the matter is."""
        matter, form = self.to_work_on(request, pk), NoteForm(request.POST)
        if not form.is_valid():
            return self.again(request, matter, note=form)
        matter.set_note(form.cleaned_data["note"], by=self.staff(request))
        messages.success(request, "The insured sees it.")
        return self.back(matter)

    def date_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a date."""
        matter, form = self.to_work_on(request, pk), DateForm(request.POST)
        if not form.is_valid():
            return self.again(request, matter, date=form)
        with transaction.atomic():
            _, is_new = MatterDate.objects.get_or_create(matter=matter, **form.cleaned_data)
            if is_new:
                record_event(MatterEvent.CHANGED, subject=matter, what="date")
                matter.tell_of_news(key=f"date:{form.cleaned_data['day']}:{form.cleaned_data['what']}"[:120])
        messages.success(request, NEWS)
        return self.back(matter)

    def documents_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Publish documents; those that are fine stay when one is refused."""
        matter = self.to_work_on(request, pk)
        form = DocumentsForm(request.POST, request.FILES)
        valid, by = form.is_valid(), self.staff(request)
        with transaction.atomic():
            for checked in form.accepted:
                rows = MatterFile.objects.filter(matter=matter, message=None)
                added = attach(rows, checked, by=by, matter=matter, message=None, added_by=by)
                record_event(MatterEvent.CHANGED, subject=matter, what="document", file=added.public_id)
                matter.tell_of_news(key=f"file:{added.pk}")
        if not valid:
            return self.again(request, matter, documents=form)
        messages.success(request, NEWS)
        return self.back(matter)

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a date or a document back."""
        matter = self.to_work_on(request, pk)
        kind, _, key = request.POST.get("what", "").partition(":")
        if kind not in {"date", "file"} or not (key.isascii() and key.isdecimal()) or len(key) > 15:
            raise Http404
        with transaction.atomic():
            if kind == "date":
                gone = bool(matter.dates.filter(pk=key).delete()[0])
            else:
                found = matter.files.select_related("upload").filter(pk=key, message=None).first()
                gone = found is not None
                if found is not None:
                    found.remove()
            if gone:
                record_event(MatterEvent.CHANGED, subject=matter, what=f"{kind} taken back")
        messages.success(request, "Taken back." if gone else "It was gone already.")
        return self.back(matter)

    def file_view(self, request: HttpRequest, pk: int, file_pk: int) -> HttpResponseBase:
        """Download a file; an event."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = MatterFile.objects.select_related("upload", "matter").filter(matter=pk, pk=file_pk).first()
        if found is None:
            raise Http404
        record_event(MatterEvent.FILE_DOWNLOADED, subject=found.matter, file=found.public_id)
        return upload_response(request, found.upload)
