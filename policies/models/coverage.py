"""Coverages of insureds within a term, tails on offer, and coverage with other carriers before."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from core.dates import in_force_on
from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.parties import Insured
from policies.models.term import Term

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import User


class CoverageQuerySet(FeedQuerySet):
    """Coverages, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """An insured's own, every one on a policyholder's policies, every one of an agency's clients today."""
        from policies.models.reach import reach_of

        scoped = self.live().filter(term__retired_at=None, term__policy__retired_at=None)
        if not user.is_authenticated:
            return scoped.none()
        return scoped.filter(reach_of(user).coverages())

    def with_policy(self) -> Self:
        """With insured, term, policy, company and policyholder, in one query."""
        return self.select_related("insured", "term__policy__company", "term__policy__policyholder")


class Coverage(FeedRow):
    """One insured's coverage in one term: part, form, retroactive date, limits. Amounts are US dollars."""

    class Part(models.TextChoices):
        """The coverage part."""

        PROFESSIONAL = "professional", "Professional liability"
        ENTITY = "entity", "Entity liability"
        GENERAL = "general", "General liability"
        EXCESS = "excess", "Excess liability"

    class Form(models.TextChoices):
        """Claims-made covers claims made in the period for events since the retroactive date; occurrence covers
        events in the period.
        """

        CLAIMS_MADE = "claims_made", "Claims-made"
        OCCURRENCE = "occurrence", "Occurrence"

    public_id = PublicIdField()
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="coverages")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="coverages")
    part = models.CharField(max_length=12, choices=Part)
    form = models.CharField(max_length=12, choices=Form)
    retroactive_date = models.DateField(null=True, blank=True)
    full_prior_acts = models.BooleanField(default=False)
    limit_per_claim = models.DecimalField(max_digits=12, decimal_places=2)
    limit_aggregate = models.DecimalField(max_digits=12, decimal_places=2)
    limits_shared = models.BooleanField(default=False)
    deductible = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    effective = models.DateField()
    expires = models.DateField()
    premium = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    specialty_code = models.CharField(max_length=20, blank=True, default="")
    specialty = models.CharField(max_length=120, blank=True, default="")
    endorsements = models.TextField(blank=True, default="")
    fund = models.CharField("patient compensation fund", max_length=160, blank=True, default="")
    fund_limits = models.CharField(max_length=120, blank=True, default="")
    ended_reason = models.CharField(max_length=200, blank=True, default="")

    objects = CoverageQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(expires__gt=F("effective")), name="policies_coverage_period"),
            models.CheckConstraint(
                condition=Q(limit_per_claim__lte=F("limit_aggregate")), name="policies_coverage_limits"
            ),
            models.CheckConstraint(
                condition=Q(form="occurrence")
                | Q(full_prior_acts=True)
                | Q(retroactive_date__isnull=False, retroactive_date__lte=F("effective")),
                name="policies_coverage_retroactive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_part_display()} {self.effective} to {self.expires}"

    def in_force_on(self, day: dt.date) -> bool:
        """Whether the coverage's period holds `day`; the policy's status is another question."""
        return in_force_on(self.effective, self.expires, day)

    @property
    def retroactive_text(self) -> str:
        """'N/A – occurrence', 'Full prior acts', or the retroactive date (SPEC: insurance facts)."""
        if self.form == self.Form.OCCURRENCE:
            return "N/A – occurrence"
        if self.full_prior_acts:
            return "Full prior acts"
        date = self.retroactive_date
        if date is None:
            raise ValueError(f"Coverage {self.pk} is claims-made without a retroactive date")
        return f"{date:%B} {date.day}, {date.year}"

    @property
    def per_claim_label(self) -> str:
        """What the first limit is per: a claim, or an occurrence on that form."""
        return "per occurrence" if self.form == self.Form.OCCURRENCE else "per claim"

    @property
    def endorsement_list(self) -> list[str]:
        """Endorsements, one each; the feed separates them by `;`."""
        return [part.strip() for part in self.endorsements.split(";") if part.strip()]


class EreOffer(FeedRow):
    """An extended reporting endorsement ('tail') as the carrier offers it. The portal shows it and computes nothing.

    One row per option of an offer; the letter's code is kept only as the hash that the feed brings.
    """

    class Status(models.TextChoices):
        """Where the offer stands."""

        OFFERED = "offered", "Offered"
        ELECTED = "elected", "Elected"
        PAID = "paid", "Paid"
        DECLINED = "declined", "Declined"
        LAPSED = "lapsed", "Lapsed"
        WAIVED = "waived", "Waived"

    IN_PLACE = (Status.PAID, Status.WAIVED)

    public_id = PublicIdField()
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="ere_offers")
    status = models.CharField(max_length=10, choices=Status)
    decide_by = models.DateField(null=True, blank=True)
    option = models.CharField(max_length=20)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    installments = models.PositiveSmallIntegerField(null=True, blank=True)
    letter_code_sha256 = models.CharField(max_length=64, blank=True, default="", editable=False)
    starts = models.DateField(null=True, blank=True)
    ends = models.DateField(null=True, blank=True)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name = "ERE offer"

    def __str__(self) -> str:
        return f"{self.option} ({self.get_status_display()})"


class PriorCoverage(FeedRow):
    """Coverage with another carrier before this one (key: insured, carrier, effective)."""

    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="prior_coverages")
    carrier = models.CharField(max_length=160)
    policy_number = models.CharField(max_length=40, blank=True, default="")
    form = models.CharField(max_length=12, choices=Coverage.Form)
    effective = models.DateField()
    expires = models.DateField()
    retroactive_date = models.DateField(null=True, blank=True)
    ere_ends = models.DateField("tail ends", null=True, blank=True)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["effective", "id"]

    def __str__(self) -> str:
        return f"{self.carrier} {self.effective} to {self.expires}"
