"""Tags of what becomes of uploaded files in the event log."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class UploadEvent(TextChoices):
    """`source:subject:action`."""

    INFECTED = "core:upload:infected", "Uploaded file refused by the virus scanner"
    SCAN_GIVEN_UP = "core:upload:given_up", "Uploaded file could not be scanned"
    SCAN_RETRIED = "core:upload:retried", "Uploaded file scanned again by staff"


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    UploadEvent.INFECTED: Sentence(Kind.DOCUMENTS, "We found a virus in a file that you uploaded, and deleted it."),
    UploadEvent.SCAN_GIVEN_UP: Sentence(Kind.DOCUMENTS, "We couldn’t scan a file that you uploaded for viruses yet."),
    UploadEvent.SCAN_RETRIED: Sentence(Kind.SUPPORT, "{who} had a file that you uploaded scanned again."),
}
