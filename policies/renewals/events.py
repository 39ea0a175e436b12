"""Tags of what happens to renewal applications in the event log, and their sentences."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class RenewalEvent(TextChoices):
    STARTED = "policies:renewal:started", "Renewal application started"
    SUBMITTED = "policies:renewal:submitted", "Renewal application submitted"
    REOPENED = "policies:renewal:reopened", "Renewal application reopened"
    SETTLED = "policies:renewal:settled", "Renewal application settled by the carrier’s data"
    DOWNLOADED = "policies:renewal:downloaded", "Renewal application downloaded"
    VIEWED = "policies:renewal:viewed", "Renewal application viewed by staff"
    FILE_FAILED = "policies:renewal:file_failed", "PDF of a renewal application given up"
    FILE_RETRIED = "policies:renewal:file_retried", "PDF of a renewal application tried again"
    REQUEST_REPLIED = "policies:renewal:replied", "Message of a customer about a renewal application"
    REQUEST_TAKEN = "policies:renewal:assigned", "Renewal application assigned"
    REQUEST_ANSWERED = "policies:renewal:answered", "Message of staff about a renewal application"
    REQUEST_CLOSED = "policies:renewal:closed", "Renewal application closed"
    ASKED_ALL = "policies:renewal:asked_all", "All clinicians asked for their parts of a renewal"
    PART_ASKED = "policies:renewal_part:asked", "Clinician asked for their part of a renewal"
    PART_ADDRESS = "policies:renewal_part:address", "Email of a clinician’s part of a renewal changed"
    PART_WITHDRAWN = "policies:renewal_part:withdrawn", "Link to a clinician’s part of a renewal withdrawn"
    PART_CODE = "policies:renewal_part:code_sent", "Code for a clinician’s part of a renewal requested"
    PART_NOT_SENT = "policies:renewal_part:code_not_sent", "Code for a clinician’s part of a renewal not sent"
    PART_WRONG_CODE = "policies:renewal_part:wrong_code", "Wrong code for a clinician’s part of a renewal"
    PART_OPENED = "policies:renewal_part:opened", "Clinician’s part of a renewal opened by link and code"
    PART_SIGNED = "policies:renewal_part:signed", "Clinician’s part of a renewal signed"
    LIMITED = "policies:renewal_part:limited", "Too many tries to open or ask for parts of renewals"
    ASKING_FAILED = "policies:renewal_part:asking_failed", "Asking clinicians for their parts given up"
    ASKING_RETRIED = "policies:renewal_part:asking_retried", "Asking clinicians for their parts tried again"


_A = Kind.ACCESS
# What an account's activity says of each.
RENEWAL_SENTENCES: dict[str, Sentence] = {
    RenewalEvent.STARTED: Sentence(_A, "{who} started a renewal application."),
    RenewalEvent.SUBMITTED: Sentence(_A, "{who} signed and submitted a renewal application."),
    RenewalEvent.REOPENED: Sentence(_A, "{who} reopened a renewal application."),
    RenewalEvent.SETTLED: Sentence(_A, "We brought a renewal application to its end."),
    RenewalEvent.DOWNLOADED: Sentence(_A, "{who} downloaded a renewal application."),
    RenewalEvent.VIEWED: Sentence(_A, "{who} looked at a renewal application."),
    RenewalEvent.FILE_FAILED: Sentence(_A, "We couldn’t make the PDF of a renewal application."),
    RenewalEvent.FILE_RETRIED: Sentence(_A, "{who} tried the PDF of a renewal application again."),
    RenewalEvent.REQUEST_REPLIED: Sentence(_A, "{who} wrote to us about a renewal application."),
    RenewalEvent.REQUEST_TAKEN: Sentence(_A, "{who} took on a renewal application."),
    RenewalEvent.REQUEST_ANSWERED: Sentence(_A, "{who} wrote about a renewal application."),
    RenewalEvent.REQUEST_CLOSED: Sentence(_A, "{who} closed a renewal application."),
    RenewalEvent.ASKED_ALL: Sentence(_A, "{who} asked clinicians for their parts of a renewal application."),
    RenewalEvent.PART_ASKED: Sentence(_A, "{who} asked a clinician for their part of a renewal application."),
    RenewalEvent.PART_ADDRESS: Sentence(_A, "{who} changed where a clinician gets the link to their part."),
    RenewalEvent.PART_WITHDRAWN: Sentence(_A, "{who} withdrew the link to a clinician’s part."),
    RenewalEvent.PART_CODE: Sentence(_A, "{who} requested a code for a clinician’s part."),
    RenewalEvent.PART_NOT_SENT: Sentence(_A, "A code for a clinician’s part couldn’t be sent."),
    RenewalEvent.PART_WRONG_CODE: Sentence(_A, "{who} entered a wrong code for a clinician’s part."),
    RenewalEvent.PART_OPENED: Sentence(_A, "{who} opened a clinician’s part with a link and a code."),
    RenewalEvent.PART_SIGNED: Sentence(_A, "{who} signed a clinician’s part of a renewal application."),
    RenewalEvent.LIMITED: Sentence(_A, "{who} made too many tries at parts of renewal applications."),
    RenewalEvent.ASKING_FAILED: Sentence(_A, "We couldn’t ask all clinicians for their parts."),
    RenewalEvent.ASKING_RETRIED: Sentence(_A, "{who} tried again to ask clinicians for their parts."),
}
