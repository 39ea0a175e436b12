"""Coverages of insureds within a term, as effective-dated segments."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.expressions import RawSQL
from django.utils.functional import cached_property

from core.dates import in_force_on
from core.fields import PublicIdField
from core.templatetags.show import day_long
from policies.models.base import FeedQuerySet, FeedRow, sort_key
from policies.models.parties import Insured, Policyholder
from policies.models.segments import Segment, leading, linked
from policies.models.term import Term

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.contrib.postgres.search import SearchQuery

    from accounts.models import User
    from policies.models.reach import Scope


# The segments of the same insured, part, and form in the same term, itself included: first day and end of each, as
# numbers of days from the same one as `dt.date.toordinal`; id; and the id of the segment that it continues, or 0.
SEGMENTS = RawSQL(
    """ARRAY(
        SELECT ARRAY[
            segment.effective - DATE '0001-01-01' + 1, segment.expires - DATE '0001-01-01' + 1, segment.id,
            COALESCE(segment.continues_id, 0)
        ]
        FROM policies_coverage segment
        WHERE segment.insured_id = policies_coverage.insured_id AND segment.term_id = policies_coverage.term_id
          AND segment.part = policies_coverage.part AND segment.form = policies_coverage.form
          AND segment.retired_at IS NULL
    )""",
    (),
    output_field=ArrayField(ArrayField(models.BigIntegerField())),
)


def _same(one: str, other: str) -> str:
    """Return the condition that `one` isn't retired, and is of the same insured, part, and form in the same term."""
    equal = (f"{one}.{column} = {other}.{column}" for column in ("insured_id", "part", "form"))
    # Added to, the term is no way to look for it: an insured has few coverages, and a term can have 5,000.
    return " AND ".join((*equal, f"{one}.term_id + 0 = {other}.term_id + 0", f"{one}.retired_at IS NULL"))


def _follows(later: str, earlier: str) -> str:
    """Return the condition of `policies.models.segments.linked` that one segment goes on from another."""
    return f"""{_same(later, earlier)} AND {later}.effective = {earlier}.expires AND (
        {later}.continues_id = {earlier}.id
        OR NOT EXISTS (
            SELECT FROM policies_coverage known WHERE known.id = {later}.continues_id AND {_same("known", later)}
        ) AND NOT EXISTS (
            SELECT FROM policies_coverage namer WHERE namer.continues_id = {earlier}.id AND {_same("namer", earlier)}
        )
    )"""  # noqa: S608 - names of tables, no value


