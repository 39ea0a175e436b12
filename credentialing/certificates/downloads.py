"""What is recorded when a certificate's file is given out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.events import record_event
from credentialing.events import CertificateEvent
from credentialing.papers import membership_at_party

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.models import Certificate


def record_download(certificate: Certificate, *, by: User) -> None:
    """Record who has the file, for which party, and whose coverage it states."""
    membership = membership_at_party(by, certificate.membership)
    record_event(
        CertificateEvent.DOWNLOADED,
        subject=certificate,
        by=by,
        serial=certificate.serial,
        role=membership.role,
        membership=membership.pk,
        insured=certificate.coverage.insured_id,
    )
