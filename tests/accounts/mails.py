"""What the worker does with mails, and what people find in them."""

from __future__ import annotations

import re

from django.core import mail

from accounts.models import PasswordReset, UsernameReminder
from accounts.tasks import send_password_reset, send_username
from core.mail import deliver
from core.models import Mail

BASE = "http://localhost:8000"


def mail_out() -> None:
    """Do what the worker does: answer requests, then send what is to be mailed."""
    for reset_id in PasswordReset.objects.filter(status="queued").values_list("pk", flat=True):
        send_password_reset(reset_id)
    for reminder_id in UsernameReminder.objects.filter(status="queued").values_list("pk", flat=True):
        send_username(reminder_id)
    for each in Mail.objects.filter(status="queued").order_by("pk"):
        deliver(each.pk)


def mails_to(address: str, name: str = "") -> list[Mail]:
    """Return the stored mails to an address, oldest first."""
    found = Mail.objects.filter(to=address).order_by("pk")
    return list(found.filter(name=name) if name else found)


def link_in(body: str) -> str:
    """Return the path of the link in a mail."""
    line = next(line for line in body.splitlines() if "/accounts/link/" in line)
    return line.strip().removeprefix(BASE)


def code_in(body: str) -> str:
    """Return the typed code in a mail."""
    found = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", body)
    assert found is not None
    return found.group()


def newest(subject: str) -> str:
    """Return the text of the newest mail with this in its subject."""
    return next(str(each.body) for each in reversed(mail.outbox) if subject in each.subject)
