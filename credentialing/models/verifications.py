"""Verifications: what was asked about a paper that we issued, and what was answered. Kept for good (B-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import PublicIdField
from credentialing.models.certificates import Certificate

if TYPE_CHECKING:
    import datetime as dt


class VerificationQuerySet(models.QuerySet["Verification"]):
    def of(self, certificate: Certificate) -> Self:
        """Return those of a certificate, the latest first."""
        return self.filter(certificate=certificate).order_by("-asked_at", "-id")

    def just_asked(self, certificate: Certificate, *, network: str, since: dt.datetime) -> Self:
        """Return the look-ups of a certificate from one network since a time, the latest first."""
        return self.of(certificate).filter(network=network, asked_at__gte=since, receipt="")


class Verification(models.Model):
    """One answer about a certificate or letter, as it was given. The database refuses to change or delete any.

    Someone who only looks leaves a row without a name. A receipt is a row of its own, with its number and with what
    the person typed, which nobody has checked.
    """

    class Way(models.TextChoices):
        """How the paper was named."""

        CODE = "code", "Verification code"
        FILE = "file", "Fingerprint of the file"

    public_id = PublicIdField()
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="verifications")
    way = models.CharField(max_length=4, choices=Way)
    asked_at = models.DateTimeField(default=timezone.now)
    # A keyed hash: tells whether two came from the same network, and nothing else.
    network = models.CharField(max_length=64, editable=False)
    # What holds today, as answered: see `credentialing.verification.answers`.
    answer = models.JSONField()
    name = models.CharField(max_length=120, blank=True, default="", db_default="")
    organization = models.CharField(max_length=160, blank=True, default="", db_default="")
    receipt = models.CharField("receipt number", max_length=24, blank=True, default="", db_default="")
    idempotency_key = models.UUIDField(null=True, blank=True, editable=False)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["receipt"], condition=~Q(receipt=""), name="credentialing_verification_receipt"
            ),
            models.UniqueConstraint(
                fields=["certificate", "idempotency_key"], name="credentialing_verification_once_a_form"
            ),
        ]
        indexes = [
            models.Index(fields=["certificate", "-asked_at", "-id"], name="credentialing_verif_recent"),
            models.Index(fields=["-asked_at", "-id"], name="credentialing_verif_latest"),
        ]

    def __str__(self) -> str:
        return self.receipt or f"{self.get_way_display()}, {self.asked_at:%Y-%m-%d}"

    @property
    def who(self) -> str:
        """Who asked, as they typed it: 'Mary Quill, Saint Brendan Medical Center'."""
        return ", ".join(part for part in (self.name, self.organization) if part) or "Someone who gave no name"
