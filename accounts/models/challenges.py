"""Codes sent to phones."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.crypto import keyed_hash
from core.fields import PublicIdField

if TYPE_CHECKING:
    from accounts.models.devices import PhoneDevice
    from accounts.models.sessions import Session


class Delivery(models.TextChoices):
    """Delivery status of a message. `sending` is entered only once, so at most one message is sent."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    UNDELIVERED = "undelivered", "Not delivered"
    FAILED = "failed", "Could not be sent"
    UNKNOWN = "unknown", "Not known whether it was sent"
    EXPIRED = "expired", "Expired before it was sent"


# The provider's statuses that matter here: of texts, of calls, and of both.
REPORTS = {
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "ringing": Delivery.SENT,
    "in-progress": Delivery.SENT,
    "completed": Delivery.DELIVERED,
    "busy": Delivery.UNDELIVERED,
    "no-answer": Delivery.UNDELIVERED,
    "canceled": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED,
}
# A challenge that hasn't been handed over after this long waits in a queue that is behind; the page says so.
LATE_AFTER = dt.timedelta(seconds=15)
# After these, the page offers another message at once.
TROUBLE = frozenset({Delivery.UNDELIVERED, Delivery.FAILED, Delivery.UNKNOWN, Delivery.EXPIRED})


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def open(self) -> ChallengeQuerySet:
        """Keep those neither used nor voided. They may have expired."""
        return self.filter(used_at=None, voided_at=None)

    def usable(self) -> ChallengeQuerySet:
        """Keep those whose code could still be accepted."""
        return self.open().filter(expires_at__gt=timezone.now())


class Challenge(models.Model):
    """One code for one phone, bound to the session that asked (docs/security.md#codes).

    The request stores the row and enqueues its id. The worker makes the code and stores only its keyed hash.
    """

    public_id = PublicIdField()
    device = models.ForeignKey("accounts.PhoneDevice", on_delete=models.CASCADE, related_name="challenges")
    session = models.ForeignKey("accounts.Session", on_delete=models.CASCADE, related_name="challenges")
    code_hash = models.CharField(max_length=64, blank=True, editable=False)
    delivery = models.CharField(max_length=12, choices=Delivery, default=Delivery.QUEUED)
    error = models.CharField(max_length=40, blank=True)
    wrong_tries = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    provider_id = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    sending_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = ChallengeQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["device"], condition=Q(used_at=None, voided_at=None), name="one_open_code_per_device"
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(delivery__in=["queued", "sending"]), name="challenge_on_its_way"
            ),
        ]

    def __str__(self) -> str:
        return f"challenge {self.public_id}"

    @classmethod
    def issue(cls, device: PhoneDevice, session: Session) -> Challenge:
        """Void the device's open code and store a new challenge. The caller holds the device's row lock."""
        now = timezone.now()
        cls.objects.filter(device=device).open().update(voided_at=now)
        return cls.objects.create(device=device, session=session, created_at=now, expires_at=now + device.code_life)

    @classmethod
    def note_report(cls, public_id: str, *, provider_id: str, status: str) -> bool:
        """Apply a delivery report, and return whether it changed anything.

        Reports come in any order: 'sent' only follows 'sending', and a final status stays.
        """
        reported = REPORTS.get(status)
        if reported is None:
            return False
        before = {Delivery.SENDING, Delivery.UNKNOWN}
        if reported is not Delivery.SENT:
            before |= {Delivery.SENT}
        return bool(
            cls.objects.filter(public_id=public_id, delivery__in=before)
            .filter(Q(provider_id="") | Q(provider_id=provider_id))
            .update(delivery=reported)
        )

    def is_usable(self) -> bool:
        """Whether its code could still be accepted."""
        return self.used_at is None and self.voided_at is None and self.expires_at > timezone.now()

    def is_in_trouble(self) -> bool:
        """Whether the message failed or may have failed, so that the page offers another one at once."""
        return self.delivery in TROUBLE

    def is_on_its_way(self) -> bool:
        """Whether its delivery status may still change."""
        return self.is_usable() and self.delivery in {Delivery.QUEUED, Delivery.SENDING, Delivery.SENT}

    def is_late(self) -> bool:
        """Whether it takes longer than usual to be sent."""
        on_its_way = self.delivery in {Delivery.QUEUED, Delivery.SENDING}
        return on_its_way and self.created_at <= timezone.now() - LATE_AFTER

    def make_code(self) -> str:
        """Draw a code of the device's length, set its hash, and return it. The caller saves."""
        digits = self.device.digits
        code = f"{secrets.randbelow(10**digits):0{digits}d}"
        self.code_hash = self._hash(code)
        return code

    def count_wrong(self) -> bool:
        """Count a wrong try, void the code after its last one, and return whether that was it. The caller holds this
        row's lock."""
        self.wrong_tries += 1
        spent = self.device.code_tries is not None and self.wrong_tries >= self.device.code_tries
        if spent:
            self.voided_at = timezone.now()
        self.save(update_fields=["wrong_tries", "voided_at"])
        return spent

    def accepts(self, code: str) -> bool:
        """Compare in constant time. A challenge without a code accepts nothing."""
        return bool(self.code_hash) and hmac.compare_digest(self.code_hash, self._hash(code))

    def _hash(self, code: str) -> str:
        return keyed_hash("challenge", f"{self.public_id}:{code}")
