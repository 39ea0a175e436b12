"""Tags of what happens to billing accounts and payments in the event log."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class BillingEvent(TextChoices):
    LOOKED_AT = "billing:record:looked_at", "Looked at by staff"


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    BillingEvent.LOOKED_AT: Sentence(Kind.SUPPORT, "{who} looked at one of your billing records."),
}
