"""Tags of what happens to claims in the event log."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class ClaimEvent(TextChoices):
    """`source:subject:action`."""

    LOOKED_AT = "claims:record:looked_at", "Looked at by staff"


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    ClaimEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at one of your claims."),
}
