"""Private addresses of calendars (B-12)."""

from __future__ import annotations

import datetime as dt
import secrets

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models.locks import AccountLock
from accounts.models.users import User
from core.crypto import keyed_hash
from core.events import record_event

# A fetch is noted this often.
NOTED_EVERY = dt.timedelta(hours=1)


class CalendarAddress(models.Model):
    """The address from which a user's calendar program fetches their dates: for anyone who has it, shown once.

    Only a keyed hash of its token is kept. One at a time is in effect.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_addresses")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    fetched_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(revoked_at=None), name="accounts_calendar_one_address")
        ]

    def __str__(self) -> str:
        return f"calendar of {self.user_id}"

    @classmethod
    def draw(cls, *, user: User) -> str:
        """Give the user a new address, revoke the former one, and return the token, which is kept nowhere."""
        token = new_token()
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            cls.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
            row = cls.objects.create(user=user, token_hash=hash_of(token))
            record_event(AccountEvent.CALENDAR_CREATED, subject=row, by=user)
        return token

    @classmethod
    def revoke(cls, *, user: User) -> bool:
        """Revoke the user's address; False where there is none."""
        with transaction.atomic():
            row = cls.of(user)
            if row is None:
                return False
            cls.objects.filter(pk=row.pk).update(revoked_at=timezone.now())
            record_event(AccountEvent.CALENDAR_REVOKED, subject=row, by=user)
        return True

    @classmethod
    def of(cls, user: User) -> CalendarAddress | None:
        """Return the user's address, if one is in effect."""
        return cls.objects.filter(user=user, revoked_at=None).first()

    @classmethod
    def found(cls, token: str) -> CalendarAddress | None:
        """Return the address with this token, if it is in effect and its account neither locked nor deactivated."""
        found = cls.objects.select_related("user").filter(token_hash=hash_of(token), revoked_at=None)
        locks = AccountLock.objects.filter(user=OuterRef("user"), lifted_at=None)
        return found.filter(~Exists(locks), user__is_active=True).first()

    def note_fetch(self) -> None:
        """Note when it was fetched, once an hour."""
        now = timezone.now()
        if self.fetched_at is None or self.fetched_at < now - NOTED_EVERY:
            CalendarAddress.objects.filter(pk=self.pk).update(fetched_at=now)


def new_token() -> str:
    """Return 256 random bits for an address."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return keyed_hash("calendar:token", token)
