"""Texts about rejected codes and refused requests for one."""

from __future__ import annotations

from django.conf import settings

from accounts.models import CodeDevice, Outcome
from accounts.services.codes import NotNow, Reason
from core.templatetags.show import clock


def wrong_words(outcome: Outcome, device: CodeDevice) -> str:
    """Explain why a code wasn't accepted and what happens next."""
    if device.is_off():
        return "This method is disabled after too many incorrect codes. Use a different method, or call web support."
    if device.is_cooling_off():
        return f"Too many incorrect codes. This method is locked until {clock(device.cool_off_until)}."
    if outcome is Outcome.EXPIRED:
        return "That code has expired. Request a new one."
    left = settings.CODE_FAILURES - device.failures
    minutes = int(settings.CODE_COOL_OFF.total_seconds() // 60)
    if left == 1:
        return f"Incorrect code. You have 1 attempt left before this method is locked for {minutes} minutes."
    return f"Incorrect code. You have {left} attempts left before this method is locked for {minutes} minutes."


def refused_words(refused: NotNow) -> str:
    """Explain why no code was sent and when one can be requested."""
    if refused.reason is Reason.OFF:
        return "This method is disabled after too many incorrect codes. Use a different method, or call web support."
    when = f" You can request a new code at {clock(refused.until)}." if refused.until else ""
    if refused.reason is Reason.TOO_SOON:
        return f"We sent a code less than a minute ago. It may take a moment to arrive.{when}"
    if refused.reason is Reason.COOLING_OFF:
        return f"Too many incorrect codes.{when}"
    return f"You’ve requested too many codes.{when}"
