"""What belongs to one coverage: endorsements, suspensions, prior limits, extras, and fund enrollments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from core.dates import in_force_on
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.coverage import Coverage

if TYPE_CHECKING:
    import datetime as dt


class DatedQuerySet(FeedQuerySet):
    """Rows with `effective` and `expires`; either may be empty, and the coverage's own dates then bound it."""

    def on(self, day: dt.date) -> Self:
        """Return those that hold on `day`: the first day counts, the end doesn't."""
        begun = Q(effective=None) | Q(effective__lte=day)
        return self.not_retired().filter(begun, Q(expires=None) | Q(expires__gt=day))


class Endorsement(FeedRow):
    """A change or addition to a coverage, with a form number (key: coverage, form number).

    `on_certificate`: the carrier marks it for certificates; another endorsement is nobody else's business.
    """

    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="endorsements")
    form_number = models.CharField(max_length=40)
    edition = models.CharField(max_length=20, blank=True, default="", db_default="")
    title = models.CharField(max_length=200)
    effective = models.DateField(null=True, blank=True)
    expires = models.DateField(null=True, blank=True)
    on_certificate = models.BooleanField(default=False, db_default=False)

    objects = DatedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["form_number", "id"]
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(effective=None) | Q(expires=None) | Q(expires__gt=F("effective")),
                name="policies_endorsement_period",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.form})"

    @property
    def form(self) -> str:
        """The form number with its edition: 'LM-E-214 (01-26)'."""
        return form_words(self.form_number, self.edition)

    def in_force_on(self, day: dt.date) -> bool:
        """Whether it holds on `day`."""
        return (self.effective is None or self.effective <= day) and (self.expires is None or day < self.expires)


def form_words(form_number: str, edition: str) -> str:
    """See `Endorsement.form`."""
    return f"{form_number} ({edition})" if edition else form_number


class Suspension(FeedRow):
    """Days of a coverage on which professional services aren't covered, such as a leave. The policy goes on."""

    class Reason(models.TextChoices):
        LEAVE = "leave", "Leave of absence"
        OTHER = "other", "Other"

    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="suspensions")
    starts = models.DateField("from")
    ends = models.DateField("to", null=True, blank=True)
    reason_code = models.CharField("reason", max_length=8, choices=Reason, blank=True, default="", db_default="")

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["starts", "id"]
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(ends=None) | Q(ends__gt=F("starts")), name="policies_suspension_period"),
        ]

    def __str__(self) -> str:
        return f"{self.starts} to {self.ends or 'further notice'}"

    def in_force_on(self, day: dt.date) -> bool:
        """Whether services on `day` aren't covered: the first day counts, the end doesn't."""
        return in_force_on(self.starts, self.ends, day)


class PriorLimit(FeedRow):
    """The limits of a coverage for incidents before a day, where higher ones were bought later (key: coverage, day)."""

    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="prior_limits")
    incidents_before = models.DateField()
    limit_per_claim = models.DecimalField(max_digits=12, decimal_places=2)
    limit_aggregate = models.DecimalField(max_digits=12, decimal_places=2)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["-incidents_before", "id"]
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(limit_per_claim__lte=F("limit_aggregate")), name="policies_priorlimit_limits"
            ),
        ]

    def __str__(self) -> str:
        return f"before {self.incidents_before}"


class Extra(FeedRow):
    """A further benefit of a coverage and its limit, in the carrier's words (key: coverage, label)."""

    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="extras")
    label = models.CharField(max_length=120)
    limit = models.CharField(max_length=120, blank=True, default="", db_default="")

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["label", "id"]

    def __str__(self) -> str:
        return f"{self.label}: {self.limit}" if self.limit else self.label


class FundEnrollment(FeedRow):
    """Enrollment in a patient compensation fund, as reported to the carrier (key: coverage, fund, first day).

    The fund is another body with a form of its own, which may differ from the coverage's, and enrollment may lapse
    while the coverage goes on.
    """

    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="fund_enrollments")
    fund = models.CharField("patient compensation fund", max_length=160)
    form = models.CharField(max_length=12, choices=Coverage.Form, blank=True, default="", db_default="")
    limits = models.CharField(max_length=120, blank=True, default="", db_default="")
    effective = models.DateField()
    expires = models.DateField(null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["effective", "id"]
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(expires=None) | Q(expires__gt=F("effective")), name="policies_fundenrollment_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fund} from {self.effective}"

    def in_force_on(self, day: dt.date) -> bool:
        """Whether the enrollment holds on `day`."""
        return in_force_on(self.effective, self.expires, day)
