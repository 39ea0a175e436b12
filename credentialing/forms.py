"""The forms that issue a certificate: who it is for, and a new holder."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from django import forms

from core.idempotency import IdempotentForm
from core.pdf import unprintable
from core.states import STATES
from core.templatetags.show import day
from credentialing.batches.requirements import Requirements
from credentialing.certificates import issuing, limits
from credentialing.models import Certificate, Holder
from credentialing.pages.issue import in_words
from policies.eligibility import chosen_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from credentialing.pages.issue import Choice
    from policies.eligibility import Part
    from policies.models import Membership

CONCERN, SAVED, NEW = "concern", "saved", "new"
# A longer select doesn't help; typing a holder again finds the saved one by name and address.
MOST_HOLDERS = 300
ZIP = re.compile(r"\d{5}(-?\d{4})?")


class NewHolderForm(forms.ModelForm[Holder]):
    """A holder as typed, for the address book of the party that issues."""

    use_required_attribute = False
    # Typed as on an envelope; each sentence is next to the field that needs it.
    NEEDED = {
        "name": "Enter a name.",
        "address1": "Enter an address.",
        "city": "Enter a city.",
        "state": "Choose a state.",
        "zip": "Enter a ZIP code.",
    }

    state = forms.ChoiceField(
        choices=[("", "Choose"), *STATES.items()],
        error_messages={"invalid_choice": "Choose a state from the list."},
    )

    class Meta:
        model = Holder
        fields = ("name", "address1", "address2", "city", "state", "zip")
        labels = {"address1": "Address", "address2": "Suite, floor, or unit", "zip": "ZIP code"}
        help_texts = {"name": "The hospital, health plan, or person requesting it, exactly as it should appear."}
        widgets = {"zip": forms.TextInput(attrs={"inputmode": "numeric"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            # The address is a hospital's, not the user's own.
            field.widget.attrs["autocomplete"] = "off"
            if name in self.NEEDED:
                field.required = True
                field.error_messages["required"] = self.NEEDED[name]

    def clean_zip(self) -> str:
        text = str(self.cleaned_data["zip"])
        if not ZIP.fullmatch(text):
            raise forms.ValidationError("Enter a 5-digit ZIP code or ZIP+4 (12345-6789).")
        return f"{text[:5]}-{text[5:]}" if len(text) == 9 else text

    def clean(self) -> dict[str, Any]:
        """Refuse letters that no certificate can print."""
        cleaned = super().clean() or self.cleaned_data
        for name, typed in list(cleaned.items()):
            if missing := unprintable(str(typed)):
                self.add_error(name, f"We can’t print these characters: {' '.join(missing)}. Use Latin letters.")
        return cleaned


class SavedHolderForm(forms.Form):
    """A holder from the address books that the user issues from."""

    holder = forms.ModelChoiceField(
        label="Certificate holder",
        queryset=Holder.objects.none(),
        to_field_name="public_id",
        error_messages={"required": "Choose one from the list.", "invalid_choice": "Choose one from the list."},
    )
    use_required_attribute = False

    def __init__(self, *args: Any, memberships: Sequence[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holders = Holder.objects.in_books_of(memberships).order_by("-last_used_at", "-id")
        recent = list(holders.values_list("pk", "public_id")[:MOST_HOLDERS])
        offered = holders.filter(pk__in=[pk for pk, _ in recent]).order_by("name", "id")
        self.fields["holder"].queryset = offered  # type: ignore[attr-defined]
        self.has_holders = bool(recent)
        if len(recent) == 1:
            self.fields["holder"].initial = recent[0][1]


class IssueForm(IdempotentForm):
    """Parts, day, and a saved holder, a new one, or to whom it may concern. Only the form of the holder's choice is
    validated.

    A letter lists all that has ended, so neither parts nor a day are chosen for it.
    """

    parts = forms.MultipleChoiceField(
        label="What should it show?",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one part.",
            "invalid_choice": "Choose from the parts that are listed.",
        },
    )
    day = forms.DateField(
        label="As of",
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a date, such as 11/24/2026."},
    )
    recipient = forms.ChoiceField(widget=forms.RadioSelect)
    anyway = forms.BooleanField(label="Create it anyway", required=False)

    def __init__(self, *args: Any, user: User, choice: Choice, **kwargs: Any) -> None:
        """`choice` comes from coverages fetched through `visible_to(user)`, as they are judged now."""
        super().__init__(*args, **kwargs)
        self._user = user
        self._choice = choice
        self._parts = choice.parts
        self._memberships = issuing.acting_memberships(user, choice.own.coverage)
        self.saved = SavedHolderForm(**self._typed_for(SAVED), memberships=self._memberships)
        self.new = NewHolderForm(**self._typed_for(NEW))
        if choice.is_letter:
            self._name("recipient", "letter")
        else:
            self._name("holder", "certificate")
        self._offer_parts()
        self._offer_day()

    def _offer_parts(self) -> None:
        """All that give the same are chosen beforehand; one alone isn't asked about."""
        if self._choice.is_letter or len(self._choice.parts) < 2:
            del self.fields["parts"]
            return
        choices = [(part.coverage.public_id, in_words(part)) for part in self._choice.parts]
        self.fields["parts"].choices = choices  # type: ignore[attr-defined]
        self.fields["parts"].initial = [public_id for public_id, _ in choices]

    def _offer_day(self) -> None:
        if self._choice.is_letter or not self._choice.own.gives.allows:
            del self.fields["day"]
            return
        term = self._choice.own.coverage.term
        last = term.expires - dt.timedelta(days=1)
        today = term.policy.today()
        field = self.fields["day"]
        field.help_text = f"A day of the term, {day(term.effective)} to {day(last)}."
        field.widget.attrs |= {"min": str(term.effective), "max": str(last)}
        field.initial = today if term.effective <= today <= last else None

    def _typed_for(self, choice: str) -> dict[str, Any]:
        """Return what the form of a choice takes. It stays unbound where another is chosen, and keeps what was
        typed."""
        if not self.is_bound:
            return {}
        return {"data" if self.data.get("recipient") == choice else "initial": self.data}

    def _name(self, word: str, paper: str) -> None:
        choices = [(NEW, f"A new {word}"), (CONCERN, "To whom it may concern")]
        if self.saved.has_holders:
            choices.insert(0, (SAVED, f"A saved {word}"))
        recipient, holder = self.fields["recipient"], self.saved.fields["holder"]
        recipient.choices = choices  # type: ignore[attr-defined]
        recipient.initial = choices[0][0]
        recipient.label = f"Who is the {paper} for?"
        recipient.error_messages["required"] = f"Choose who the {paper} is for."
        holder.label = "Recipient" if word == "recipient" else "Certificate holder"
        holder.empty_label = f"Choose a {word}"  # type: ignore[attr-defined]

    @property
    def chosen(self) -> SavedHolderForm | NewHolderForm | None:
        """The form of the choice that was sent; none for 'to whom it may concern'."""
        return next((form for form in (self.saved, self.new) if form.is_bound), None)

    def clean(self) -> dict[str, Any]:
        """Judge the chosen parts about the day asked for."""
        cleaned = super().clean() or self.cleaned_data
        chosen = set(cleaned.get("parts", ())) or {part.coverage.public_id for part in self._choice.parts}
        self._parts = [part for part in self._choice.parts if part.coverage.public_id in chosen]
        asked = cleaned.get("day")
        if asked is not None and asked != self._choice.own.coverage.term.policy.today() and self._parts:
            self._parts = self._about(asked)
        return cleaned

    def _about(self, asked: dt.date) -> list[Part]:
        """Return the chosen parts as they are on another day, with an error beside the day where one gives nothing."""
        judged = self._choice.about(asked)
        parts = [chosen_part(judged, part.coverage) for part in self._parts]
        for part in parts:
            if not part.gives.allows:
                name = f"{part.coverage.get_part_display()}: " if len(parts) > 1 else ""
                self.add_error("day", f"{name}{part.gives.reason}")
        return parts

    def is_valid(self) -> bool:
        """Whether both the choice and its form are valid; both are checked, so that all errors show at once."""
        return all([super().is_valid(), self.chosen is None or self.chosen.is_valid()])

    def complaints(self) -> list[str]:
        """Return what the chosen holder will reject (B-19); nothing once the user has chosen to create it anyway."""
        if self.cleaned_data["anyway"]:
            return []
        holder = self.saved.cleaned_data["holder"] if self.saved.is_bound else None
        if self.new.is_bound:
            typed = Holder(**self.new.cleaned_data)
            typed.fingerprint = typed.fingerprint_now()
            # It may be in the book already, with what it asks for.
            books = Holder.objects.in_books_of(self._memberships)
            holder = books.filter(fingerprint=typed.fingerprint).first() or typed
        coverages = [part.coverage for part in self._parts]
        asked = Requirements([holder], coverages)
        lead = self._parts[0]
        return asked.complaints(holder, lead.coverage, lead.gives, beside=coverages)

    def issue(self) -> Certificate:
        """Issue the certificate. Raises `issuing.NotIssuableError` or `limits.TooManyError` with the sentence for the
        user."""
        limits.count_issue(self._user)
        membership = self._memberships[0]
        holder = None
        if self.saved.is_bound:
            # The party whose address book the holder is in issues: no other party may see the holder.
            holder = self.saved.cleaned_data["holder"]
            membership = next(each for each in self._memberships if holder.is_in_book_of(each))
        elif self.new.is_bound:
            holder = issuing.keep_holder(by=self._user, membership=membership, **self.new.cleaned_data)
        return issuing.issue(
            parts=self._parts,
            holder=holder,
            by=self._user,
            membership=membership,
            key=self.cleaned_data["idempotency_key"],
            about=self.cleaned_data.get("day"),
        )