# Whether a coverage speaks for its chain of segments on a day (`policies.models.segments.leading`): none that follows
# it has begun, and it has begun itself or is the first. A CASE, so that PostgreSQL looks from row to row along the
# roster's index, and doesn't join the whole term to itself.
LEADS = f"""CASE
    WHEN EXISTS (
        SELECT FROM policies_coverage later WHERE {_follows("later", "policies_coverage")} AND later.effective <= %s
    ) THEN FALSE
    WHEN policies_coverage.effective <= %s THEN TRUE
    ELSE NOT EXISTS (SELECT FROM policies_coverage earlier WHERE {_follows("policies_coverage", "earlier")})
END"""  # noqa: S608 - names of tables, no value


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

    def found(self, *, number: Any, query: SearchQuery, scope: Scope, also: Iterable[Q] = ()) -> Self:
        """Return those within a scope whose policy number begins so, or whose policyholder or insured the query finds.

        Three sets, each along an index and within the scope, united (see `PolicyQuerySet.found`). `number` may be null.
        `also`: further conditions, each a set of its own.
        """
        from policies.models.reach import named_so

        within = Coverage.objects.not_retired().filter(scope.coverages()).order_by()
        beginning = Value(None) if number is None else number
        by_number = within.filter(term__policy__number_normalized__begins=beginning)
        by_holder = within.filter(named_so("term__policy__policyholder", Policyholder, query, scope))
        by_insured = within.filter(named_so("insured", Insured, query, scope))
        others = [by_holder, by_insured, *(within.filter(condition) for condition in also)]
        return self.filter(pk__in=by_number.values("pk").union(*(each.values("pk") for each in others)))

    def with_policy(self) -> Self:
        """With insured, term, policy, company, policyholder, and segments, in one query."""
        return self.select_related("insured", "term__policy__company", "term__policy__policyholder").with_segments()

    def leading_on(self, day: Any) -> Self:
        """Return one coverage for each chain of segments: the one that speaks for it on `day` (`Term.shown_on`)."""
        return self.filter(RawSQL(LEADS, (day, day), output_field=models.BooleanField()))  # noqa: S611 - no value in it

    def with_segments(self) -> Self:
        """With `Coverage.segments` in the same query."""
        return self.annotate(segment_rows=SEGMENTS)


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

    class LimitBasis(models.TextChoices):
        """What the first limit is for, in the policy's own words."""

        CLAIM = "claim", "each claim"
        MEDICAL_INCIDENT = "medical_incident", "each medical incident"
        OCCURRENCE = "occurrence", "each occurrence"

    class Defense(models.TextChoices):
        """Whether the costs of defense reduce the limits."""

        OUTSIDE = "outside", "outside the limits"
        INSIDE = "inside", "inside the limits"

    class DeductibleBasis(models.TextChoices):
        """What the deductible applies to."""

        INDEMNITY = "indemnity", "indemnity only"
        INDEMNITY_AND_EXPENSE = "indemnity_and_expense", "indemnity and expense"

    public_id = PublicIdField()
    # No index of its own: the roster's begins with it.
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="coverages", db_index=False)
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="coverages")
    # The insured's, repeated by the load: a roster of 5,000 is read along an index, a page at a time.
    sort_key = sort_key()
    part = models.CharField(max_length=12, choices=Part)
    form = models.CharField(max_length=12, choices=Form)
    retroactive_date = models.DateField(null=True, blank=True)
    full_prior_acts = models.BooleanField(default=False)
    limit_per_claim = models.DecimalField(max_digits=12, decimal_places=2)
    limit_aggregate = models.DecimalField(max_digits=12, decimal_places=2)
    limit_basis = models.CharField(max_length=16, choices=LimitBasis, blank=True, default="", db_default="")
    limits_shared = models.BooleanField(default=False)
    limits_shared_with = models.CharField(max_length=200, blank=True, default="", db_default="")
    defense = models.CharField(max_length=8, choices=Defense, blank=True, default="", db_default="")
    deductible = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    deductible_basis = models.CharField(max_length=24, choices=DeductibleBasis, blank=True, default="", db_default="")
    effective = models.DateField()
    expires = models.DateField()
    premium = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    specialty_code = models.CharField(max_length=20, blank=True, default="")
    specialty = models.CharField(max_length=120, blank=True, default="")
    # The older column of that name, superseded by `Endorsement`.
    endorsement_text = models.TextField("endorsements", db_column="endorsements", blank=True, default="")
    # Both superseded by `FundEnrollment`.
    fund = models.CharField("patient compensation fund", max_length=160, blank=True, default="")
    fund_limits = models.CharField(max_length=120, blank=True, default="")
    ended_reason = models.CharField(max_length=200, blank=True, default="")
    # Wordings of the policy: what work is covered, whom a locum may replace, and in which states.
    scope = models.CharField(max_length=300, blank=True, default="", db_default="")
    locum = models.CharField(max_length=300, blank=True, default="", db_default="")
    states = models.CharField("covered states", max_length=300, blank=True, default="", db_default="")
    site = models.CharField(max_length=120, blank=True, default="", db_default="")
    cost_center = models.CharField(max_length=120, blank=True, default="", db_default="")
    # The segment before this one. Few have one, so the index is a partial one.
    continues = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="continued_by", db_index=False
    )

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
            models.CheckConstraint(
                condition=Q(continues=None) | ~Q(continues=F("id")), name="policies_coverage_continues_other"
            ),
        ]
        indexes = [
            models.Index(fields=["term", "sort_key", "id"], name="policies_coverage_roster"),
            models.Index(
                fields=["continues"], condition=Q(continues__isnull=False), name="policies_coverage_continues"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_part_display()} {self.effective} to {self.expires}"

    def in_force_on(self, day: dt.date) -> bool:
        """Whether the coverage's own dates hold `day` (see `ends`); that its term is bound is another question."""
        return in_force_on(self.effective, self.ends, day)

    @cached_property
    def segments(self) -> list[Segment]:
        """The segments of the same insured, part, and form in the term, this one included. A query of its own, unless
        the coverage comes `with_segments` or with its details."""
        rows: list[list[int]] | None = getattr(self, "segment_rows", None)
        if rows is not None:
            day = dt.date.fromordinal
            return [Segment(day(starts), day(ends), pk, continues or None) for starts, ends, pk, continues in rows]
        details: dict[str, list[dict[str, Any]]] | None = getattr(self, "detail_rows", None)
        if details is not None:
            same_form = (row for row in details["segments"] if row["form"] == self.form)
            return [self.as_segment, *map(_segment_of, same_form)]
        same = Coverage.objects.not_retired().filter(
            term_id=self.term_id, insured_id=self.insured_id, part=self.part, form=self.form
        )
        return [Segment(*row) for row in same.order_by().values_list("effective", "expires", "pk", "continues_id")]

    def is_segment_of(self, other: Coverage) -> bool:
        """Whether both are the same insured's coverage of one part and form in one term."""
        mine = (self.insured_id, self.term_id, self.part, self.form)
        return mine == (other.insured_id, other.term_id, other.part, other.form)

    @property
    def links(self) -> list[Segment]:
        """The chain of touching segments that this one belongs to, in order."""
        # A list reads only some fields of a coverage; its segments, all that matters here.
        if len(self.segments) == 1 and self.segments[0].pk == self.pk:
            return self.segments
        listed = {segment.pk: segment for segment in self.segments if segment.pk is not None}
        return linked(listed.get(self.pk) or self.as_segment, self.segments)

    @property
    def period(self) -> tuple[dt.date, dt.date]:
        """First day and end of that chain, as far as coverage goes."""
        links = self.links
        return links[0].starts, self.term.end_of(links[-1].ends)

    def leads_on(self, day: dt.date) -> bool:
        """Whether it speaks for its chain on `day`; see `CoverageQuerySet.leading_on` and `Term.shown_on`."""
        return leading(self.links, self.term.shown_on(day)).pk == self.pk

    @property
    def as_segment(self) -> Segment:
        """This coverage among its segments."""
        return Segment(self.effective, self.expires, self.pk, self.continues_id)

    @property
    def ends(self) -> dt.date:
        """Where this coverage ends: with its own period, its term, or its cancelled policy (`Term.end_of`)."""
        return self.term.end_of(self.expires)

    @property
    def retroactive_text(self) -> str:
        """'N/A – occurrence', 'Full prior acts', or the retroactive date (docs/spec.md#insurance-facts)."""
        return retroactive_words(self.form, self.retroactive_date, full_prior_acts=self.full_prior_acts)

    @property
    def per_claim_label(self) -> str:
        """What the first limit is for: in the policy's own words where the feed gives them, otherwise by the form."""
        if self.limit_basis:
            return BASES.get(self.limit_basis, self.limit_basis)
        return "per occurrence" if self.form == self.Form.OCCURRENCE else "per claim"

    @property
    def endorsement_list(self) -> list[str]:
        """Endorsements of the older column, one each; the feed separates them by `;`."""
        return [part.strip() for part in self.endorsement_text.split(";") if part.strip()]


BASES = dict(Coverage.LimitBasis.choices)


def retroactive_words(form: str, date: dt.date | None, *, full_prior_acts: bool) -> str:
    """See `Coverage.retroactive_text`. Raises ValueError where a claims-made coverage has no date."""
    if form == Coverage.Form.OCCURRENCE:
        return "N/A – occurrence"
    if full_prior_acts:
        return "Full prior acts"
    if date is None:
        raise ValueError("a claims-made coverage has no retroactive date")
    return day_long(date)


def _segment_of(row: dict[str, Any]) -> Segment:
    """Return a segment from a row of JSON (see `policies.models.details`)."""
    day = dt.date.fromisoformat
    return Segment(day(row["effective"]), day(row["expires"]), row["id"], row["continues_id"])


def know_segments(coverages: Sequence[Coverage]) -> None:
    """Let coverages know their `segments` from one another, without a query.

    They must be all the coverages of their insureds in their terms.
    """
    for coverage in coverages:
        coverage.segments = [one.as_segment for one in coverages if one.is_segment_of(coverage)]
