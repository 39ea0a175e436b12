"""Certificates of a batch by email, each to its holder (S-36)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentialing.holders.standing import on_file_by_print
from credentialing.models import Batch, BatchItem
from credentialing.sending.services import Asked, renewal_key, send_many
from policies.models import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from credentialing.models import Certificate, Holder

NO_ADDRESS = "Created, but not sent: we have no email address for this holder."
NO_HOLDER = "Created, but not sent: it names no holder."


def addresses_of(holders: Iterable[Holder]) -> dict[int, str]:
    """Return the email address of each holder by its key, empty where there is none. One query.

    The one that the carrier has on file goes before one that a customer typed.
    """
    known = list(holders)
    on_file = on_file_by_print(holder.fingerprint for holder in known)
    return {
        holder.pk: (found.email if (found := on_file.get(holder.fingerprint)) else "") or holder.email
        for holder in known
    }


def mail_those(batch: Batch, items: Sequence[BatchItem]) -> int:
    """Hand over an email for each item that has its certificate, and return how many are new; the others say why none
    goes out. The items come with their holders. The same item is mailed once."""
    issued = [item for item in items if item.status == item.Status.ISSUED]
    addresses = addresses_of({item.holder.pk: item.holder for item in issued if item.holder}.values())
    asked = []
    coverages = Coverage.objects.select_related("insured", "term").in_bulk({item.coverage_id for item in issued})
    for item in issued:
        certificate, holder = item.certificate, item.holder
        to = addresses[holder.pk] if holder else ""
        if not to or certificate is None or holder is None:
            item.reason = NO_HOLDER if holder is None else NO_ADDRESS
            continue
        asked.append(
            Asked(
                certificate,
                to,
                holder_name=holder.name,
                by=batch.started_by,
                key=_key(batch, item, coverages[item.coverage_id], certificate),
                # Twenty of one batch to one hospital are one mail.
                bundle=f"batch:{batch.public_id}",
            )
        )
    return send_many(asked=asked) if asked else 0


def _key(batch: Batch, item: BatchItem, coverage: Coverage, certificate: Certificate) -> str:
    """Return what makes it this one email. From the renewal run it is the renewal's own, so that it doesn't go out by
    itself, too."""
    if batch.of_renewal_run and item.holder is not None and not certificate.is_letter:
        return renewal_key(item.holder.fingerprint, coverage.insured.public_id, coverage.term.public_id)
    return f"batch:{batch.public_id}:{item.place}"
