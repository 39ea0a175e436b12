"""Refused requests, recorded without a flood of events (docs/security.md#sign-in).

Anyone can send refused requests as fast as the network allows, and an append-only log can't be cleaned up. So the
first refusal of a key is an event. Later ones are counted in the key's throttle row, and after 15 minutes one more
event gives their number.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from core import throttle
from core.events import record_event
from core.models import Event, Throttle

COUNTED_FOR = dt.timedelta(minutes=15)
BATCH = 1_000


def record_refusal(
    tag: str,
    /,
    *,
    scope: str,
    key: str,
    subject: models.Model | None = None,
    by: models.Model | None = None,
    **data: Any,
) -> None:
    """Record a refusal of a key (`core.throttle`): an event for the first one, a count for the others."""
    row_id, refused = throttle.count_refusal(scope, key)
    if refused > 1:
        return
    event = record_event(tag, subject=subject, by=by, **data)
    Throttle.objects.filter(pk=row_id).update(refusal_event=event.pk)


def close_refusals() -> int:
    """Record the number of refusals of each key whose count began 15 minutes ago; return the number of keys."""
    began_before = timezone.now() - COUNTED_FOR
    with transaction.atomic():
        rows = list(
            Throttle.objects.select_for_update(skip_locked=True)
            .filter(refused__gt=0, refused_since__lte=began_before)
            .order_by("refused_since")[:BATCH]
        )
        firsts = Event.objects.in_bulk([row.refusal_event for row in rows if row.refused > 1 and row.refusal_event])
        for row in rows:
            first = firsts.get(row.refusal_event) if row.refusal_event else None
            if first is not None:
                _say_how_many(first, row.refused)
        Throttle.objects.filter(pk__in=[row.pk for row in rows]).update(
            refused=0, refused_since=None, refusal_event=None
        )
    return len(rows)


def _say_how_many(first: Event, refused: int) -> None:
    """Record one event for all of them. They may have come from many addresses, so it names none."""
    Event.objects.create(
        tag=first.tag,
        actor_id=first.actor_id,
        actor_name=first.actor_name,
        subject_type=first.subject_type,
        subject_id=first.subject_id,
        data={**first.data, "refused": refused, "first_event": first.pk, "since": first.at.isoformat()},
    )
