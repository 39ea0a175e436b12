"""Changing the password in a session (docs/security.md#preferences)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest

from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.models import User
from accounts.services import changes, details
from accounts.services.changes import Change
from core import throttle
from core.events import record_event
from core.throttle import Closed, Limit

# Wrong present passwords of one account: someone who holds its session must not guess it here.
PRESENT = Limit(
    "account:present_password", settings.SIGN_IN_FAILURES, settings.SIGN_IN_WINDOW, cool_off=settings.SIGN_IN_COOL_OFF
)


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """The present password wasn't right, or isn't judged until a moment."""

    until: dt.datetime | None = None


def check_present(*, user: User, password: str) -> WrongPassword | None:
    """Judge the present password, within a limit. None if it's right."""
    counter = PRESENT.of(user.public_id)
    claims = throttle.claim_all([counter])
    if isinstance(claims, Closed):
        return WrongPassword(claims.retry_at)
    with claims:
        if user.check_password(password):
            counter.reset()
            return None
        failure = claims.failed()[0]
    record_event(AccountEvent.PASSWORD_WRONG, subject=user, failures=failure.count, where="preferences")
    return WrongPassword(failure.closed_until)


def change_password(*, request: HttpRequest, password: str) -> None:
    """Set a new password. Every other session ends, and remembered devices and links are void."""
    user = user_of(request)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        user.set_password(password)
        user.save(update_fields=["password", "password_changed_at"])
        update_session_auth_hash(request, user)
        details.leave_only(request)
        record_event(AccountEvent.PASSWORD_CHANGED, subject=user, on_behalf_of=user)
        changes.announce(change=Change.PASSWORD, user=user, by=user)
