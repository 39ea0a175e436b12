"""A new account: its username and password, chosen behind a link that proved the mailbox."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms

from accounts.forms.passwords import NewPasswordForm
from accounts.models import User
from accounts.models.users import LONGEST_USERNAME, validate_folded_length
from accounts.services import renaming
from accounts.services.joining import TRIES, is_taken
from core.templatetags.show import clock

TAKEN = "Someone already has this username. Choose another one."


class JoinForm(NewPasswordForm):
    """Username and password of a new account; the email is proposed as the username (docs/security.md#joining).

    `email`, `first_name`, `last_name`: of the person; passwords built around them are refused. `email` is the mailbox
    that the person has shown to be theirs. Where it's empty, the form asks for one, which can't be the username: who
    asked for the account may have been someone else, so what they typed isn't proposed. `tried_by`: the link behind
    which usernames are tried and counted; by default its email.
    """

    email = forms.EmailField(
        label="Email",
        max_length=254,
        help_text="Your own: we send a link there to confirm it.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "autofocus": True}),
        error_messages={
            "required": "Enter your email.",
            "invalid": "Enter an email such as name@example.com.",
            "max_length": "Enter an email of 254 characters or fewer.",
        },
    )

    username = forms.CharField(
        label="Username",
        max_length=LONGEST_USERNAME,
        validators=[validate_folded_length],
        help_text="At least 4 letters, digits, periods, hyphens, or underscores. Your confirmed email works, too.",
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"required": "Enter a username.", "max_length": f"Use {LONGEST_USERNAME} characters or fewer."},
    )
    field_order = ["email", "username", "new_password1", "new_password2"]

    def __init__(
        self, data: Any = None, *, email: str, first_name: str = "", last_name: str = "", tried_by: str = ""
    ) -> None:
        super().__init__(User(email=email, first_name=first_name, last_name=last_name), data)
        self._tried_by = tried_by or email.casefold()
        self._proven = email.casefold()
        self.fields["username"].initial = email
        if email:
            del self.fields["email"]
        else:
            self.fields["username"].widget.attrs.pop("autofocus", None)
        self.fields["new_password1"].label = "Password"
        self.fields["new_password2"].label = "Confirm password"
        self.fields["new_password1"].widget.attrs.pop("autofocus", None)
        if self.is_bound:
            for field in self.fields.values():
                field.widget.attrs.pop("autofocus", None)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        self.user.email = email
        return email

    def clean_username(self) -> str:
        """Return the username in its plain form. Raises ValidationError where somebody has it, after too many tries,
        and for an email address that isn't the person's own: others could take it for theirs."""
        username = " ".join(unicodedata.normalize("NFKC", self.cleaned_data["username"]).split())
        is_own_email = username.isascii() and username.casefold() == self._proven
        if "@" in username and not is_own_email:
            raise forms.ValidationError("Use your own email address, or a username without “@.”", code="foreign_email")
        if not is_own_email:
            renaming.check_form(username, self.user)
        tried = TRIES.hit(self._tried_by)
        if not tried.allowed:
            again = f"Try again after {clock(tried.retry_at)}."
            raise forms.ValidationError(f"You’ve tried too many usernames. {again}", code="limit")
        if is_taken(username):
            raise forms.ValidationError(TAKEN, code="unique")
        self.user.username = username
        return username

    def account(self) -> dict[str, str]:
        """Return what `accounts.services.joining.create_account` takes, but the reason."""
        return {
            "username": self.cleaned_data["username"],
            "password": self.cleaned_data["new_password1"],
            "email": self.user.email,
            "first_name": self.user.first_name,
            "last_name": self.user.last_name,
        }

    def refuse_username(self) -> None:
        """Say at its field that the username was taken in the meantime."""
        self.add_error("username", forms.ValidationError(TAKEN, code="unique"))
