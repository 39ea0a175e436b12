"""What every page about a code sent to a phone shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.guards import session_of, user_of
from accounts.methods import devices_of, method_of
from accounts.models import PhoneDevice
from accounts.services import codes


def sent_code(request: HttpRequest, device: PhoneDevice) -> dict[str, Any]:
    """Return the state of this session's latest code for a phone: `challenge` and what `trouble` it's in, `before` and
    `said` (what we'll do, and what we did), `next_code_at`, and `twin`: where a code is in trouble, the
    other way to the same phone."""
    method = method_of(device)
    challenge = device.latest_challenge(session_of(request))
    return {
        "device": device,
        "method": method,
        "challenge": challenge,
        "next_code_at": codes.next_code_at(device),
        "trouble": method.troubles.get(challenge.delivery, "") if challenge else "",
        "before": method.before(device),
        "said": method.sent(device) if challenge else method.before(device),
        "twin": _twin(request, device) if challenge and (challenge.is_in_trouble() or challenge.is_late()) else None,
    }


def _twin(request: HttpRequest, device: PhoneDevice) -> PhoneDevice | None:
    """Return the method that reaches the same phone the other way, by call where a text didn't come."""
    for other in devices_of(user_of(request)):
        same = isinstance(other, PhoneDevice) and other.phone_hash == device.phone_hash and other != device
        if same and device.confirmed and not other.is_off() and not other.is_cooling_off():
            return other
    return None
