"""The demo's news: what the carrier's editors would have written."""

from __future__ import annotations

from portal.models import Announcement

NEWS = (
    {
        "title": "Certificates are here at once",
        "body": "Open a coverage, say who the certificate is for, and download it. A hospital can ask us whether it is "
        "genuine by its serial number and verification code.\n\nThis is a demonstration: carrier, people and policies "
        "are made up.",
        "for_visitors": True,
    },
    {
        "title": "Renewals for January 1",
        "body": "Offers for terms that begin on January 1 stand on the policies they concern. An offer is no "
        "coverage until the carrier has bound it.",
        "audience": ["agent", "policyholder"],
    },
)


def make_news() -> None:
    """Publishes the pieces that are not there yet; what staff changed or took down meanwhile stays so."""
    if not Announcement.objects.exists():
        for piece in NEWS:
            Announcement.objects.create(**piece)
