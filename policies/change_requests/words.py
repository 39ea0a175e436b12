"""The words of change requests on screen: statuses, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.conf import settings

from core.dates import shown_day
from core.templatetags.show import day_long, dollars, moment
from core.templatetags.ui import STATUS_ICONS
from policies.models import ChangeRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User

STATUS = ChangeRequest.Status


class RequestWord(StrEnum):
    """A word of the vocabulary, as `status_of` and `page_head` take it."""

    DRAFT = "Draft"
    SUBMITTED = "Submitted"
    IN_REVIEW = "In review"
    NEEDS_INFORMATION = "Needs information"
    DONE = "Done"
    DECLINED = "Declined"
    WITHDRAWN = "Withdrawn"

    @property
    def kind(self) -> str:
        """Return what the mark is colored by."""
        if self in (RequestWord.SUBMITTED, RequestWord.IN_REVIEW):
            return "info"
        return {RequestWord.NEEDS_INFORMATION: "attention", RequestWord.DONE: "good"}.get(self, "neutral")

    @property
    def icon(self) -> str:
        """Return the name of the mark's icon."""
        return STATUS_ICONS[self.kind]


WORDS: dict[str, RequestWord] = {
    STATUS.DRAFT: RequestWord.DRAFT,
    STATUS.OPEN: RequestWord.SUBMITTED,
    STATUS.IN_PROGRESS: RequestWord.IN_REVIEW,
    STATUS.ANSWERED: RequestWord.NEEDS_INFORMATION,
    STATUS.DONE: RequestWord.DONE,
    STATUS.DECLINED: RequestWord.DECLINED,
    STATUS.WITHDRAWN: RequestWord.WITHDRAWN,
}


# What comes next, of those that don't wait for us.
SENTENCES: dict[str, str] = {
    STATUS.DRAFT: "Not sent yet.",
    STATUS.ANSWERED: "We wrote to you. Reply so that we can go on.",
    STATUS.DECLINED: "We can’t do what you asked. Our message says why.",
    STATUS.WITHDRAWN: "",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A request as lists and its page show it. `next`: what comes next, or what came of it."""

    asked: ChangeRequest
    word: RequestWord
    next: str
    by: str


def row_of(asked: ChangeRequest, user: User) -> Row:
    """Return a request as this user sees it."""
    by = "you" if asked.user_id == user.pk else asked.user.get_full_name() or asked.user.get_username()
    return Row(asked, WORDS[asked.status], sentence_of(asked), by)


def shown_of(requests: Iterable[ChangeRequest]) -> list[tuple[ChangeRequest, RequestWord, str]]:
    """Return requests with their word and what comes next, for a short list."""
    return [(one, WORDS[one.status], sentence_of(one)) for one in requests]


def sentence_of(asked: ChangeRequest) -> str:
    """Return what comes next: by when we answer, what the customer can do, or what came of it."""
    if asked.status == STATUS.DONE:
        return done_in_words(asked)
    if not asked.is_waiting:
        return SENTENCES[asked.status]
    if asked.is_overdue:
        return "We’re late, and sorry. You can also call us."
    return f"We’ll answer by {moment(asked.due_at)}."


def done_in_words(asked: ChangeRequest) -> str:
    """Return since when our records show it, or that they will."""
    if asked.on_record_at is not None:
        return f"Our records show it since {day_long(shown_day(asked.on_record_at))}."
    return "We’ve done it. Certificates follow as soon as our records show it."


def charge_in_words(asked: ChangeRequest) -> str:
    """Return what the change costs, where we have said so."""
    if asked.charge is None:
        return ""
    if asked.charge > 0:
        return f"Adds {dollars(asked.charge)} to the premium."
    return f"Lowers the premium by {dollars(-asked.charge)}." if asked.charge else "Doesn’t change the premium."


def hours() -> int:
    """Return within how many hours staff answer."""
    return int(settings.SUPPORT_ANSWER_WITHIN.total_seconds() // 3600)
