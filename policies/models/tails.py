"""Tails on offer, and coverage with other carriers before."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.coverage import Coverage
from policies.models.parties import Insured

# Options as the feed spells them, in words; others are shown as they are.
OPTIONS = {
    "unlimited": "Unlimited reporting period",
    "1y": "1 year",
    **{f"{n}y": f"{n} years" for n in range(2, 11)},
    **{f"{n}d": f"{n} days" for n in (30, 60, 90)},
}


class EreOffer(FeedRow):
    """An extended reporting endorsement ('tail') as the carrier offers it. The portal shows it and computes nothing.

    One row per option of an offer; the letter's code is kept only as the hash that the feed brings.
    """

    class Status(models.TextChoices):
        AUTOMATIC = "automatic", "Automatic"
        OFFERED = "offered", "Offered"
        ELECTED = "elected", "Elected, payment pending"
        PAID = "paid", "Paid"
        GRANTED = "granted", "Granted"
        DECLINED = "declined", "Declined"
        LAPSED = "lapsed", "Lapsed"

    IN_PLACE = (Status.AUTOMATIC, Status.GRANTED, Status.PAID)
    # The words for a tail on record; an offer that wasn't taken up isn't one (docs/feed-format.md).
    ON_RECORD: ClassVar[dict[str, str]] = {
        Status.PAID: "purchased",
        Status.AUTOMATIC: "automatic",
        Status.GRANTED: "granted",
        Status.ELECTED: "elected, payment pending",
    }

    public_id = PublicIdField()
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="ere_offers")
    status = models.CharField(max_length=10, choices=Status)
    decide_by = models.DateField(null=True, blank=True)
    option = models.CharField(max_length=20)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    installments = models.PositiveSmallIntegerField(null=True, blank=True)
    installment_amount = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    finance_charge = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    letter_code_sha256 = models.CharField(max_length=64, blank=True, default="", editable=False)
    starts = models.DateField(null=True, blank=True)
    ends = models.DateField(null=True, blank=True)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name = "ERE offer"
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(starts=None) | Q(ends=None) | Q(ends__gt=F("starts")), name="policies_ereoffer_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.option} ({self.get_status_display()})"

    @property
    def is_in_place(self) -> bool:
        """Whether the tail is bought, granted, or automatic; an elected one still waits for its payment."""
        return self.status in self.IN_PLACE

    @property
    def option_in_words(self) -> str:
        """'3 years', 'Unlimited reporting period', or the option as the feed spells it."""
        return OPTIONS.get(self.option, self.option)

    @property
    def total(self) -> Decimal | None:
        """The price with the finance charge: what the installments come to. None where the carrier gives no price."""
        return None if self.price is None else self.price + (self.finance_charge or 0)


class PriorCoverage(FeedRow):
    """Coverage with another carrier before this one (key: insured, carrier, effective)."""

    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="prior_coverages")
    carrier = models.CharField(max_length=200)
    policy_number = models.CharField(max_length=40, blank=True, default="")
    form = models.CharField(max_length=12, choices=Coverage.Form)
    effective = models.DateField()
    expires = models.DateField()
    retroactive_date = models.DateField(null=True, blank=True)
    ere_ends = models.DateField("tail ends", null=True, blank=True)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["effective", "id"]
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(expires__gt=F("effective")), name="policies_priorcoverage_period"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.effective} to {self.expires}"
