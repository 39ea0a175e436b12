"""Terms of a policy."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from core.dates import in_force_on
from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.policy import Policy

if TYPE_CHECKING:
    from accounts.models import User


class TermQuerySet(FeedQuerySet):
    """Terms, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return the terms of the policies that the user sees."""
        return self.not_retired().filter(policy__in=Policy.objects.visible_to(user))


class Term(FeedRow):
    """A policy period: from `effective` (inclusive) to `expires` (exclusive), both 12:01 a.m."""

    class Status(models.TextChoices):
        """An offered renewal isn't coverage, and an accepted one isn't yet. A bound one is."""

        OFFERED = "offered", "Offered"
        ACCEPTED = "accepted", "Accepted"
        BOUND = "bound", "Bound"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "Expired"
        CANCELLED = "cancelled", "Cancelled"

    class PaymentPlan(models.TextChoices):
        ANNUAL = "annual", "Annual"
        SEMIANNUAL = "semiannual", "Semi-annual"
        QUARTERLY = "quarterly", "Quarterly"
        MONTHLY = "monthly", "Monthly"
        TENPAY = "tenpay", "Ten-pay"

    class Billing(models.TextChoices):
        """Who bills. Agency-billed and premium-financed terms can't be paid here."""

        DIRECT = "direct", "Direct"
        AGENCY = "agency", "Agency"
        FINANCED = "financed", "Premium financed"

    # Those that count as coverage, a cancelled one to its end (docs/feed-format.md).
    TAKEN_UP = (Status.BOUND, Status.EXPIRED, Status.CANCELLED)

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
        """Whether this term is bound and holds `day`; a cancelled one holds it until the day of the cancellation."""
        return self.is_bound(day) and in_force_on(self.effective, self.ends, day)

    def end_of(self, expires: dt.date) -> dt.date:
        """Return where coverage dated to `expires` ends: then, with this term, or with its cancelled policy.

        The one function of it (docs/feed-format.md). No query where the term comes with its policy.
        """
        ends = min(expires, self.expires)
        cancelled = self.policy.cancelled_on
        return ends if cancelled is None else min(ends, cancelled)

    @property
    def ends(self) -> dt.date:
        """Where coverage of the whole term ends."""
        return self.end_of(self.expires)

    def shown_on(self, day: dt.date) -> dt.date:
        """Return the day that the term's coverages are looked at on: `day`, or the last that they cover.

        A change dated past the end of a cancelled policy never took effect.
        """
        return min(day, self.ends - dt.timedelta(days=1))

    def runs_past(self, day: dt.date) -> bool:
        """Whether the term holds, or will hold, coverage after `day`: bound or accepted, and not over."""
        return (self.is_bound(day) or self.status == self.Status.ACCEPTED) and self.ends > day

    def is_bound(self, day: dt.date) -> bool:
        """Whether it is bound. So is the cancelled term of a policy that is cancelled as of a day after `day`.

        None is where the policy is cancelled and we don't know from when.
        """
        if self.policy.status == Policy.Status.CANCELLED and self.policy.cancelled_on is None:
            return False
        if self.status == self.Status.CANCELLED:
            return self.policy.cancels_on(day) is not None and self.policy.status == Policy.Status.CANCELLED
        return self.status == self.Status.BOUND
