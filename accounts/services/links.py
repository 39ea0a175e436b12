"""Emailed links (docs/security.md#links).

A request creates a link, and the worker draws its token. Opening it by GET changes nothing; a POST uses it, once. A new
purpose adds its lifetime, its mail, and the verb of its page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import emails
from accounts.events import AccountEvent
from accounts.models import AccountLink, Purpose, User
from accounts.models.links import life_of
from accounts.models.sessions import EndReason, hash_token
from core.clients import client_ip, network_key
from core.events import record_event
from core.throttle import Limit

OPENINGS = Limit("account:links", 60, dt.timedelta(minutes=1))
HELD = "account_link"
# The page of each purpose.
PAGES: dict[str, str] = {
    Purpose.ACTIVATION: "accounts:activate",
    Purpose.RESET: "accounts:reset",
    Purpose.CONFIRM_EMAIL: "accounts:confirm-email",
    Purpose.LOCK: "accounts:lock",
}


class NoEmailError(Exception):
    """The account has no email to send a link to."""


def send_activation(*, user: User, by: User | None) -> AccountLink:
    """Mail a link by which the owner chooses a password. Raises NoEmailError where there is no email."""
    if not user.email:
        raise NoEmailError
    with transaction.atomic():
        link = issue(user=user, purpose=Purpose.ACTIVATION, email=user.email, by=by)
        emails.activation(link)
    return link


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the token of a link that is about to be mailed, and return what the mail says. Called again, it draws
    another token: the newest mail is the one that works. None for a link that was used, replaced, or has expired.
    The hook of every mail that holds a link (`mail.<name>`)."""
    link = AccountLink.objects.usable().filter(public_id=stored["link"]).first()
    if link is None or not link.email:
        return None
    return {
        "address": address_of(link.draw_token()),
        "hours": int(life_of(link.purpose).total_seconds() // 3600),
    }


def hand_over_activation(*, user: User) -> str:
    """Return the URL of an activation link for an operator to hand over. Using it confirms no email."""
    with transaction.atomic():
        link = issue(user=user, purpose=Purpose.ACTIVATION, email="", by=None)
        return address_of(link.draw_token())


def issue(*, user: User, purpose: Purpose, email: str, by: User | None, change: str = "") -> AccountLink:
    """Store and record a link; the caller mails it in the same transaction."""
    User.objects.select_for_update().get(pk=user.pk)
    link = AccountLink.issue(user, purpose, email=email, by=by, change=change)
    record_event(
        AccountEvent.LINK_MADE,
        subject=user,
        by=by,
        link=link.public_id,
        purpose=purpose,
        via="email" if email else "operator",
    )
    return link


def address_of(token: str) -> str:
    """Return the URL of a link."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:open-link', args=[token])}"


def may_open(*, request: HttpRequest) -> bool:
    """Count one more opening from this network, and return whether it's within the limit."""
    return OPENINGS.hit(network_key(client_ip(request))).allowed


def hold(*, request: HttpRequest, token: str) -> str:
    """Move a link from the URL into the session, which keeps it out of the history and the next page's Referer. The
    session keeps the hash, and only of a link that works: a guess creates no session. Return the URL name of the
    link's page; of any page of links for one that doesn't work, since each says so."""
    link = AccountLink.objects.usable().filter(token_hash=hash_token(token)).first()
    if link is not None:
        request.session[HELD] = link.token_hash
    return PAGES[link.purpose if link is not None else Purpose.ACTIVATION]


def held(*, request: HttpRequest, purpose: Purpose) -> AccountLink | None:
    """Return the link that this browser has opened, if it still works."""
    token_hash = request.session.get(HELD)
    if not token_hash:
        return None
    return AccountLink.objects.usable().select_related("user").filter(purpose=purpose, token_hash=token_hash).first()


def user_held(*, request: HttpRequest) -> User | None:
    """Return whose link this browser has opened, if it still works, whatever it is for."""
    token_hash = request.session.get(HELD)
    if not token_hash:
        return None
    link = AccountLink.objects.usable().select_related("user").filter(token_hash=token_hash).first()
    return link.user if link is not None else None


def activate(*, request: HttpRequest, link: AccountLink, password: str) -> bool:
    """Use an activation link: set the password, confirm the email it was sent to, and end every session. It signs
    nobody in, unlocks nothing, and removes no factor. Return False if the link no longer works."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=link.user_id)
        if not use_for_password(link=link, user=user, password=password):
            return False
        # Imported here: changes are told by links.
        from accounts.services import changes

        changes.announce(change=changes.Change.PASSWORD, user=user, by=user)
    let_go(request=request, user=user)
    return True


def use_for_password(*, link: AccountLink, user: User, password: str) -> bool:
    """Spend a link and set the password of its user, whose row the caller has locked. Return False if the link no
    longer works, or the account may not be used."""
    usable = AccountLink.objects.usable().select_for_update(of=("self",)).filter(pk=link.pk).first()
    if usable is None or not user.is_active or user.locks.filter(lifted_at=None).exists():
        return False
    usable.used_at = timezone.now()
    usable.save(update_fields=["used_at"])
    user.set_password(password)
    user.save(update_fields=["password", "password_changed_at"])
    if usable.email and usable.email == user.email and user.email_confirmed_at is None:
        user.confirm_email()
    user.sessions.open().end(EndReason.EVERYWHERE)
    record_event(
        AccountEvent.PASSWORD_SET,
        subject=user,
        by=user,
        link=usable.public_id,
        purpose=usable.purpose,
    )
    return True


def let_go(*, request: HttpRequest, user: User) -> None:
    """Forget the link that this browser held. Its own session of this user has just been ended with the others."""
    if request.user.pk == user.pk:
        request.session.flush()
        request.user = AnonymousUser()
    else:
        request.session.pop(HELD, None)
