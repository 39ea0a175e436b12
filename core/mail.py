"""Mails: a row each, rendered and sent by a worker (docs/architecture.md#mail).

A mail is a folder, `templates/emails/<name>/`, with `subject.txt`, `body.txt`, and `body.html`, and one function in the
app's `emails.py` that calls `send`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone

from core import work
from core.areas import hook

STAFF_ALERT = "staff_alert"


class Mail(work.Work):
    """One mail to one address. The same name and key is sent once.

    `context` is what its text needs, as JSON: no code, no password, and no link that opens anything. An app that must
    add a secret, or must decide at the last moment, offers the hook `mail.<name>` (`complete`).
    """

    class Status(models.TextChoices):
        """What has become of a mail; `failed` needs a person."""

        QUEUED = "queued", "Waiting"
        SENT = "sent", "Sent"
        DROPPED = "dropped", "No longer needed"
        FAILED = "failed", "Failed"

    TASK = "core.tasks.send_mail"
    # About two hours, for a mail server that is down.
    MAX_ATTEMPTS = 10
    PAUSE = dt.timedelta(seconds=15)
    # A server that hangs is given EMAIL_TIMEOUT; the lock says that a worker is at it.
    LOST_BEGUN = dt.timedelta(seconds=10)

    name = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    to = models.EmailField()
    context = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        permissions = [("retry_mail", "Can try failed mails again")]
        constraints = [models.UniqueConstraint(fields=["name", "key"], name="mail_once")]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=models.Q(status="queued"), name="mail_queued"),
            models.Index(fields=["sent_at"], condition=models.Q(sent_at__isnull=False), name="mail_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"

    def given_up(self) -> None:
        """Tell staff by another mail, unless it's their own that failed: those are in admin, the log, and metrics."""
        if self.name != STAFF_ALERT:
            alert(
                "A mail could not be sent",
                f"Mail {self.pk} ({self.name}) was tried {self.attempts} times; the last error was {self.last_error}. "
                "Look for it in admin under Mails, and try it again there.",
            )


def send(name: str, *, to: str, context: Mapping[str, Any], key: str, patient: bool = False) -> Mail:
    """Store a mail in the current transaction; a worker renders and sends it once that is committed.

    name: its folder. to: one address. key: what makes it this one mail; one that was stored before under the same
    name and key is left alone. `patient`: one of thousands, which beat hands over a few at a time, so that a mail that
    someone waits for isn't behind them.
    """
    defaults = {"to": to, "context": dict(context), "is_enqueued": not patient}
    mail, is_new = Mail.objects.get_or_create(name=name, key=key, defaults=defaults)
    if is_new and not patient:
        work.hand_over(mail)
    return mail


def alert(subject: str, body: str) -> None:
    """Send a mail to each of the staff's addresses. Neither subject nor body holds personal data."""
    for address in settings.STAFF_ALERT_EMAILS:
        send(STAFF_ALERT, to=address, context={"subject": subject, "body": body}, key=uuid.uuid4().hex)


def deliver(mail_id: int) -> None:
    """Render and send a stored mail. Runs in a worker; raises what the mail server raises, and the mail comes back."""
    with work.attempt(Mail, mail_id) as mail:
        if mail is None:
            return
        if not is_address(mail.to):
            Mail.objects.filter(pk=mail.pk).update(last_error="ValidationError")
            mail.last_error = "ValidationError"
            work.give_up(mail)
            return
        context = complete(mail)
        if context is None:
            Mail.objects.filter(pk=mail.pk).update(status=Mail.Status.DROPPED, sent_at=timezone.now())
            return
        message(mail.name, to=mail.to, context=context).send()
        Mail.objects.filter(pk=mail.pk).update(status=Mail.Status.SENT, sent_at=timezone.now())


def complete(mail: Mail) -> dict[str, Any] | None:
    """Return what a mail's text needs, with what its hook adds at the last moment; None if it isn't needed any more.

    The hook `mail.<name>` gets the stored context. What it returns is never stored: a link's token, for example.
    """
    build = hook(f"mail.{mail.name}")
    context: dict[str, Any] | None = dict(mail.context) if build is None else build(mail.context)
    return context


@dataclass(frozen=True)
class Attachment:
    """A PDF that goes with a mail. `name` is what the reader's program shows."""

    name: str
    content: bytes


def message(
    name: str,
    *,
    to: str,
    context: Mapping[str, Any],
    attachments: Sequence[Attachment] = (),
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
) -> EmailMultiAlternatives:
    """Return a mail as text with an HTML alternative, in the brand of the settings; PDFs go with it as attachments.

    A mail with files isn't a `Mail`: its own row is the work (`credentialing.models.Delivery`).
    """
    values = {"brand": settings.BRAND, "support": settings.SUPPORT["web"], **context}
    # One line, whatever a value holds: a line break would begin another header.
    subject = " ".join(render_to_string(f"emails/{name}/subject.txt", values).split())
    body = render_to_string(f"emails/{name}/body.txt", values).strip() + "\n"
    mail = EmailMultiAlternatives(
        subject=subject,
        body=body,
        to=[to],
        reply_to=[reply_to] if reply_to else None,
        headers=dict(headers or {}),
    )
    mail.attach_alternative(render_to_string(f"emails/{name}/body.html", {**values, "subject": subject}), "text/html")
    for each in attachments:
        mail.attach(each.name, each.content, "application/pdf")
    return mail


def forget_old() -> int:
    """Delete mails that were sent, or not needed, longer ago than `settings.MAILS_KEPT`; return how many."""
    old = Mail.objects.filter(sent_at__lt=timezone.now() - settings.MAILS_KEPT)
    deleted, _ = old.filter(status__in=[Mail.Status.SENT, Mail.Status.DROPPED]).delete()
    return deleted


def is_address(to: str) -> bool:
    """Whether this is one email address by its form."""
    try:
        validate_email(to)
    except ValidationError:
        return False
    return True
