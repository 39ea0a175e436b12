"""What customers write to support: a request, and a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings

from core.idempotency import IdempotentForm, create_once
from core.requests import LONGEST_TEXT
from portal.models import SupportMessage, SupportRequest
from portal.support import opening

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models import Policy
    from portal.support.places import Place


def text_field(label: str, required: str) -> forms.CharField:
    """Return a field for a message."""
    return forms.CharField(
        label=label,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": required, "max_length": f"Enter up to {LONGEST_TEXT:,} characters."},
    )


class RequestForm(IdempotentForm):
    """A request: its topic, and the customer's own words. The page and the policy come from the address."""

    use_required_attribute = False

    topic = forms.ChoiceField(
        label="What is it about?",
        error_messages={"required": "Choose a topic.", "invalid_choice": "Choose a topic from the list."},
    )
    text = text_field("Your message", "Write your message.")

    def __init__(self, *args: Any, user: User, place_key: str, place: Place | None, policy: Policy | None, **kw: Any):
        """`policy` was fetched through `visible_to(user)`."""
        super().__init__(*args, **kw)
        self._user, self._place_key, self._policy = user, place_key, policy
        self._kind = SupportRequest.Kind.MISSING if place else SupportRequest.Kind.QUESTION
        topic, text = self.fields["topic"], self.fields["text"]
        choices = [(key, label) for key, (_, label) in settings.SUPPORT_TOPICS.items()]
        topic.choices = choices if place else [("", "Choose"), *choices]  # type: ignore[attr-defined]
        text.help_text = "Don’t include patients’ names, passwords, or codes."
        if place:
            topic.initial = place.topic
            text.label = place.question

    def open(self) -> tuple[SupportRequest, bool]:
        """Open the request; the same form twice gives the same one. Returns it, and whether it is new.

        Raises `opening.TooManyError` with the sentence for the user.
        """
        key = self.cleaned_data["idempotency_key"]
        own = SupportRequest.objects.visible_to(self._user)
        if (sent_before := own.filter(idempotency_key=key).first()) is not None:
            return sent_before, False
        opening.count_request(self._user)
        return create_once(
            own,
            key=key,
            create=lambda: opening.open_request(
                user=self._user,
                kind=self._kind,
                topic=self.cleaned_data["topic"],
                place=self._place_key,
                policy=self._policy,
                text=self.cleaned_data["text"],
                key=key,
            ),
        )


class ReplyForm(IdempotentForm):
    """The customer's next words in a request."""

    use_required_attribute = False

    text = text_field("Reply", "Write your reply.")

    def send(self, request: SupportRequest) -> SupportMessage | None:
        """Add the reply; None where the request is closed. Raises `opening.TooManyError`."""
        key = self.cleaned_data["idempotency_key"]
        if not request.messages.filter(idempotency_key=key).exists():
            opening.count_reply(request.user)
        return request.reply(text=self.cleaned_data["text"], key=key)
