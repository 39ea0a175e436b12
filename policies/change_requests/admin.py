"""The queue of change requests in admin, and the rules by which customers ask for changes (S-32)."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from core.admin import StaffAdmin
from core.events import record_event
from core.request_admin import AnswerForm, AssignedFilter, ClockFilter, RequestAdmin
from core.requests import LONGEST_TEXT
from core.states import STATES
from core.uploads.serving import upload_response
from policies.change_requests.events import ChangeEvent
from policies.change_requests.registry import kinds
from policies.change_requests.words import charge_in_words
from policies.models import ChangeRequest, ChangeRule, Company

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

ITEMS_SHOWN = 200
# The largest charge of one change, in dollars either way.
MOST_CHARGED = 10_000_000


class ChosenFilter(admin.SimpleListFilter):
    """A choice that narrows by one column of the request, its policy, or its policyholder."""

    column: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {value for value, _ in self.lookup_choices}
        if self.value() is None or self.value() not in known:
            return queryset
        return queryset.filter(**{self.column: self.value()})


class KindFilter(ChosenFilter):
    """What is asked for."""

    title, parameter_name, column = "kind", "of_kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.key, kind.title) for kind in kinds().values()]


class CompanyFilter(ChosenFilter):
    """The writing company."""

    title, parameter_name, column = "company", "company", "policy__company"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        companies = Company.objects.not_retired().order_by("name", "pk")
        return [(str(pk), str(name)) for pk, name in companies.values_list("pk", "name")]


class StateFilter(ChosenFilter):
    """The policyholder's state."""

    title, parameter_name, column = "state", "state", "policy__policyholder__state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = ChangeRequest.objects.submitted().order_by().values_list("policy__policyholder__state", flat=True)
        return [(state, STATES[state]) for state in sorted(set(states.distinct())) if state in STATES]


class QuestionForm(AnswerForm):
    """What staff still need to know."""

    closes = None  # type: ignore[assignment]  # deciding ends it


class DecideForm(forms.Form):
    """What became of a request, and what the customer reads."""

    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    outcome = forms.ChoiceField(
        label="Outcome",
        choices=[("done", "Done"), ("declined", "Declined")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the outcome."},
    )
    charge = forms.DecimalField(
        label="Change of the premium",
        required=False,
        max_digits=12,
        decimal_places=2,
        min_value=-MOST_CHARGED,
        max_value=MOST_CHARGED,
        help_text="In dollars; negative where the premium goes down. Empty: not known yet.",
        error_messages={"invalid": "Enter an amount such as 240.00 or -240.00."},
    )
    text = forms.CharField(
        label="Message",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5, "cols": 80}),
        help_text="The customer reads it after signing in; the email that we send doesn’t repeat it.",
        error_messages={"required": "Write a message."},
    )


