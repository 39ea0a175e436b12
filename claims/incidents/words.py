"""What pages say of a report: its status, what comes next, what to do now, and who may see how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from claims.models import IncidentReport
from core.templatetags.show import moment
from core.templatetags.ui import STATUS_ICONS
from policies.models import reach_of

if TYPE_CHECKING:
    from accounts.models import User

STATUS = IncidentReport.Status
# In a list of staff.
SHORT: dict[str, str] = {
    IncidentReport.Kind.INCIDENT: "Incident",
    IncidentReport.Kind.RECORDS: "Records request",
    IncidentReport.Kind.DEMAND: "Demand",
    IncidentReport.Kind.SUIT: "Suit",
    IncidentReport.Kind.SUBPOENA: "Subpoena or board",
}
# What to do at once, by what has arrived.
NOW: dict[str, tuple[str, ...]] = {
    IncidentReport.Kind.DEMAND: (
        "Don’t answer the letter, and don’t call its sender. We’ll do that.",
        "Keep the letter and its envelope.",
    ),
    IncidentReport.Kind.SUIT: (
        "Court papers have a deadline, often 20 to 30 days from the day you got them. Send us every page today.",
        "Write down when, where, and how you got them, and from whom.",
        "Don’t talk about the case with anyone but us and the attorney we name.",
    ),
    IncidentReport.Kind.SUBPOENA: (
        "Don’t send records or answer yet. We’ll tell you what you must send, and what you may not.",
        "Note the date by which an answer is due.",
    ),
}
ALWAYS = "Don’t change or add to the medical record, and keep this report out of it."


class ReportWord(StrEnum):
    """A word of the vocabulary, as `status_of` and `page_head` take it."""

    DRAFT = "Draft"
    OPEN = "Received"
    IN_PROGRESS = "In review"
    ANSWERED = "Answered"
    CLOSED = "Closed"

    @property
    def kind(self) -> str:
        """Return what the mark is colored by."""
        if self in (ReportWord.DRAFT, ReportWord.ANSWERED):
            return "attention"
        return "neutral" if self is ReportWord.CLOSED else "info"

    @property
    def icon(self) -> str:
        """Return the name of the mark's icon."""
        return STATUS_ICONS[self.kind]


@dataclass(frozen=True, slots=True)
class Sight:
    """How much of a report somebody sees. Staff who look at the portal as a customer see that it's there."""

    is_reporter: bool
    is_insured: bool

    @property
    def story(self) -> bool:
        """Whether they read what happened, see files and messages, and may add to it."""
        return self.is_reporter or self.is_insured

    @property
    def patient(self) -> bool:
        """Whether they see the patient's name and birth date."""
        return self.is_reporter


def sight_of(report: IncidentReport, user: User, *, look: bool) -> Sight:
    """Return what a user who found the report through `visible_to` sees of it. `look`: it's staff who look."""
    return Sight(
        is_reporter=not look and report.user_id == user.pk,
        is_insured=not look and report.insured_id in reach_of(user).insured_ids,
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A report in the list. `by`: who sent it, for this reader."""

    report: IncidentReport
    word: ReportWord
    by: str


def row_of(report: IncidentReport, user: User) -> Row:
    """Return a report as the list shows it to this user."""
    by = "you" if report.user_id == user.pk else report.user.get_full_name() or report.user.get_username()
    return Row(report, word_of(report), by)


def word_of(report: IncidentReport) -> ReportWord:
    """Return the status."""
    return ReportWord[STATUS(report.status).name]


def next_of(report: IncidentReport) -> str:
    """Return what comes next."""
    if report.status == STATUS.ANSWERED:
        return "We wrote to you. Read it below, and add what we asked for."
    if report.is_closed:
        return ""
    if report.is_overdue:
        return "We’re late, and sorry. Please call us."
    return f"The claims team looks at it by {moment(report.due_at)}."


def thread_of(report: IncidentReport, sight: Sight) -> list[Any]:
    """Return the messages that somebody sees, with their files: what the insured adds to another's report is for the
    insured and claims staff alone."""
    if not sight.story:
        return []
    rows = report.messages.prefetch_related("files__upload").select_related("author")
    return list(rows if sight.is_insured else rows.filter(private=False))


def files_of(report: IncidentReport, sight: Sight) -> Any:
    """Return the files that somebody may download."""
    rows = report.files.select_related("upload", "message", "report")
    if not sight.story:
        return rows.none()
    return rows if sight.is_insured else rows.exclude(message__private=True)
