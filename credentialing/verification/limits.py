"""How often a network, and everyone together, may verify (docs/security.md#verification). The figures are settings.

Each question is counted before it is judged. A right one is given back where wrong ones count, because a hospital is
one address, and counts with the right ones instead, whose limit is wider.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings

from accounts.services.asking import count
from core.alerts import alert_staff
from core.clients import client_ip, network_key, wide_network_key
from core.refusals import record_refusal
from core.throttle import Limit
from credentialing.events import VerificationEvent

if TYPE_CHECKING:
    from django.http import HttpRequest

HOUR = dt.timedelta(hours=1)
TRIES = Limit("verification:tries", settings.VERIFICATION_TRIES_AN_HOUR, HOUR)
# An IPv6 /48 holds 65,536 networks, and an IPv4 /16 many of a provider's.
WIDE_TRIES = Limit("verification:wide-tries", settings.VERIFICATION_TRIES_AN_HOUR * 10, HOUR)
ANSWERS = Limit("verification:answers", settings.VERIFICATION_ANSWERS_AN_HOUR, HOUR)
CEILING = Limit("verification:everyone", settings.VERIFICATIONS_AN_HOUR, HOUR)
ALARMS = Limit("verification:alarms", 1, HOUR)
EVERYONE = "everyone"


class TooManyError(Exception):
    """No more questions now; `retry_at` says from when on."""

    def __init__(self, retry_at: dt.datetime | None) -> None:
        super().__init__("too many verifications")
        self.retry_at = retry_at


def count_try(request: HttpRequest) -> None:
    """Count one question, before anything is looked up. Raises `TooManyError`."""
    ip = client_ip(request)
    network = network_key(ip)
    counters = (TRIES.of(network), WIDE_TRIES.of(wide_network_key(ip)), CEILING.of(EVERYONE))
    refused = count(*counters)
    if refused is None:
        return
    if refused.counter.limit == CEILING:
        _sound_alarm()
    else:
        _record(network, refused.counter.limit)
    raise TooManyError(refused.until)


def was_right(request: HttpRequest) -> None:
    """Count the question as a right one: not among the tries of its network, but among its answers. Raises
    `TooManyError`."""
    ip = client_ip(request)
    network = network_key(ip)
    TRIES.give_back(network)
    WIDE_TRIES.give_back(wide_network_key(ip))
    allowance = ANSWERS.hit(network)
    if not allowance.allowed:
        _record(network, ANSWERS)
        raise TooManyError(allowance.retry_at)


def usage() -> tuple[int, int]:
    """Return how many questions were asked within the last hour, and how many may be."""
    return CEILING.peek(EVERYONE).count, CEILING.times


def _record(network: str, limit: Limit) -> None:
    record_refusal(VerificationEvent.LIMITED, scope=limit.scope, key=network, limit=limit.scope)


def _sound_alarm() -> None:
    """Record that the ceiling was reached, and tell staff once an hour: it's a busy day, or someone who guesses."""
    record_refusal(VerificationEvent.CEILING_REACHED, scope=CEILING.scope, key=EVERYONE, limit=CEILING.times)
    if ALARMS.hit(EVERYONE).allowed:
        alert_staff(
            "No more verifications: the hourly ceiling is reached",
            f"{CEILING.times:,} verifications of certificates were asked for within an hour, the most that "
            "VERIFICATIONS_AN_HOUR allows, and more are refused until older ones are an hour old.\n\n"
            "If hospitals are verifying as usual, raise the setting. If not, someone may be guessing codes: look in "
            "the event log for many “Verification with a code, serial number, or file we don't know”.",
        )
