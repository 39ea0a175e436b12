"""Tags of what happens to uploaded rosters in the event log."""

from __future__ import annotations

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class RosterEvent(TextChoices):
    UPLOADED = "policies:roster:uploaded", "Roster uploaded"
    REPLACED = "policies:roster:replaced", "Corrected roster uploaded"
    SENT = "policies:roster:sent", "Roster sent as a change request"
    DISCARDED = "policies:roster:discarded", "Roster discarded"
    EXPIRED = "policies:roster:expired", "Roster that nobody sent emptied"
    EXPORTED = "policies:roster:exported", "Roster or comparison downloaded"
    REFUSED = "policies:roster:refused", "Too many rosters uploaded"


SENTENCES: dict[str, Sentence] = {
    RosterEvent.UPLOADED: Sentence(Kind.SUPPORT, "{who} uploaded a roster."),
    RosterEvent.REPLACED: Sentence(Kind.SUPPORT, "{who} uploaded a corrected roster."),
    RosterEvent.SENT: Sentence(Kind.SUPPORT, "{who} sent us the changes of a roster."),
    RosterEvent.DISCARDED: Sentence(Kind.SUPPORT, "{who} discarded a roster."),
    RosterEvent.EXPIRED: Sentence(Kind.SUPPORT, "A roster that wasn’t sent was deleted after 30 days."),
    RosterEvent.EXPORTED: Sentence(Kind.SUPPORT, "{who} downloaded a roster."),
    RosterEvent.REFUSED: Sentence(Kind.SUPPORT, "{who} uploaded more rosters than we accept in an hour."),
}
