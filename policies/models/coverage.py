"""Coverages of insureds within a term, tails on offer, and coverage with other carriers before."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils.functional import cached_property

from core.dates import in_force_on
from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.parties import Insured
from policies.models.term import Term

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from accounts.models import User
    from policies.models.reach import Scope


# The segments of the same insured, part, and form in the same term, itself included: first day and end of each.
SEGMENTS = RawSQL(
    """ARRAY(
        SELECT ARRAY[segment.effective, segment.expires]
        FROM policies_coverage segment
        WHERE segment.insured_id = policies_coverage.insured_id AND segment.term_id = policies_coverage.term_id
          AND segment.part = policies_coverage.part AND segment.form = policies_coverage.form
          AND segment.retired_at IS NULL
    )""",
    (),
    output_field=ArrayField(ArrayField(models.DateField())),
)


class CoverageQuerySet(FeedQuerySet):
    """Coverages, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return an insured's own, every one on a policyholder's policies, every one of an agency's clients today."""
        from policies.models.reach import reach_of

        if not user.is_authenticated:
            return self.none()
        return self.open_to(reach_of(user).scope)

    def open_to(self, scope: Scope) -> Self:
        """Return the same for what a user's memberships open."""
        return self.not_retired().filter(scope.coverages(), term__retired_at=None, term__policy__retired_at=None)

    def with_policy(self) -> Self:
        """With insured, term, policy, company, policyholder, and segments, in one query."""
        return self.select_related("insured", "term__policy__company", "term__policy__policyholder").with_segments()

    def with_segments(self) -> Self:
        """With `Coverage.segments` in the same query."""
        return self.annotate(segments=SEGMENTS)


class Coverage(FeedRow):
    """One insured's coverage in one term: part, form, retroactive date, limits. Amounts are US dollars."""

    class Part(models.TextChoices):
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
        """Whether the coverage's own dates hold `day` (see `ends`); that its term is bound is another question."""
        return in_force_on(self.effective, self.ends, day)

    @cached_property
    def segments(self) -> list[list[dt.date]]:
        """First day and end of each segment of this coverage in the term. A change in mid-term ends one segment and
        begins the next. A query of its own, unless the coverage comes `with_segments`."""
        same = Coverage.objects.not_retired().filter(
            term_id=self.term_id, insured_id=self.insured_id, part=self.part, form=self.form
        )
        return [[starts, ends] for starts, ends in same.order_by().values_list("effective", "expires")]

    def is_segment_of(self, other: Coverage) -> bool:
        """Whether both are the same insured's coverage of one part and form in one term."""
        mine = (self.insured_id, self.term_id, self.part, self.form)
        return mine == (other.insured_id, other.term_id, other.part, other.form)

    @property
    def period(self) -> tuple[dt.date, dt.date]:
        """First day and end of the chain of touching segments that this one belongs to, as far as coverage goes."""
        starts, ends = self.effective, self.expires
        while before := [first for first, end in self.segments if end == starts]:
            starts = min(before)
        while after := [end for first, end in self.segments if first == ends]:
            ends = max(after)
        return starts, self.term.end_of(ends)

    @property
    def ends(self) -> dt.date:
        """Where this coverage ends: with its own period, its term, or its cancelled policy (`Term.end_of`)."""
        return self.term.end_of(self.expires)

    @property
    def retroactive_text(self) -> str:
        """'N/A – occurrence', 'Full prior acts', or the retroactive date (docs/spec.md#insurance-facts)."""
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


def know_segments(coverages: Sequence[Coverage]) -> None:
    """Let coverages know their `segments` from one another, without a query.

    They must be all the coverages of their insureds in their terms.
    """
    for coverage in coverages:
        coverage.segments = [[one.effective, one.expires] for one in coverages if one.is_segment_of(coverage)]


class EreOffer(FeedRow):
    """An extended reporting endorsement ('tail') as the carrier offers it. The portal shows it and computes nothing.

    One row per option of an offer; the letter's code is kept only as the hash that the feed brings.
    """

    class Status(models.TextChoices):
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
