"""Forms with which staff act on an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import CodeDevice


class ReasonForm(forms.Form):
    """Why staff act on an account. Kept in the event log."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="How you verified the caller, and what happened. Kept in the event log.",
        error_messages={"required": "Enter a reason. It’s kept in the event log."},
    )


class UnlockForm(ReasonForm):
    """Why staff lift a lock, and whether each factor stays: an intruder may have added one, or hold one."""

    def __init__(self, *args: Any, devices: list[CodeDevice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._devices = devices
        for device in devices:
            added = timezone.localtime(device.created_at)
            self.fields[device.public_id] = forms.ChoiceField(
                label=f"{device.name}, set up {added:%b} {added.day}, {added.year}",
                choices=[("keep", "Keep: the owner has it"), ("remove", "Remove")],
                widget=forms.RadioSelect,
                error_messages={"required": "Keep it or remove it?"},
            )

    def factors(self) -> list[forms.BoundField]:
        """Return the questions about factors."""
        return [self[device.public_id] for device in self._devices]

    def kept(self) -> dict[str, bool]:
        """Whether each factor stays, by its public id."""
        return {device.public_id: self.cleaned_data[device.public_id] == "keep" for device in self._devices}
