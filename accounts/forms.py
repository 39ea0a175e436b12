"""Sign-in forms. They check the format of a code; the device judges it."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.conf import settings
from django.contrib.auth.forms import SetPasswordForm

from accounts.methods import methods
from accounts.models import User
from core.forms import FocusedForm

LONGEST_PASSWORD = 128


class SignInForm(FocusedForm):
    """Username and password as typed. Spaces in a password count.

    `autofocus=False` is for a page that is about more than signing in.
    """

    username = forms.CharField(
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"required": "Enter your username."},
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


class CodeForm(FocusedForm):
    """A six-digit code. Spaces and dashes don't count."""

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

    def clean_code(self) -> str:
        code = "".join(character for character in self.cleaned_data["code"] if character not in " -\u00a0")
        if not (code.isascii() and code.isdigit() and len(code) == 6):
            raise forms.ValidationError("Enter the 6-digit code.", code="form")
        return code


class VerifyForm(CodeForm):
    """A code at sign-in, with a box to remember this browser, cleared by default (S-10)."""

    remember = forms.BooleanField(required=False)

    def __init__(self, *args: object, offer_remember: bool = True, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "remember"
        ].label = f"Do not challenge me on this device for the next {settings.REMEMBER_DEVICE.days} days"
        self.fields["remember"].help_text = "Don’t select this on a shared or public computer."
        if not offer_remember:
            del self.fields["remember"]


def _method_choices() -> list[tuple[str, str]]:
    return [(method.code, method.verbose_name) for method in methods()]


class MethodForm(forms.Form):
    """Which method to set up."""

    method = forms.ChoiceField(
        label="How do you want to get your codes?",
        choices=_method_choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how you want to get your codes."},
    )


class PhoneForm(FocusedForm):
    """The number of a mobile phone."""

    phone = forms.CharField(
        label="Mobile phone number",
        max_length=32,
        help_text="Include the area code, for example (202) 555-0123.",
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel", "autofocus": True}),
        error_messages={"required": "Enter your mobile phone number."},
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_phone(self) -> str:
        """Return the number in E.164 form, "+12025550123"."""
        typed = self.cleaned_data["phone"]
        try:
            number = phonenumbers.parse(typed, settings.PHONE_REGIONS[0])
        except phonenumbers.NumberParseException as error:
            raise forms.ValidationError("Enter a phone number with area code.", code="form") from error
        region = phonenumbers.region_code_for_number(number)
        if not phonenumbers.is_valid_number(number) or number.extension:
            raise forms.ValidationError("Enter a valid 10-digit mobile number.", code="form")
        if region not in settings.PHONE_REGIONS:
            raise forms.ValidationError("We can only text numbers in the United States and Canada.", code="region")
        if phonenumbers.number_type(number) not in {
            phonenumbers.PhoneNumberType.MOBILE,
            phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        }:
            raise forms.ValidationError("This number can’t receive text messages.", code="kind")
        e164 = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
        if self._user.has_phone(e164):
            raise forms.ValidationError("You already use this phone to sign in.", code="known")
        return e164
