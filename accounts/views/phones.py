"""What every page about a code sent to a phone shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.guards import session_of
from accounts.methods import method_of
from accounts.models import PhoneDevice
from accounts.services import codes


def sent_code(request: HttpRequest, device: PhoneDevice) -> dict[str, Any]:
    """Return the state of this session's latest code for a phone: `challenge` and what `trouble` it's in, `before` and
    `said` (what we'll do, and what we did), and `next_code_at`."""
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
    }
