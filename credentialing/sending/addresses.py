"""A holder's address: on file with the carrier, in the party's own address book, or typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.events import record_event
from credentialing.events import HolderEvent
from credentialing.models import CarrierHolder, Delivery, Holder
from credentialing.models.holders import of_own_party
from credentialing.sending.services import address
from policies.models.reach import Reach

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.models import Certificate


def on_file(holder: Holder | None) -> list[str]:
    """Return the addresses of a holder: those that the carrier has on file, then that of its own entry. One query."""
    if holder is None:
        return []
    carriers = CarrierHolder.objects.not_retired().filter(fingerprint=holder.fingerprint).exclude(email="")
    found = [*carriers.order_by("pk").values_list("email", flat=True), holder.email]
    return list(dict.fromkeys(address(each) for each in found if each))


def keep(holder: Holder, to: str, *, by: User) -> None:
    """Note the address of a holder in its party's address book."""
    if Holder.objects.filter(pk=holder.pk).exclude(email=to).update(email=to):
        record_event(HolderEvent.CHANGED, subject=holder, by=by, fields=["email"])


def is_new(certificate: Certificate, to: str) -> bool:
    """Whether the carrier doesn't have the address on file, and the party that issued has never sent to it."""
    if certificate.holder is not None:
        known = CarrierHolder.objects.not_retired().filter(fingerprint=certificate.holder.fingerprint)
        if known.filter(email__iexact=to).exists():
            return False
    own = of_own_party(Reach((certificate.membership,)), "certificate__membership__")
    return not Delivery.objects.filter(own, to=address(to), handed_over_at__isnull=False).exists()
