"""The queue of requests to support: who asks what, until when, who answers, and the messages (S-46)."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from accounts.guards import user_of
from accounts.models import User
from core.admin import RecordedLooks
from core.desk import DeskItem
from portal.events import PortalEvent
from portal.models import SupportRequest
from portal.models.requests import LONGEST_TEXT
from portal.support.places import PLACES

if TYPE_CHECKING:
    from django.db import models
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.urls import URLPattern

# The desk names so many requests; the list has all.
DESK_SHOWN = 5
ANSWER_PERMISSION = "portal.answer_supportrequest"


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
        label="Assigned to", queryset=User.objects.none(), required=False, empty_label="Nobody yet"
    )

    def __init__(self, *args: Any, asked: SupportRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assigned_to"].initial = asked.assigned_to_id
        found = answerers()
        self.fields["assigned_to"].queryset = found  # type: ignore[attr-defined]


def answerers() -> QuerySet[User]:
    """Return the staff who may answer requests."""
    app, codename = ANSWER_PERMISSION.split(".")
    right = Permission.objects.filter(content_type__app_label=app, codename=codename)
    may = Q(is_superuser=True) | Q(user_permissions__in=right) | Q(groups__permissions__in=right)
    return User.objects.filter(may, is_staff=True, is_active=True).distinct().order_by("username")


class ClockFilter(admin.SimpleListFilter):
    """What waits, and for how long."""

    title = "clock"
    parameter_name = "clock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("overdue", "Overdue")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        requests: Any = queryset
        if self.value() == "waiting":
            return requests.filter(status__in=SupportRequest.WAITING)
        if self.value() == "overdue":
            return requests.filter(status__in=SupportRequest.WAITING, due_at__lt=timezone.now())
        return queryset


class DeskFilter(admin.SimpleListFilter):
    """Whose topics."""

    title = "desk"
    parameter_name = "desk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, desk["title"]) for key, desk in settings.SUPPORT.items()]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() not in settings.SUPPORT:
            return queryset
        return queryset.filter(
            topic__in=[t for t, (desk, _) in settings.SUPPORT_TOPICS.items() if desk == self.value()]
        )


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


@admin.register(SupportRequest)
class SupportRequestAdmin(RecordedLooks[SupportRequest]):
    """Requests, the most urgent first. Its page has the messages, and the forms to assign, answer, and close."""

    look = PortalEvent.REQUEST_VIEWED
    list_display = ("topic_label", "kind", "state", "due_at", "assigned_to", "user", "opened_at")
    list_display_links = ("topic_label",)
    list_filter = (ClockFilter, DeskFilter, AssignedFilter, "status", "kind")
    list_select_related = ("user", "assigned_to")
    search_fields = ("=user__username_key", "=policy__number")
    search_help_text = "A whole username or policy number."
    ordering = ("due_at", "id")
    change_form_template = "admin/portal/supportrequest/change_form.html"
    fields = ("user", "policy", "kind", "topic_label", "page", "status", "due_at", "assigned_to", "opened_at")
    readonly_fields = ("topic_label", "page")

    @admin.display(description="topic", ordering="topic")
    def topic_label(self, asked: SupportRequest) -> str:
        return asked.topic_label

    @admin.display(description="page")
    def page(self, asked: SupportRequest) -> str:
        place = PLACES.get(asked.place)
        return place.title if place else "–"

    @admin.display(description="status", ordering="status")
    def state(self, asked: SupportRequest) -> str:
        return f"{asked.get_status_display()}, overdue" if asked.is_overdue else asked.get_status_display()

    def customer(self, row: SupportRequest) -> User:
        return row.user

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(ANSWER_PERMISSION))

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many requests wait, and those that are overdue."""
        waiting = SupportRequest.objects.waiting().count()
        if not waiting:
            return [DeskItem("Requests to support", "None waiting")]
        overdue = list(SupportRequest.objects.overdue()[:DESK_SHOWN])
        lines = tuple(
            (f"Overdue: {one.topic_label}", reverse("admin:portal_supportrequest_change", args=[one.pk]))
            for one in overdue
        )
        href = reverse("admin:portal_supportrequest_changelist") + "?clock=waiting"
        return [DeskItem("Requests to support", f"{waiting} waiting", href, needs_work=True, lines=lines)]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/answer/", wrap(self.answer_view), name="portal_supportrequest_answer"),
            path("<int:pk>/assign/", wrap(self.assign_view), name="portal_supportrequest_assign"),
            path("<int:pk>/close/", wrap(self.close_view), name="portal_supportrequest_close"),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a request with its messages and what can be done."""
        asked = self.get_object(request, object_id or "")
        extra: dict[str, Any] = {}
        if asked is not None and self.has_view_permission(request, asked):
            extra = {
                "thread": list(asked.messages.select_related("author")),
                "may_answer": self.has_answer_permission(request),
                "answer": AnswerForm(),
                "assign": AssignForm(asked=asked),
            }
        return super().changeform_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    # Acts: each is a POST of the page's own forms.

    def answer_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer a request. Refused with 422 without words; the page then has what was typed."""
        asked = self._to_work_on(request, pk)
        form = AnswerForm(request.POST)
        if not form.is_valid():
            return self._again(request, asked, form)
        asked.answer(
            text=form.cleaned_data["text"],
            by=user_of(request),
            key=form.cleaned_data["idempotency_key"],
            closes=form.cleaned_data["closes"],
        )
        messages.success(request, "The answer is in the customer’s request, and an email says so.")
        return self._back(asked)

    def assign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give a request to someone, or to nobody."""
        asked = self._to_work_on(request, pk)
        form = AssignForm(request.POST, asked=asked)
        if form.is_valid() and asked.assign(form.cleaned_data["assigned_to"], by=user_of(request)):
            messages.success(request, "Assigned." if form.cleaned_data["assigned_to"] else "Given back to everyone.")
        else:
            messages.info(request, "Nothing was changed.")
        return self._back(asked)

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close a request without another answer."""
        asked = self._to_work_on(request, pk)
        if asked.close(by=user_of(request)):
            messages.success(request, "Closed.")
        return self._back(asked)

    def _to_work_on(self, request: HttpRequest, pk: int) -> SupportRequest:
        if not self.has_answer_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        asked = SupportRequest.objects.filter(pk=pk).first()
        if asked is None:
            raise Http404
        return asked

    def _again(self, request: HttpRequest, asked: SupportRequest, form: AnswerForm) -> HttpResponse:
        # Django's own form page takes a POST for a change of the row's fields, which nobody may.
        request.method = "GET"
        response = self.changeform_view(request, str(asked.pk), extra_context={"answer": form})
        assert isinstance(response, TemplateResponse)  # noqa: S101  # as Django's own form page is
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response

    def _back(self, asked: SupportRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:portal_supportrequest_change", args=[asked.pk]))
