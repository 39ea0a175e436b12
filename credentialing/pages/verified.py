"""Who verified a certificate, on its page (B-01)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from credentialing.models import Verification

if TYPE_CHECKING:
    from credentialing.models import Certificate

MOST = 20


@dataclass(frozen=True, slots=True)
class Verified:
    """The latest verifications, and how many there are.

    `rows` is empty for other parties than the one that issued the certificate: who verified it is usually its holder
    (docs/decisions/0177-what-a-verification-keeps.md).
    """

    rows: list[Verification]
    count: int
    latest: Verification | None


def verified_of(certificate: Certificate) -> Verified:
    """Return who verified a certificate that the user sees (`visible_to`). Two queries."""
    found = Verification.objects.of(certificate)
    latest = list(found[:MOST])
    count = len(latest) if len(latest) < MOST else found.count()
    return Verified(latest if certificate.is_own else [], count, latest[0] if latest else None)
