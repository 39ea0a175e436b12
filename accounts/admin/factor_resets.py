"""Resets of second factors in admin: one person asks, another approves, or the first called back (docs/staff.md)."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.admin.forms import ReasonForm
from accounts.guards import user_of
from accounts.models import FactorReset, User
from accounts.services import factor_resets
from accounts.services.factor_resets import PERMISSION, NotPossibleError, Way
from core.admin import StaffAdmin
from core.desk import DeskItem, counted
from core.staff_sections import StaffAction, StaffSection

DESK_SHOWN = 5


class AskForm(ReasonForm):
    """Why the factors go, and who else confirms that the caller is the owner."""

    way = forms.ChoiceField(
        label="Confirmed by",
        choices=FactorReset.Way.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the reset is confirmed."},
    )

    def __init__(self, *args: Any, number: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["way"]
        if number:
            words = f"I called the owner back at the number on file: {number}"
            field.choices = [(Way.TWO_PERSONS, Way.TWO_PERSONS.label), (Way.CALL_BACK, words)]
        else:
            field.choices = [(Way.TWO_PERSONS, Way.TWO_PERSONS.label)]
            field.help_text = "No call-back: there’s no number on file, or it was changed lately."

    def questions(self) -> list[forms.BoundField]:
        """Return the fields beside the reason."""
        return [self["way"]]


def section(request: HttpRequest, user: User) -> StaffSection | None:
    """Return the resets of an account's second factors, and the way to ask for one."""
    if not request.user.has_perm(PERMISSION):
        return None
    ask = StaffAction("Reset second factors…", reverse("admin:accounts_factorreset_ask", args=[user.pk]), is_grave=True)
    why_not = factor_resets.refusal(user)
    may = user.is_served_by(user_of(request)) and not why_not
    return StaffSection(
        "Lost second factors",
        "factor-resets",
        order=25,
        columns=("Asked", "By", "Confirmed by", "State", "Takes effect"),
        rows=[
            (each.asked_at, each.asked_by.username, each.get_way_display(), (each.get_status_display(), _href(each)),
             each.due_at or "–")
            for each in user.factor_resets.select_related("asked_by")[:5]
        ],
        empty="No reset was asked for.",
        note=why_not or "Two people, or a call-back. The owner is told at once and has a day to stop it.",
        actions=(ask,) if may else (),
    )  # fmt: skip


def _href(reset: FactorReset) -> str:
    return reverse("admin:accounts_factorreset_change", args=[reset.pk])


@admin.register(FactorReset)
class FactorResetAdmin(StaffAdmin[FactorReset]):
    """Resets of second factors: to look at, approve, and cancel."""

    list_display = ("user", "status", "way", "asked_by", "asked_at", "due_at")
    list_filter = ("status",)
    list_select_related = ("user", "asked_by")
    list_per_page = 50
    ordering = ("-asked_at",)
    fields = (
        "user", "status", "way", "called", "reason", "asked_by", "asked_at", "approved_by", "approved_at", "due_at",
        "ended_at", "ended_by", "end_reason",
    )  # fmt: skip
    change_form_template = "admin/accounts/factorreset/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: resets are asked for on the account's page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def customer(self, row: FactorReset) -> User:
        return row.user

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return what waits for a second person."""
        waiting = list(FactorReset.objects.filter(status=FactorReset.Status.ASKED).select_related("user"))
        href = reverse("admin:accounts_factorreset_changelist") + "?status__exact=asked"
        lines = tuple((str(reset.user), _href(reset)) for reset in waiting[:DESK_SHOWN])
        return [counted("Second-factor resets to approve", len(waiting), href, lines=lines)]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("ask/<int:user_id>/", wrap(self.ask_view), name="accounts_factorreset_ask"),
            path("<int:reset_id>/approve/", wrap(self.approve_view), name="accounts_factorreset_approve"),
            path("<int:reset_id>/cancel/", wrap(self.cancel_view), name="accounts_factorreset_cancel"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        reset = self.get_object(request, object_id)
        if reset is not None:
            extra_context = (extra_context or {}) | self._may(request, reset)
        return super().change_view(request, object_id, form_url, extra_context)

    def _may(self, request: HttpRequest, reset: FactorReset) -> dict[str, bool]:
        staff = user_of(request)
        decides = request.user.has_perm(PERMISSION) and reset.user.is_served_by(staff)
        waits = reset.status == FactorReset.Status.ASKED
        return {
            "may_approve": decides and waits and reset.asked_by_id != staff.pk,
            "may_cancel": decides and reset.is_open,
        }

    def ask_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Ask for a reset of an account's second factors, with a reason."""
        user = User.objects.filter(pk=user_id).first()
        if user is None:
            raise Http404
        self._require(request, user)
        number = factor_resets.number_on_file(user)
        form = AskForm(request.POST if request.method == "POST" else None, number=number)

        def ask() -> str:
            reset = factor_resets.ask(user=user, by=user_of(request), **form.cleaned_data)
            if reset.due_at is None:
                return "A second person must approve it. It’s on the desk."
            return "The delay has begun, and we told the owner."

        return self._act(
            request, user, form, do=ask, title=f"Reset second factors of {user}", action="Ask for the reset"
        )

    def approve_view(self, request: HttpRequest, reset_id: int) -> HttpResponse:
        """Approve a reset that another person asked for."""
        reset = self._reset(request, reset_id)
        if reset.asked_by_id == user_of(request).pk:
            raise PermissionDenied
        form = ReasonForm(request.POST if request.method == "POST" else None)

        def approve() -> str:
            factor_resets.approve(reset=reset, by=user_of(request), reason=form.cleaned_data["reason"])
            return "The delay has begun, and we told the owner."

        return self._act(
            request, reset.user, form, do=approve, title=f"Approve: {reset}", action="Approve", note=reset.reason
        )

    def cancel_view(self, request: HttpRequest, reset_id: int) -> HttpResponse:
        """Cancel an open reset."""
        reset = self._reset(request, reset_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)

        def cancel() -> str:
            factor_resets.cancel(reset=reset, by=user_of(request), reason=form.cleaned_data["reason"])
            return "The reset is cancelled. Nothing in the account has changed."

        return self._act(request, reset.user, form, do=cancel, title=f"Cancel: {reset}", action="Cancel the reset")

    def _reset(self, request: HttpRequest, reset_id: int) -> FactorReset:
        reset = FactorReset.objects.select_related("user").filter(pk=reset_id).first()
        if reset is None:
            raise Http404
        self._require(request, reset.user)
        return reset

    @staticmethod
    def _require(request: HttpRequest, user: User) -> None:
        if not request.user.has_perm(PERMISSION) or not user.is_served_by(user_of(request)):
            raise PermissionDenied

    def _act(
        self,
        request: HttpRequest,
        user: User,
        form: ReasonForm,
        *,
        do: Callable[[], str],
        title: str,
        action: str,
        note: str = "",
    ) -> HttpResponse:
        """Ask for a reason; with one, do it and say what was done, or why it isn't possible."""
        if form.is_valid():
            try:
                messages.success(request, do())
            except NotPossibleError as error:
                messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[user.pk]))
        questions = form.questions() if isinstance(form, AskForm) else []
        context = {**self.admin_site.each_context(request), "title": title, "original": user, "opts": User._meta}
        context |= {"form": form, "action": action, "note": note, "asked": questions}
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return TemplateResponse(request, "admin/accounts/user/reason.html", context, status=status)
