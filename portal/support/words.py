"""The words of a request's status on screen, each with its kind and icon."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from core.templatetags.show import moment
from core.templatetags.ui import STATUS_ICONS
from portal.models import SupportRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS = SupportRequest.Status


class RequestWord(StrEnum):
    """A word of the vocabulary, as `status_of` and `page_head` take it."""

    OPEN = "Open"
    IN_PROGRESS = "In progress"
    ANSWERED = "Answered"
    CLOSED = "Closed"

    @property
    def kind(self) -> str:
        """Return what the mark is colored by."""
        return {RequestWord.ANSWERED: "good", RequestWord.CLOSED: "neutral"}.get(self, "info")

    @property
    def icon(self) -> str:
        """Return the name of the mark's icon."""
        return STATUS_ICONS[self.kind]


WORDS: Mapping[str, RequestWord] = {
    STATUS.OPEN: RequestWord.OPEN,
    STATUS.IN_PROGRESS: RequestWord.IN_PROGRESS,
    STATUS.ANSWERED: RequestWord.ANSWERED,
    STATUS.CLOSED: RequestWord.CLOSED,
}


def word_of(request: SupportRequest) -> RequestWord:
    """Return the word of a request's status."""
    return WORDS[request.status]


def sentence_of(request: SupportRequest) -> str:
    """Return what comes next, beside the word: by when we answer, or what the customer can do."""
    if request.status == STATUS.ANSWERED:
        return "Write back if that doesn’t settle it."
    if request.is_closed:
        return ""
    if request.is_overdue:
        return "We’re late, and sorry. You can also call us."
    return f"We’ll answer by {moment(request.due_at)}."
