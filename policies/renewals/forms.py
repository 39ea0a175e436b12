"""Signatures, messages, and addresses that people type on the pages of renewals."""

from __future__ import annotations

from typing import Any

from django import forms

from core.idempotency import IdempotentForm
from core.requests import LONGEST_TEXT
from policies.models import Insured, RenewalCode
from policies.renewals.signing import is_name_of

CHANNELS = {
    RenewalCode.Channel.TEXT: "Text it to the phone ending in {end}",
    RenewalCode.Channel.CALL: "Call the phone ending in {end} and read it to me",
    RenewalCode.Channel.EMAIL: "Email it",
}


def signature_field() -> forms.CharField:
    return forms.CharField(
        label="Your full name",
        max_length=200,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="Typing it is your signature.",
        error_messages={"required": "Type your full name to sign."},
    )


def _agrees() -> forms.BooleanField:
    return forms.BooleanField(
        label="I’ve read the statements and the fraud warning, and I agree.",
        error_messages={"required": "Read the statements, and tick this box to sign."},
    )


class PartSignForm(forms.Form):
    """A clinician's signature on her part."""

    use_required_attribute = False
    signed_name = signature_field()
    agrees = _agrees()

    def __init__(self, *args: Any, insured: Insured, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._insured = insured

    def clean_signed_name(self) -> str:
        """Refuse another name."""
        typed = str(self.cleaned_data["signed_name"])
        if not is_name_of(typed, self._insured):
            raise forms.ValidationError(
                f"Type your first and last name as we have them, {self._insured.display_name}, or call us."
            )
        return typed


class SubmitForm(IdempotentForm):
    """The attestation of the whole application. `without_missing` is asked where parts are missing."""

    use_required_attribute = False
    without_missing = forms.BooleanField(required=False)
    signed_name = signature_field()
    agrees = _agrees()

    def __init__(self, *args: Any, missing: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parts = "1 clinician’s part" if missing == 1 else f"the parts of {missing:,} clinicians"
        self.fields["without_missing"].label = f"Submit without {parts}. They can still sign until the term ends."
        if not missing:
            del self.fields["without_missing"]

    def clean_signed_name(self) -> str:
        """Refuse what can't be a full name."""
        typed = str(self.cleaned_data["signed_name"])
        if len(typed.split()) < 2:
            raise forms.ValidationError("Type your first and last name.")
        return typed

    def clean(self) -> dict[str, Any]:
        """Refuse to go without parts by accident."""
        cleaned = super().clean() or self.cleaned_data
        if "without_missing" in self.fields and not cleaned.get("without_missing"):
            self.add_error(
                "without_missing",
                "Clinicians’ parts are missing. Remind them, or tick this box to submit without them.",
            )
        return cleaned


class MessageForm(IdempotentForm):
    """The customer's words about a submitted application."""

    use_required_attribute = False
    text = forms.CharField(
        label="Message",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "required": "Write your message.",
            "max_length": f"Enter up to {LONGEST_TEXT:,} characters.",
        },
        help_text="Don’t include patients’ names, passwords, or codes.",
    )


class EmailForm(forms.Form):
    """Where a clinician gets the link."""

    use_required_attribute = False
    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="The link and only the link goes there. It must be the clinician’s own mailbox.",
        error_messages={
            "required": "Enter an email address.",
            "invalid": "Enter an email address, such as ana@clinic.org.",
        },
    )


class ChannelForm(forms.Form):
    """By which way the code comes."""

    use_required_attribute = False
    channel = forms.ChoiceField(
        label="How should we send the code?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one.", "invalid_choice": "Choose one."},
    )

    def __init__(self, *args: Any, channels: list[str], ending: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [(each, CHANNELS[RenewalCode.Channel(each)].format(end=ending)) for each in channels]
        self.fields["channel"].choices = words  # type: ignore[attr-defined]
        self.fields["channel"].initial = channels[0]


class CodeForm(forms.Form):
    """The code that came another way than the link."""

    use_required_attribute = False
    code = forms.CharField(
        label="6-digit code",
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        error_messages={"required": "Enter the 6-digit code."},
    )
