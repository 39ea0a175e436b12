"""Forms of Preferences: one for each thing (S-13)."""

from __future__ import annotations

import re
import unicodedata
import zoneinfo
from functools import cache
from typing import Any

import phonenumbers
from django import forms
from django.conf import settings

from accounts.forms.passwords import LONGEST_PASSWORD, NewPasswordForm
from accounts.models import Notice, Paperless, User
from accounts.models.users import LONGEST_USERNAME
from accounts.services import password_change, renaming
from core.forms import FocusedForm
from core.states import STATES

# As `User.phone`.
LONGEST_PHONE = 32
ZIP = re.compile(r"(\d{5})[- ]?(\d{4})?")
US_ZONES = (
    ("America/New_York", "Eastern"),
    ("America/Chicago", "Central"),
    ("America/Denver", "Mountain"),
    ("America/Phoenix", "Arizona (no daylight saving time)"),
    ("America/Los_Angeles", "Pacific"),
    ("America/Anchorage", "Alaska"),
    ("Pacific/Honolulu", "Hawaii"),
    ("America/Puerto_Rico", "Puerto Rico and U.S. Virgin Islands"),
    ("Pacific/Guam", "Guam and Northern Mariana Islands"),
    ("Pacific/Pago_Pago", "American Samoa"),
)
# What zone files call places, without their aliases and offsets.
CONTINENTS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def one_line(text: str) -> str:
    """Return a text as people mean it: one space between words, none around them, no look-alike widths."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


class NameForm(FocusedForm):
    """The owner's name."""

    first_name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "autofocus": True}),
        error_messages={"required": "Enter your first name."},
    )
    last_name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
        error_messages={"required": "Enter your last name."},
    )

    def clean_first_name(self) -> str:
        return self._name("first_name")

    def clean_last_name(self) -> str:
        return self._name("last_name")

    def _name(self, field: str) -> str:
        name = one_line(self.cleaned_data[field])
        if not any(character.isalpha() for character in name):
            raise forms.ValidationError("Enter a name with letters.", code="form")
        if re.search(r"[<>{}|\\^~\[\]@/:]", name) or any(character.isdigit() for character in name):
            raise forms.ValidationError("Use letters, spaces, hyphens, apostrophes, and periods.", code="form")
        return name


