"""Setting up a sign-in method."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.conf import settings

from accounts.methods import methods
from accounts.models import Channel, PhoneDevice, User
from core.forms import FocusedForm

# What Twilio dials after the answer has 32 characters at most, pauses included; longer ones are mistyped anyway.
LONGEST_EXTENSION = 8


class MethodForm(forms.Form):
    """Which method to set up. `first`: the user has none yet, so that only one that works by itself will do."""

    method = forms.ChoiceField(
        label="How do you want to get your codes?",
        choices=(),
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how you want to get your codes."},
    )

    def __init__(self, *args: Any, first: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.methods = [method for method in methods() if method.alone or not first]
        field = self.fields["method"]
        field.choices = [(method.code, method.verbose_name) for method in self.methods]  # type: ignore[attr-defined]
        if not first:
            field.label = "Which method do you want to add?"
            field.error_messages["required"] = "Choose a method."


class PhoneForm(FocusedForm):
    """The number of a mobile phone, for texts."""

    CHANNEL = Channel.TEXT
    NOT_VALID = "Enter a valid 10-digit mobile number."
    ELSEWHERE = "We can only text numbers in the United States and Canada."
    WRONG_KIND = "This number can’t receive text messages."

    phone = forms.CharField(
        label="Mobile phone number",
        max_length=32,
        help_text="Include the area code, for example (202) 555-0123.",
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel", "autofocus": True}),
        error_messages={"required": "Enter your mobile phone number."},
    )

    def __init__(self, *args: object, user: User, replaces: PhoneDevice | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._user, self._replaces = user, replaces

    def clean_phone(self) -> str:
        """Return the number in E.164 form, "+12025550123"."""
        number = self._parsed()
        if not phonenumbers.is_valid_number(number) or number.extension:
            raise forms.ValidationError(self.NOT_VALID, code="form")
        if phonenumbers.region_code_for_number(number) not in settings.PHONE_REGIONS:
            raise forms.ValidationError(self.ELSEWHERE, code="region")
        if not self._takes(phonenumbers.number_type(number)):
            raise forms.ValidationError(self.WRONG_KIND, code="kind")
        e164 = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
        if self._user.has_phone(e164, self.CHANNEL) and not self._is_replaced(e164):
            raise forms.ValidationError("You already use this phone to sign in.", code="known")
        return e164

    def _is_replaced(self, e164: str) -> bool:
        """Whether it's the number of the very method that is being set up again."""
        return self._replaces is not None and self._replaces.phone == e164

    def _parsed(self) -> phonenumbers.PhoneNumber:
        try:
            return phonenumbers.parse(self.cleaned_data["phone"], settings.PHONE_REGIONS[0])
        except phonenumbers.NumberParseException as error:
            raise forms.ValidationError("Enter a phone number with area code.", code="form") from error

    def _takes(self, kind: int) -> bool:
        return kind in {
            phonenumbers.PhoneNumberType.MOBILE,
            phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        }


class CallForm(PhoneForm):
    """The number of any phone, for calls, and the extension to dial. Someone may type both as one number."""

    CHANNEL = Channel.VOICE
    NOT_VALID = "Enter a valid 10-digit phone number."
    ELSEWHERE = "We can only call numbers in the United States and Canada."
    WRONG_KIND = "We can’t call this kind of number."

    phone = forms.CharField(
        label="Phone number",
        max_length=40,
        help_text="A mobile, office, or home phone. Include the area code, for example (202) 555-0123.",
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel", "autofocus": True}),
        error_messages={"required": "Enter your phone number."},
    )
    extension = forms.CharField(
        label="Extension (optional)",
        max_length=20,
        required=False,
        help_text="We dial it after someone, or a recording, answers.",
        widget=forms.TextInput(attrs={"autocomplete": "tel-extension", "inputmode": "numeric"}),
    )

    # The extension behind the number: "(202) 555-0123 ext. 45".
    _typed_behind = ""

    def clean_extension(self) -> str:
        typed = self.cleaned_data["extension"]
        extension = "".join(character for character in typed if character not in " -.#\u00a0") or self._typed_behind
        if extension and not (extension.isascii() and extension.isdigit() and len(extension) <= LONGEST_EXTENSION):
            raise forms.ValidationError(f"Enter an extension of up to {LONGEST_EXTENSION} digits.", code="form")
        return extension

    def _parsed(self) -> phonenumbers.PhoneNumber:
        number = super()._parsed()
        self._typed_behind, number.extension = number.extension or "", None
        return number

    def _takes(self, kind: int) -> bool:
        """Any phone but those where the caller pays extra."""
        return kind not in {phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST}
