"""Tags of what happens to the portal itself, and of requests to support, in the event log."""

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class PortalEvent(TextChoices):
    MAINTENANCE_BEGUN = "portal:maintenance:begun", "Maintenance begun by command"
    MAINTENANCE_ENDED = "portal:maintenance:ended", "Maintenance ended"
    REQUEST_OPENED = "support:request:opened", "Request to support opened"
    REQUEST_REPLIED = "support:request:replied", "Reply to support by the customer"
    REQUEST_TAKEN = "support:request:taken", "Request to support assigned"
    REQUEST_ANSWERED = "support:request:answered", "Request to support answered"
    REQUEST_CLOSED = "support:request:closed", "Request to support closed"
    REQUEST_REFUSED = "support:request:refused", "Request to support refused: limit reached"
    REQUEST_VIEWED = "support:request:viewed", "Request to support looked at by staff"


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    PortalEvent.MAINTENANCE_BEGUN: Sentence(Kind.SUPPORT, "Maintenance began."),
    PortalEvent.MAINTENANCE_ENDED: Sentence(Kind.SUPPORT, "Maintenance ended."),
    PortalEvent.REQUEST_OPENED: Sentence(Kind.SUPPORT, "{who} sent a support request."),
    PortalEvent.REQUEST_REPLIED: Sentence(Kind.SUPPORT, "{who} replied to support."),
    PortalEvent.REQUEST_TAKEN: Sentence(Kind.SUPPORT, "{who} took on your request."),
    PortalEvent.REQUEST_ANSWERED: Sentence(Kind.SUPPORT, "{who} answered your request."),
    PortalEvent.REQUEST_CLOSED: Sentence(Kind.SUPPORT, "{who} closed your request."),
    PortalEvent.REQUEST_REFUSED: Sentence(
        Kind.SUPPORT, "{who} sent more requests than we take at once; we refused the last."
    ),
    PortalEvent.REQUEST_VIEWED: Sentence(Kind.SUPPORT, "{who} looked at your request."),
}
