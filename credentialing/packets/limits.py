"""How often packets may be built, and how often their passwords tried (docs/security.md#packets)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings

from core.alerts import alert_staff
from core.clients import client_ip, network_key, wide_network_key
from core.refusals import record_refusal
from core.throttle import Counter, Limit
from credentialing.certificates.limits import TooManyError
from credentialing.events import PacketEvent

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User

HOUR = dt.timedelta(hours=1)
QUARTER = dt.timedelta(minutes=15)
BUILD = Limit("packet:build", settings.PACKETS_PER_USER, HOUR)
# Wrong passwords: of one link, of one network and the wider one around it, and of everyone together.
LINK = Limit("packet:link", 5, QUARTER, cool_off=QUARTER)
NETWORK = Limit("packet:network", settings.PACKET_TRIES_AN_HOUR, HOUR)
WIDE_NETWORK = Limit("packet:wide-network", settings.PACKET_TRIES_AN_HOUR * 10, HOUR)
EVERYONE = Limit("packet:everyone", settings.PACKET_TRIES_AN_HOUR * 100, HOUR)
ALARMS = Limit("packet:alarms", 1, HOUR)
# Downloads from one network; a combined file costs more than another.
DOWNLOADS = Limit("packet:downloads", 120, HOUR)


class TooManyTriesError(Exception):
    """No more tries now; `retry_at` says from when on."""

    def __init__(self, retry_at: dt.datetime | None) -> None:
        super().__init__("too many tries")
        self.retry_at = retry_at


def count_build(user: User) -> None:
    """Count one packet, or one new link. Raises `TooManyError`."""
    allowance = BUILD.hit(str(user.pk))
    if not allowance.allowed and allowance.retry_at is not None:
        raise TooManyError(f"You’ve made {BUILD.times} packets and links within an hour.", allowance.retry_at)


def counters_of(request: HttpRequest, token_hash: str) -> tuple[Counter, ...]:
    """Return what a wrong password counts at; a link that doesn't exist has its counter, too."""
    ip = client_ip(request)
    return (
        LINK.of(token_hash),
        NETWORK.of(network_key(ip)),
        WIDE_NETWORK.of(wide_network_key(ip)),
        EVERYONE.of("everyone"),
    )


def count_download(request: HttpRequest) -> None:
    """Count one download. Raises `TooManyTriesError`."""
    key = network_key(client_ip(request))
    allowance = DOWNLOADS.hit(key)
    if not allowance.allowed:
        record_limited(DOWNLOADS, key)
        raise TooManyTriesError(allowance.retry_at)


def record_limited(limit: Limit, key: str) -> None:
    """Record that a limit refused, once until it's quiet again; of the one for everyone, staff hear once an hour."""
    record_refusal(PacketEvent.LIMITED, scope=limit.scope, key=key, limit=limit.scope)
    if limit.scope == EVERYONE.scope and ALARMS.hit(limit.scope).allowed:
        alert_staff(
            "No more tries to open packets: the hourly ceiling is reached",
            f"{EVERYONE.times:,} wrong passwords for packets were entered within an hour, and more tries are refused "
            "until older ones are an hour old. Someone may be guessing: look in the event log for “Wrong password for "
            "a packet”.",
        )
