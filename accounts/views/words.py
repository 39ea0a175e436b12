"""Sentences that answer a code or a wish for one."""

from __future__ import annotations

from django.conf import settings

from accounts.models import CodeDevice, Outcome
from accounts.services.codes import Limit, NotNow
from core.templatetags.show import clock


def wrong_words(outcome: Outcome, device: CodeDevice) -> str:
    """Why a code was not accepted, and what follows."""
    if device.is_off():
        return "This method is switched off after too many wrong codes. Use another way, or call web support."
    if device.is_cooling_off():
        return f"Too many wrong codes. This method is paused until {clock(device.cool_off_until)}."
    if outcome is Outcome.EXPIRED:
        return "That code has expired. Ask for a new one."
    left = settings.CODE_FAILURES - device.failures
    pause = int(settings.CODE_COOL_OFF.total_seconds() // 60)
    if left == 1:
        return f"That code is not right. One more wrong code pauses this method for {pause} minutes."
    return f"That code is not right. {left} more wrong codes pause this method for {pause} minutes."


def refused_words(refused: NotNow) -> str:
    """Why no code was sent, and from when on one can be."""
    if refused.limit is Limit.OFF:
        return "This method is switched off after too many wrong codes. Use another way, or call web support."
    when = f" You can ask for another one at {clock(refused.until)}." if refused.until else ""
    if refused.limit is Limit.TOO_SOON:
        return f"A code was sent less than a minute ago; it may take a moment to arrive.{when}"
    if refused.limit is Limit.COOLING_OFF:
        return f"Too many wrong codes.{when}"
    return f"Too many codes were asked for.{when}"
