"""The form that issues a certificate: to whom it goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms

from core.dates import STATE_ZONES
from core.idempotency import IdempotentForm
from core.pdf import unprintable
from credentialing.certificates import issuing, limits
from credentialing.models import Certificate, Holder

if TYPE_CHECKING:
    from accounts.models import User
    from policies.eligibility import Eligibility
    from policies.models import Coverage

CONCERN, SAVED, NEW = "concern", "saved", "new"
# A select of more is no help; whoever is not in it is typed again and found by name and address.
MOST_HOLDERS = 300
ZIP = re.compile(r"\d{5}(-?\d{4})?")


class IssueForm(IdempotentForm):
    """To whom it may concern, a holder from the address book of the user's parties, or a new one typed."""

    recipient = forms.ChoiceField(
        label="Who is the certificate for?",
        widget=forms.RadioSelect,
        error_messages={"required": "Say who the certificate is for."},
    )
    holder = forms.ModelChoiceField(
        label="Certificate holder",
        queryset=Holder.objects.none(),
        to_field_name="public_id",
        required=False,
        empty_label="Choose a holder",
        error_messages={"invalid_choice": "Choose one from the list."},
    )
    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        help_text="The hospital, health plan, or person requesting it, exactly as it should appear.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "maxlength": 200}),
    )
    address1 = forms.CharField(
        label="Address", max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    address2 = forms.CharField(
        label="Suite, floor, or unit",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    city = forms.CharField(
        label="City", max_length=80, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Choose"), *((state, state) for state in sorted(STATE_ZONES))],
        error_messages={"invalid_choice": "Choose a state from the list."},
    )
    zip = forms.CharField(
        label="ZIP code",
        max_length=10,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    TYPED = ("name", "address1", "address2", "city", "state", "zip")
    # A new holder needs these; the sentence stands next to the field that lacks them.
    NEEDED = {
        "name": "Enter a name.",
        "address1": "Enter an address.",
        "city": "Enter a city.",
        "state": "Choose a state.",
        "zip": "Enter a ZIP code.",
    }

    def __init__(self, *args: Any, user: User, coverage: Coverage, eligibility: Eligibility, **kwargs: Any) -> None:
        """`coverage` was fetched through `visible_to(user)`; `eligibility` is what it gives now."""
        super().__init__(*args, **kwargs)
        self._user = user
        self._coverage = coverage
        self._eligibility = eligibility
        self._memberships = issuing.acting_memberships(user, coverage)
        holders = Holder.objects.in_books_of(self._memberships).order_by("-last_used_at", "-id")
        recent = list(holders.values_list("pk", flat=True)[:MOST_HOLDERS])
        self.fields["holder"].queryset = holders.filter(pk__in=recent).order_by("name", "id")  # type: ignore[attr-defined]
        self.fields["recipient"].initial = SAVED if recent else CONCERN
        self.has_holders = bool(recent)
        if eligibility.is_letter:
            self._ask_for_recipient()
        else:
            self._speak_of("holder")

    def _ask_for_recipient(self) -> None:
        """A letter has a recipient, not a certificate holder."""
        self.fields["recipient"].label = "Who is the letter for?"
        self.fields["holder"].label = "Recipient"
        self._speak_of("recipient")

    def _speak_of(self, word: str) -> None:
        choices = [(CONCERN, "To whom it may concern"), (NEW, f"A new {word}")]
        if self.has_holders:
            choices.insert(1, (SAVED, f"A saved {word}"))
        self.fields["recipient"].choices = choices  # type: ignore[attr-defined]
        self.fields["holder"].empty_label = f"Choose a {word}"  # type: ignore[attr-defined]

    def clean_zip(self) -> str:
        """Five digits, or nine."""
        text = str(self.cleaned_data["zip"]).strip()
        if text and not ZIP.fullmatch(text):
            raise forms.ValidationError("Enter a 5-digit ZIP code or ZIP+4 (12345-6789).")
        return f"{text[:5]}-{text[5:]}" if len(text) == 9 else text

    def clean(self) -> dict[str, Any]:
        """What was chosen decides what else is needed; what belongs to another choice is ignored."""
        cleaned = super().clean() or self.cleaned_data
        recipient = cleaned.get("recipient")
        if recipient == SAVED and not cleaned.get("holder") and "holder" not in self.errors:
            self.add_error("holder", "Choose one from the list.")
        if recipient == NEW:
            self._check_typed(cleaned)
        else:
            for name in self.TYPED:
                self.errors.pop(name, None)
        if recipient != SAVED:
            self.errors.pop("holder", None)
        return cleaned

    def _check_typed(self, cleaned: dict[str, Any]) -> None:
        for name, sentence in self.NEEDED.items():
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        for name in self.TYPED:
            if missing := unprintable(str(cleaned.get(name, ""))):
                self.add_error(name, f"We can’t print these characters: {' '.join(missing)}. Use Latin letters.")

    def issue(self) -> Certificate:
        """Issue the certificate. Raises `issuing.NotIssuableError` or `limits.TooManyError` with the sentence for the
        user."""
        limits.count_issue(self._user)
        membership = self._memberships[0]
        holder = None
        if self.cleaned_data["recipient"] == SAVED:
            # Whose address book the holder stands in, issues: no other party is to see her.
            holder = self.cleaned_data["holder"]
            membership = next(each for each in self._memberships if holder.is_in_book_of(each))
        elif self.cleaned_data["recipient"] == NEW:
            typed = {name: self.cleaned_data[name] for name in self.TYPED}
            holder = issuing.keep_holder(by=self._user, membership=membership, **typed)
        return issuing.issue(
            coverage=self._coverage,
            eligibility=self._eligibility,
            holder=holder,
            by=self._user,
            membership=membership,
            key=self.cleaned_data["idempotency_key"],
        )
