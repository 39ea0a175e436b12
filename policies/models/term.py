"""Terms of a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from core.dates import in_force_on
from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.policy import Policy

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import User


class TermQuerySet(FeedQuerySet):
    """Terms, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Terms of the policies that the user sees."""
        return self.live().filter(policy__in=Policy.objects.visible_to(user))


class Term(FeedRow):
    """A policy period: from `effective` (inclusive) to `expires` (exclusive), both 12:01 a.m."""

    class Status(models.TextChoices):
        """An offered renewal is no coverage; an accepted one not yet; a bound one is."""

        OFFERED = "offered", "Offered"
        ACCEPTED = "accepted", "Accepted"
        BOUND = "bound", "Bound"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "Expired"
        CANCELLED = "cancelled", "Cancelled"

    class PaymentPlan(models.TextChoices):
        """How the premium is paid."""

        ANNUAL = "annual", "Annual"
        SEMIANNUAL = "semiannual", "Semi-annual"
        QUARTERLY = "quarterly", "Quarterly"
        MONTHLY = "monthly", "Monthly"
        TENPAY = "tenpay", "Ten-pay"

    class Billing(models.TextChoices):
        """Who bills. Agency-billed and premium-financed terms have no Pay."""

        DIRECT = "direct", "Direct"
        AGENCY = "agency", "Agency"
        FINANCED = "financed", "Premium financed"

    public_id = PublicIdField()
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="terms")
    status = models.CharField(max_length=10, choices=Status)
    effective = models.DateField()
    expires = models.DateField()
    premium = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    payment_plan = models.CharField(max_length=12, choices=PaymentPlan, blank=True, default="")
    billing = models.CharField(max_length=10, choices=Billing, blank=True, default="")
    offer_expires = models.DateField(null=True, blank=True)
    quick_renew = models.BooleanField(default=False)
    paid_through = models.DateField(null=True, blank=True)

    objects = TermQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["-effective", "-id"]
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(expires__gt=F("effective")), name="policies_term_period"),
        ]
        indexes = [models.Index(fields=["policy", "-effective"], name="policies_term_of_policy")]

    def __str__(self) -> str:
        return f"{self.policy_id} {self.effective} to {self.expires}"

    def in_force_on(self, day: dt.date) -> bool:
        """Whether this term is bound and its period holds `day`."""
        return self.status == self.Status.BOUND and in_force_on(self.effective, self.expires, day)

    def is_bound_renewal(self, day: dt.date) -> bool:
        """Bound, and beginning after `day`."""
        return self.status == self.Status.BOUND and self.effective > day
