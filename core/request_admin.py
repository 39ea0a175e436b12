"""The queue of an area's requests in admin: clock, assignment, messages, and the acts of staff (`core.requests`)."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from core.admin import RecordedLooks
from core.desk import DeskItem
from core.requests import LONGEST_TEXT, WAITING, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db import models
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.urls import URLPattern

# The desk names so many requests; the list has all.
DESK_SHOWN = 5
Row = TypeVar("Row", bound=Request)


class AnswerForm(forms.Form):
    """Staff's words to the customer, and whether that settles it."""

    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    text = forms.CharField(
        label="Answer",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 80}),
        help_text="The customer reads it after signing in; the email that we send doesn’t repeat it.",
        error_messages={"required": "Write an answer."},
    )
    closes = forms.BooleanField(label="This settles it: close the request", required=False)


class AssignForm(forms.Form):
    """Who works on a request."""

    assigned_to = forms.ModelChoiceField(
        label="Assigned to", queryset=get_user_model().objects.none(), required=False, empty_label="Nobody yet"
    )

    def __init__(self, *args: Any, asked: Request, permission: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assigned_to"].initial = asked.assigned_to_id
        self.fields["assigned_to"].queryset = answerers(permission)  # type: ignore[attr-defined]


def answerers(permission: str) -> QuerySet[Any]:
    """Return the staff who may answer requests."""
    app, codename = permission.split(".")
    right = Permission.objects.filter(content_type__app_label=app, codename=codename)
    may = Q(is_superuser=True) | Q(user_permissions__in=right) | Q(groups__permissions__in=right)
    found: QuerySet[Any] = get_user_model().objects.filter(may, is_staff=True, is_active=True)
    return found.distinct().order_by("username")


class ClockFilter(admin.SimpleListFilter):
    """What waits, and for how long."""

    title = "clock"
    parameter_name = "clock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("overdue", "Overdue")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        requests: Any = queryset
        if self.value() == "waiting":
            return requests.filter(status__in=WAITING)
        if self.value() == "overdue":
            return requests.filter(status__in=WAITING, due_at__lt=timezone.now())
        return queryset


class AssignedFilter(admin.SimpleListFilter):
    """Mine, someone's, or nobody's."""

    title = "assigned"
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", "To me"), ("nobody", "To nobody")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() == "me":
            return queryset.filter(assigned_to=request.user.pk)
        return queryset.filter(assigned_to=None) if self.value() == "nobody" else queryset


class RequestAdmin(RecordedLooks[Row]):
    """Requests, the most urgent first. Its page has the messages, and the forms to assign, answer, and close.

    `permission`: who may work on them. `title`: what the support desk calls them. `answer_form`: of one that staff
    answer and close. An area adds its own acts by `acts` and `more`.
    """

    permission: str
    title: str
    answer_form: type[forms.Form] = AnswerForm
    # Whether staff may close one without another word.
    closes = True

    list_filter: ClassVar[Any] = (ClockFilter, AssignedFilter, "status", "kind")
    list_select_related: ClassVar[Any] = ("user", "assigned_to")
    search_fields: ClassVar[Any] = ("=user__username_key", "=policy__number")
    search_help_text = "A whole username or policy number."
    ordering = ("due_at", "id")
    change_form_template = "admin/request.html"

    @admin.display(description="status", ordering="status")
    def progress(self, asked: Row) -> str:
        shown = str(asked.get_status_display())  # type: ignore[attr-defined]  # each subclass has choices
        return f"{shown}, overdue" if asked.is_overdue else shown

    def customer(self, row: Row) -> models.Model:
        customer: models.Model = row.user
        return customer

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many requests wait, and those that are overdue."""
        rows: Any = self.model._default_manager.all()  # noqa: SLF001  # Django's own name for it
        waiting = rows.waiting().count()
        if not waiting:
            return [DeskItem(self.title, "None waiting")]
        overdue = list(rows.overdue()[:DESK_SHOWN])
        lines = tuple((f"Overdue: {self.in_short(one)}", self._address("change", one.pk)) for one in overdue)
        href = self._address("changelist") + "?clock=waiting"
        return [DeskItem(self.title, f"{waiting} waiting", href, needs_work=True, lines=lines)]

    def in_short(self, asked: Row) -> str:
        """Return what the support desk calls one that is overdue."""
        return str(asked)

    def acts(self) -> dict[str, Callable[[HttpRequest, int], HttpResponse]]:
        """Return what staff can do with a request, by its part of the address: each is a POST of the page's own
        forms."""
        acts: dict[str, Callable[[HttpRequest, int], HttpResponse]] = {
            "answer": self.answer_view,
            "assign": self.assign_view,
        }
        if self.closes:
            acts["close"] = self.close_view
        return acts

    def more(self, request: HttpRequest, asked: Row) -> dict[str, Any]:
        """Return what the page shows beyond messages and forms."""
        return {}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        base = f"{self.opts.app_label}_{self.opts.model_name}"
        acts = [path(f"<int:pk>/{act}/", wrap(view), name=f"{base}_{act}") for act, view in self.acts().items()]
        return [*acts, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a request with its messages and what can be done."""
        asked = self.get_object(request, object_id or "")
        shown: dict[str, Any] = {}
        if asked is not None and self.has_view_permission(request, asked):
            shown = {
                "thread": list(asked.messages.select_related("author")),
                "may_answer": self.has_answer_permission(request),
                "answer": self.answer_form(),
                "assign": AssignForm(asked=asked, permission=self.permission),
                "addresses": {act: self._address(act, asked.pk) for act in self.acts()},
                **self.more(request, asked),
            }
        return super().changeform_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def answer_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer a request. Refused with 422 without words; the page then has what was typed."""
        asked = self.to_work_on(request, pk)
        form = self.answer_form(request.POST)
        if not form.is_valid():
            return self.again(request, asked, answer=form)
        asked.answer(
            text=form.cleaned_data["text"],
            by=self.staff(request),
            key=form.cleaned_data["idempotency_key"],
            closes=form.cleaned_data.get("closes", False),
        )
        messages.success(request, "The answer is in the customer’s request, and an email says so.")
        return self.back(asked)

    def assign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give a request to someone, or to nobody."""
        asked = self.to_work_on(request, pk)
        form = AssignForm(request.POST, asked=asked, permission=self.permission)
        if form.is_valid() and asked.assign(form.cleaned_data["assigned_to"], by=self.staff(request)):
            messages.success(request, "Assigned." if form.cleaned_data["assigned_to"] else "Given back to everyone.")
        else:
            messages.info(request, "Nothing was changed.")
        return self.back(asked)

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close a request without another answer."""
        asked = self.to_work_on(request, pk)
        if asked.close(by=self.staff(request)):
            messages.success(request, "Closed.")
        return self.back(asked)

    def staff(self, request: HttpRequest) -> Any:
        """Return who acts."""
        return request.user

    def to_work_on(self, request: HttpRequest, pk: int) -> Row:
        """Return the request of an act; 404 where there is none or it isn't a POST, 403 without the right."""
        if not self.has_answer_permission(request):
            raise PermissionDenied
        asked: Row | None = self.model._default_manager.filter(pk=pk).first()  # noqa: SLF001  # Django's own name
        if request.method != "POST" or asked is None:
            raise Http404
        return asked

    def again(self, request: HttpRequest, asked: Row, **forms_sent: forms.Form) -> HttpResponse:
        """Show the page again, with a form that was refused (422)."""
        # Django's own form page takes a POST for a change of the row's fields, which nobody may.
        request.method = "GET"
        response = self.changeform_view(request, str(asked.pk), extra_context=forms_sent)
        assert isinstance(response, TemplateResponse)  # noqa: S101  # as Django's own form page is
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response

    def back(self, asked: Row) -> HttpResponse:
        """Return to the request's page."""
        return HttpResponseRedirect(self._address("change", asked.pk))

    def _address(self, act: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{act}", args=args)
