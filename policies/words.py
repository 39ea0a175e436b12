"""One vocabulary for status on screen: the same words in tabs, marks, headings, and history (docs/style.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from policies.models import Policy, Term

if TYPE_CHECKING:
    import datetime as dt

    from policies.models import Coverage


class Word(StrEnum):
    """The status of a policy, a term, or a coverage on a day. The date decides, not only the carrier's status."""

    IN_FORCE = "In force"
    UPCOMING = "Upcoming"
    PENDING_CANCELLATION = "Pending cancellation"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    NOT_RENEWED = "Not renewed"
    PENDING = "Pending"

    @property
    def kind(self) -> str:
        """Return the kind of its mark (`core.templatetags.ui`)."""
        return LOOKS[self][0]

    @property
    def icon(self) -> str:
        """Return the name of its icon."""
        return LOOKS[self][1]


LOOKS = {
    Word.IN_FORCE: ("good", "circle-check"),
    Word.UPCOMING: ("info", "calendar-clock"),
    Word.PENDING_CANCELLATION: ("attention", "triangle-alert"),
    Word.CANCELLED: ("danger", "octagon-alert"),
    Word.EXPIRED: ("neutral", "circle-minus"),
    Word.NOT_RENEWED: ("neutral", "circle-off"),
    Word.PENDING: ("neutral", "circle-dashed"),
}


def lower_first(text: str) -> str:
    """Return the text for the middle of a sentence: "Left the group" → "left the group"; "ERE bought" stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def word_of_term(term: Term, day: dt.date, *, is_last: bool) -> Word:
    """Return the status of a term on `day`. `is_last`: no term of the policy was taken up after it."""
    policy = term.policy
    if policy.status == Policy.Status.PENDING or term.status in (Term.Status.OFFERED, Term.Status.ACCEPTED):
        return Word.PENDING
    if term.status == Term.Status.DECLINED:
        return Word.NOT_RENEWED
    if term.is_bound(day) and max(day, term.effective) < term.ends:
        if policy.status == Policy.Status.PENDING_CANCELLATION or policy.cancels_on(day) is not None:
            return Word.PENDING_CANCELLATION
        return Word.UPCOMING if term.effective > day else Word.IN_FORCE
    if term.status == Term.Status.CANCELLED or term.ends < term.expires:
        return Word.CANCELLED
    return Word.NOT_RENEWED if policy.status == Policy.Status.NONRENEWED and is_last else Word.EXPIRED


def word_of(coverage: Coverage, day: dt.date, *, was_last: bool) -> Word:
    """Return the status of a coverage on `day`. `was_last`: no term of the policy was taken up after this one's.

    No query where the coverage comes with its term, policy, and segments.
    """
    term, policy = coverage.term, coverage.term.policy
    ends = coverage.period[1]
    if policy.status == Policy.Status.PENDING or term.status in (Term.Status.OFFERED, Term.Status.ACCEPTED):
        return Word.PENDING
    if term.status == Term.Status.DECLINED:
        return Word.NOT_RENEWED
    if coverage.ends <= day and coverage.ends < ends:
        # A change has followed, which says how it goes on.
        return Word.EXPIRED
    if ends > day and term.is_bound(day) and ends > coverage.effective:
        return _word_of_bound(coverage, day)
    cancelled = Term.Status.CANCELLED in (term.status, policy.status)
    if policy.cancelled_on == ends or ends <= coverage.effective or (cancelled and ends > day):
        return Word.CANCELLED
    not_renewed = policy.status == Policy.Status.NONRENEWED and was_last and ends == term.expires and ends <= day
    return Word.NOT_RENEWED if not_renewed else Word.EXPIRED


def _word_of_bound(coverage: Coverage, day: dt.date) -> Word:
    policy = coverage.term.policy
    if policy.status == Policy.Status.PENDING_CANCELLATION or policy.cancels_on(day) is not None:
        return Word.PENDING_CANCELLATION
    return Word.UPCOMING if coverage.effective > day else Word.IN_FORCE
