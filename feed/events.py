"""Tags of packages' events in the event log."""

from django.db.models import TextChoices


class FeedEvent(TextChoices):
    """`source:subject:action`."""

    PACKAGE_UPLOADED = "feed:package:uploaded", "Package uploaded"
    PACKAGE_APPLIED = "feed:package:applied", "Package applied"
    PACKAGE_REFUSED = "feed:package:refused", "Package refused"
    PACKAGE_HELD = "feed:package:held", "Package held for review"
    HELD_RELEASED = "feed:package:released", "Held package released"
    HELD_DROPPED = "feed:package:dropped", "Held package dropped"
    PACKAGE_FAILED = "feed:package:failed", "Load failed"
