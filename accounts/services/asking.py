"""What the forms for anonymous people have in common: limits, and whose request a worker answers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from accounts.models.recovery import RecoveryRequest
from core.origin import Origin, current_origin
from core.throttle import Counter

_IGNORED = re.compile(r"[^0-9A-Z]+")


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit refused a request. `until` says when there is room again."""

    until: dt.datetime | None


def count(*counters: Counter) -> Refused | None:
    """Count one request at every counter, or at none and return the refusal of the first that is full."""
    counted: list[Counter] = []
    for counter in counters:
        allowance = counter.limit.hit(counter.key)
        if not allowance.allowed:
            for each in counted:
                each.limit.give_back(each.key)
            return Refused(allowance.retry_at)
        counted.append(counter)
    return None


def folded_number(typed: str) -> str:
    """Return what spellings of a policy number share, for counting them: as matching reads one, so that no character
    that it ignores makes another number of it."""
    return _IGNORED.sub("", typed.upper())


def stored_origin(row: RecoveryRequest) -> Callable[[], Origin]:
    """Return where a stored request came from, for the events of the worker that answers it."""
    origin = replace(current_origin(), ip=row.ip, agent=row.agent)
    return lambda: origin
