"""Tags of packages' events in the event log."""

from django.db.models import TextChoices

from core.sentences import Kind, Sentence


class FeedEvent(TextChoices):
    """`source:subject:action`."""

    PACKAGE_UPLOADED = "feed:package:uploaded", "Package uploaded"
    PACKAGE_APPLIED = "feed:package:applied", "Package applied"
    PACKAGE_REFUSED = "feed:package:refused", "Package refused"
    PACKAGE_HELD = "feed:package:held", "Package held for review"
    HELD_RELEASED = "feed:package:released", "Held package released"
    HELD_DROPPED = "feed:package:dropped", "Held package dropped"
    PACKAGE_FAILED = "feed:package:failed", "Load failed"
    FINDINGS_EXPORTED = "feed:findings:exported", "Findings downloaded"


# What an account's activity says of each (S-15): only staff load packages.
SENTENCES: dict[str, Sentence] = {
    FeedEvent.PACKAGE_UPLOADED: Sentence(Kind.SUPPORT, "{who} uploaded a package of the carrier feed."),
    FeedEvent.PACKAGE_APPLIED: Sentence(Kind.SUPPORT, "A package of the carrier feed was applied."),
    FeedEvent.PACKAGE_REFUSED: Sentence(Kind.SUPPORT, "A package of the carrier feed was refused."),
    FeedEvent.PACKAGE_HELD: Sentence(Kind.SUPPORT, "A package of the carrier feed was held for review."),
    FeedEvent.HELD_RELEASED: Sentence(Kind.SUPPORT, "{who} released a held package of the carrier feed."),
    FeedEvent.HELD_DROPPED: Sentence(Kind.SUPPORT, "A held package of the carrier feed was dropped."),
    FeedEvent.FINDINGS_EXPORTED: Sentence(Kind.SUPPORT, "{who} downloaded findings of a package of the carrier feed."),
    FeedEvent.PACKAGE_FAILED: Sentence(Kind.SUPPORT, "A package of the carrier feed could not be loaded."),
}
