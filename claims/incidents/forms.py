"""What somebody reports: a draft that may be as incomplete as one likes, and whole when it is sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from claims.models import IncidentReport
from core.dates import carrier_today
from core.fields import new_public_id
from core.idempotency import IdempotentForm
from core.requests import LONGEST_TEXT
from core.uploads.forms import FilesForm

LONGEST_STORY = 20_000
NOT_A_DATE = "Enter a date, such as 03/14/2026."
# What a report needs before it's sent; everything else can follow.
NEEDED = {
    "kind": "Choose what has happened so far.",
    "happened_on": "Enter the date of the incident. If you don’t know it, enter the day you think it was.",
    "description": "Say in your own words what happened.",
}


def date_field(label: str, help_text: str = "") -> forms.DateField:
    """Return a field for a date, typed or picked."""
    return forms.DateField(
        label=label,
        required=False,
        help_text=help_text,
        input_formats=["%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y"],
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
        error_messages={"invalid": NOT_A_DATE},
    )


def text_field(label: str, help_text: str = "", *, longest: int = LONGEST_TEXT, rows: int = 4) -> forms.CharField:
    """Return a field for several lines."""
    return forms.CharField(
        label=label,
        required=False,
        help_text=help_text,
        max_length=longest,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"max_length": f"Enter up to {longest:,} characters. Attach longer texts as a file."},
    )


def line_field(label: str, help_text: str = "", *, longest: int = 200) -> forms.CharField:
    """Return a field for one line."""
    return forms.CharField(
        label=label,
        required=False,
        help_text=help_text,
        max_length=longest,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": f"Enter up to {longest} characters."},
    )


class StartForm(IdempotentForm):
    """For whom one reports: a coverage that the user sees."""

    coverage = forms.CharField(
        max_length=22,
        widget=forms.HiddenInput,
        error_messages={"required": "Choose whom the report is about.", "max_length": "Choose from the list."},
    )


class ReportForm(FilesForm):
    """The draft. Saving takes whatever is there; `complete` also asks for what is needed to send it."""

    use_required_attribute = False

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=10**9)
    window = forms.CharField(widget=forms.HiddenInput, required=False, max_length=22, initial=new_public_id)
    kind = forms.ChoiceField(
        label="What has happened so far?",
        choices=IncidentReport.Kind.choices,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose from the list."},
    )
    happened_on = date_field("Date of the incident", "When the care was given, or the event took place.")
    place = line_field("Where did it happen?", "A hospital, an office, or a department.")
    description = text_field(
        "What happened?",
        "The facts, as you remember them. Don’t change or add to the medical record.",
        longest=LONGEST_STORY,
        rows=8,
    )
    others = text_field("Who else was involved?", "Other clinicians or staff who gave care or saw it.", rows=3)
    patient_name = line_field("Patient’s name")
    patient_birth_date = date_field("Patient’s date of birth")
    received_on = date_field("When did papers arrive?", "Of a letter, a subpoena, or court papers.")
    answer_due = date_field("Is there a date by which to answer?", "As the papers say.")
    phone = line_field("Phone number to reach you", "Where the claims team can call you about this.", longest=40)

    def __init__(self, *args: Any, report: IncidentReport, **kwargs: Any) -> None:
        self.report = report
        self.kept = report.files.count()
        super().__init__(*args, **{"initial": values_of(report), **kwargs})

    def show_version(self, version: int) -> None:
        """Let the form that is shown again go on from a later version of the draft."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data["version"] = str(version)
        self.data = data

    def clean_happened_on(self) -> Any:
        """Refuse a day to come."""
        return self._past("happened_on", "The date of the incident is in the future.")

    def clean_received_on(self) -> Any:
        """Refuse a day to come."""
        return self._past("received_on", "The day on which papers arrived is in the future.")

    def clean_patient_birth_date(self) -> Any:
        """Refuse a day to come."""
        return self._past("patient_birth_date", "The patient’s date of birth is in the future.")

    def _past(self, name: str, sentence: str) -> Any:
        day = self.cleaned_data[name]
        if day is not None and day > carrier_today():
            raise ValidationError(sentence)
        return day

    @property
    def values(self) -> dict[str, Any]:
        """What can be stored: every field without an error."""
        found = {name: self.cleaned_data[name] for name in FIELDS if name in self.cleaned_data}
        if "patient_birth_date" in found:
            day = found["patient_birth_date"]
            found["patient_birth_date"] = day.isoformat() if day else ""
        return found

    def complete(self) -> bool:
        """Whether it can be sent; adds a sentence to each field that is needed and empty."""
        for name, sentence in NEEDED.items():
            if name not in self.errors and not self.cleaned_data.get(name):
                self.add_error(name, sentence)
        return not self.errors


FIELDS = tuple(name for name in ReportForm.base_fields if name not in {"uploads", "version", "window"})


def values_of(report: IncidentReport) -> dict[str, Any]:
    """Return the draft as the form shows it."""
    return {"version": report.version} | {name: getattr(report, name) for name in FIELDS}


def lacks(report: IncidentReport) -> dict[str, str]:
    """Return what a stored draft needs before it can be sent."""
    return {name: sentence for name, sentence in NEEDED.items() if not getattr(report, name)}


class AddForm(FilesForm, IdempotentForm):
    """What the reporter or the insured adds later: words, files, or both."""

    use_required_attribute = False

    text = text_field("Add to this report", rows=5)

    def clean(self) -> dict[str, Any]:
        """Refuse nothing at all."""
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("text") and not self.accepted and "uploads" not in self.errors and "text" not in self.errors:
            self.add_error("text", "Write what you want to add, or choose a file.")
        return cleaned
