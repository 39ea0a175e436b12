"""Gateways that deliver text messages. `settings.SMS_GATEWAY` names the class.

A gateway gets a number, a finished text, and our reference, and returns its own id for the message. Delivery reports
arrive at `accounts.views.twilio_status`.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

TIMEOUT_SECONDS = 10
# At level DEBUG, the client logs whole requests, phone number and text included.
_quiet = logging.getLogger("portal.twilio")
_quiet.setLevel(logging.WARNING)


class NotSentError(Exception):
    """The provider rejected the message. `reason` is short and holds nothing personal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MaybeSentError(Exception):
    """The provider didn't answer, so the message may or may not be on its way. Don't resend it automatically."""


class TextGateway(Protocol):
    """Delivers text messages."""

    def send_text(self, to: str, body: str, reference: str) -> str:
        """Send a text to a number in E.164 form and return the provider's id of the message.

        `reference` is the public id of the challenge. Raises NotSentError or MaybeSentError.
        """
        ...


def gateway() -> TextGateway:
    """Return a gateway of the class in `settings.SMS_GATEWAY`."""
    made: TextGateway = import_string(settings.SMS_GATEWAY)()
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


class _ElsewhereClient(TwilioHttpClient):
    """Sends requests to `settings.TWILIO_BASE_URL` instead, if it's set."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if settings.TWILIO_BASE_URL:
            base, wanted = urlsplit(settings.TWILIO_BASE_URL), urlsplit(url)
            path = base.path.rstrip("/") + wanted.path
            url = urlunsplit((base.scheme, base.netloc, path, wanted.query, ""))
        return super().request(method, url, *args, **kwargs)


class TwilioGateway:
    """Twilio's Messages API, by its official client."""

    def __init__(self) -> None:
        self._client = Client(
            settings.TWILIO_ACCOUNT_SID,
            settings.TWILIO_AUTH_TOKEN,
            http_client=_ElsewhereClient(timeout=TIMEOUT_SECONDS, max_retries=0, logger=_quiet),
        )

    def send_text(self, to: str, body: str, reference: str) -> str:
        try:
            message = self._client.messages.create(
                to=to,
                from_=settings.TWILIO_FROM,
                body=body,
                status_callback=status_callback(reference),
                validity_period=int(settings.TEXT_CODE_LIFE.total_seconds()),
            )
        except TwilioRestException as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise MaybeSentError from error
            raise NotSentError(f"twilio-{error.code or error.status}") from error
        except requests.RequestException as error:
            if _never_connected(error):
                raise NotSentError("unreachable") from error
            raise MaybeSentError from error
        return str(message.sid)


def _never_connected(error: requests.RequestException) -> bool:
    """Whether the request failed before any of it was sent: no DNS name, no connection, or no handshake."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


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
