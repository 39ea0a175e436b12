"""To add an insured, and to remove one."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.validators import RegexValidator

from core.states import STATES
from policies.change_requests.forms import (
    ChangeForm,
    Dated,
    ForInsured,
    SupplementForm,
    choice_field,
    day_field,
    line_field,
    text_field,
    yes_no,
)
from policies.change_requests.registry import Group, Kind
from policies.models import Coverage

STATE_CHOICES = list(STATES.items())
NPI = RegexValidator(r"^[0-9]{10}$", "Enter the 10 digits of the NPI.")
# The earliest year in which someone who practices can be born.
EARLIEST_YEAR = 1900


def npi_field(required: str = "") -> forms.CharField:
    """Return a field for a National Provider Identifier."""
    return line_field(
        "NPI", required, longest=10, validators=[NPI], widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )


class AddInsuredForm(Dated):
    """Who is to be insured, since when they practice, and from which day."""

    lead = (
        "Have the license ready. We need these answers to begin; the underwriter may ask for an application and "
        "claims histories from earlier carriers."
    )
    private: ClassVar[frozenset[str]] = frozenset({"date_of_birth"})
    field_order = ("first_name", "middle_name", "last_name", "credential", "date_of_birth")

    first_name = line_field("First name", "Enter the first name.", longest=100)
    middle_name = line_field("Middle name", longest=100)
    last_name = line_field("Last name", "Enter the last name.", longest=100)
    credential = line_field("Credential", "Enter the credential, such as MD.", longest=40, help_text="Such as MD.")
    date_of_birth = day_field("Date of birth", "Enter the date of birth.")
    npi = npi_field("Enter the NPI.")
    license_state = choice_field("State of the license", STATE_CHOICES, "Choose a state.", radio=False)
    license_number = line_field("License number", "Enter the license number.", longest=40)
    specialty = line_field("Specialty", "Enter the specialty.", longest=120)
    email = forms.EmailField(
        label="Email",
        max_length=254,
        help_text="We may send the application to this address.",
        error_messages={
            "required": "Enter an email address.",
            "invalid": "Enter an email address, such as ana@clinic.org.",
        },
    )
    effective = day_field("First day of coverage", "Enter the first day of coverage.")
    hours = forms.IntegerField(
        label="Hours a week",
        min_value=1,
        max_value=100,
        error_messages={
            "required": "Enter the hours a week.",
            "invalid": "Enter a whole number of hours.",
            "min_value": "Enter 1 to 100 hours.",
            "max_value": "Enter 1 to 100 hours.",
        },
    )
    prior = choice_field(
        "Coverage for earlier work",
        [
            ("none", "None needed: the earlier carrier provides a tail, or the policy was occurrence"),
            ("retroactive", "From this policy, from an earlier retroactive date"),
            ("new", "None needed: this is the first practice"),
        ],
        "Choose how earlier work is covered.",
    )
    retroactive_date = day_field("Retroactive date", "", help_text="Where this policy should cover earlier work.")
    earlier_carrier = line_field("Earlier carrier", longest=120)
    text = text_field("Anything else we should know?")

    def clean_date_of_birth(self) -> Any:
        """Refuse a day on which nobody who practices was born."""
        day = self.cleaned_data["date_of_birth"]
        if day >= self.today or day.year < EARLIEST_YEAR:
            raise forms.ValidationError("Enter the year in full, and a day in the past.")
        return day

    def clean(self) -> dict[str, Any]:
        """Ask for the retroactive date where it's needed."""
        cleaned = super().clean()
        day = cleaned.get("retroactive_date")
        if cleaned.get("prior") == "retroactive":
            if not day and "retroactive_date" not in self.errors:
                self.add_error("retroactive_date", "Enter the retroactive date.")
            if not cleaned.get("earlier_carrier"):
                self.add_error("earlier_carrier", "Enter the carrier of the earlier work.")
        if day and self.day and day > self.day:
            self.add_error("retroactive_date", "Enter a day that isn’t after the first day of coverage.")
        return cleaned

    @property
    def name(self) -> str:
        """The name as on the license."""
        parts = (self.cleaned_data.get(part) for part in ("first_name", "middle_name", "last_name"))
        return f"{' '.join(filter(None, parts))}, {self.cleaned_data.get('credential', '')}"

    def about(self) -> str:
        """Return the name, and from when."""
        return f"{self.name}, {super().about()}"[:200]

    def items(self) -> list[Any]:
        """Return one item, under the new insured's name."""
        return [self.as_item(label=self.name, action="add")]


