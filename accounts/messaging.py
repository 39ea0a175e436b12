"""Gateways that deliver codes by text and by call. `settings.SMS_GATEWAY` names the class.

A gateway gets a number, finished words, and our reference, and returns its own id for the message or call. Delivery
reports arrive at `accounts.views.twilio_status`.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string
from twilio.request_validator import RequestValidator

from accounts.spoken import SpokenCode


class NotSentError(Exception):
    """The provider rejected the message or call. `reason` is short and holds nothing personal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MaybeSentError(Exception):
    """The provider didn't answer, so it may or may not be on its way. Don't resend it automatically."""


class CodeGateway(Protocol):
    """Delivers text messages and calls."""

    def send_text(self, to: str, body: str, reference: str) -> str:
        """Send a text to a number in E.164 form and return the provider's id of the message.

        `reference` is the public id of the challenge. Raises NotSentError or MaybeSentError.
        """
        ...

    def place_call(self, to: str, extension: str, words: SpokenCode, reference: str) -> str:
        """Call a number in E.164 form, dial the extension if there is one, read the code out, and return the provider's
        id of the call. Otherwise like `send_text`."""
        ...


def gateway() -> CodeGateway:
    """Return a gateway of the class in `settings.SMS_GATEWAY`."""
    made: CodeGateway = import_string(settings.SMS_GATEWAY)()
    return made


def code_message(code: str) -> str:
    """Return the text message for a code.

    It has no curly apostrophe: one character outside the GSM alphabet would double its price.
    """
    minutes = int(settings.TEXT_CODE_LIFE.total_seconds() // 60)
    return (
        f"{settings.BRAND['name']}: your sign-in code is {code}. It expires in {minutes} minutes. "
        "We will never ask for it by phone, text, or email."
    )


def status_callback(reference: str) -> str:
    """Return the URL for Twilio's delivery reports. It names the challenge by its public id."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:twilio-status')}?{urlencode({'challenge': reference})}"


def is_signed_by_twilio(*, reference: str, params: dict[str, str], signature: str) -> bool:
    """Whether Twilio signed a report: our callback URL and its parameters. False if no token is set, because anyone can
    sign with an empty one."""
    if not settings.TWILIO_AUTH_TOKEN:
        return False
    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    return bool(validator.validate(status_callback(reference), params, signature))
