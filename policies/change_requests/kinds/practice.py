"""Changes in practice that move coverage (B-18): each with the carrier's rule, and what certificates will say."""

from __future__ import annotations

from typing import Any

from django import forms

from core.states import STATES
from core.templatetags.show import day_long
from policies.change_requests.forms import (
    ChangeForm,
    Dated,
    ForATime,
    ForInsured,
    choice_field,
    day_field,
    line_field,
    text_field,
    yes_no,
)
from policies.change_requests.kinds.people import STATE_CHOICES, needs, npi_field
from policies.change_requests.registry import Group, Kind, Rule

# Where staff have settled nothing else (docs/staff.md#rules-on-changes).
LEAVE_AT_LEAST, LOCUM_AT_MOST = 30, 60
FULL_TIME = 40


def hours_field(label: str, most: int) -> forms.IntegerField:
    """Return a field for hours a week."""
    sentence = f"Enter 1 to {most} hours."
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=most,
        error_messages={
            "required": "Enter the hours a week.",
            "invalid": "Enter a whole number of hours.",
            "min_value": sentence,
            "max_value": sentence,
        },
    )


class LeaveForm(ForInsured, ForATime):
    """Days on which somebody doesn't practice and isn't covered."""

    lead = (
        "During a leave, coverage is suspended: professional services on these days aren’t covered, and the policy "
        "goes on. Claims about earlier work can still be reported."
    )

    effective = day_field("First day of the leave", "Enter the first day of the leave.")
    until = day_field("First day back", "Enter the first day back.", help_text="Coverage resumes on this day.")
    reason = choice_field(
        "Kind of leave",
        [
            ("parental", "Parental"),
            ("medical", "Medical or disability"),
            ("military", "Military service"),
            ("family", "Care of family"),
            ("sabbatical", "Sabbatical or study"),
            ("other", "Another kind"),
        ],
        "Choose the kind of leave.",
    )
    works = yes_no("Any clinical work during the leave, paid or not?")
    text = text_field("Anything else we should know?")

    def clean(self) -> dict[str, Any]:
        """Refuse a leave with clinical work in it."""
        cleaned = super().clean()
        if cleaned.get("works") == "yes":
            self.add_error(
                "works", "Work during a leave isn’t covered. Ask for part-time coverage, or choose other days."
            )
        return cleaned


class PartTimeForm(ForInsured, Dated):
    """Fewer hours."""

    effective = day_field("Part-time from which day?", "Enter the first day.")
    hours = hours_field("Hours a week from then on", FULL_TIME - 1)
    hours_now = hours_field("Hours a week now", 100)
    other_work = yes_no("Any clinical work elsewhere?")
    elsewhere = text_field("Where, and who insures it?", rows=3, help_text="Where you answered yes.")
    lasts = choice_field("For how long?", [("good", "For good"), ("time", "For a time")], "Choose for how long.")
    text = text_field("Anything else we should know?")

    def clean(self) -> dict[str, Any]:
        """Ask for fewer hours than now, and for the other work."""
        cleaned = super().clean()
        needs(self, "other_work", "elsewhere", "Tell us where, and which carrier insures it.")
        hours, now = cleaned.get("hours"), cleaned.get("hours_now")
        if hours and now and hours >= now:
            self.add_error("hours", f"That’s no fewer than the {now} hours now. Enter fewer.")
        return cleaned


class LocumForm(ForInsured, ForATime):
    """Someone who stands in for an insured."""

    asks = "Who is away?"
    lead = (
        "A locum tenens works in an insured’s place and shares the insured’s limits. Both can’t work at the same time."
    )

    effective = day_field("First day of the locum", "Enter the first day.")
    until = day_field("First day without the locum", "Enter the first day without the locum.")
    locum_name = line_field("Name of the locum", "Enter the locum’s name.")
    locum_credential = line_field("Credential", "Enter the credential, such as MD.", longest=40)
    locum_npi = npi_field("Enter the NPI.")
    license_state = choice_field("State of the license", STATE_CHOICES, "Choose a state.", radio=False)
    license_number = line_field("License number", "Enter the license number.", longest=40)
    same_specialty = yes_no("Same specialty, and the same procedures?")
    own_coverage = yes_no("Has the locum coverage of their own for this work?")
    claims = yes_no("Any claim against the locum in the last 5 years?")
    details = text_field("Details", help_text="Of another specialty, or of claims, without patients’ names.")

    def clean(self) -> dict[str, Any]:
        """Ask for details of what differs."""
        cleaned = super().clean()
        needs(self, "same_specialty", "details", "Tell us what differs.", answer="no")
        needs(self, "claims", "details", "Give the dates and what became of them.")
        return cleaned


