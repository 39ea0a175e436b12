"""What the claims team adds to a matter, beside its answers."""

from __future__ import annotations

from typing import Any

from django import forms

from core.requests import LONGEST_TEXT
from core.uploads.forms import FilesForm


class NoteForm(forms.Form):
    """Where the matter is, in the claims team's words."""

    note = forms.CharField(
        label="Where it is",
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text="The insured reads it at the top of the page. Leave it empty to show only what the feed says.",
    )


class DateForm(forms.Form):
    """A date to come."""

    day = forms.DateField(
        label="Date",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Enter a date.", "invalid": "Enter a date, such as 2027-03-14."},
    )
    what = forms.CharField(label="What happens", max_length=200, error_messages={"required": "Say what happens."})


class DocumentsForm(FilesForm):
    """Documents for the insured."""

    def clean(self) -> dict[str, Any]:
        """Refuse no file at all."""
        cleaned = super().clean() or self.cleaned_data
        if not self.accepted and "uploads" not in self.errors:
            self.add_error("uploads", "Choose a file.")
        return cleaned
