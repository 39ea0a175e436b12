"""Text messages by Twilio. Its client brings an HTTP library that takes a tenth of a second to import, so only what
sends a text imports this, by `settings.SMS_GATEWAY`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from accounts.messaging import MaybeSentError, NotSentError, status_callback

TIMEOUT_SECONDS = 10
# At level DEBUG, the client logs whole requests, phone number and text included.
_quiet = logging.getLogger("portal.twilio")
_quiet.setLevel(logging.WARNING)


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