class EmailForm(FocusedForm):
    """The new email. Whether another account has it is nobody's business here."""

    email = forms.EmailField(
        label="New email",
        max_length=254,
        help_text="We’ll send a link there. Your email changes once you’ve opened it.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "autofocus": True}),
        error_messages={
            "required": "Enter your new email.",
            "invalid": "Enter an email like name@example.com.",
        },
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_email(self) -> str:
        email = str(User.objects.normalize_email(self.cleaned_data["email"]))
        if email.casefold() == self._user.email.casefold() and self._user.email_confirmed_at is not None:
            raise forms.ValidationError("This is your email already.", code="same")
        return email


class UsernameForm(FocusedForm):
    """The new username."""

    username = forms.CharField(
        label="New username",
        max_length=LONGEST_USERNAME,
        help_text="At least 4 letters, digits, periods, hyphens, or underscores. Your confirmed email works, too.",
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"required": "Enter a new username."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_username(self) -> str:
        username = one_line(self.cleaned_data["username"])
        renaming.check_form(username, self._user)
        return username


class ChangePasswordForm(NewPasswordForm):
    """The present password and a new one. The present one is judged last, and only where the rest is right."""

    current_password = forms.CharField(
        label="Current password",
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
        error_messages={"required": "Enter your current password."},
    )
    field_order = ("current_password", "new_password1", "new_password2")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        if self.is_bound:
            self.fields["current_password"].widget.attrs.pop("autofocus", None)
        self.wrong: password_change.WrongPassword | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if cleaned["current_password"] == cleaned["new_password1"]:
            self.add_error("new_password1", "Choose a password that differs from your current one.")
            return cleaned
        self.wrong = password_change.check_present(user=self.user, password=cleaned["current_password"])
        if self.wrong is not None:
            again = " You can try again in a few minutes." if self.wrong.until else ""
            self.add_error(
                "current_password", f"This isn’t your current password, or there were too many tries.{again}"
            )
        return cleaned


class ContactPhoneForm(FocusedForm):
    """The phone number at which we call the owner, any kind of phone; empty for none."""

    phone = forms.CharField(
        label="Phone number",
        max_length=LONGEST_PHONE,
        required=False,
        help_text="Include the area code, for example (202) 555-0123 ext. 4. Leave it empty to remove it.",
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel", "autofocus": True}),
    )

    def clean_phone(self) -> str:
        """Return the number as it's dialed in its region: "(202) 555-0123 ext. 4"."""
        typed = one_line(self.cleaned_data["phone"])
        if not typed:
            return ""
        try:
            number = phonenumbers.parse(typed, settings.PHONE_REGIONS[0])
        except phonenumbers.NumberParseException as error:
            raise forms.ValidationError("Enter a phone number with area code.", code="form") from error
        if not phonenumbers.is_valid_number(number):
            raise forms.ValidationError("Enter a valid phone number.", code="form")
        national = number.country_code == 1
        form = phonenumbers.PhoneNumberFormat.NATIONAL if national else phonenumbers.PhoneNumberFormat.INTERNATIONAL
        shown = str(phonenumbers.format_number(number, form))
        if len(shown) > LONGEST_PHONE:
            raise forms.ValidationError("Use a shorter extension.", code="long")
        return shown


class AddressForm(FocusedForm):
    """The address to which we mail documents."""

    address1 = forms.CharField(
        label="Street address or P.O. box",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "address-line1", "autofocus": True}),
        error_messages={"required": "Enter a street address or P.O. box."},
    )
    address2 = forms.CharField(
        label="Suite, floor, or unit (optional)",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "address-line2"}),
    )
    city = forms.CharField(
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "address-level2"}),
        error_messages={"required": "Enter a city."},
    )
    state = forms.ChoiceField(
        choices=[("", "Choose"), *STATES.items()],
        widget=forms.Select(attrs={"autocomplete": "address-level1"}),
        error_messages={"required": "Choose a state.", "invalid_choice": "Choose a state from the list."},
    )
    zip = forms.CharField(
        label="ZIP code",
        max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "postal-code", "inputmode": "numeric"}),
        error_messages={"required": "Enter a ZIP code."},
    )

    def clean_address1(self) -> str:
        return one_line(self.cleaned_data["address1"])

    def clean_address2(self) -> str:
        return one_line(self.cleaned_data["address2"])

    def clean_city(self) -> str:
        return one_line(self.cleaned_data["city"])

    def clean_zip(self) -> str:
        found = ZIP.fullmatch(one_line(self.cleaned_data["zip"]))
        if found is None or not found[0].isascii():
            raise forms.ValidationError("Enter a 5-digit ZIP code or ZIP+4 (12345-6789).", code="form")
        return f"{found[1]}-{found[2]}" if found[2] else found[1]


@cache
def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the time zones: those of the United States first."""
    usual = {zone for zone, _ in US_ZONES}
    others = sorted(
        zone for zone in zoneinfo.available_timezones() if zone.split("/")[0] in CONTINENTS and zone not in usual
    )
    named = [(zone, zone.replace("_", " ").replace("/", " – ", 1)) for zone in others]
    return [("United States", list(US_ZONES)), ("Elsewhere", named)]


def zone_name(zone: str) -> str:
    """Return how a time zone is called."""
    return next((name for _, group in zone_choices() for value, name in group if value == zone), zone)


class TimeZoneForm(FocusedForm):
    """The zone in which times are shown."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=zone_choices,
        error_messages={"required": "Choose a time zone.", "invalid_choice": "Choose a time zone from the list."},
    )


class LanguageForm(FocusedForm):
    """The language that the owner prefers."""

    language = forms.ChoiceField(
        label="Which language do you prefer?",
        choices=lambda: User._meta.get_field("language").choices or [],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a language.", "invalid_choice": "Choose a language from the list."},
    )


class NoticesForm(FocusedForm):
    """The mails that the owner wants, in addition to those about security."""

    notices = forms.MultipleChoiceField(
        label="Which emails do you want?",
        choices=Notice.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose from the list."},
    )


class PaperlessForm(FocusedForm):
    """The documents that come electronically."""

    categories = forms.MultipleChoiceField(
        label="Which documents do you want electronically instead of by mail?",
        choices=Paperless.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    agrees = forms.BooleanField(label="I’ve read this, and I agree.", required=False)

    def __init__(self, *args: Any, given: list[str], **kwargs: Any) -> None:
        super().__init__(*args, initial={"categories": given}, **kwargs)
        self._given = given

    def clean(self) -> dict[str, Any]:
        """Refuse a new consent without the box ticked. Withdrawing needs no box."""
        cleaned = super().clean() or self.cleaned_data
        new = set(cleaned.get("categories", [])) - set(self._given)
        if new and not cleaned.get("agrees"):
            self.ask_to_agree()
        return cleaned

    def ask_to_agree(self) -> None:
        """Say at its box what a new consent needs."""
        self.add_error("agrees", "Select this box to agree to electronic delivery.")
