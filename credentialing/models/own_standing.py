"""Standing holders that customers choose in the portal, beside those that the feed brings (`StandingHolder`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from core.fields import PublicIdField
from credentialing.models.holders import Holder, of_own_party
from policies.models import AgentOfRecord, Insured, Membership, Policy, reach_of

if TYPE_CHECKING:
    from accounts.models import User


class OwnStandingHolderQuerySet(models.QuerySet["OwnStandingHolder"]):
    """Standing holders of parties: whose they are, and which of them hold."""

    def visible_to(self, user: User) -> Self:
        """Return those in effect whose holder is in an address book of the user's own parties: no other party sees
        whom it sends certificates to (docs/decisions/0013-holders-of-the-issuing-party.md)."""
        if not user.is_authenticated:
            return self.none()
        return self.in_effect().filter(of_own_party(reach_of(user), "holder__"))

    def not_ended(self) -> Self:
        """Return those that nobody has ended."""
        return self.filter(ended_at=None)

    def in_effect(self) -> Self:
        """Return those that hold today: not ended, and of a party that still has to do with the policy. An agency that
        isn't the agent of record today has no say; neither has a former policyholder."""
        of_record = AgentOfRecord.objects.today().filter(
            policy=OuterRef("policy_id"), agency=OuterRef("holder__agency_id")
        )
        return self.not_ended().filter(
            Q(holder__policyholder_id=F("policy__policyholder_id"))
            | Q(holder__insured_id=F("insured_id"))
            | Exists(of_record),
            policy__retired_at=None,
            holder__removed_at=None,
        )


class OwnStandingHolder(models.Model):
    """A holder of a party's own address book that gets certificates of a policy without being asked (B-03): of one
    insured, or of everyone on it.

    An insured names holders for themselves; the policyholder and the agent of record, for anyone on the policy. No load
    of the feed touches it.
    """

    public_id = PublicIdField()
    holder = models.ForeignKey(Holder, on_delete=models.PROTECT, related_name="standing")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    renewals = models.BooleanField("gets the certificate of each renewal", default=True, db_default=False)
    notices = models.BooleanField("gets notices of cancellation and changed limits", default=True, db_default=False)
    claims_history = models.BooleanField("gets claims histories", default=False, db_default=False)
    # The membership that it was made by: whose arrangement it is.
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = OwnStandingHolderQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name = "standing holder of a customer"
        verbose_name_plural = "standing holders of customers"
        constraints = [
            models.UniqueConstraint(
                fields=["holder", "policy", "insured"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="credentialing_ownstanding_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="credentialing_ownstanding_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["policy"], condition=Q(ended_at=None), name="credentialing_ownstanding_pol"),
        ]

    def __str__(self) -> str:
        return f"{self.holder.name} for {self.insured or 'everyone'} on {self.policy.number}"
