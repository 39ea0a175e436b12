"""The forms of a holder in an address book: name, address, contact, and what it asks of a certificate."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms

from credentialing.batches.forms import party_name
from credentialing.forms import NewHolderForm
from credentialing.holders import book
from credentialing.models import Holder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from policies.models import Membership

LONGEST_AHEAD = 365
MOST_MONEY = Decimal(1000000000)


class MoneyField(forms.DecimalField):
    """Whole dollars as people type them: '$1,000,000'."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 0)
        super().__init__(
            max_value=MOST_MONEY,
            max_digits=12,
            decimal_places=2,
            required=False,
            widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            error_messages={
                "invalid": "Enter an amount, such as 1,000,000.",
                "min_value": "Enter an amount of 0 or more.",
                "max_value": "Enter an amount below one billion dollars.",
                "max_digits": "Enter an amount below one billion dollars.",
                "max_whole_digits": "Enter an amount below one billion dollars.",
                "max_decimal_places": "Enter at most two decimal places.",
            },
            **kwargs,
        )

    def to_python(self, value: Any) -> Any:
        """Take the dollar sign and the commas away."""
        text = str(value or "").replace("$", "").replace(",", "").strip()
        return super().to_python(text)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:,.0f}" if isinstance(value, Decimal) and value == value.to_integral_value() else value


class HolderForm(NewHolderForm):
    """A holder of the own address book. Only name and address are needed."""

    email = forms.EmailField(
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="Where certificates and notices go, if you make it a standing holder.",
        error_messages={"invalid": "Enter an email address, such as office@hospital.org."},
    )
    phone = forms.CharField(required=False, max_length=40)
    minimum_per_claim = MoneyField(label="Minimum limit, each claim")
    minimum_aggregate = MoneyField(label="Minimum limit, aggregate")
    separate_limits = forms.BooleanField(label="It wants separate limits, not shared ones", required=False)
    tail_required = forms.BooleanField(label="It wants a tail after claims-made coverage", required=False)
    days_ahead = forms.IntegerField(
        label="Days ahead",
        help_text="How long before coverage ends it wants the next certificate.",
        required=False,
        min_value=0,
        max_value=LONGEST_AHEAD,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "invalid": "Enter a number of days, such as 45.",
            "min_value": "Enter 0 days or more.",
            "max_value": f"Enter {LONGEST_AHEAD} days or fewer.",
        },
    )
    party = forms.ChoiceField(
        label="Whose address book?",
        error_messages={"required": "Choose one.", "invalid_choice": "Choose from the list."},
    )
    anyway = forms.BooleanField(label="It’s another holder: save it", required=False)

    class Meta(NewHolderForm.Meta):
        fields = (*book.ADDRESS, *book.NOTED)  # type: ignore[assignment]  # a longer tuple

    def __init__(self, *args: Any, user: User, memberships: Sequence[Membership], **kwargs: Any) -> None:
        """`memberships`: those whose books the user may add to; of a holder that is changed, its book's alone."""
        super().__init__(*args, **kwargs)
        self._user = user
        self._memberships = {each.public_id: each for each in memberships}
        self.similar: list[book.Similar] = []
        if len(self._memberships) < 2:
            del self.fields["party"]
        else:
            choices = [(key, party_name(each)) for key, each in self._memberships.items()]
            self.fields["party"].choices = choices  # type: ignore[attr-defined]

    @property
    def membership(self) -> Membership:
        """The one whose book was chosen, or the only one."""
        chosen = self.cleaned_data.get("party")
        return self._memberships[chosen] if chosen else next(iter(self._memberships.values()))

    def clean(self) -> dict[str, Any]:
        """Compare the limits, and ask about holders that look the same."""
        cleaned = super().clean()
        per_claim, aggregate = cleaned.get("minimum_per_claim"), cleaned.get("minimum_aggregate")
        if per_claim and aggregate and per_claim > aggregate:
            self.add_error("minimum_aggregate", "The aggregate is at least the limit for each claim.")
        if not self.errors and not cleaned.get("anyway"):
            self._look_for_similar(cleaned)
        return cleaned

    def _look_for_similar(self, cleaned: dict[str, Any]) -> None:
        typed = Holder(**{name: cleaned[name] for name in book.ADDRESS})
        fingerprint = typed.fingerprint_now()
        if fingerprint == self.instance.fingerprint:
            return
        similar = book.similar_to(
            typed.name,
            typed.zip,
            memberships=[self.membership],
            user=self._user,
            but=self.instance if self.instance.pk else None,
        )
        # The very same one is found when it's saved.
        if any(one.holder.fingerprint == fingerprint for one in similar):
            return
        self.similar = similar
        if similar:
            self.add_error(None, "You may have this holder already. Compare, or save it as another one.")

    def typed(self) -> dict[str, Any]:
        """Return what was typed, for the verbs of `book`."""
        return {name: self.cleaned_data[name] for name in (*book.ADDRESS, *book.NOTED)}

    def add(self) -> tuple[Holder, bool]:
        """Add it; see `book.add`."""
        return book.add(by=self._user, membership=self.membership, typed=self.typed())