class MoonlightingForm(ForInsured, Dated):
    """Work beside the practice."""

    effective = day_field("First day of this work", "Enter the first day.")
    ends = day_field("Last day, if it’s for a time", "")
    place = line_field("Where?", "Enter the name of the hospital or practice.", help_text="Hospital or practice.")
    state = choice_field("In which state?", STATE_CHOICES, "Choose a state.", radio=False)
    hours = hours_field("Hours a week", 60)
    work = text_field("What kind of work?", "Tell us what kind of work.", rows=3)
    covered = yes_no("Does the other place insure this work?")
    text = text_field("Anything else we should know?")

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        cleaned = super().clean()
        ends = cleaned.get("ends")
        if ends and self.day and ends < self.day:
            self.add_error("ends", f"It begins on {day_long(self.day)}. Enter that day or a later one.")
        return cleaned


class TelehealthForm(ForInsured, Dated):
    """States in which an insured treats patients by telehealth."""

    everyone = "Everyone on the policy"
    lead = "Coverage follows the patient: where the patient is during the visit decides. A license there is needed."

    effective = day_field("From which day?", "Enter the first day.")
    states = forms.MultipleChoiceField(
        label="In which states will patients be?",
        choices=STATE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one state.", "invalid_choice": "Choose states of the list."},
    )
    licensed = yes_no("Licensed, or registered for telehealth, in each of them?")
    share = choice_field(
        "Share of the practice in these states",
        [("10", "Up to 10%"), ("25", "Up to 25%"), ("50", "Up to 50%"), ("100", "More than 50%")],
        "Choose a share.",
    )
    platform = line_field("Platform or company, if it isn’t your own practice", longest=120)
    text = text_field("Anything else we should know?")
    field_order = ("insured", "chosen", "states", "licensed", "share", "platform", "effective")

    def clean(self) -> dict[str, Any]:
        """Refuse states without a license."""
        cleaned = super().clean()
        if cleaned.get("licensed") == "no":
            self.add_error("licensed", "We cover telehealth where there’s a license. Choose those states only.")
        return cleaned


def _leave(form: ChangeForm) -> str:
    assert form.day is not None  # noqa: S101  # the form is valid
    assert form.end is not None  # noqa: S101
    return f"Days not covered: professional services from {day_long(form.day)} until {day_long(form.end)}."


def _part_time(form: ChangeForm) -> str:
    return f"Part-time practice, up to {form.cleaned_data['hours']} hours a week."


def _locum(form: ChangeForm) -> str:
    name = f"{form.cleaned_data['locum_name']}, {form.cleaned_data['locum_credential']}"
    whom = form.person.display_name if form.person else "the insured"
    assert form.day is not None  # noqa: S101  # the form is valid
    assert form.end is not None  # noqa: S101
    return f"Locum tenens {name} in place of {whom}, {day_long(form.day)} until {day_long(form.end)}."


def _moonlighting(form: ChangeForm) -> str:
    return f"Includes work at {form.cleaned_data['place']}, up to {form.cleaned_data['hours']} hours a week."


def _telehealth(form: ChangeForm) -> str:
    return f"Covered states include {', '.join(STATES[one] for one in form.cleaned_data['states'])}."


KINDS = (
    Kind(
        "leave", "Leave of absence", "Someone doesn’t practice for a month or longer, and comes back.", Group.PRACTICE,
        form=LeaveForm, rule=Rule(shortest=LEAVE_AT_LEAST), certificate=_leave, premium=True,
    ),
    Kind(
        "part_time", "Part-time practice", "Someone works fewer hours from now on.", Group.PRACTICE,
        form=PartTimeForm, certificate=_part_time, premium=True,
    ),
    Kind(
        "locum", "Locum tenens", "Someone works in an insured’s place for a time.", Group.PRACTICE,
        form=LocumForm, rule=Rule(longest=LOCUM_AT_MOST), certificate=_locum,
    ),
    Kind(
        "moonlighting", "Moonlighting", "An insured also works somewhere else.", Group.PRACTICE,
        form=MoonlightingForm, certificate=_moonlighting, premium=True,
    ),
    Kind(
        "telehealth", "Telehealth states", "Patients in other states are treated by telehealth.", Group.PRACTICE,
        form=TelehealthForm, certificate=_telehealth, premium=True,
    ),
)  # fmt: skip
