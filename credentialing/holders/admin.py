"""Holders for staff: address books, those on file, standing ones, and the queue of requests (S-38). Each look is
recorded."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages

from core.admin import RecordedLooks
from core.request_admin import AnswerForm, RequestAdmin
from core.requests import LONGEST_TEXT
from credentialing.events import CertificateEvent, HolderEvent
from credentialing.holders import deciding, on_file
from credentialing.holders.request_words import gets_of
from credentialing.models import (
    CarrierHolder,
    Holder,
    HolderRequest,
    OwnStandingHolder,
    PaperRequest,
    StandingHolder,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


@admin.register(Holder)
class HolderAdmin(RecordedLooks[Holder]):
    """The address books of insureds, policyholders, and agencies."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("name", "city", "state", "insured", "policyholder", "agency", "last_used_at", "removed_at")
    list_select_related = ("insured", "policyholder", "agency")
    search_fields = ("name__istartswith",)


@admin.register(CarrierHolder)
class CarrierHolderAdmin(RecordedLooks[CarrierHolder]):
    """Holders on file with the carrier, and what they ask for; the actions merge duplicates and part them again."""

    look = CertificateEvent.LOOKED_AT
    list_display = (
        *("name", "city", "state", "minimum_per_claim", "minimum_aggregate"),
        *("source", "retired_at", "same_as"),
    )
    list_select_related = ("same_as",)
    search_fields = ("name__istartswith", "external_id")
    ordering = ("pk",)
    actions = ("merge", "part")

    @admin.action(description="Merge the selected holders: they’re the same", permissions=["merge"])
    def merge(self, request: HttpRequest, holders: QuerySet[CarrierHolder]) -> None:
        """Let one of those chosen stand in for the others."""
        try:
            kept, merged = on_file.merge(list(holders), by=request.user)
        except on_file.NotTheSameError as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(request, f"Merged {merged} into {kept}. What was issued hasn’t changed.")

    @admin.action(description="Part the selected holders again", permissions=["merge"])
    def part(self, request: HttpRequest, holders: QuerySet[CarrierHolder]) -> None:
        """Undo the merging of those chosen."""
        parted = on_file.part(list(holders), by=request.user)
        messages.info(request, f"Parted: {parted}." if parted else "None of the selected holders is merged.")

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("credentialing.merge_carrierholder"))


@admin.register(StandingHolder)
class StandingHolderAdmin(RecordedLooks[StandingHolder]):
    """Who gets the certificates of a policy without being asked, as the feed says."""

    look = CertificateEvent.LOOKED_AT
    list_display = (
        *("holder", "policy", "insured", "claims_history", "renewals", "notices"),
        *("source", "retired_at", "ended_at"),
    )
    list_select_related = ("holder", "policy", "insured")
    search_fields = ("policy__number_normalized__startswith", "insured__last_name__istartswith")
    ordering = ("pk",)


class InEffectFilter(admin.SimpleListFilter):
    """Those in effect, or those that were ended."""

    title = "effect"
    parameter_name = "effect"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", "In effect"), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OwnStandingHolder]) -> QuerySet[OwnStandingHolder]:
        if self.value() not in ("now", "ended"):
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "now")


@admin.register(OwnStandingHolder)
class OwnStandingHolderAdmin(RecordedLooks[OwnStandingHolder]):
    """Standing holders that customers chose in the portal."""

    look = CertificateEvent.LOOKED_AT
    list_display = ("holder", "policy", "insured", "renewals", "notices", "claims_history", "created_by", "ended_at")
    list_select_related = ("holder", "policy", "insured", "created_by")
    list_filter = (InEffectFilter,)
    search_fields = ("policy__number_normalized__startswith", "insured__last_name__istartswith")
    search_help_text = "How the policy’s number or the insured’s last name begins."
    ordering = ("-id",)


class QuestionForm(AnswerForm):
    """Staff's words to the customer, before they decide."""

    closes = None  # type: ignore[assignment]  # deciding ends it


