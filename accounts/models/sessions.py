"""Sessions as rows that can be listed and ended, and devices that are remembered between them."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.fields import PublicIdField

if TYPE_CHECKING:
    from accounts.models.users import User


def hash_token(token: str) -> str:
    """Return the SHA-256 of a random token or session key. That's enough, because nobody can guess one."""
    return hashlib.sha256(token.encode()).hexdigest()


class TrustedDeviceQuerySet(models.QuerySet["TrustedDevice"]):
    def usable(self) -> TrustedDeviceQuerySet:
        """Not revoked, not expired, and of the account's present security epoch."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now(), epoch=F("user__security_epoch"))


class TrustedDevice(models.Model):
    """A browser that is not asked for a code at sign-in (S-10). Its cookie holds a 256-bit token, this row the hash.

    It spares the code and is not a fresh second factor; it never opens admin (docs/security.md#devices).
    """

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trusted_devices")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    label = models.CharField(max_length=100)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField("first used", default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    # When its owner was asked, once it had expired, whether the phone is still theirs (S-10).
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    epoch = models.PositiveIntegerField()

    objects = TrustedDeviceQuerySet.as_manager()

    class Meta:
        ordering = ("-last_used_at",)

    def __str__(self) -> str:
        return self.label

    @staticmethod
    def new_token() -> str:
        """256 random bits, url-safe."""
        return secrets.token_urlsafe(32)

    def is_usable_by(self, user: User) -> bool:
        """Whether it still spares this user the code."""
        return (
            self.user_id == user.pk
            and self.revoked_at is None
            and self.expires_at > timezone.now()
            and self.epoch == user.security_epoch
        )

    def revoke(self) -> None:
        """Challenge this browser again from now on."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])


class EndReason(models.TextChoices):
    SIGNED_OUT = "signed_out", "Signed out"
    IDLE = "idle", "Idle too long"
    ABSOLUTE = "absolute", "Open too long"
    CODE_WAIT = "code_wait", "No code was entered in time"
    REPLACED = "replaced", "Replaced by another sign-in in the same browser"
    LOCKED = "locked", "The account was locked"
    FACTOR_GONE = "factor_gone", "The sign-in method that opened it is gone"
    EVERYWHERE = "everywhere", "Ended with all sessions of the account"
    ELSEWHERE = "elsewhere", "Ended by its owner from another browser"
    BY_STAFF = "by_staff", "Ended by web support"


class SessionQuerySet(models.QuerySet["Session"]):
    def open(self) -> SessionQuerySet:
        """Not ended."""
        return self.filter(ended_at=None)

    def end(self, reason: EndReason) -> int:
        """End these sessions now; how many were open."""
        return self.open().update(ended_at=timezone.now(), end_reason=reason, data="")


class Session(models.Model):
    """One browser's session behind `accounts.sessions`. The cookie's key is kept only as a hash; rotating replaces the
    hash, so the row and its `public_id` stay the same through a sign-in.

    `authenticated_at`: the password was right. `verified_at` / `verified_by`: a real code was given. `trusted_device`:
    a remembered device spared the code.
    """

    public_id = PublicIdField()
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    data = models.TextField(blank=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="sessions"
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    authenticated_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.CharField(max_length=80, blank=True)
    trusted_device = models.ForeignKey(
        TrustedDevice, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, choices=EndReason, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("-last_seen_at",)
        indexes = [
            models.Index(fields=["last_seen_at"], name="session_last_seen"),
            models.Index(fields=["user", "-last_seen_at"], condition=Q(ended_at=None), name="session_open_of_user"),
        ]

    def __str__(self) -> str:
        return f"session {self.public_id}"

    @property
    def started_at(self) -> dt.datetime:
        """When the 12 hours began: with the password, or with the first page before it."""
        return self.authenticated_at or self.created_at

    def waits_for_code(self) -> bool:
        """Whether nothing but a password stands behind it: no code was given, and no remembered device that is still
        good spares it."""
        device = self.trusted_device
        spared = device is not None and device.is_usable_by(device.user)
        return self.authenticated_at is not None and self.verified_at is None and not spared

    def limit_passed(self, now: dt.datetime) -> EndReason | None:
        """Return the limit that the session has passed, None while it may go on (docs/security.md#sessions)."""
        if now >= self.started_at + settings.SESSION_ABSOLUTE:
            return EndReason.ABSOLUTE
        if self.authenticated_at and self.waits_for_code() and now >= self.authenticated_at + settings.CODE_WAIT:
            return EndReason.CODE_WAIT
        if now >= self.last_seen_at + settings.SESSION_IDLE:
            return EndReason.IDLE
        return None

    def ends_at(self) -> dt.datetime:
        """When it ends if nothing more is done."""
        ends = min(self.started_at + settings.SESSION_ABSOLUTE, self.last_seen_at + settings.SESSION_IDLE)
        if self.authenticated_at and self.waits_for_code():
            ends = min(ends, self.authenticated_at + settings.CODE_WAIT)
        return ends

    def is_still_open(self) -> bool:
        """Whether nobody has ended it since this request read it. Ask under the user's row lock: what ends sessions for
        a reason holds it."""
        return type(self).objects.open().filter(pk=self.pk).exists()

    def has_fresh_code(self) -> bool:
        """Whether a real code was given recently enough for what needs a step-up; a remembered device is none."""
        return self.verified_at is not None and timezone.now() < self.verified_at + settings.STEP_UP_AFTER

    def end(self, reason: EndReason) -> None:
        """End it on the server: its key opens nothing from now on."""
        type(self).objects.filter(pk=self.pk).end(reason)
        self.ended_at, self.end_reason = timezone.now(), reason


class FamiliarPlace(models.Model):
    """A browser and network from which an account has signed in. A sign-in from a new one is mailed to the owner
    (docs/security.md#sessions). Kept as a keyed hash of account, kind of browser, and wide network, which tells nobody
    where the owner was."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="familiar_places")
    fingerprint = models.CharField(max_length=64, editable=False)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "fingerprint"], name="a_familiar_place_once")]
        indexes = [models.Index(fields=["last_seen_at"], name="familiar_place_last_seen")]

    def __str__(self) -> str:
        return f"familiar place of user {self.user_id}"
