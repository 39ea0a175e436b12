"""Codes as typed. The form checks their format; the device judges them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from core.forms import FocusedForm


class CodeForm(FocusedForm):
    """A code of `digits` digits (`CodeDevice.digits`). Spaces and dashes don't count."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
        error_messages={"required": "Enter the code."},
    )

    def __init__(self, *args: object, digits: int = 6, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._digits = digits

    def clean_code(self) -> str:
        code = "".join(character for character in self.cleaned_data["code"] if character not in " -\u00a0")
        if not (code.isascii() and code.isdigit() and len(code) == self._digits):
            raise forms.ValidationError(f"Enter the {self._digits}-digit code.", code="form")
        return code


class RememberForm(forms.Form):
    """A box to remember this browser, cleared by default (S-10). `offer_remember`: only at sign-in."""

    remember = forms.BooleanField(required=False)

    def __init__(self, *args: Any, offer_remember: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "remember"
        ].label = f"Do not challenge me on this device for the next {settings.REMEMBER_DEVICE.days} days"
        self.fields["remember"].help_text = "Don’t select this on a shared or public computer."
        if not offer_remember:
            del self.fields["remember"]


class VerifyForm(RememberForm, CodeForm):
    """A code at sign-in."""
