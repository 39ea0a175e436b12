"""Inviting a colleague, and choosing what a delegate may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from core.forms import FocusedForm
from core.idempotency import IdempotentForm
from policies.roles import RULES, giveable

if TYPE_CHECKING:
    from policies.models import Membership


class CapabilitiesForm(forms.Form):
    """What a delegate may do beyond seeing: never more than the giver may, by membership `place`."""

    capabilities = forms.MultipleChoiceField(
        label="What can this person do?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="They see policies, coverage, and insureds in any case. Select what else they can do.",
        error_messages={"invalid_choice": "Select only what you can do yourself."},
    )

    def __init__(self, *args: Any, place: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["capabilities"]
        field.choices = [(each.value, RULES[each].allows.removesuffix(".")) for each in giveable(place)]


class InviteForm(CapabilitiesForm, IdempotentForm, FocusedForm):
    """The colleague, and what they may do."""

    first_name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        error_messages={"required": "Enter their first name."},
    )
    last_name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter their last name."},
    )
    email = forms.EmailField(
        label="Work email",
        max_length=254,
        help_text="We send a link there. It must be the person’s own: anyone who reads it could accept.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter their email.", "invalid": "Enter an email, such as name@example.com."},
    )
    field_order = ["first_name", "last_name", "email", "capabilities"]
