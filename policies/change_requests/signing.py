"""What is signed by typing one's name before a change request is sent, and the form of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django import forms

from policies.change_requests.opening import Signature
from policies.models import Membership, fraud_warning
from policies.names import fold

if TYPE_CHECKING:
    from accounts.models import User
    from policies.change_requests.forms import ChangeForm, SupplementForm


def text_to_sign(form: ChangeForm, supplement: SupplementForm | None) -> str:
    """Return the statement that goes with a request: the kind's own, and that of its supplemental application with the
    fraud warning of the state. Nothing where none is needed."""
    kind, policy = form.kind, form.policy
    parts = [kind.statement(form)] if kind.statement is not None else []
    if supplement is not None:
        of_agent = form.membership.role == Membership.Role.AGENT
        asked = f" {policy.policyholder.name} gave me these answers." if of_agent else ""
        parts.append(
            f"The answers in this request and its supplemental application are complete and true to the best of my "
            f"knowledge.{asked} I understand that you rely on them, and that coverage can be changed or denied if they "
            "aren’t true."
        )
    if supplement is not None or kind.warns_of_fraud:
        parts.append(fraud_warning((form.person.state if form.person else "") or policy.policyholder.state))
    return "\n\n".join(part for part in parts if part)


def digest_of(text: str) -> str:
    """Return what tells whether the words that were signed are those that were shown."""
    return hashlib.sha256(text.encode()).hexdigest()


class ReviewForm(forms.Form):
    """Sending what was reviewed: which version of the draft, and the signature where there is something to sign."""

    use_required_attribute = False

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    signed_name = forms.CharField(
        label="Your full name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={"required": "Type your full name to sign."},
    )
    agrees = forms.BooleanField(
        label="I’ve read this statement, and I sign it electronically.",
        error_messages={"required": "Check the box to sign."},
    )

    def __init__(self, *args: Any, text: str, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._text, self._user = text, user
        if not text:
            del self.fields["signed_name"], self.fields["agrees"]

    def clean_signed_name(self) -> str:
        """Ask for the name that the account has."""
        typed = str(self.cleaned_data["signed_name"])
        first, last = fold(self._user.first_name), fold(self._user.last_name)
        words = fold(typed).split()
        if not {*first.split(), *last.split()} <= set(words) or not words:
            raise forms.ValidationError(f"Type your name as we have it: {self._user.get_full_name()}.")
        return typed

    @property
    def is_of_what_was_shown(self) -> bool:
        """Whether the words that were shown are those that would be signed now."""
        return not self._text or self.cleaned_data.get("digest") == digest_of(self._text)

    @property
    def signature(self) -> Signature | None:
        """What was signed."""
        return Signature(self._text, self.cleaned_data["signed_name"]) if self._text else None
