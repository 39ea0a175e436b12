"""A holder's address: on file with the carrier, in the party's own address book, or typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentialing.models import CarrierHolder, Delivery
from credentialing.models.holders import of_own_party
from credentialing.sending.services import address
from policies.models.reach import Reach

if TYPE_CHECKING:
    from credentialing.models import Certificate, Holder


def on_file(holder: Holder | None) -> list[str]:
    """Return the addresses of a holder, its own entry's first, then those of the same holder on file. One query."""
    if holder is None:
        return []
    carriers = CarrierHolder.objects.not_retired().filter(fingerprint=holder.fingerprint).exclude(email="")
    found = [getattr(holder, "email", ""), *carriers.order_by("pk").values_list("email", flat=True)]
    return list(dict.fromkeys(address(each) for each in found if each))


def is_new(certificate: Certificate, to: str) -> bool:
    """Whether the carrier doesn't have the address on file, and the party that issued has never sent to it."""
    if certificate.holder is not None:
        known = CarrierHolder.objects.not_retired().filter(fingerprint=certificate.holder.fingerprint)
        if known.filter(email__iexact=to).exists():
            return False
    own = of_own_party(Reach((certificate.membership,)), "certificate__membership__")
    return not Delivery.objects.filter(own, to=address(to), handed_over_at__isnull=False).exists()
