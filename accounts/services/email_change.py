"""Changing the email: it counts only once it's confirmed from the new address (docs/security.md#email)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import emails
from accounts.events import AccountEvent
from accounts.guards import store_of
from accounts.models import AccountLink, Purpose, User
from accounts.models.sessions import EndReason
from accounts.services import changes, details, links
from accounts.services.changes import Change
from core.crypto import keyed_hash
from core.events import record_event
from core.throttle import Allowance, Limit

# Mails to confirm: asked for by one account, and sent to one address, no matter who asks.
PER_ACCOUNT = Limit("account:email_changes", 5, dt.timedelta(hours=1))
PER_ADDRESS = Limit("account:email_confirmations", 5, dt.timedelta(hours=1))


def pending_of(user: User) -> AccountLink | None:
    """Return the request for a new email that waits for its confirmation, expired or not."""
    return _pending(user).first()


def _pending(user: User) -> QuerySet[AccountLink]:
    return user.links.open().filter(purpose=Purpose.CONFIRM_EMAIL, epoch=F("user__security_epoch"))


def may_ask(*, user: User, email: str) -> Allowance:
    """Count one more mail of confirmation, unless there were too many."""
    allowed = PER_ACCOUNT.hit(user.public_id)
    return PER_ADDRESS.hit(email.casefold()) if allowed.allowed else allowed


def ask(*, user: User, email: str) -> None:
    """Mail a link to the new address. Nothing changes before it's used; the present address is told.

    The present email, not confirmed so far, is confirmed the same way, and nobody else is told.
    """
    with transaction.atomic():
        link = links.issue(user=user, purpose=Purpose.CONFIRM_EMAIL, email=email, by=user)
        emails.confirm_email(link)
        record_event(AccountEvent.EMAIL_ASKED, subject=user, on_behalf_of=user, link=link.public_id)
        if email.casefold() != user.email.casefold():
            changes.announce(change=Change.EMAIL_ASKED, user=user, by=user)


def confirm_present(*, user: User) -> None:
    """Mail a link to the account's own email if it isn't confirmed, as after a registration by letter. Call it when a
    new method is ready: that voids an earlier link."""
    if user.email and user.email_confirmed_at is None and may_ask(user=user, email=user.email).allowed:
        ask(user=user, email=user.email)


def resend(*, user: User) -> bool:
    """Mail another link to the address that waits; the former link is void. False if none waits."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        waiting = pending_of(user)
        if waiting is None:
            return False
        link = links.issue(user=user, purpose=Purpose.CONFIRM_EMAIL, email=waiting.email, by=user)
        emails.confirm_email(link)
        return True


def cancel(*, user: User) -> bool:
    """Give up the address that waits. False if none does."""
    with transaction.atomic():
        cancelled = bool(_pending(user).update(voided_at=timezone.now()))
        if cancelled:
            record_event(AccountEvent.EMAIL_CANCELLED, subject=user, on_behalf_of=user)
        return cancelled


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the mail of confirmation says, with its link drawn. The hook `mail.confirm_email`.

    Where the address is another account's confirmed one, its reader gets a mail without a link instead. The page that
    asked says the same in both cases, so nobody learns whose an address is.
    """
    link = AccountLink.objects.usable().filter(public_id=stored["link"]).first()
    if link is not None and _belongs_to_another(link.email, link.user):
        emails.email_taken(link)
        return None
    return links.mail_context(stored)


def _belongs_to_another(email: str, user: User) -> bool:
    confirmed = User.objects.filter(email__iexact=email, email_confirmed_at__isnull=False)
    return confirmed.exclude(pk=user.pk).exists()


def confirm(*, request: HttpRequest, link: AccountLink) -> bool:
    """Use a link: its address becomes the account's confirmed email. Every other session ends, remembered devices are
    revoked, and both addresses are told. False if the link no longer works, or another account has confirmed the
    address meanwhile."""
    with transaction.atomic():
        _one_at_a_time(link.email)
        user = User.objects.select_for_update().get(pk=link.user_id)
        usable = AccountLink.objects.usable().select_for_update(of=("self",)).filter(pk=link.pk).first()
        if usable is None or not user.is_active or user.locks.filter(lifted_at=None).exists():
            return False
        if _belongs_to_another(usable.email, user):
            return False
        now = timezone.now()
        usable.used_at = now
        usable.save(update_fields=["used_at"])
        former, was_confirmed = user.email, user.email_confirmed_at
        if former != usable.email:
            user.email = usable.email
            user.save(update_fields=["email"])
        user.confirm_email()
        record_event(AccountEvent.EMAIL_CONFIRMED, subject=user, by=user, link=usable.public_id)
        if former.casefold() != usable.email.casefold():
            confirmed = was_confirmed.isoformat() if was_confirmed else None
            details.keep_former(user, Change.EMAIL, {"email": former, "confirmed_at": confirmed})
            user.bump_epoch()
            _end_others(request, user)
            changes.announce(change=Change.EMAIL, user=user, by=user, former=[former])
            details.tell_carrier(user, ["email"])
    request.session.pop(links.HELD, None)
    return True


def _one_at_a_time(email: str) -> None:
    """Of two accounts that confirm one address at the same moment, let the second one see the first."""
    number = int(keyed_hash("email", email.casefold())[:15], 16)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _end_others(request: HttpRequest, user: User) -> None:
    """End every session of the user but the one that this browser may have."""
    own = store_of(request).row
    others = user.sessions.open()
    if own is not None:
        others = others.exclude(pk=own.pk)
    others.end(EndReason.EVERYWHERE)