class NewInsuredSupplement(SupplementForm):
    """What underwriting asks of everyone who is new on a policy."""

    lead = "Answer for the person who is to be insured. Our underwriters need this before they can decide."

    board_certified = yes_no("Board certified in this specialty?")
    surgery = yes_no("Performs surgery or invasive procedures?")
    procedures = text_field("Which procedures?", help_text="Where you answered yes.")
    claims = yes_no("Any claim, suit, or written demand in the last 10 years?")
    circumstances = yes_no("Any incident known that may lead to a claim?")
    board_actions = yes_no("Any license, privilege, or DEA registration ever limited, suspended, or given up?")
    refused = yes_no("Any carrier that declined, cancelled, or didn’t renew professional liability coverage?")
    details = text_field("Details of every yes")

    def clean(self) -> dict[str, Any]:
        """Ask for what belongs to a yes."""
        cleaned = super().clean() or self.cleaned_data
        needs(self, "surgery", "procedures", "Name the procedures.")
        answers = (cleaned.get(name) for name in ("claims", "circumstances", "board_actions", "refused"))
        if "yes" in answers and not cleaned.get("details"):
            self.add_error("details", "Give the dates and what became of it, without patients’ names.")
        return cleaned


def needs(form: forms.Form, question: str, follow_up: str, sentence: str, *, answer: str = "yes") -> None:
    """Ask for a follow-up where a question was answered so."""
    if form.cleaned_data.get(question) == answer and not form.cleaned_data.get(follow_up):
        form.add_error(follow_up, sentence)


class RemoveInsuredForm(ForInsured, Dated):
    """Who leaves, and when."""

    effective = day_field(
        "First day without coverage",
        "Enter the first day without coverage.",
        help_text="Coverage ends at 12:01 a.m. on this day. The last day of work is the day before.",
    )
    reason = choice_field(
        "Why?",
        [
            ("left", "Leaves the practice"),
            ("retired", "Retires"),
            ("disabled", "Can’t practice anymore"),
            ("died", "Has died"),
            ("elsewhere", "Is insured elsewhere"),
            ("other", "Another reason"),
        ],
        "Choose a reason.",
    )
    tail = choice_field(
        "Who pays for a tail, where one is needed?",
        [("group", "The policyholder"), ("person", "The person who leaves"), ("undecided", "Not decided yet")],
        "Choose who pays.",
        help_text="An extended reporting endorsement (tail) covers claims that are made after coverage ends.",
    )
    forwarding_email = forms.EmailField(
        label="Email after they leave",
        required=False,
        max_length=254,
        error_messages={"invalid": "Enter an email address, such as ana@clinic.org."},
    )
    forwarding_address = text_field("Address after they leave", rows=3, help_text="An offer of a tail goes there.")
    text = text_field("Anything else we should know?")

    def clean(self) -> dict[str, Any]:
        """Ask where an offer of a tail reaches them: the group's address is soon somebody else's to read."""
        cleaned: dict[str, Any] = super().clean()
        reachable = cleaned.get("forwarding_email") or cleaned.get("forwarding_address")
        asked = cleaned.get("reason") not in (None, "", "died") and "forwarding_email" not in self.errors
        if asked and not reachable and self._is_claims_made():
            self.add_error(
                "forwarding_email",
                "Enter an email or an address for after they leave, so that an offer of a tail reaches them.",
            )
        return cleaned

    def _is_claims_made(self) -> bool:
        claims_made = Coverage.objects.not_retired().filter(
            term__policy=self.policy, insured=self.person, form=Coverage.Form.CLAIMS_MADE
        )
        return claims_made.exists()

    def warnings(self) -> list[str]:
        """Add what ends with claims-made coverage."""
        found = super().warnings()
        if self._is_claims_made():
            found.append(
                "This coverage is claims-made: claims that are made after it ends aren’t covered without a tail or "
                "prior acts coverage from the next carrier."
            )
        return found


def _supplement(_form: ChangeForm) -> type[SupplementForm]:
    return NewInsuredSupplement


KINDS = (
    Kind(
        "add_insured", "Add an insured", "Someone joins, and needs coverage on this policy.", Group.PEOPLE,
        form=AddInsuredForm, supplement=_supplement, premium=True,
    ),
    Kind(
        "remove_insured", "Remove an insured", "Someone leaves, retires, or is insured elsewhere.", Group.PEOPLE,
        form=RemoveInsuredForm, premium=True,
    ),
)  # fmt: skip
