"""The forms of a batch: what was chosen, and who gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from core.idempotency import IdempotentForm
from credentialing.batches import freezing
from credentialing.batches.freezing import HolderChoice
from credentialing.batches.histories import HistoryChoice
from credentialing.certificates import issuing
from credentialing.claims_history.forms import YEARS
from credentialing.forms import NewHolderForm
from credentialing.models import Batch, ClaimsPaper, Holder
from credentialing.models.authorizations import window_name
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from policies.models import Membership

STANDING, ISSUED, SAVED, NEW, CONCERN = "standing", "issued", "saved", "new", "concern"
RECIPIENTS = [
    (STANDING, "Each insured’s standing holders"),
    (ISSUED, "Each insured’s earlier holders"),
    (SAVED, "Holders from your list"),
    (NEW, "A new holder"),
    (CONCERN, "To whom it may concern"),
]
# Longer lists of checkboxes don't help; the search by holder does.
MOST_SAVED = 50


class ChooseForm(IdempotentForm):
    """What the page of coverages sends beside the selection itself."""


class SettleForm(forms.Form):
    """Who gets the certificates of a draft, for which party, and as what. Only the chosen holders' fields are
    validated."""

    use_required_attribute = False

    party = forms.ChoiceField(
        label="On whose behalf?", error_messages={"required": "Choose one.", "invalid_choice": "Choose from the list."}
    )
    recipients = forms.MultipleChoiceField(
        label="Who are the certificates for?",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose who the certificates are for.",
            "invalid_choice": "Choose from the list.",
        },
    )
    saved = forms.ModelMultipleChoiceField(
        label="Holders from your list",
        queryset=Holder.objects.none(),
        to_field_name="public_id",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose from the list.", "invalid_pk_value": "Choose from the list."},
    )
    papers = forms.ChoiceField(
        label="What does each insured get?",
        choices=Batch.Papers.choices,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    purpose = forms.ChoiceField(
        label="What are the claims histories for?",
        choices=[("", "Choose"), *ClaimsPaper.Purpose.choices],
        required=False,
        error_messages={"invalid_choice": "Choose what they’re for from the list."},
    )
    years = forms.ChoiceField(
        label="How far back do they go?",
        choices=[(name, window_name(years)) for name, years in YEARS.items()],
        required=False,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    about = forms.DateField(
        label="As of",
        required=False,
        help_text="Another day of the term. Leave it empty for the day on which they’re created.",
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a date, such as 11/24/2026."},
    )
    delivery = forms.ChoiceField(
        label="How do you want them?",
        choices=Batch.Delivery.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one.", "invalid_choice": "Choose from the list."},
    )

    def __init__(
        self, *args: Any, user: User, batch: Batch, memberships: Sequence[Membership], asks_holders: bool, **kwargs: Any
    ) -> None:
        """`memberships`: those by which the user may issue, the first one offered first. `asks_holders`: whether
        anything was chosen without its holder."""
        kwargs.setdefault(
            "initial",
            {
                "delivery": batch.delivery,
                "party": batch.membership.public_id,
                "papers": batch.papers,
                "purpose": batch.history_purpose,
                "years": str(batch.history_years or "all") if batch.with_histories else "10",
                "about": batch.about,
            },
        )
        super().__init__(*args, **kwargs)
        self._user = user
        self._batch = batch
        self._memberships = {membership.public_id: membership for membership in memberships}
        self._asks_holders = asks_holders
        self._offer_parties()
        self._offer_holders()
        if not holds(user, Capability.VIEW_CLAIMS_HISTORY):
            del self.fields["papers"], self.fields["purpose"], self.fields["years"]
        wants_new = self.is_bound and NEW in self.data.getlist("recipients")  # type: ignore[attr-defined]
        self.new = NewHolderForm(self.data) if wants_new else NewHolderForm(initial=self.data if self.is_bound else {})

    def _offer_parties(self) -> None:
        if len(self._memberships) < 2:
            del self.fields["party"]
            return
        choices = [(each.public_id, party_name(each)) for each in self._memberships.values()]
        self.fields["party"].choices = choices  # type: ignore[attr-defined]

    def _offer_holders(self) -> None:
        if not self._asks_holders:
            del self.fields["recipients"], self.fields["saved"]
            return
        books = Holder.objects.in_books_of(self._memberships.values()).order_by("-last_used_at", "-id")
        recent = list(books.values_list("pk", flat=True)[:MOST_SAVED])
        offered = Holder.objects.filter(pk__in=recent).order_by("name", "id")
        self.fields["saved"].queryset = offered  # type: ignore[attr-defined]
        self.has_saved = bool(recent)
        choices = [choice for choice in RECIPIENTS if self.has_saved or choice[0] != SAVED]
        self.fields["recipients"].choices = choices  # type: ignore[attr-defined]

    @property
    def membership(self) -> Membership:
        """The membership that was chosen, or the only one."""
        chosen = self.cleaned_data.get("party")
        return self._memberships[chosen] if chosen else next(iter(self._memberships.values()))

    def clean(self) -> dict[str, Any]:
        """Ask for holders where they're chosen from the list, and from the chosen party's list; and for what the
        claims histories are for."""
        cleaned = super().clean() or self.cleaned_data
        if self._wants_histories() and "purpose" not in self.errors and not cleaned.get("purpose"):
            self.add_error("purpose", "Choose what they’re for.")
        if cleaned.get("delivery") == Batch.Delivery.EMAIL and self._wants_histories():
            self.add_error("delivery", "Claims histories aren’t emailed. Choose a file, or certificates alone.")
        if cleaned.get("delivery") == Batch.Delivery.EMAIL and cleaned.get("recipients") == [CONCERN]:
            self.add_error("delivery", "‘To whom it may concern’ has no email address. Choose a file, or holders.")
        if SAVED not in cleaned.get("recipients", ()):
            return cleaned
        chosen = cleaned.get("saved")
        if not chosen:
            self.add_error("saved", "Choose at least one holder.")
        elif "party" not in self.errors and not all(each.is_in_book_of(self.membership) for each in chosen):
            self.add_error("saved", f"Choose holders from the list of {party_name(self.membership)}.")
        return cleaned

    def is_valid(self) -> bool:
        """Whether both this form and a new holder's are valid; both are checked, so that all errors show at once."""
        return all([super().is_valid(), not self.new.is_bound or self.new.is_valid()])

    def settle(self) -> int:
        """Settle the items and return how many there are. Raises `freezing.TooLargeError` or `limits.TooManyError`."""
        cleaned, membership = self.cleaned_data, self.membership
        if membership.pk != self._batch.membership_id:
            Batch.objects.filter(pk=self._batch.pk).update(membership=membership)
            self._batch.membership = membership
        chosen = cleaned.get("recipients", ())
        holders = list(cleaned["saved"]) if SAVED in chosen else []
        if self.new.is_bound:
            holders.append(issuing.keep_holder(by=self._user, membership=membership, **self.new.cleaned_data))
        choice = HolderChoice(
            concern=CONCERN in chosen, standing=STANDING in chosen, issued=ISSUED in chosen, holders=tuple(holders)
        )
        history = None
        if self._wants_histories():
            history = HistoryChoice(YEARS[cleaned.get("years") or "10"], cleaned["purpose"])
        return freezing.freeze(
            self._batch,
            choice,
            by=self._user,
            delivery=cleaned["delivery"],
            about=cleaned.get("about"),
            history=history,
        )

    def _wants_histories(self) -> bool:
        return bool(self.cleaned_data.get("papers") == Batch.Papers.WITH_HISTORIES)


def party_name(membership: Membership) -> str:
    """Return the party as the user reads it: 'Riverbend Medical Group', 'Ana Núñez, MD (yourself)'."""
    party = membership.party
    return f"{party} (yourself)" if membership.insured_id else str(party)
