"""Holders chosen ahead for someone who joins (B-17)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from credentialing.models.holders import Holder
from credentialing.models.own_standing import OwnStandingHolder
from policies.models import ChangeRequest


class JoinerHolder(models.Model):
    """A holder of the party's address book that gets the certificate of someone who is to be added, as soon as our
    records have the coverage. From then on `standing` is its arrangement."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="+")
    holder = models.ForeignKey(Holder, on_delete=models.PROTECT, related_name="+")
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    chosen_at = models.DateTimeField(db_default=Now(), editable=False)
    standing = models.ForeignKey(OwnStandingHolder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["request", "holder"], name="credentialing_joinerholder_once")]

    def __str__(self) -> str:
        return f"{self.holder} for a joiner"
