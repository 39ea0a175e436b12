"""Forms about remembered devices."""

from __future__ import annotations

from django import forms

from core.forms import FocusedForm

LONGEST_LABEL = 60


class DeviceForm(FocusedForm):
    """The name that an owner gives a remembered device."""

    label = forms.CharField(
        label="Name",
        max_length=LONGEST_LABEL,
        help_text="A name that you’ll recognize, such as “Laptop at the office”.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        error_messages={
            "required": "Enter a name.",
            "max_length": f"Use {LONGEST_LABEL} characters or fewer.",
        },
    )

    def clean_label(self) -> str:
        """Return the name on one line. Raises ValidationError for characters that can't be seen."""
        label = " ".join(self.cleaned_data["label"].split())
        if not label.isprintable():
            raise forms.ValidationError("Use letters, digits, and punctuation.", code="unprintable")
        return label
