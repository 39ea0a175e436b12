"""Username and password as typed."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.forms.passwords import LONGEST_PASSWORD
from core.forms import FocusedForm


class SignInForm(FocusedForm):
    """Username or email, and password, as typed. Spaces in a password count.

    `autofocus=False` is for a page that is about more than signing in.
    """

    username = forms.CharField(
        label="Username or email",
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"required": "Enter your username or email."},
    )
    password = forms.CharField(
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={
            "required": "Enter your password.",
            "max_length": f"Use {LONGEST_PASSWORD} characters or fewer.",
        },
    )

    def __init__(self, *args: Any, autofocus: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not autofocus:
            self.fields["username"].widget.attrs.pop("autofocus", None)
