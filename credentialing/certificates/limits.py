"""How often a user may issue, add holders, and retry: nothing that is issued can be deleted, and each takes a worker's
time (docs/security.md#exhaustion). The figures are settings."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings

from core.templatetags.show import clock
from core.throttle import Limit

if TYPE_CHECKING:
    from accounts.models import User

ISSUE = Limit("credentialing:issue", settings.CERTIFICATES_PER_USER, settings.CERTIFICATES_WINDOW)
NEW_HOLDER = Limit("credentialing:new-holder", settings.NEW_HOLDERS_PER_USER, settings.NEW_HOLDERS_WINDOW)
RETRY = Limit("credentialing:retry", settings.CERTIFICATE_RETRIES, settings.CERTIFICATE_RETRIES_WINDOW)


class TooManyError(Exception):
    """The limit is reached; the message says so, and from when on it goes again."""

    def __init__(self, what: str, retry_at: dt.datetime) -> None:
        super().__init__(f"{what} Try again at {clock(retry_at)}.")
        self.retry_at = retry_at


def count_issue(user: User) -> None:
    """Count one certificate. Raises `TooManyError`."""
    _count(ISSUE, user, f"You’ve created {ISSUE.times} certificates in a short time.")


def count_new_holder(user: User) -> None:
    """Count one holder that is new in an address book. Raises `TooManyError`."""
    _count(NEW_HOLDER, user, f"You’ve added {NEW_HOLDER.times} holders in a short time.")


def count_retry(user: User) -> None:
    """Count one new try at a certificate that failed. Raises `TooManyError`."""
    _count(RETRY, user, f"You’ve tried {RETRY.times} times within an hour.")


def _count(limit: Limit, user: User, what: str) -> None:
    allowance = limit.hit(str(user.pk))
    if not allowance.allowed and allowance.retry_at is not None:
        raise TooManyError(what, allowance.retry_at)
