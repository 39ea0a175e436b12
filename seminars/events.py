"""Tags of what happens to seminars and their attendance in the event log."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class SeminarEvent(TextChoices):
    """`source:subject:action`."""

    LOOKED_AT = "seminars:record:looked_at", "Looked at by staff"


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    SeminarEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at one of your seminar records."),
}
