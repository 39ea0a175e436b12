"""The checklist of someone who joins, and the holders chosen ahead (B-17)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.guards import subject_of, user_of
from credentialing.joining.holders import KIND, UNDONE, choosable, choose
from credentialing.models import Delivery, JoinerHolder
from credentialing.sending import services
from policies.models import ChangeRequest
from policies.rights import require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

# The rest of an address book is searched on its own page.
MOST = 300


class HoldersForm(forms.Form):
    """Which holders get the certificate."""

    use_required_attribute = False

    holders = forms.MultipleChoiceField(
        label="Who gets the certificate as soon as coverage is bound?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose holders of your address book."},
    )

    def __init__(self, *args: Any, asked: ChangeRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._book = {holder.public_id: holder for holder in choosable(asked)[:MOST]}
        field = self.fields["holders"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  # it is
        field.choices = [(key, f"{one.name}, {one.city}, {one.state}") for key, one in self._book.items()]

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to choose."""
        return not self._book

    def chosen(self) -> list[Any]:
        """Return the holders. The form is valid."""
        return [self._book[key] for key in self.cleaned_data["holders"]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the checklist. `done`: whether nothing is left to do about it."""

    title: str
    done: bool
    note: str = ""


def checklist_address(asked: ChangeRequest) -> str:
    """Return the address of the checklist of a request; nothing where it isn't about someone who joins. The hook
    `policies.checklist`."""
    if asked.kind != KIND or asked.status in UNDONE:
        return ""
    return reverse("credentialing:joiner", args=[asked.public_id])


@require_http_methods(["GET", "HEAD", "POST"])
def joiner(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what is done about someone who joins, and choose their holders. 404 for another party's request."""
    rows = ChangeRequest.objects.visible_to(subject_of(request)).exclude(status__in=UNDONE)
    asked = get_object_or_404(
        rows.select_related("policy__company", "policy__policyholder", "membership"), public_id=public_id, kind=KIND
    )
    require(subject_of(request), Capability.MANAGE_STANDING_HOLDERS, asked.policy)
    rows_chosen = list(JoinerHolder.objects.filter(request=asked).select_related("holder", "standing__insured"))
    form = HoldersForm(
        request.POST if request.method == "POST" else None,
        asked=asked,
        initial={"holders": [row.holder.public_id for row in rows_chosen]},
    )
    if form.is_valid():
        choose(asked=asked, holders=form.chosen(), by=user_of(request))
        messages.success(
            request, "Your choice is saved. They get the certificate as soon as our records have the coverage."
        )
        return redirect("credentialing:joiner", asked.public_id)
    context = {"asked": asked, "form": form, "steps": _steps(asked, rows_chosen)}
    context["crumbs"] = [
        (asked.policy.number, asked.policy.get_absolute_url()),
        (asked.kind_title, asked.get_absolute_url()),
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "credentialing/joining/joiner.html", context, status=status)


def _steps(asked: ChangeRequest, chosen: list[JoinerHolder]) -> list[Step]:
    item = asked.items.first()
    answers = item.answers if item is not None else {}
    license_ = f"{answers.get('license_state', '')} {answers.get('license_number', '')}".strip()
    prior = {
        "none": "a tail of the earlier carrier, or occurrence coverage",
        "retroactive": f"from this policy, retroactive date {answers.get('retroactive_date') or 'to be set'}",
        "new": "none needed: the first practice",
    }.get(str(answers.get("prior", "")), "")
    bound = any(row.standing for row in chosen)
    done = asked.status == ChangeRequest.Status.DONE
    sent = _sent(asked, chosen)
    without = sum(not row.holder.email for row in chosen)
    return [
        Step("License", bool(license_), license_),
        Step("Specialty", bool(answers.get("specialty")), str(answers.get("specialty", ""))),
        Step(
            "First day of coverage",
            asked.effective is not None,
            asked.effective.strftime("%B %-d, %Y") if asked.effective else "",
        ),
        Step("Coverage for earlier work", bool(prior), prior),
        Step(
            "Earlier carrier",
            bool(answers.get("earlier_carrier")) or answers.get("prior") != "retroactive",
            str(answers.get("earlier_carrier", "") or "None given"),
        ),
        Step("Supplemental application signed", asked.signed_at is not None, asked.signed_name),
        Step(
            "Holders chosen",
            bool(chosen),
            f"{len(chosen)}" + (f", {without} without an email address" if without else ""),
        ),
        Step("Decided by underwriting", done, asked.get_status_display()),
        Step("Coverage on our records", bound or asked.on_record_at is not None),
        Step("Certificates sent", bool(chosen) and sent == len(chosen), f"{sent} of {len(chosen)}"),
    ]


def _sent(asked: ChangeRequest, chosen: list[JoinerHolder]) -> int:
    """Return how many of the holders chosen ahead were sent a certificate. One query."""
    insured = next((row.standing.insured for row in chosen if row.standing), None)
    if insured is None:
        return 0
    prints = {row.holder.fingerprint for row in chosen if row.standing}
    terms = list(asked.policy.terms.values_list("public_id", flat=True))
    keys = [services.renewal_key(one, insured.public_id, term) for one in prints for term in terms]
    handed = Delivery.objects.filter(key__in=keys, handed_over_at__isnull=False)
    return len(set(handed.values_list("fingerprint", flat=True)))
