"""Asking for a code by text message, and judging a typed code (docs/security.md#codes)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

import django_otp
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import session_of, user_of
from accounts.models import Attempt, Challenge, CodeDevice, Outcome, PhoneDevice
from accounts.models.challenges import Delivery
from accounts.services import signing_in
from core import throttle
from core.clients import client_ip, network_key
from core.events import record_event
from core.queue import enqueue
from core.refusals import record_refusal

USER = "account:codes_to_user"
NUMBER = "account:codes_to_number"
NETWORK = "account:codes_to_network"
REFUSED = "account:codes_refused"


class Limit(StrEnum):
    """Which rule keeps a code from being sent now."""

    TOO_SOON = "too_soon"
    TOO_MANY = "too_many"
    COOLING_OFF = "cooling_off"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class NotNow:
    """No code was asked for; `until` says when one can be, None where only staff can help."""

    limit: Limit
    until: datetime | None


def next_code_at(device: PhoneDevice) -> datetime | None:
    """When another code may be asked for: 60 seconds after the latest, at once where that one went wrong or did its
    work."""
    latest = device.challenges.order_by("-created_at").first()
    if latest is None or latest.is_in_trouble() or latest.used_at is not None:
        return None
    at = latest.created_at + settings.RESEND_AFTER
    return at if at > timezone.now() else None


def request_code(*, device: PhoneDevice, request: HttpRequest) -> Challenge | NotNow:
    """Store a challenge for this session and hand its id to the queue `codes` once it is committed.

    The device's row lock makes simultaneous requests one after the other, so that a second click finds the first one's
    challenge. What was refused counts towards no limit; the first refusal of a device is an event, the others a number.
    """
    with transaction.atomic():
        device = PhoneDevice.objects.select_for_update().get(pk=device.pk)
        refusal = _refusal(device, request)
        if refusal is not None:
            record_refusal(
                AccountEvent.CODE_LIMITED,
                scope=REFUSED,
                key=device.public_id,
                actor=device.user,
                subject=device.user,
                request=request,
                data={"device": device.public_id, "limit": refusal.limit},
            )
            return refusal
        challenge = Challenge.issue(device, session_of(request))
        record_event(
            AccountEvent.CODE_REQUESTED,
            actor=device.user,
            subject=device.user,
            request=request,
            data={"device": device.public_id, "challenge": challenge.public_id},
        )
        transaction.on_commit(partial(_hand_over, challenge.pk, _limits(device, request)))
    return challenge


def _limits(device: PhoneDevice, request: HttpRequest) -> list[tuple[str, str, int, timedelta]]:
    """The counters that a code counts in: scope, key, how many, in how long."""
    return [
        (USER, str(device.user_id), *settings.CODES_PER_USER),
        (NUMBER, device.phone_hash, *settings.CODES_PER_NUMBER),
        (NETWORK, network_key(client_ip(request)), *settings.CODES_PER_NETWORK),
    ]


def _refusal(device: PhoneDevice, request: HttpRequest) -> NotNow | None:
    if device.is_off():
        return NotNow(Limit.OFF, None)
    if device.is_cooling_off():
        return NotNow(Limit.COOLING_OFF, device.cool_off_until)
    soon = next_code_at(device)
    if soon is not None:
        return NotNow(Limit.TOO_SOON, soon)
    counted: list[tuple[str, str]] = []
    for scope, key, limit, window in _limits(device, request):
        verdict = throttle.hit(scope, key, limit, window)
        if not verdict.allowed:
            for taken in counted:
                throttle.give_back(*taken)
            return NotNow(Limit.TOO_MANY, verdict.retry_at)
        counted.append((scope, key))
    return None


def _hand_over(challenge_id: int, limits: list[tuple[str, str, int, timedelta]]) -> None:
    """Enqueue the id; a queue that is down ends the challenge in a state that the page shows, and costs no limit."""
    from accounts.tasks import send_code

    if enqueue(send_code, challenge_id):
        return
    failed = Challenge.objects.filter(pk=challenge_id, delivery=Delivery.QUEUED).update(
        delivery=Delivery.FAILED, error="queue"
    )
    if failed:
        for scope, key, _limit, _window in limits:
            throttle.give_back(scope, key)


def verify(*, device: CodeDevice, code: str, request: HttpRequest) -> Outcome:
    """Judge a code under the device's row lock, and make the session whole when it is right."""
    attempt = Attempt(code=code, session=session_of(request), request=request)
    accepted = django_otp.verify_token(user_of(request), device.persistent_id, attempt)
    if accepted is not None:
        signing_in.complete(request, accepted)
    return attempt.outcome or Outcome.WRONG
