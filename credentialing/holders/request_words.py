"""The words of requests about holders on screen: kinds, statuses, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings

from core.templatetags.show import moment
from core.templatetags.ui import STATUS_ICONS
from credentialing.holders.pages import switches_in_words
from credentialing.models import HolderRequest

if TYPE_CHECKING:
    from django.http import QueryDict

    from accounts.models import User

KIND, STATUS = HolderRequest.Kind, HolderRequest.Status


@dataclass(frozen=True)
class Choice:
    """A kind as the page offers it."""

    key: str
    title: str
    hint: str
    # What the page of the form is called, and what its button says.
    head: str
    button: str = "Send request"


KINDS: dict[str, Choice] = {
    KIND.ADD: Choice(
        KIND.ADD, "Add a holder", "A hospital or plan that should get certificates and isn’t in your list.",
        "Add a COI holder",
    ),
    KIND.CHANGE: Choice(
        KIND.CHANGE, "Change a holder", "A holder that we have on file has another name or address, or should get "
        "something else.", "Change a COI holder",
    ),
    KIND.REMOVE: Choice(
        KIND.REMOVE, "Remove a holder", "A holder that we have on file should get nothing by itself anymore.",
        "Remove a COI holder",
    ),
    KIND.CLAIMS_ACCESS: Choice(
        KIND.CLAIMS_ACCESS, "Access to claims histories", "Your office should be able to get insureds’ claims "
        "histories. Each still needs the insured’s own authorization.", "Access to claims histories",
    ),
    KIND.DOCUMENT: Choice(
        KIND.DOCUMENT, "A document that can’t be made online", "A letter or certificate that the portal doesn’t offer.",
        "Ask for a document",
    ),
}  # fmt: skip


class RequestWord(StrEnum):
    """A word of the vocabulary, as `status_of` and `page_head` take it."""

    OPEN = "Open"
    IN_PROGRESS = "In progress"
    ANSWERED = "Answered"
    DONE = "Done"
    DECLINED = "Declined"
    WITHDRAWN = "Withdrawn"
    MERGED = "Merged"

    @property
    def kind(self) -> str:
        """Return what the mark is colored by."""
        if self in (RequestWord.OPEN, RequestWord.IN_PROGRESS):
            return "info"
        return {RequestWord.ANSWERED: "attention", RequestWord.DONE: "good"}.get(self, "neutral")

    @property
    def icon(self) -> str:
        """Return the name of the mark's icon."""
        return STATUS_ICONS[self.kind]


WORDS: dict[str, RequestWord] = {
    STATUS.OPEN: RequestWord.OPEN,
    STATUS.IN_PROGRESS: RequestWord.IN_PROGRESS,
    STATUS.ANSWERED: RequestWord.ANSWERED,
    STATUS.DONE: RequestWord.DONE,
    STATUS.DECLINED: RequestWord.DECLINED,
    STATUS.WITHDRAWN: RequestWord.WITHDRAWN,
    STATUS.CLOSED: RequestWord.MERGED,
}


@dataclass(frozen=True)
class Row:
    """A request as lists and its page show it. `next`: what comes next."""

    asked: HolderRequest
    word: RequestWord
    next: str
    by: str


def row_of(asked: HolderRequest, user: User) -> Row:
    """Return a request as this user sees it."""
    by = "you" if asked.user_id == user.pk else asked.user.get_full_name() or asked.user.get_username()
    return Row(asked, WORDS[asked.status], sentence_of(asked), by)


def sentence_of(asked: HolderRequest) -> str:
    """Return what comes next: by when we answer, or what the customer can do."""
    if asked.status == STATUS.ANSWERED:
        return "We wrote to you. Reply so that we can go on."
    if asked.status == STATUS.CLOSED:
        return "You’ve asked for the same thing in another request, which goes on."
    if asked.is_closed:
        return ""
    if asked.is_overdue:
        return "We’re late, and sorry. You can also call us."
    return f"We’ll answer by {moment(asked.due_at)}."


def gets_of(asked: HolderRequest) -> str:
    """Return what the holder is to get: 'Renewals, notices'; empty for other matters."""
    return switches_in_words(asked.switches) if asked.kind in HolderRequest.WITH_HOLDER else ""


def hours() -> int:
    """Return within how many hours staff answer."""
    return int(settings.SUPPORT_ANSWER_WITHIN.total_seconds() // 3600)


def carried(query: QueryDict) -> str:
    """Return what a page that led here said about the matter, for the links to the forms."""
    named = {name: query.get(name, "")[:60] for name in ("coverage", "on_file")}
    kept = urlencode({name: value for name, value in named.items() if value})
    return f"&{kept}" if kept else ""
