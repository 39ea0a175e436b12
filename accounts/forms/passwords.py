"""A new password, for every page where one is chosen."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import SetPasswordForm

LONGEST_PASSWORD = 128


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # not subscriptable where it runs
    """A new password, typed twice (docs/security.md#passwords)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, again = self.fields["new_password1"], self.fields["new_password2"]
        first.label, again.label = "New password", "Confirm new password"
        first.help_text = f"12 to {LONGEST_PASSWORD} characters of any kind. A few words you’ll remember work best."
        again.help_text = ""
        first.error_messages["required"] = "Enter a password."
        again.error_messages["required"] = "Enter the password again."
