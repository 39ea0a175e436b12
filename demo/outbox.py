"""The demo's delivery: emails and texts become rows that everyone in the demo can read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from accounts.spoken import SpokenCode
from demo.models import DemoAttachment, DemoMessage

_CODE = re.compile(r"\bcode\b[^\d\n]{0,20}(\d{5,8})\b|: ([0-9A-Z]{4}-[0-9A-Z]{4})$", re.IGNORECASE | re.MULTILINE)
_LINK = re.compile(r"https?://[^\s<>\"')]+")


def refuse_in_production() -> None:
    """Raise ImproperlyConfigured in production: a code that everyone can read isn't a second factor."""
    if settings.PRODUCTION:
        raise ImproperlyConfigured("The demo's outbox can't be used in production.")


def keep(*, kind: DemoMessage.Kind, to: str, body: str, subject: str = "", code: str = "") -> DemoMessage:
    """Store a message, with its code, by default the one in its text, and the links."""
    found = _CODE.search(body)
    return DemoMessage.objects.create(
        kind=kind,
        to=to,
        subject=subject[:300],
        body=body,
        code=code or (next(filter(None, found.groups())) if found else ""),
        links=[link.rstrip(".,;:") for link in _LINK.findall(body)],
    )


def as_json(message: DemoMessage) -> dict[str, Any]:
    """Return one element of /demo/outbox.json (docs/developers/index.md#commands)."""
    return {
        "kind": message.kind,
        "to": message.to,
        "subject": message.subject,
        "body": message.body,
        "code": message.code or None,
        "links": message.links,
        "sent_at": message.sent_at.isoformat(),
    }


class DemoEmailBackend(BaseEmailBackend):
    """Email backend that stores each email, once for each recipient."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_in_production()
        super().__init__(*args, **kwargs)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the emails, and return how many there were."""
        for message in email_messages:
            for recipient in message.recipients():
                kept = keep(
                    kind=DemoMessage.Kind.EMAIL,
                    to=recipient,
                    subject=str(message.subject),
                    body=str(message.body),
                )
                _keep_more(kept, message)
        return len(email_messages)


def _keep_more(kept: DemoMessage, message: EmailMessage) -> None:
    """Store the files of an email, and name it to the portal as a mail service does, where the portal asks for
    reports (`credentialing.sending.mailing`)."""
    for file in message.attachments:
        name, content, _kind = file
        DemoAttachment.objects.create(message=kept, name=str(name)[:300], content=content)
    if getattr(message, "metadata", None):
        DemoMessage.objects.filter(pk=kept.pk).update(is_reported=True)
        message.anymail_status = SimpleNamespace(message_id=kept.reference)  # type: ignore[attr-defined]


class DemoGateway:
    """Gateway for texts and calls (see `accounts.messaging.CodeGateway`) that stores them."""

    def __init__(self) -> None:
        refuse_in_production()

    def send_text(self, to: str, body: str, reference: str) -> str:
        """Store a text, and return an id as a provider would."""
        return f"demo-{keep(kind=DemoMessage.Kind.SMS, to=to, body=body).pk}"

    def place_call(self, to: str, extension: str, words: SpokenCode, reference: str) -> str:
        """Store what a call says, and return an id as a provider would."""
        dialed = f"{to}, extension {extension}" if extension else to
        message = keep(kind=DemoMessage.Kind.VOICE, to=dialed, body=words.transcript, code=words.code)
        return f"demo-{message.pk}"
