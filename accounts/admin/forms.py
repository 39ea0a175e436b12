"""Forms with which staff act on an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from accounts.methods import would_do
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
    """Why staff lift a lock, whether each factor stays, and which email is the owner's if it was changed lately: an
    intruder may have added or changed any of them.

    `emails`: the present one and the former ones, with what says when each was given up; empty if none was changed.
    """

    def __init__(self, *args: Any, devices: list[CodeDevice], emails: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._devices = devices
        if emails:
            self.fields["email"] = forms.ChoiceField(
                label="The owner’s email",
                choices=list(emails.items()),
                widget=forms.RadioSelect,
                help_text="Verify the owner by other means than email. The link to choose a password goes there.",
                error_messages={"required": "Choose the owner’s email."},
            )
        for device in devices:
            added = timezone.localtime(device.created_at)
            self.fields[device.public_id] = forms.ChoiceField(
                label=f"{device.name}, set up {added:%b} {added.day}, {added.year}",
                choices=[("keep", "Keep: the owner has it"), ("remove", "Remove")],
                widget=forms.RadioSelect,
                error_messages={"required": "Keep it or remove it?"},
            )

    def clean(self) -> dict[str, Any]:
        """Raise ValidationError where no factor stays that works by itself: that takes two people or a call-back, and
        a day."""
        decided = super().clean() or {}
        answers = {device: decided.get(device.public_id) for device in self._devices}
        kept = [device for device, answer in answers.items() if answer == "keep"]
        if answers and all(answers.values()) and not would_do(kept, self._devices):
            last = self._devices[-1].public_id
            self.add_error(
                last,
                forms.ValidationError(
                    "Keep at least one method that works on any computer; a passkey isn’t enough. If the owner has "
                    "none of them, go back and reset the second factors first: a second person approves, or you call "
                    "the owner back. Then unlock the account.",
                    code="last",
                ),
            )
        return decided

    def questions(self) -> list[forms.BoundField]:
        """Return the questions about factors and the email."""
        return [self[name] for name in self.fields if name != "reason"]

    def kept(self) -> dict[str, bool]:
        """Whether each factor stays, by its public id."""
        return {device.public_id: self.cleaned_data[device.public_id] == "keep" for device in self._devices}
