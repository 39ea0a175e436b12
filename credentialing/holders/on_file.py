"""Holders on file that are the same: staff merge them, and part them again. Loads of the feed don't touch that, and
nothing that was issued changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from core.events import record_event
from credentialing.events import HolderEvent
from credentialing.models import CarrierHolder

if TYPE_CHECKING:
    from collections.abc import Sequence


class NotTheSameError(Exception):
    """These can't be merged; the message says why."""


def merge(holders: Sequence[CarrierHolder], *, by: Any) -> tuple[CarrierHolder, int]:
    """Let one of them stand in for the others, and return it and how many others there are: the one that the carrier
    still sends and that asks for something, else the first. Raises `NotTheSameError` for fewer than two.

    What was merged into the others before follows them.
    """
    with transaction.atomic():
        chosen = CarrierHolder.objects.select_for_update().filter(pk__in=[one.pk for one in holders]).order_by("pk")
        rows = list(chosen)
        if len(rows) < 2:
            raise NotTheSameError("Choose the holders that are the same: two or more.")
        kept = min(rows, key=lambda one: (one.retired_at is not None, not one.asks_for_something, one.pk))
        others = [one.pk for one in rows if one.pk != kept.pk]
        CarrierHolder.objects.filter(pk__in=others).update(same_as=kept)
        CarrierHolder.objects.filter(same_as__in=others).update(same_as=kept)
        CarrierHolder.objects.filter(pk=kept.pk).update(same_as=None)
        merged = [one.public_id for one in rows if one.pk != kept.pk]
        record_event(HolderEvent.ON_FILE_MERGED, subject=kept, by=by, merged=merged)
    return kept, len(others)


def part(holders: Sequence[CarrierHolder], *, by: Any) -> int:
    """Undo the merging of holders; returns how many were merged."""
    with transaction.atomic():
        merged = CarrierHolder.objects.select_for_update().filter(pk__in=[one.pk for one in holders])
        rows = list(merged.exclude(same_as=None).order_by("pk"))
        CarrierHolder.objects.filter(pk__in=[one.pk for one in rows]).update(same_as=None)
        for row in rows:
            record_event(HolderEvent.ON_FILE_PARTED, subject=row, by=by)
    return len(rows)
