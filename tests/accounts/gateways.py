"""Stand-ins for the provider of text messages; named by dotted path in `settings.SMS_GATEWAY`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accounts.messaging import MaybeSentError, NotSentError


@dataclass(frozen=True)
class Text:
    """One message as it was handed over."""

    to: str
    body: str
    reference: str

    @property
    def code(self) -> str:
        """The six digits in the message."""
        found = re.search(r"\b(\d{6})\b", self.body)
        assert found is not None, "the message holds no code"
        return found[1]


class RecordingGateway:
    """Keeps what it is given."""

    sent: list[Text] = []  # emptied by the fixture `texts`

    def send_text(self, to: str, body: str, reference: str) -> str:
        self.sent.append(Text(to, body, reference))
        return f"SM{len(self.sent):032d}"


class RefusingGateway:
    """Takes no message."""

    def send_text(self, to: str, body: str, reference: str) -> str:
        raise NotSentError("twilio-21211")


class SilentGateway:
    """Never answers: nobody knows what became of the message."""

    def send_text(self, to: str, body: str, reference: str) -> str:
        raise MaybeSentError