class DecideForm(forms.Form):
    """What staff decide, what the customer reads, and what the holder gets."""

    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    outcome = forms.ChoiceField(
        label="Decision",
        choices=[("accept", "Do what was asked"), ("decline", "Decline")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what you decide."},
    )
    renewals = forms.BooleanField(label="Gets the certificate of each renewal", required=False)
    notices = forms.BooleanField(label="Gets notices of cancellation and changed limits", required=False)
    claims_history = forms.BooleanField(label="Gets claims histories", required=False)
    text = forms.CharField(
        label="Message",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5, "cols": 80}),
        help_text="The customer reads it after signing in; the email that we send doesn’t repeat it.",
        error_messages={"required": "Write a message."},
    )

    def __init__(self, *args: Any, asked: HolderRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asked.kind not in HolderRequest.WITH_HOLDER:
            for name in asked.switches:
                del self.fields[name]
        else:
            self.initial = {**self.initial, **asked.switches}

    @property
    def switches(self) -> dict[str, bool]:
        """What the holder gets, where the form asks."""
        return {name: self.cleaned_data[name] for name in deciding.SWITCHES if name in self.fields}


class MergeForm(forms.Form):
    """Which other request of the same customer goes on."""

    into = forms.ModelChoiceField(
        label="Same as", queryset=HolderRequest.objects.none(), error_messages={"required": "Choose a request."}
    )

    def __init__(self, *args: Any, asked: HolderRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"].queryset = deciding.others_of(asked)  # type: ignore[attr-defined]


@admin.register(HolderRequest)
class HolderRequestAdmin(RequestAdmin[HolderRequest]):
    """Requests about holders, the most urgent first: assign, write, decide, and merge duplicates."""

    look = HolderEvent.REQUEST_VIEWED
    permission = "credentialing.decide_holderrequest"
    title = "Requests about holders"
    answer_form = QuestionForm
    closes = False
    list_display = ("__str__", "progress", "due_at", "policy", "whom", "assigned_to", "user", "opened_at")
    list_select_related: ClassVar[Any] = ("user", "assigned_to", "policy", "insured", "standing__holder")
    change_form_template = "admin/credentialing/holderrequest/change_form.html"
    readonly_fields = ("progress", "whom", "asked_for", "gets")
    # Shown where there is anything.
    outcome = ("standing", "decided_at", "decided_by", "made", "same_as")

    def get_fields(self, request: HttpRequest, obj: HolderRequest | None = None) -> Any:
        """Show what a request of this kind has."""
        known = ["kind", "progress", "due_at", "opened_at", "assigned_to", "user", "membership", "policy", "whom"]
        if obj is None:
            return known
        holder = ["asked_for", "gets"] if obj.kind in HolderRequest.WITH_HOLDER else []
        return [*known, *holder, *(name for name in self.outcome if getattr(obj, name) is not None)]

    @admin.display(description="holder as it is to be")
    def asked_for(self, asked: HolderRequest) -> str:
        return ", ".join(line for line in (asked.name, *asked.address_lines, asked.email) if line)

    @admin.display(description="should get")
    def gets(self, asked: HolderRequest) -> str:
        return gets_of(asked)

    @admin.display(description="certificates of")
    def whom(self, asked: HolderRequest) -> str:
        return asked.whom

    def acts(self) -> dict[str, Callable[[HttpRequest, int], HttpResponse]]:
        """Return those of every queue, and deciding and merging."""
        return super().acts() | {"decide": self.decide_view, "merge": self.merge_view}

    def more(self, request: HttpRequest, asked: HolderRequest) -> dict[str, Any]:
        """Return the forms to decide and to merge, and what else waits about the same paper."""
        shown: dict[str, Any] = {"decide": DecideForm(asked=asked), "merge": MergeForm(asked=asked)}
        shown["has_others"] = deciding.others_of(asked).exists()
        if asked.kind == HolderRequest.Kind.DOCUMENT:
            shown["papers"] = list(PaperRequest.objects.waiting().filter(company=asked.policy.company_id)[:5])
        return shown

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Decide a request. Refused with 422 without a decision or words; the page then has what was typed."""
        asked = self.to_work_on(request, pk)
        form = DecideForm(request.POST, asked=asked)
        if not form.is_valid():
            return self.again(request, asked, decide=form)
        try:
            decided = deciding.decide(
                asked,
                accepts=form.cleaned_data["outcome"] == "accept",
                text=form.cleaned_data["text"],
                by=self.staff(request),
                key=form.cleaned_data["idempotency_key"],
                switches=form.switches,
            )
        except deciding.NotPossibleError as refusal:
            form.add_error(None, str(refusal))
            return self.again(request, asked, decide=form)
        if decided:
            messages.success(request, "Decided. An email tells the customer.")
        else:
            messages.warning(request, "It had come to its end meanwhile. Nothing was changed.")
        return self.back(asked)

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close a request as the same as another one of the customer's, which goes on."""
        asked = self.to_work_on(request, pk)
        form = MergeForm(request.POST, asked=asked)
        if form.is_valid() and deciding.merge(asked, into=form.cleaned_data["into"], by=self.staff(request)):
            messages.success(request, "Merged. The other request goes on.")
            return self.back(form.cleaned_data["into"])
        messages.warning(request, "Nothing was merged. Choose another open request of the same customer.")
        return self.back(asked)
