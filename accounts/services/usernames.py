"""Forgotten usernames (S-12; docs/security.md#recovery): mailed to the confirmed email, never shown."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts import emails, registrants
from accounts.events import AccountEvent
from accounts.models import User, UsernameReminder
from accounts.registrants import Applicant
from accounts.services.asking import Refused, count, folded_number, networks_of, stored_origin
from core import work
from core.clients import client_ip, user_agent
from core.crypto import keyed_hash
from core.events import record_event
from core.origin import acting_from
from core.throttle import Limit

POLICY = Limit("account:usernames_of_policy", *settings.USERNAMES_PER_POLICY)
NETWORK = Limit("account:usernames_from_network", *settings.USERNAMES_PER_NETWORK)
ACCOUNT = Limit("account:usernames_of_account", *settings.RESETS_PER_ACCOUNT)
SENT, UNCONFIRMED, TOO_MANY = "mail", "nothing: email not confirmed", "nothing: too many mails"


def ask(
    *, request: HttpRequest, policy_number: str, full_name: str, birth: dt.date, zip_code: str
) -> UsernameReminder | Refused:
    """Store who says they forgot their username, and hand the row's id to the worker. Nothing is looked up here."""
    refused = count(*networks_of(request, NETWORK), POLICY.of(folded_number(policy_number)))
    if refused is not None:
        return refused
    typed = {"policy_number": policy_number, "full_name": full_name, "zip": zip_code}
    with transaction.atomic():
        reminder = UsernameReminder.objects.create(
            typed=json.dumps(typed),
            born_hash=keyed_hash("date_of_birth", birth.isoformat()),
            ip=client_ip(request),
            agent=user_agent(request),
        )
        work.hand_over(reminder)
    return reminder


def send(reminder_id: int) -> None:
    """Match a stored request against the carrier's data, and mail the accounts of that person. Runs in a worker."""
    with work.attempt(UsernameReminder, reminder_id) as reminder:
        if reminder is None:
            return
        applicant = Applicant(**json.loads(reminder.typed), date_of_birth_hash=reminder.born_hash)
        found = registrants.match_registrant(applicant)
        with acting_from(stored_origin(reminder)):
            for user in User.objects.filter(pk__in=found.accounts, is_active=True).order_by("pk"):
                record_event(AccountEvent.USERNAME_ASKED, subject=user, answer=_answer(user, reminder))
        reminder.finish()


def _answer(user: User, reminder: UsernameReminder) -> str:
    if user.email_confirmed_at is None:
        return UNCONFIRMED
    if not ACCOUNT.hit(str(user.pk)).allowed:
        return TOO_MANY
    emails.username(user, key=f"{reminder.public_id}:{user.pk}")
    return SENT


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the username, read when the mail is sent and never stored in it. The hook `mail.username`."""
    user = User.objects.filter(public_id=stored["user"], is_active=True).first()
    return None if user is None else {"username": user.username, "page": stored["page"]}