@admin.register(ChangeRequest)
class ChangeRequestAdmin(RequestAdmin[ChangeRequest]):
    """Change requests, the most urgent first: assign, ask, and decide. Drafts are their customer's own."""

    look = ChangeEvent.REQUEST_VIEWED
    permission = "policies.decide_changerequest"
    title = "Change requests"
    answer_form = QuestionForm
    closes = False
    list_display = ("__str__", "progress", "due_at", "policy", "company", "assigned_to", "user", "opened_at")
    list_filter: ClassVar[Any] = (ClockFilter, AssignedFilter, "status", KindFilter, CompanyFilter, StateFilter)
    list_select_related: ClassVar[Any] = ("user", "assigned_to", "policy__company", "policy__policyholder", "insured")
    change_form_template = "admin/policies/changerequest/change_form.html"
    fields = (
        *("kind_title", "progress", "due_at", "opened_at", "assigned_to", "user", "membership", "policy", "company"),
        *("term", "insured", "effective", "until", "signed", "decided_by", "decided_at", "costs", "on_record_at"),
    )
    readonly_fields = ("kind_title", "progress", "company", "signed", "costs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChangeRequest]:
        """Leave out drafts: they weren't sent to us."""
        rows: Any = super().get_queryset(request)
        return rows.exclude(status=ChangeRequest.Status.DRAFT)

    @admin.display(description="company", ordering="policy__company__name")
    def company(self, asked: ChangeRequest) -> str:
        return str(asked.policy.company)

    @admin.display(description="kind")
    def kind_title(self, asked: ChangeRequest) -> str:
        return asked.kind_title

    @admin.display(description="signed statement")
    def signed(self, asked: ChangeRequest) -> str:
        if asked.signed_at is None:
            return "–"
        return f"{asked.signed_text}\n\n{asked.signed_name} ({asked.signed_by}), {asked.signed_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="premium")
    def costs(self, asked: ChangeRequest) -> str:
        return charge_in_words(asked) or "–"

    def acts(self) -> dict[str, Callable[[HttpRequest, int], HttpResponse]]:
        """Return those of every queue, and deciding."""
        return super().acts() | {"decide": self.decide_view}

    def get_urls(self) -> list[URLPattern]:
        """Add the files that customers attached."""
        view = self.admin_site.admin_view(self.file_view)
        base = f"{self.opts.app_label}_{self.opts.model_name}"
        return [path("<int:pk>/files/<public_id:file_id>/", view, name=f"{base}_file"), *super().get_urls()]

    def file_view(self, request: HttpRequest, pk: int, file_id: str) -> HttpResponseBase:
        """Return a file that a customer attached; each download is an event."""
        asked = self.get_object(request, str(pk))
        if not self.has_view_permission(request, asked):
            raise PermissionDenied
        file = asked.files.select_related("upload").filter(public_id=file_id).first() if asked is not None else None
        if asked is None or file is None:
            raise Http404
        response = upload_response(request, file.upload)
        if response.status_code == HTTPStatus.OK:
            record_event(ChangeEvent.FILE_DOWNLOADED, subject=asked, on_behalf_of=asked.user, file=file_id)
        return response

    def more(self, request: HttpRequest, asked: ChangeRequest) -> dict[str, Any]:
        """Return what is asked for, and the form to decide."""
        items = list(asked.items.all()[: ITEMS_SHOWN + 1])
        return {
            "items": items[:ITEMS_SHOWN],
            "items_left": asked.items.count() - ITEMS_SHOWN if len(items) > ITEMS_SHOWN else 0,
            "files": list(asked.files.select_related("upload")),
            "decide": DecideForm(),
        }

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Decide a request. Refused with 422 without an outcome or words; the page then has what was typed."""
        asked = self.to_work_on(request, pk)
        form = DecideForm(request.POST)
        if not form.is_valid():
            return self.again(request, asked, decide=form)
        decided = asked.decide(
            done=form.cleaned_data["outcome"] == "done",
            text=form.cleaned_data["text"],
            by=self.staff(request),
            key=form.cleaned_data["idempotency_key"],
            charge=form.cleaned_data["charge"],
        )
        if decided:
            messages.success(request, "Decided. An email tells the customer.")
        else:
            messages.warning(request, "It had come to its end meanwhile. Nothing was changed.")
        return self.back(asked)


class LinesField(forms.CharField):
    """A list of texts, one on each line."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in str(super().clean(value)).splitlines() if line.strip()]


class RuleForm(forms.ModelForm[ChangeRule]):
    """A rule, with the kinds that there are."""

    kind = forms.ChoiceField()
    not_with_funds = LinesField(
        label="Not with these funds",
        required=False,
        help_text="One name on each line, as in the feed: insureds who take part in the fund can’t have the change.",
    )

    class Meta:
        model = ChangeRule
        fields = (
            *("kind", "company", "state", "offered", "reason", "days_back", "days_ahead", "shortest", "longest"),
            *("not_with_funds", "note", "certificate"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind.key, kind.title) for kind in kinds().values()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Say in a sentence what the database would refuse."""
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("offered") and not cleaned.get("reason"):
            self.add_error("reason", "Write what customers read instead.")
        shortest, longest = cleaned.get("shortest"), cleaned.get("longest")
        if shortest is not None and longest is not None and longest < shortest:
            self.add_error("longest", f"Enter {shortest} or more.")
        return cleaned


@admin.register(ChangeRule)
class ChangeRuleAdmin(StaffAdmin[ChangeRule]):
    """What companies and states have settled about kinds of changes. Without a row, the portal's own rule holds."""

    form = RuleForm
    valued = ("kind", "company", "state", "offered", "days_back", "days_ahead", "shortest", "longest", "not_with_funds")
    list_display = ("title", "company", "state", "offered", "days_back", "days_ahead", "shortest", "longest")
    list_filter = ("offered",)
    list_select_related = ("company",)
    search_fields = ("kind__istartswith",)
    ordering = ("kind", "company", "state")

    @admin.display(description="kind", ordering="kind")
    def title(self, rule: ChangeRule) -> str:
        kind = kinds().get(rule.kind)
        return kind.title if kind else rule.kind
