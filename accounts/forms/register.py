"""Registration: who someone is, and the code of a letter (S-06)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms

from accounts.models.registrations import CODE_SYMBOLS
from core import easy_codes
from core.forms import FocusedForm
from core.idempotency import IdempotentForm

_ZIP = re.compile(r"(\d{5})[\s-]*(\d{4})?", re.ASCII)
_DATES = ["%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%Y-%m-%d", "%m%d%Y", "%B %d, %Y", "%B %d %Y", "%b %d, %Y", "%b %d %Y"]
FIRST_YEAR = 1900


class IdentityForm(FocusedForm):
    """What the carrier knows a person by. Whether it fits is for the worker to find out."""

    policy_number = forms.CharField(
        label="Policy number",
        max_length=40,
        help_text="Spaces, dashes, and capital letters don’t matter.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={
            "required": "Enter your policy number.",
            "max_length": "Enter a policy number of 40 characters or fewer.",
        },
    )
    full_name = forms.CharField(
        label="Full name",
        max_length=200,
        help_text="As on your license, for example Ana M. Núñez, MD. If you manage a group or work at an agency, as "
        "we know you.",
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your full name.",
            "max_length": "Enter a name of 200 characters or fewer.",
        },
    )
    date_of_birth = forms.DateField(
        label="Date of birth",
        input_formats=_DATES,
        help_text="Month, day, and year, for example 04/23/1969.",
        widget=forms.DateInput(format="%m/%d/%Y", attrs={"autocomplete": "bday", "inputmode": "numeric"}),
        error_messages={
            "required": "Enter your date of birth.",
            "invalid": "Enter your date of birth as month, day, and year, for example 04/23/1969.",
        },
    )
    zip = forms.CharField(
        label="ZIP code of your mailing address",
        max_length=12,
        help_text="Five digits; more are fine.",
        widget=forms.TextInput(attrs={"autocomplete": "postal-code", "inputmode": "numeric"}),
        error_messages={
            "required": "Enter the ZIP code of your mailing address.",
            "max_length": "Enter a ZIP code such as 06103 or 06103-1234.",
        },
    )

    def clean_policy_number(self) -> str:
        typed: str = self.cleaned_data["policy_number"]
        if not any(character.isascii() and character.isalnum() for character in typed):
            raise forms.ValidationError("Enter the policy number with its letters and digits.", code="form")
        return typed

    def clean_full_name(self) -> str:
        """Raise ValidationError for a single word, which can't be a first and a last name."""
        typed = " ".join(str(self.cleaned_data["full_name"]).split())
        if len(typed.replace(",", " ").split()) < 2:
            raise forms.ValidationError("Enter your first and last name.", code="form")
        return typed

    def clean_date_of_birth(self) -> dt.date:
        born: dt.date = self.cleaned_data["date_of_birth"]
        if born.year < FIRST_YEAR or born > dt.datetime.now(tz=dt.UTC).date():
            raise forms.ValidationError("Check the year of your date of birth.", code="year")
        return born

    def clean_zip(self) -> str:
        """Return five digits, or nine with a dash."""
        found = _ZIP.fullmatch(self.cleaned_data["zip"].strip())
        if found is None:
            raise forms.ValidationError("Enter a ZIP code such as 06103 or 06103-1234.", code="form")
        return "-".join(part for part in found.groups() if part)


class RegisterForm(IdempotentForm, IdentityForm):
    """Who asks for an account, and how to reach them."""

    email = forms.EmailField(
        label="Email",
        max_length=254,
        help_text="We send the link to the email that we have on file. If you have several there, it goes to this one.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your email.",
            "invalid": "Enter an email such as name@example.com.",
            "max_length": "Enter an email of 254 characters or fewer.",
        },
    )

    def asked(self) -> dict[str, Any]:
        """Return what a valid form asks for, as `services.registering.ask` takes it."""
        typed = self.cleaned_data
        return {
            "key": typed["idempotency_key"],
            "policy_number": typed["policy_number"],
            "full_name": typed["full_name"],
            "birth": typed["date_of_birth"],
            "zip_code": typed["zip"],
            "email": typed["email"],
        }


class LetterCodeForm(FocusedForm):
    """The code of a letter."""

    code = forms.CharField(
        label="Code from the letter",
        max_length=40,
        help_text=f"{CODE_SYMBOLS} letters and digits. Dashes and capital letters don’t matter.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={
            "required": "Enter the code from our letter.",
            "max_length": f"Enter the {CODE_SYMBOLS} letters and digits of the code.",
        },
    )

    def clean_code(self) -> str:
        code = easy_codes.normalize(self.cleaned_data["code"])
        if len(code) != CODE_SYMBOLS or not code.isascii() or not code.isalnum():
            raise forms.ValidationError(f"Enter the {CODE_SYMBOLS} letters and digits of the code.", code="form")
        return code
