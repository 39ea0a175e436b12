"""The mails of accounts, one function for each.

A mail holds no name, since a name is text that anyone may have typed, and no code or password.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse

from core import mail
from core.crypto import keyed_hash

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import AccountLink, PasswordReset, Registration, User


def activation(link: AccountLink) -> None:
    """Send a link by which the owner chooses a password. The worker draws its token (`services.links.mail_context`)."""
    mail.send("activation", to=link.email, context={"link": link.public_id}, key=link.public_id)


def account_changed(link: AccountLink) -> None:
    """Tell one address what was changed, with a link that locks the account (`services.changes.mail_context`)."""
    context = {"link": link.public_id, "change": link.change}
    mail.send("account_changed", to=link.email, context=context, key=link.public_id)


def confirm_email(link: AccountLink) -> None:
    """Send a link that confirms an email to that very address (`services.email_change.mail_context`)."""
    mail.send("confirm_email", to=link.email, context={"link": link.public_id}, key=link.public_id)


def email_taken(link: AccountLink) -> None:
    """Tell the reader of an address that another account wanted it too. Nothing in it opens anything."""
    mail.send("email_taken", to=link.email, context={}, key=link.public_id)


def passkey_copied(user: User, *, key: str) -> None:
    """Tell the owner that a passkey was switched off, because there may be a copy of it."""
    if user.email:
        mail.send("passkey_copied", to=user.email, context={}, key=key)


def unfamiliar_sign_in(link: AccountLink, *, at: dt.datetime, browser: str, network: str) -> None:
    """Tell the owner of a sign-in from a new browser or network, with a link that locks the account
    (`services.familiar.mail_context`)."""
    context = {"link": link.public_id, "at": at.isoformat(), "browser": browser, "network": network}
    mail.send("unfamiliar_sign_in", to=link.email, context=context, key=link.public_id)


def activity_review(user: User, *, key: str) -> None:
    """Remind the owner to look at the account's activity, as they wished. Nothing of it is in the mail."""
    page = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:activity')}"
    mail.send("activity_review", to=user.email, context={"address": page}, key=key)


def wrong_codes(user: User, *, off: bool, key: str) -> None:
    """Tell the owner that someone had the password and no code; off: the way of getting codes is switched off now.

    To the account's email, confirmed or not: the mail tells what happened and opens nothing.
    """
    if user.email:
        mail.send("wrong_codes", to=user.email, context={"off": off}, key=key)


def password_reset(reset: PasswordReset, link: AccountLink) -> None:
    """Send a link and a code by which the owner chooses another password. The worker draws both
    (`services.resets.mail_context`)."""
    mail.send("password_reset", to=link.email, context={"reset": reset.public_id}, key=reset.public_id)


def reset_refused(user: User, *, key: str) -> None:
    """Tell the owner of a locked or inactive account that no link comes, and whom to call."""
    mail.send("password_reset_refused", to=user.email, context={}, key=key)


def reset_by_username(user: User, *, key: str) -> None:
    """Tell people who share an email to ask with their username."""
    page = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:forgot-password')}"
    mail.send("password_reset_by_username", to=user.email, context={"page": page}, key=key)


def registration(asked: Registration) -> None:
    """Send the link that makes an account to the address on file (`services.registering.mail_context`)."""
    until = asked.expires_at.isoformat() if asked.expires_at else ""
    context = {"registration": asked.public_id, "until": until}
    mail.send("registration", to=asked.sent_to, context=context, key=f"{asked.public_id}/{until}")


def registration_known(asked: Registration, addresses: Iterable[str]) -> None:
    """Tell the addresses on file and those of the account that someone asked for another one."""
    sign_in = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:sign-in')}"
    _to_each("registration_known", asked, addresses, sign_in=sign_in)


def registration_noted(asked: Registration, addresses: Iterable[str]) -> None:
    """Tell addresses on file that someone asked for an account, where the link doesn't go to them."""
    _to_each("registration_noted", asked, addresses)


def _to_each(name: str, asked: Registration, addresses: Iterable[str], **context: str) -> None:
    """Send a mail about a registration to each address once, whatever its case."""
    for folded, address in {each.casefold(): each for each in addresses if each}.items():
        mail.send(name, to=address, context=context, key=f"{asked.public_id}/{keyed_hash('mail', folded)[:16]}")


def factor_reset(link: AccountLink, *, due: dt.datetime) -> None:
    """Tell one address that the second factors go after a delay, and how to stop it
    (`services.factor_resets.mail_context`)."""
    page = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:factor-reset')}"
    context = {"link": link.public_id, "due": due.isoformat(), "page": page}
    mail.send("factor_reset", to=link.email, context=context, key=link.public_id)


def username(user: User, *, key: str) -> None:
    """Send the owner their username (`services.usernames.mail_context`)."""
    page = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:sign-in')}"
    mail.send("username", to=user.email, context={"user": user.public_id, "page": page}, key=key)


def recovery_code_used(link: AccountLink, *, left: int) -> None:
    """Tell the owner that a recovery code was used and how many are left, with a link that locks the account
    (`services.recovery_codes.mail_context`)."""
    context = {"link": link.public_id, "left": left}
    mail.send("recovery_code_used", to=link.email, context=context, key=link.public_id)
