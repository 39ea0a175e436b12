"""What customers write in a change request that was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.idempotency import IdempotentForm
from policies.change_requests import opening
from policies.change_requests.forms import text_field

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models import ChangeRequest


class ReplyForm(IdempotentForm):
    """The customer's next words in a request."""

    use_required_attribute = False

    text = text_field("Reply", "Write your reply.")

    def send(self, asked: ChangeRequest, *, by: User) -> Any:
        """Add the reply; None where the request has come to its end. Raises `opening.TooManyError`."""
        key = self.cleaned_data["idempotency_key"]
        if not asked.messages.filter(idempotency_key=key).exists():
            opening.count_reply(by)
        return asked.reply(text=self.cleaned_data["text"], key=key, by=by)
