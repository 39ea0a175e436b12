"""What a person types to get back in."""

from __future__ import annotations

from django import forms

from accounts.models.recovery import RECOVERY_SYMBOLS, RESET_SYMBOLS
from core import easy_codes
from core.forms import FocusedForm

LONGEST_NAME = 254


class ForgotPasswordForm(FocusedForm):
    """Whose password was forgotten. Nothing is looked up here (docs/security.md#enumeration)."""

    username = forms.CharField(
        label="Username or email",
        max_length=LONGEST_NAME,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={
            "required": "Enter your username or email.",
            "max_length": f"Use {LONGEST_NAME} characters or fewer.",
        },
    )


class EasyCodeForm(FocusedForm):
    """A code of letters and digits. Case, spaces, and dashes don't count, and an O is a zero."""

    SYMBOLS = 0

    code = forms.CharField(
        label="Code",
        max_length=60,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
        error_messages={"required": "Enter the code.", "max_length": "That’s longer than a code."},
    )

    def clean_code(self) -> str:
        code = easy_codes.normalize(self.cleaned_data["code"])
        if len(code) != self.SYMBOLS or not set(code) <= set(easy_codes.SYMBOLS):
            raise forms.ValidationError(
                f"A code has {self.SYMBOLS} letters and digits. Enter it as it’s written.", code="form"
            )
        return code


class ResetCodeForm(EasyCodeForm):
    """The code of the mail about a forgotten password."""

    SYMBOLS = RESET_SYMBOLS


class RecoveryCodeForm(EasyCodeForm):
    """One of the recovery codes."""

    SYMBOLS = RECOVERY_SYMBOLS
