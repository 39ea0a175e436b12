"""What an owner narrows the account's activity to."""

from __future__ import annotations

from typing import Any

from django import forms

from core.sentences import Kind

DAY = {"invalid": "Enter a date such as 3/1/2026."}


class ActivityForm(forms.Form):
    """Kind and days, all optional; sent by GET."""

    kind = forms.ChoiceField(
        label="About",
        required=False,
        choices=[("", "Everything"), *Kind.choices],
        error_messages={"invalid_choice": "Choose from the list."},
    )
    first = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=DAY,
    )
    last = forms.DateField(
        label="To",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=DAY,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse days in the wrong order."""
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", "Enter a day on or after the first one.")
        return data

    def chosen(self) -> dict[str, Any]:
        """Return what to narrow to; nothing where the form is refused."""
        return {name: self.cleaned_data[name] for name in ("kind", "first", "last")} if self.is_valid() else {}
