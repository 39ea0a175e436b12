"""Pairs of insured and holder that a party doesn't need for a renewal."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from policies.models import Insured, Membership, Term


class RenewalSkip(models.Model):
    """A holder that a party's people say needs no certificate of an insured for a bound renewal (B-20).

    `fingerprint` is the holder's: the same name and address is the same holder, in an address book or on file.
    """

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="+")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="+")
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["term", "insured", "fingerprint", "membership"], name="credentialing_renewalskip_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.term_id}: {self.insured_id}"
