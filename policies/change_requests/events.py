"""Tags of what happens to change requests in the event log."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class ChangeEvent(TextChoices):
    REQUEST_STARTED = "policies:change_request:started", "Draft of a change request started"
    REQUEST_DISCARDED = "policies:change_request:discarded", "Draft of a change request discarded"
    REQUEST_FORGOTTEN = "policies:change_request:forgotten", "Old draft of a change request deleted"
    REQUEST_SUBMITTED = "policies:change_request:submitted", "Change request submitted"
    REQUEST_REPLIED = "policies:change_request:replied", "Change request replied to by the customer"
    REQUEST_TAKEN = "policies:change_request:taken", "Change request assigned"
    REQUEST_ANSWERED = "policies:change_request:answered", "Information asked for in a change request"
    REQUEST_DONE = "policies:change_request:done", "Change request done"
    REQUEST_DECLINED = "policies:change_request:declined", "Change request declined"
    REQUEST_WITHDRAWN = "policies:change_request:withdrawn", "Change request withdrawn"
    REQUEST_CLOSED = "policies:change_request:closed", "Change request closed"
    REQUEST_REFUSED = "policies:change_request:refused", "Too many change requests or replies"
    FILE_DOWNLOADED = "policies:change_request:file_downloaded", "File of a change request downloaded"
    REQUEST_VIEWED = "policies:change_request:viewed", "Change request looked at by staff"


SENTENCES: dict[str, Sentence] = {
    ChangeEvent.REQUEST_STARTED: Sentence(Kind.SUPPORT, "{who} started a change request."),
    ChangeEvent.REQUEST_DISCARDED: Sentence(Kind.SUPPORT, "{who} discarded the draft of a change request."),
    ChangeEvent.REQUEST_FORGOTTEN: Sentence(
        Kind.SUPPORT, "A draft of a change request that nobody had touched for a long time was deleted."
    ),
    ChangeEvent.REQUEST_SUBMITTED: Sentence(Kind.SUPPORT, "{who} sent us a change request."),
    ChangeEvent.REQUEST_REPLIED: Sentence(Kind.SUPPORT, "{who} replied to us in a change request."),
    ChangeEvent.REQUEST_TAKEN: Sentence(Kind.SUPPORT, "{who} took up your change request."),
    ChangeEvent.REQUEST_ANSWERED: Sentence(Kind.SUPPORT, "{who} asked for more information in your change request."),
    ChangeEvent.REQUEST_DONE: Sentence(Kind.SUPPORT, "{who} did what you asked in a change request."),
    ChangeEvent.REQUEST_DECLINED: Sentence(Kind.SUPPORT, "{who} declined your change request."),
    ChangeEvent.REQUEST_WITHDRAWN: Sentence(Kind.SUPPORT, "{who} withdrew a change request."),
    ChangeEvent.REQUEST_CLOSED: Sentence(Kind.SUPPORT, "{who} closed your change request."),
    ChangeEvent.REQUEST_REFUSED: Sentence(
        Kind.SUPPORT, "{who} sent more change requests or replies than we accept in an hour."
    ),
    ChangeEvent.FILE_DOWNLOADED: Sentence(Kind.SUPPORT, "{who} downloaded a file of a change request."),
    ChangeEvent.REQUEST_VIEWED: Sentence(Kind.SUPPORT, "{who} looked at your change request."),
}
