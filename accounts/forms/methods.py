"""What users change about the sign-in methods they have, and what a passkey gave."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms

from accounts.forms.codes import RememberForm
from accounts.models import CodeDevice
from core.forms import FocusedForm

LONGEST_NAME = 40
# Of a browser's answer: a key of 2 kB and its certificates would fit several times.
LONGEST_ANSWER = 20_000
LAST_USED = "The one I used last"


class NameField(forms.CharField):
    """A name of one line, without characters that nobody sees."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST_NAME)
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}))
        errors = {"required": "Enter a name.", "max_length": f"Use {LONGEST_NAME} characters or fewer."}
        super().__init__(error_messages=errors, **kwargs)

    def to_python(self, value: Any) -> str:
        """Fold width and spaces, and drop control and direction marks."""
        text = " ".join(unicodedata.normalize("NFKC", super().to_python(value) or "").split())
        shown = "".join(character for character in text if unicodedata.category(character)[0] != "C")
        return " ".join(shown.split())


class RenameForm(FocusedForm):
    """What the user calls a method."""

    name = NameField(help_text="Only you and web support see it.")


class FirstMethodForm(forms.Form):
    """Which method sign-in asks for first."""

    method = forms.ChoiceField(
        label="Ask me first for",
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of your methods."},
    )

    def __init__(self, *args: Any, devices: list[CodeDevice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", LAST_USED), *((device.public_id, device.name) for device in devices)]
        self.fields["method"].choices = choices  # type: ignore[attr-defined]


class PasskeyForm(forms.Form):
    """What the browser made or signed, as JSON. It's filled in by js/passkey.js."""

    answer = forms.CharField(
        max_length=LONGEST_ANSWER,
        widget=forms.HiddenInput,
        error_messages={
            "required": "We didn’t get an answer from your passkey. This needs JavaScript. Try again, or use a "
            "different method.",
            "max_length": "We couldn’t read the answer of your passkey. Use a different method.",
        },
    )


class NewPasskeyForm(PasskeyForm):
    """A new passkey with its name."""

    name = NameField(help_text="So you can tell your passkeys apart.")


class PasskeySignInForm(RememberForm, PasskeyForm):
    """A passkey at sign-in, or for a page that requires a fresh one."""
