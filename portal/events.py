"""Tags of what happens to the portal itself, and of requests to support, in the event log."""

from django.db.models import TextChoices


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
