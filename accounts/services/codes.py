"""Requesting a code by text or call, and judging a typed code (docs/security.md#codes)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import django_otp
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import session_of, user_of
from accounts.models import Attempt, Challenge, Channel, CodeDevice, Outcome, PhoneDevice
from accounts.models.challenges import Delivery
from accounts.services import signing_in
from core.alerts import alert_staff
from core.clients import client_ip, network_key
from core.events import record_event
from core.queue import enqueue
from core.refusals import record_refusal
from core.throttle import Counter, Limit

USER = Limit("account:codes_to_user", *settings.CODES_PER_USER)
NUMBER = Limit("account:codes_to_number", *settings.CODES_PER_NUMBER)
NETWORK = Limit("account:codes_to_network", *settings.CODES_PER_NETWORK)
REFUSED = "account:codes_refused"
# The portal's own ceilings: refusals, and alarms about them.
CEILING_REFUSED = "account:ceiling_refused"
HOUR = dt.timedelta(hours=1)
ALARMS = Limit("account:ceiling_alarms", 1, HOUR)


class Reason(StrEnum):
    """Why no code can be sent now."""

    TOO_SOON = "too_soon"
    TOO_MANY = "too_many"
    COOLING_OFF = "cooling_off"
    OFF = "off"
    CEILING = "ceiling"


@dataclass(frozen=True, slots=True)
class NotNow:
    """A refused request for a code. `until` says when one can be requested, None if only staff can help."""

    reason: Reason
    until: dt.datetime | None


def ceiling(channel: str) -> Counter:
    """Return the counter of all texts or calls of the portal in an hour (docs/security.md#sending)."""
    if channel == Channel.VOICE:
        return Limit("account:calls", settings.CALLS_PER_HOUR, HOUR).of("all")
    return Limit("account:texts", settings.TEXTS_PER_HOUR, HOUR).of("all")


def stopped(device: PhoneDevice) -> NotNow | None:
    """Return the refusal that anyone would get now, because the portal's ceiling is reached."""
    counter = ceiling(device.channel)
    allowance = counter.limit.peek(counter.key)
    return None if allowance.allowed else NotNow(Reason.CEILING, allowance.retry_at)


def next_code_at(device: PhoneDevice) -> dt.datetime | None:
    """Return when another code can be requested, or None if now: 60 seconds after the latest, unless that one failed or
    was used."""
    latest = device.challenges.order_by("-created_at").first()
    if latest is None or latest.is_in_trouble() or latest.used_at is not None:
        return None
    at = latest.created_at + settings.RESEND_AFTER
    return at if at > timezone.now() else None


def request_code(*, device: PhoneDevice, request: HttpRequest) -> Challenge | NotNow:
    """Store a challenge for this session and hand its id to the queue `codes` once it is committed.

    The device's row lock puts simultaneous requests in a queue, so that a second click finds the first one's
    challenge. Refused requests count in no limit; the first refusal of a device is an event, the others a number.
    """
    with transaction.atomic():
        device = PhoneDevice.objects.select_for_update().get(pk=device.pk)
        refusal = _refusal(device, request)
        if refusal is not None:
            record_refusal(
                AccountEvent.CODE_LIMITED,
                scope=REFUSED,
                key=device.public_id,
                subject=device.user,
                by=device.user,
                device=device.public_id,
                limit=refusal.reason,
            )
            return refusal
        challenge = Challenge.issue(device, session_of(request))
        record_event(
            AccountEvent.CODE_REQUESTED,
            subject=device.user,
            by=device.user,
            device=device.public_id,
            challenge=challenge.public_id,
        )
        transaction.on_commit(partial(_hand_over, challenge.pk, _counters(device, request)))
    return challenge


def _counters(device: PhoneDevice, request: HttpRequest) -> list[Counter]:
    """Return the counters that a code counts in."""
    return [
        USER.of(str(device.user_id)),
        NUMBER.of(device.phone_hash),
        NETWORK.of(network_key(client_ip(request))),
        # Last, since all requests wait for each other here.
        ceiling(device.channel),
    ]


def _refusal(device: PhoneDevice, request: HttpRequest) -> NotNow | None:
    if device.is_off():
        return NotNow(Reason.OFF, None)
    if device.is_cooling_off():
        return NotNow(Reason.COOLING_OFF, device.cool_off_until)
    soon = next_code_at(device)
    if soon is not None:
        return NotNow(Reason.TOO_SOON, soon)
    counted: list[Counter] = []
    for counter in _counters(device, request):
        allowance = counter.limit.hit(counter.key)
        if not allowance.allowed:
            for each in counted:
                each.limit.give_back(each.key)
            if counter == ceiling(device.channel):
                _sound_alarm(device.channel, counter)
                return NotNow(Reason.CEILING, allowance.retry_at)
            return NotNow(Reason.TOO_MANY, allowance.retry_at)
        counted.append(counter)
    return None


def _sound_alarm(channel: str, counter: Counter) -> None:
    """Record that a ceiling was reached, and tell staff once an hour: it's either a busy day or someone's attack."""
    record_refusal(
        AccountEvent.CEILING_REACHED,
        scope=CEILING_REFUSED,
        key=channel,
        channel=channel,
        limit=counter.limit.times,
    )
    if ALARMS.hit(channel).allowed:
        kind, setting = ("calls", "CALLS_PER_HOUR") if channel == Channel.VOICE else ("texts", "TEXTS_PER_HOUR")
        alert_staff(
            f"No more {kind} with codes: the hourly ceiling is reached",
            f"The portal has sent {counter.limit.times:,} {kind} with sign-in codes within an hour, the most that "
            f"{setting} allows, and refuses more until older ones are an hour old.\n\n"
            "If people are signing in as usual, raise the setting. If not, someone may be requesting codes to run up "
            "costs: look in the event log for many “Code requested” from one network or for one range of numbers.",
        )


def usage(channel: str) -> tuple[int, int]:
    """Return how many texts or calls were sent within the last hour, and how many may be."""
    counter = ceiling(channel)
    return counter.limit.peek(counter.key).count, counter.limit.times


def _hand_over(challenge_id: int, counters: list[Counter]) -> None:
    """Enqueue the id. If the queue is down, the challenge fails, the page says so, and no limit counts it."""
    if enqueue("accounts.tasks.send_code", challenge_id):
        return
    failed = Challenge.objects.filter(pk=challenge_id, delivery=Delivery.QUEUED).update(
        delivery=Delivery.FAILED, error="queue"
    )
    if failed:
        for counter in counters:
            counter.limit.give_back(counter.key)


def verify(*, device: CodeDevice, code: str, request: HttpRequest) -> Outcome:
    """Judge a code under the device's row lock. The right one completes the session's sign-in."""
    attempt = Attempt(code=code, session=session_of(request))
    accepted = django_otp.verify_token(user_of(request), device.persistent_id, attempt)
    if accepted is not None:
        signing_in.complete(request=request, device=accepted)
    return attempt.outcome or Outcome.WRONG
