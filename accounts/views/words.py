"""Texts about rejected codes and refused requests for one."""

from __future__ import annotations

from django.conf import settings

from accounts.methods import method_of
from accounts.models import CodeDevice, Outcome, PhoneDevice
from accounts.services.codes import NotNow, Reason
from core.templatetags.show import clock

# What to do after a code that more tries don't help.
ADVICE = {
    Outcome.EXPIRED: "That code has expired. Request a new one.",
    Outcome.SPENT: (
        f"Incorrect code. After {settings.VOICE_CODE_TRIES} attempts, a code can’t be used anymore. Request a new one."
    ),
    Outcome.ANOTHER_TIME: (
        "That code is from another time. Wait for the next code in your app and enter it right away. If that doesn’t "
        "work, your phone’s clock is off: set it to automatic time."
    ),
}


def wrong_words(outcome: Outcome, device: CodeDevice) -> str:
    """Explain why a code wasn't accepted and what happens next."""
    if device.is_off():
        return "This method is disabled after too many incorrect codes. Use a different method, or call web support."
    if device.is_cooling_off():
        return f"Too many incorrect codes. This method is locked until {clock(device.cool_off_until)}."
    if outcome in ADVICE:
        return ADVICE[outcome]
    left = settings.CODE_FAILURES - device.failures
    minutes = int(settings.CODE_COOL_OFF.total_seconds() // 60)
    if left == 1:
        return f"Incorrect code. You have 1 attempt left before this method is locked for {minutes} minutes."
    return f"Incorrect code. You have {left} attempts left before this method is locked for {minutes} minutes."


def passkey_words(outcome: Outcome, device: CodeDevice) -> str:
    """Explain why a passkey wasn't accepted and what to do."""
    if device.is_off():
        return f"“{device.name}” is disabled. Use a different method, or call web support."
    if device.is_cooling_off():
        return f"Too many tries. “{device.name}” is locked until {clock(device.cool_off_until)}."
    if outcome is Outcome.EXPIRED:
        return "That took too long. Try again."
    return "We couldn’t accept this passkey. Try again, or use a different method."


def refused_words(refused: NotNow, device: PhoneDevice) -> str:
    """Explain why no code was sent and when one can be requested."""
    if refused.reason is Reason.OFF:
        return "This method is disabled after too many incorrect codes. Use a different method, or call web support."
    when = f" You can request a new code at {clock(refused.until)}." if refused.until else ""
    if refused.reason is Reason.TOO_SOON:
        return f"We sent a code less than a minute ago. It may take a moment to arrive.{when}"
    if refused.reason is Reason.COOLING_OFF:
        return f"Too many incorrect codes.{when}"
    if refused.reason is Reason.CEILING:
        return f"{method_of(device).stopped}{when} You can use a different method, or call web support."
    return f"You’ve requested too many codes.{when}"
