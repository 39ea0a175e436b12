"""Changing a username (docs/security.md#usernames)."""

from __future__ import annotations

import datetime as dt
import re

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.models import FormerUsername, User
from accounts.models.users import fold_username
from accounts.services import changes, details
from accounts.services.changes import Change
from accounts.services.signing_in import PASSWORDS
from core.areas import hook
from core.events import record_event
from core.throttle import Limit

# 'Taken' says that an account exists: so many names may be tried, and so many changes made.
TRIES = Limit("account:username_tries", 10, dt.timedelta(hours=1))
CHANGES = Limit("account:username_changes", 3, dt.timedelta(days=1))
# Letters of one alphabet only: no two names that read the same.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*[A-Za-z0-9]")
SHORTEST = 4


class TakenError(Exception):
    """Another account has, had, or is to have this username."""


def check_form(username: str, user: User) -> None:
    """Raise ValidationError for a username that nobody may choose, whether it's taken or not."""
    if len(username) < SHORTEST:
        raise ValidationError(f"Use at least {SHORTEST} characters.", code="short")
    if not PLAIN.fullmatch(username):
        raise ValidationError(
            "Use letters A to Z, digits, periods, hyphens, and underscores. Begin and end with a letter or digit.",
            code="form",
        )
    is_own = user.email_confirmed_at is not None and fold_username(username) == fold_username(user.email)
    if "@" in username and not is_own:
        raise ValidationError("An email as username must be the confirmed email of this account.", code="email")


def is_taken(*, username: str, user: User | None = None) -> bool:
    """Return whether anyone but this user has this username, in any spelling, had it, or is named by the carrier's feed
    with it."""
    key = fold_username(username)
    others = User.objects.filter(username_key=key)
    former = FormerUsername.objects.filter(username_key=key)
    if user is not None:
        others, former = others.exclude(pk=user.pk), former.exclude(user=user)
        if FormerUsername.objects.filter(username_key=key, user=user).exists() or key == user.username_key:
            return False
    named = hook("accounts.username_is_named")
    return others.exists() or former.exists() or bool(named and named(key))


def change_username(*, request: HttpRequest, username: str) -> bool:
    """Give the signed-in user another username. Return whether it differs from the present one.

    The former one stays theirs, failures of sign-in are carried over to the new one, other sessions end, and remembered
    devices are revoked. Raises TakenError.
    """
    user = user_of(request)
    with transaction.atomic():
        former = User.objects.select_for_update().get(pk=user.pk)
        if former.username == username:
            return False
        if is_taken(username=username, user=former):
            raise TakenError
        _rename(user, username)
        if former.username_key != user.username_key:
            FormerUsername.objects.get_or_create(username_key=former.username_key, defaults={"user": user})
            PASSWORDS.carry(former.username_key, user.username_key)
        details.keep_former(user, Change.USERNAME, {"username": former.username})
        record_event(AccountEvent.USERNAME_CHANGED, subject=user, on_behalf_of=user, former=former.username)
        changes.announce(change=Change.USERNAME, user=user, by=user)
        details.tell_carrier(user, ["username"])
        details.leave_only(request)
    return True


def _rename(user: User, username: str) -> None:
    """Save the new username. Raises TakenError where someone took it since `is_taken` asked."""
    before, user.username = user.username, username
    try:
        with transaction.atomic():
            user.former_usernames.filter(username_key=fold_username(username)).delete()
            user.save(update_fields=["username", "username_key"])
    except IntegrityError as error:
        user.username = before
        user.username_key = fold_username(before)
        raise TakenError from error
