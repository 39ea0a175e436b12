"""What the forms for anonymous people have in common: limits, and whose request a worker answers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.conf import settings
from django.http import HttpRequest

from accounts.models.recovery import RecoveryRequest
from core.clients import client_ip, network_key, wide_network_key
from core.origin import Origin, current_origin
from core.throttle import Counter, Limit

_IGNORED = re.compile(r"[^0-9A-Z]+")
WIDE_NETWORK = Limit("account:asked_from_wide_network", settings.REQUESTS_PER_WIDE_NETWORK, dt.timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit refused a request. `until` says when there is room again."""

    counter: Counter
    until: dt.datetime | None


def networks_of(request: HttpRequest, limit: Limit) -> tuple[Counter, Counter]:
    """Return the counters of the network that a request comes from, under `limit`, and of the wider one around it. That
    one is shared by everything that anonymous people may ask for: an IPv6 /48 has 65,536 networks
    (docs/decisions/0094-wider-networks-of-requests.md)."""
    ip = client_ip(request)
    return limit.of(network_key(ip)), WIDE_NETWORK.of(wide_network_key(ip))


def count(*counters: Counter) -> Refused | None:
    """Count one request at every counter, or at none and return the refusal of the first that is full."""
    counted: list[Counter] = []
    for counter in counters:
        allowance = counter.limit.hit(counter.key)
        if not allowance.allowed:
            for each in counted:
                each.limit.give_back(each.key)
            return Refused(counter, allowance.retry_at)
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
