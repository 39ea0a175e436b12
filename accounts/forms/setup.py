"""Setting up a sign-in method."""

from __future__ import annotations

import phonenumbers
from django import forms
from django.conf import settings

from accounts.methods import methods
from accounts.models import Channel, User
from core.forms import FocusedForm


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
        if self._user.has_phone(e164, Channel.TEXT):
            raise forms.ValidationError("You already use this phone to sign in.", code="known")
        return e164
