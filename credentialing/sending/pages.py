"""What pages show of deliveries beside certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentialing.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credentialing.models import Certificate


def know_last_deliveries(certificates: Iterable[Certificate | None]) -> None:
    """Set `last_delivery` of each certificate of the user's own party. One query, or none."""
    own = {each.pk: each for each in certificates if each is not None}
    if not own:
        return
    latest = Delivery.objects.filter(certificate_id__in=own).select_related("correction")
    for delivery in latest.order_by("certificate_id", "-pk").distinct("certificate_id"):
        if delivery.certificate_id is not None:
            own[delivery.certificate_id].last_delivery = delivery
