"""A new password, for every page where one is chosen."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import SetPasswordForm
from django.urls import reverse

LONGEST_PASSWORD = 128


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # not subscriptable where it runs
    """A new password, typed twice (docs/security.md#passwords)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, again = self.fields["new_password1"], self.fields["new_password2"]
        first.label, again.label = "New password", "Confirm new password"
        first.help_text = f"12 to {LONGEST_PASSWORD} characters of any kind. A few words you’ll remember work best."
        again.help_text = ""
        # The meter (templates/accounts/_new_password.html): asked a moment after the last key.
        first.widget.attrs |= {
            "data-hx-post": reverse("accounts:password-strength"),
            "data-hx-trigger": "input changed delay:500ms",
            "data-hx-target": "#password-strength",
            "data-hx-include": "closest form",
            "data-hx-params": "csrfmiddlewaretoken,username,new_password1",
            "data-hx-sync": "this:replace",
        }
        first.error_messages["required"] = "Enter a password."
        again.error_messages["required"] = "Enter the password again."
