"""Tags of what happens to claims and reports of incidents in the event log."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class ClaimEvent(TextChoices):
    """`source:subject:action`."""

    LOOKED_AT = "claims:record:looked_at", "Looked at by staff"


class IncidentEvent(TextChoices):
    """`source:subject:action`. None says what was reported, or about which patient."""

    STARTED = "claims:incident:started", "Report of an incident started"
    DISCARDED = "claims:incident:discarded", "Draft of a report deleted"
    SUBMITTED = "claims:incident:submitted", "Incident or claim reported"
    FILE_ADDED = "claims:incident_file:added", "File added to a report"
    FILE_REMOVED = "claims:incident_file:removed", "File removed from a draft"
    FILE_DOWNLOADED = "claims:incident_file:downloaded", "File of a report downloaded"
    RECEIPT_DOWNLOADED = "claims:incident_receipt:downloaded", "Receipt of a report downloaded"
    LOOKED_AT = "claims:incident:looked_at", "Report looked at by staff"
    PATIENT_LOOKED_AT = "claims:incident_patient:looked_at", "Patient of a report looked at by staff"
    REFUSED = "claims:incident:refused", "Report refused: too many in an hour"
    REQUEST_REPLIED = "claims:incident:added_to", "Report added to"
    REQUEST_TAKEN = "claims:incident:assigned", "Report assigned"
    REQUEST_ANSWERED = "claims:incident:answered", "Report answered by staff"
    REQUEST_CLOSED = "claims:incident:closed", "Report closed"


class MatterEvent(TextChoices):
    """`source:subject:action`."""

    PUBLISHED = "claims:matter:published", "Claim published to its insured"
    CHANGED = "claims:matter:changed", "What an insured sees of a claim changed"
    LOOKED_AT = "claims:matter:looked_at", "Published claim looked at by staff"
    FILE_DOWNLOADED = "claims:matter_file:downloaded", "Document of a claim downloaded"
    REQUEST_REPLIED = "claims:matter:written_in", "Message of an insured about a claim"
    REQUEST_TAKEN = "claims:matter:assigned", "Published claim assigned"
    REQUEST_ANSWERED = "claims:matter:answered", "Message to an insured about a claim"
    REQUEST_CLOSED = "claims:matter:taken_back", "Published claim taken back"


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    ClaimEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at one of your claims."),
    IncidentEvent.STARTED: Sentence(Kind.DOCUMENTS, "{who} started to report an incident."),
    IncidentEvent.DISCARDED: Sentence(Kind.DOCUMENTS, "{who} deleted the draft of a report."),
    IncidentEvent.SUBMITTED: Sentence(Kind.DOCUMENTS, "{who} reported an incident or claim."),
    IncidentEvent.FILE_ADDED: Sentence(Kind.DOCUMENTS, "{who} added a file to a report of an incident."),
    IncidentEvent.FILE_REMOVED: Sentence(Kind.DOCUMENTS, "{who} removed a file from the draft of a report."),
    IncidentEvent.FILE_DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded a file of a report."),
    IncidentEvent.RECEIPT_DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded the receipt of a report."),
    IncidentEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at your report of an incident."),
    IncidentEvent.PATIENT_LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at the patient in your report."),
    IncidentEvent.REFUSED: Sentence(Kind.DOCUMENTS, "We refused a report or file: too many in an hour."),
    IncidentEvent.REQUEST_REPLIED: Sentence(Kind.DOCUMENTS, "{who} added to a report of an incident."),
    IncidentEvent.REQUEST_TAKEN: Sentence(Kind.SUPPORT, "{who} assigned your report of an incident."),
    IncidentEvent.REQUEST_ANSWERED: Sentence(Kind.SUPPORT, "{who} answered your report of an incident."),
    IncidentEvent.REQUEST_CLOSED: Sentence(Kind.SUPPORT, "{who} closed your report of an incident."),
    MatterEvent.PUBLISHED: Sentence(Kind.DOCUMENTS, "{who} published a claim of yours to you."),
    MatterEvent.CHANGED: Sentence(Kind.DOCUMENTS, "{who} changed what you see of a claim."),
    MatterEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at a claim that you see."),
    MatterEvent.FILE_DOWNLOADED: Sentence(Kind.DOCUMENTS, "{who} downloaded a document of a claim."),
    MatterEvent.REQUEST_REPLIED: Sentence(Kind.DOCUMENTS, "{who} wrote to the claims team."),
    MatterEvent.REQUEST_TAKEN: Sentence(Kind.SUPPORT, "{who} assigned a claim that you see."),
    MatterEvent.REQUEST_ANSWERED: Sentence(Kind.SUPPORT, "{who} wrote to you about a claim."),
    MatterEvent.REQUEST_CLOSED: Sentence(Kind.SUPPORT, "{who} took a claim back that you saw."),
}
