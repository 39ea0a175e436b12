"""What customers write in a change request that was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.idempotency import IdempotentForm
from core.uploads.forms import FilesForm
from core.uploads.models import attach
from policies.change_requests import opening
from policies.change_requests.forms import text_field

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models import ChangeRequest


class ReplyForm(FilesForm, IdempotentForm):
    """The customer's next words in a request, and files."""

    use_required_attribute = False
    field_order = ("text", "uploads")

    text = text_field("Reply", "Write your reply.")

    def send(self, asked: ChangeRequest, *, by: User) -> Any:
        """Add the reply; None where the request has come to its end. Raises `opening.TooManyError`."""
        key = self.cleaned_data["idempotency_key"]
        if not asked.messages.filter(idempotency_key=key).exists():
            opening.count_reply(by)
        return asked.reply(text=self.cleaned_data["text"], key=key, by=by)


def keep(form: FilesForm, asked: ChangeRequest, *, by: User) -> None:
    """Attach the files of a form that was checked, whatever else it says."""
    for checked in form.accepted:
        attach(asked.files, checked, by=by, page=asked.get_absolute_url())
