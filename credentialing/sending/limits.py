"""How many emails a user may send: the portal must not serve to mail strangers (docs/security.md#deliveries). The
figures are settings."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone

from core.throttle import Limit
from credentialing.certificates.limits import TooManyError
from credentialing.models import Delivery

if TYPE_CHECKING:
    from accounts.models import User

A_DAY = dt.timedelta(days=1)
EMAILS = Limit("credentialing:emails", settings.EMAILS_PER_USER_A_DAY, A_DAY)
NEW_ADDRESSES = Limit("credentialing:new-addresses", settings.NEW_ADDRESSES_PER_USER_A_DAY, A_DAY)


def count(user: User, *, is_new_address: bool) -> None:
    """Count one email, and its address where nobody of the party has sent to it. Raises `TooManyError`, and then
    counts nothing."""
    key = str(user.pk)
    new = NEW_ADDRESSES.hit(key) if is_new_address else None
    if new is not None and not new.allowed and new.retry_at is not None:
        raise TooManyError(f"You’ve sent to {NEW_ADDRESSES.times} new addresses within a day.", new.retry_at)
    email = EMAILS.hit(key)
    if not email.allowed and email.retry_at is not None:
        if new is not None:
            NEW_ADDRESSES.give_back(key)
        raise TooManyError(f"You’ve sent {EMAILS.times} emails within a day.", email.retry_at)


def check_batch(user: User, number: int) -> None:
    """Raise `TooManyError` if so many emails of a batch would take the user past those of a day."""
    since = timezone.now() - A_DAY
    sent = Delivery.objects.filter(sent_by=user, created_at__gt=since)
    there, first = sent.aggregate(number=Count("pk"), first=Min("created_at")).values()
    most = settings.BATCH_EMAILS_A_DAY
    if there + number <= most:
        return
    left = max(0, most - there)
    what = f"Batches of one day can email {most:,} certificates. You have {left:,} left, and this one has {number:,}."
    raise TooManyError(what, (first or timezone.now()) + A_DAY)
