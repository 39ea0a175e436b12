"""Telling the owner that something about the account has changed (S-13).

Every address, the old one and the new one, gets a mail that says what was changed, with a link that locks the account.
So the person who changed it can't keep the owner from hearing about it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from accounts import emails
from accounts.models import AccountLink, Purpose, User
from accounts.services import links
from core.templatetags.show import moment


class Change(models.TextChoices):
    """What the owner hears about, as a sentence."""

    NAME = "name", "The name of your account was changed."
    EMAIL = "email", "The email of your account was changed."
    EMAIL_ASKED = (
        "email_asked",
        "A new email was entered for your account. It takes effect once it’s confirmed from the new address.",
    )
    USERNAME = "username", "Your username was changed."
    PASSWORD = "password", "Your password was changed."
    PHONE = "phone", "The phone number of your account was changed."
    ADDRESS = "address", "The mailing address of your account was changed."
    CREATED = "created", "An account was created for you."
    OTHER = "other", "Something about your account was changed."
    METHOD_ADDED = "method_added", "A sign-in method was added to your account."
    METHOD_REMOVED = "method_removed", "A sign-in method was removed from your account."
    RECOVERY_USED = "recovery_used", "A recovery code was used to sign in to your account."
    FACTOR_RESET_DUE = "factor_reset_due", "Web support was asked to remove the sign-in methods of your account."
    FACTORS_RESET = (
        "factors_reset",
        "Web support removed the sign-in methods and the password of your account. Choose a new one with our link.",
    )
    RECOVERY_CODES = "recovery_codes", "New recovery codes were made for your account. Earlier ones no longer work."
    SIGN_IN = "sign_in", "Someone signed in to your account from a new browser or network."
    METHOD_REPLACED = "method_replaced", "A sign-in method of your account was replaced by a new one."
    METHOD_RENAMED = "method_renamed", "A sign-in method of your account was renamed."
    METHOD_CHOSEN = "method_chosen", "The sign-in method that we ask you for first was changed."

    @classmethod
    def of(cls, link: AccountLink) -> Change:
        """Return what a lock link was mailed about. A kind that is no longer known is still a change of the account."""
        return cls(link.change) if link.change in cls.values else cls.OTHER

    @property
    def headline(self) -> str:
        """What happened, for a subject or a list: the first sentence without its period."""
        return str(self.label).partition(". ")[0].removesuffix(".")


def announce(*, change: Change, user: User, by: User | None, former: Iterable[str] = ()) -> None:
    """Mail the account's addresses about a change, each with a lock link of its own. Call it in the transaction that
    makes the change, after it.

    `former`: addresses that the account had until now. To the present email it goes whether it's confirmed or not: the
    mail opens nothing.
    """
    addresses = {address.casefold(): address for address in (*former, user.email) if address}
    with transaction.atomic():
        for address in addresses.values():
            link = links.issue(user=user, purpose=Purpose.LOCK, email=address, by=by, change=change)
            emails.account_changed(link)


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the mail about a change says, with its link drawn (`links.mail_context`). The hook
    `mail.account_changed`."""
    drawn = links.mail_context(stored)
    if drawn is None:
        return None
    link = AccountLink.objects.select_related("user").get(public_id=stored["link"])
    change = Change.of(link)
    return drawn | {
        "what": change.label,
        "headline": change.headline,
        "when": moment_for(link.user, link.created_at),
        "days": drawn["hours"] // 24,
    }


def moment_for(user: User, at: dt.datetime) -> str:
    """Return a moment in the user's zone, as pages show it: "Mar 1, 2026, 4:05 p.m. EST"."""
    try:
        zone = ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(settings.TIME_ZONE)
    with timezone.override(zone):
        return moment(at)
