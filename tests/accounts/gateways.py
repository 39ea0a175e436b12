"""Stand-ins for the provider of texts and calls; named by dotted path in `settings.SMS_GATEWAY`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accounts.messaging import MaybeSentError, NotSentError
from accounts.spoken import SpokenCode


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


@dataclass(frozen=True)
class Call:
    """One call as it was handed over."""

    to: str
    extension: str
    words: SpokenCode
    reference: str

    @property
    def code(self) -> str:
        """The digits that are read out."""
        return self.words.code


class RecordingGateway:
    """Keeps what it is given."""

    sent: list[Text] = []  # emptied by the fixture `texts`
    called: list[Call] = []  # emptied by the fixture `calls`

    def send_text(self, to: str, body: str, reference: str) -> str:
        self.sent.append(Text(to, body, reference))
        return f"SM{len(self.sent):032d}"

    def place_call(self, to: str, extension: str, words: SpokenCode, reference: str) -> str:
        self.called.append(Call(to, extension, words, reference))
        return f"CA{len(self.called):032d}"


class RefusingGateway:
    """Takes no message."""

    def send_text(self, to: str, body: str, reference: str) -> str:
        raise NotSentError("twilio-21211")

    def place_call(self, to: str, extension: str, words: SpokenCode, reference: str) -> str:
        raise NotSentError("twilio-21211")


class SilentGateway:
    """Never answers: nobody knows what became of the message."""

    def send_text(self, to: str, body: str, reference: str) -> str:
        raise MaybeSentError

    def place_call(self, to: str, extension: str, words: SpokenCode, reference: str) -> str:
        raise MaybeSentError
