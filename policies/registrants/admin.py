"""Registrations in admin: why one wasn't completed, completing it by hand, letters (docs/staff.md#registrations)."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.admin.forms import ReasonForm
from accounts.guards import user_of
from accounts.models import Registration, User
from accounts.registrants import person_on_file
from accounts.services import deciding, letters
from accounts.services.registering import NoLongerPossibleError
from core.admin import COUNTED_AT_MOST, WorkAdmin
from core.dates import shown_day
from core.desk import DeskItem, counted
from core.downloads import attachment_header
from policies.models.membership import SECOND_PERSON
from policies.registrants.forms import CompleteForm

COMPLETE, PRINT = "accounts.complete_registration", "accounts.print_registration_letters"
CHANGED = "This registration has changed in the meantime. Look at it again."
Status = Registration.Status


@admin.register(Registration)
class RegistrationAdmin(WorkAdmin):
    """Who asked for an account, what became of it, and why. What was typed is shown to staff only."""

    list_display = ("created_at", "status", "full_name", "policy_number", "reason")
    list_filter = ("status", "reason", "created_at")
    list_per_page = 50
    actions = ("try_again", "print_selected")
    fieldsets = (
        (None, {"fields": ("created_at", "status", "reason", "matched", "sent_to", "expires_at", "printed_at")}),
        ("As typed", {"fields": ("policy_number", "full_name", "zip", "email")}),
        ("Outcome", {"fields": ("user", "decided_by", "attempts", "last_error")}),
    )
    change_form_template = "admin/accounts/registration/change_form.html"

    @admin.display(description="matched with")
    def matched(self, registration: Registration) -> str:
        person = person_on_file(registration.parties) if registration.parties else None
        return "; ".join(person.labels) if person else "–"

    def customer(self, row: Registration) -> User | None:
        return row.user

    def facts(self, row: Registration) -> dict[str, Any]:
        return {"reason": row.reason}

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return what waits for staff: decisions, letters, and failures; and how many matched nobody in a day."""
        listed = reverse("admin:accounts_registration_changelist")

        def item(title: str, status: str) -> DeskItem:
            count = Registration.objects.filter(status=status)[:COUNTED_AT_MOST].count()
            return counted(title, count, f"{listed}?status__exact={status}")

        day_ago = timezone.now() - dt.timedelta(days=1)
        missed = Registration.objects.filter(status=Status.UNMATCHED, created_at__gt=day_ago)[:COUNTED_AT_MOST].count()
        return [
            item("Registrations to decide", Status.REVIEW),
            item("Registration letters to print", Status.LETTER),
            *super().desk(request),
            DeskItem(
                "Registrations without a match in 24 hours",
                str(missed or "None"),
                f"{listed}?status__exact={Status.UNMATCHED}" if missed else "",
            ),
        ]

    def get_urls(self) -> list[URLPattern]:
        acts = {"complete": self.complete_view, "refuse": self.refuse_view, "letter": self.letter_view}
        return [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"accounts_registration_{name}")
            for name, view in acts.items()
        ] + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        status = row.status if isinstance(row, Registration) else ""
        more = {
            "may_complete": request.user.has_perm(COMPLETE) and status in Registration.OPEN_TO_STAFF,
            "may_print": request.user.has_perm(PRINT) and status in letters.PRINTABLE,
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | more)

    def _row(self, request: HttpRequest, pk: int, permission: str, statuses: tuple[str, ...]) -> Registration:
        """Return the registration of a page. Raises PermissionDenied without the right or in another state, Http404
        where there's none."""
        if not request.user.has_perm(permission):
            raise PermissionDenied
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404
        if row.status not in statuses:
            raise PermissionDenied
        return row

    def complete_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say who the registrant is, with a reason, and send the link or have a letter printed."""
        row = self._row(request, pk, COMPLETE, Registration.OPEN_TO_STAFF)
        form = CompleteForm(request.POST if request.method == "POST" else None, registration=row)
        if form.is_valid():
            way, reason = form.cleaned_data["way"], form.cleaned_data["reason"]
            try:
                deciding.complete(registration=row, parties=form.parties(), way=way, by=user_of(request), reason=reason)
            except NoLongerPossibleError:
                messages.error(request, CHANGED)
            else:
                messages.success(request, _WORDS[way])
                if form.is_of_agency():
                    messages.warning(request, SECOND_PERSON)
            return self._back(row)
        return self._ask(request, row, form, title=f"Complete {row}", action="Complete")

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close a registration, with a reason."""
        row = self._row(request, pk, COMPLETE, Registration.OPEN_TO_STAFF)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                deciding.refuse(registration=row, by=user_of(request), reason=form.cleaned_data["reason"])
            except NoLongerPossibleError:
                messages.error(request, CHANGED)
            else:
                messages.success(request, f"The {row} is refused. The person isn’t told by the portal.")
            return self._back(row)
        return self._ask(request, row, form, title=f"Refuse {row}", action="Refuse this registration")

    def letter_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Print the letter: draw a code and return the PDF."""
        row = self._row(request, pk, PRINT, letters.PRINTABLE)
        if request.method != "POST":
            return self._back(row)
        return self._print(request, [row]) or self._back(row)

    @admin.action(description="Print the letters of the selected", permissions=["print"])
    def print_selected(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        """Return one PDF with a page for each of the selected that waits for its letter."""
        return self._print(request, list(queryset[: letters.MOST]))

    def has_print_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(PRINT))

    def _print(self, request: HttpRequest, rows: list[Registration]) -> HttpResponse | None:
        pdf = letters.print_letters(registrations=rows, by=user_of(request))
        if pdf is None:
            messages.warning(request, "None of these can be printed: they don’t wait for a letter, or have no address.")
            return None
        name = f"letters-{shown_day():%Y-%m-%d}.pdf"
        return HttpResponse(
            pdf, content_type="application/pdf", headers={"Content-Disposition": attachment_header(name)}
        )

    def _ask(self, request: HttpRequest, row: Registration, form: Form, *, title: str, action: str) -> HttpResponse:
        self.record_look(request, row)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "original": row,
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "action": action,
            "matched": self.matched(row),
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return TemplateResponse(request, "admin/accounts/registration/act.html", context, status=status)

    def _back(self, row: Registration) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:accounts_registration_change", args=[row.pk]))


_WORDS = {
    deciding.Way.ON_FILE: "We sent the link to the email on file.",
    deciding.Way.TYPED: "We sent the link to the email that was typed, and told the emails on file.",
    deciding.Way.LETTER: "The letter can be printed now.",
}
