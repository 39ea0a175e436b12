"""How often a user may issue, add holders, and retry: nothing that is issued can be deleted, and each takes a worker's
time (docs/security.md#exhaustion). The figures are settings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings

from core import throttle
from core.templatetags.show import clock

if TYPE_CHECKING:
    from datetime import timedelta

    from accounts.models import User

ISSUE, NEW_HOLDER, RETRY = "credentialing:issue", "credentialing:new-holder", "credentialing:retry"


class TooManyError(Exception):
    """The limit is reached; the message says so, and from when on it goes again."""

    def __init__(self, what: str, retry_at: datetime) -> None:
        super().__init__(f"{what} Try again at {clock(retry_at)}.")
        self.retry_at = retry_at


def count_issue(user: User) -> None:
    """Count one certificate. Raises `TooManyError`."""
    limit = settings.CERTIFICATES_PER_USER
    _count(ISSUE, user, limit, settings.CERTIFICATES_WINDOW, f"You’ve created {limit} certificates in a short time.")


def count_new_holder(user: User) -> None:
    """Count one holder that is new in an address book. Raises `TooManyError`."""
    limit = settings.NEW_HOLDERS_PER_USER
    _count(NEW_HOLDER, user, limit, settings.NEW_HOLDERS_WINDOW, f"You’ve added {limit} holders in a short time.")


def count_retry(user: User) -> None:
    """Count one new try at a certificate that failed. Raises `TooManyError`."""
    limit = settings.CERTIFICATE_RETRIES
    _count(RETRY, user, limit, settings.CERTIFICATE_RETRIES_WINDOW, f"You’ve tried {limit} times within an hour.")


def _count(scope: str, user: User, limit: int, window: timedelta, what: str) -> None:
    verdict = throttle.hit(scope, str(user.pk), limit, window)
    if not verdict.allowed and verdict.retry_at is not None:
        raise TooManyError(what, verdict.retry_at)
