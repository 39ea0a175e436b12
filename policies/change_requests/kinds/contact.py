"""How to reach a policyholder or an insured: mailing address, phone, and email (S-33)."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.conf import settings
from django.core.validators import RegexValidator

from policies.change_requests.forms import ForInsured, Item, line_field
from policies.change_requests.kinds.people import STATE_CHOICES
from policies.change_requests.registry import Group, Kind

# Of a mailing address: given together, or not at all.
ADDRESS = {"address1": "the street", "city": "the city", "state": "the state", "zip": "the ZIP code"}
FIELDS = (*ADDRESS, "address2", "phone", "email")
ZIP = RegexValidator(r"^\d{5}(-\d{4})?$", "Enter 5 digits, or 9 as in 12207-1234.")
PHONE = "Enter a phone number with its area code, such as (518) 555-0142."


class ContactForm(ForInsured):
    """What changes of an insured's contact details, or of the policyholder's own."""

    lead = "Enter what changes, and leave the rest empty. A practice address or site is another kind of change."
    asks = "Whose contact details?"
    everyone = "The policyholder"

    address1 = line_field("Street", longest=120)
    address2 = line_field("Suite or floor", longest=120)
    city = line_field("City", longest=80)
    state = forms.ChoiceField(label="State", choices=[("", "Choose"), *STATE_CHOICES], required=False)
    zip = line_field("ZIP code", longest=10, validators=[ZIP])
    phone = line_field("Phone", longest=40)
    email = forms.EmailField(
        label="Email",
        required=False,
        max_length=254,
        error_messages={"invalid": "Enter an email address, such as office@example.com."},
    )

    def prepare(self) -> None:
        """Say what is on file for the policyholder."""
        super().prepare()
        party = self.policy.policyholder
        for name, known in (
            ("address1", ", ".join(party.address_lines)),
            ("phone", party.phone),
            ("email", party.email),
        ):
            if known:
                self.fields[name].help_text = f"On file for the policyholder: {known}"

    def clean_phone(self) -> str:
        """Return the number as we write it."""
        typed = str(self.cleaned_data["phone"])
        if not typed:
            return ""
        try:
            number = phonenumbers.parse(typed, settings.PHONE_REGIONS[0])
        except phonenumbers.NumberParseException as error:
            raise forms.ValidationError(PHONE) from error
        if not phonenumbers.is_valid_number(number):
            raise forms.ValidationError(PHONE)
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))

    def clean(self) -> dict[str, Any]:
        """Ask for a whole address, and for something that changes."""
        cleaned = super().clean()
        given = [name for name in FIELDS if cleaned.get(name)]
        if any(name in given for name in (*ADDRESS, "address2")):
            for name, what in ADDRESS.items():
                if name not in given and name not in self.errors:
                    self.add_error(name, f"Enter {what}, too.")
        if not given and not self.errors:
            self.add_error(None, "Enter what changes: an address, a phone number, or an email.")
        party = self.person or self.policy.policyholder
        if given and not self.errors and all(cleaned[name] == getattr(party, name) for name in given):
            self.add_error(None, "That’s what we have on file already.")
        return cleaned

    def about(self) -> str:
        """Say whose they are."""
        return self.person.display_name if self.person else self.policy.policyholder.name

    def items(self) -> list[Item]:
        """Return what changes."""
        return [self.as_item(action="change", insured=self.person, label=self.about())]


KINDS = (
    Kind(
        "contact",
        "Contact details",
        "A new mailing address, phone, or email of the policyholder or an insured.",
        Group.POLICY,
        form=ContactForm,
        after_end=True,
    ),
)
