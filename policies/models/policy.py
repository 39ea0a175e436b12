"""Policies, the history of their status, and their agents of record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import cached_property

from core.dates import carrier_today, in_force_on, local_today
from core.fields import PublicIdField
from core.search import name_query
from core.statements import prepared
from core.urls import address_for
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.parties import Agency, Company, Insured, Policyholder
from policies.names import fold, normalize_number

if TYPE_CHECKING:
    import datetime as dt

    from django.contrib.postgres.search import SearchQuery

    from accounts.models import User
    from policies.models.reach import Scope
    from policies.models.term import Term


class PolicyQuerySet(FeedQuerySet):
    """Policies, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Policies the user holds, is insured on, or whose agency is agent of record today
        (docs/spec.md#roles-rows-and-rights).

        Indexed sets united, so that a book of 100,000 policies costs a user of ten no more than their ten.
        """
        from policies.models.reach import reach_of

        scoped = self.not_retired()
        if not user.is_authenticated:
            return scoped.none()
        return scoped.filter(reach_of(user).policies())

    def search(self, text: str, *, by: User | None = None) -> Self:
        """Policies whose number begins with `text` (spaces, dashes, case aside), or whose policyholder or an insured of
        whom has every word of it in the name. A word of three letters or more may be the beginning of one; a shorter
        one ("Li") stands for itself, or half the book would answer.

        `by`: who asks. On a policy that they see only as an insured, just their own name finds it: the search tells
        nobody who else is on the roster. Without it nothing is held back.
        """
        from policies.models.reach import reach_of

        query = name_query(fold(text).split())
        if query is None:
            return self if not text.strip() else self.none()
        scope = reach_of(by).scope if by is not None else None
        return self.found(number=normalize_number(text) or None, query=query, scope=scope)

    def found(self, *, number: Any, query: SearchQuery, scope: Scope | None) -> Self:
        """Return what `search` does, for what it makes of a text. `number`: null where the text has none of it."""
        from policies.models.coverage import Coverage
        from policies.models.reach import named_so

        policies, coverages = (scope.policies(), scope.coverages()) if scope is not None else (Q(), Q())
        # Three sets, each along an index and within what the user sees, united: an OR over the joins would read it all.
        beginning = Value(None) if number is None else number
        by_number = Policy.objects.filter(policies, number_normalized__begins=beginning)
        by_holder = Policy.objects.filter(policies, named_so("policyholder", Policyholder, query, scope))
        by_insured = Coverage.objects.not_retired().filter(coverages, named_so("insured", Insured, query, scope))
        return self.filter(
            pk__in=by_number.values("pk").union(by_holder.values("pk"), by_insured.order_by().values("term__policy_id"))
        )

    def with_page(self) -> Self:
        """With what a list row or a page's head shows, in one query."""
        return self.select_related("company", "policyholder")


class Policy(FeedRow):
    """A medical professional liability policy of one policyholder, in as many terms as it was renewed."""

    class Program(models.TextChoices):
        """The carrier's program; risk resources are chosen by it."""

        PHYSICIANS = "physicians", "Physicians"
        ALLIED = "allied", "Allied health"
        DENTAL = "dental", "Dental"
        FACILITY = "facility", "Facility"
        STUDENT = "student", "Student"

    class Status(models.TextChoices):
        """The carrier's word on the policy."""

        PENDING = "pending", "Pending"
        ACTIVE = "active", "In force"
        PENDING_CANCELLATION = "pending_cancellation", "Pending cancellation"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"
        NONRENEWED = "nonrenewed", "Not renewed"

    class Reason(models.TextChoices):
        """Why the status is what it is. It stays between the carrier and the policy's own people."""

        INSURED_REQUEST = "insured_request", "Insured’s request"
        NONPAYMENT = "nonpayment", "Nonpayment"
        UNDERWRITING = "underwriting", "Underwriting"
        REWRITTEN = "rewritten", "Rewritten"
        RETIRED = "retired", "Retired"
        DECEASED = "deceased", "Deceased"
        OTHER = "other", "Other"

    ENDED = (Status.CANCELLED, Status.EXPIRED, Status.NONRENEWED)
    IN_FORCE = (Status.ACTIVE, Status.PENDING_CANCELLATION)

    public_id = PublicIdField()
    number = models.CharField("policy number", max_length=40)
    number_normalized = models.CharField(max_length=40, editable=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="policies")
    policyholder = models.ForeignKey(Policyholder, on_delete=models.PROTECT, related_name="policies")
    billing_account_key = models.CharField("billing account", max_length=120, blank=True, default="")
    program = models.CharField(max_length=12, choices=Program)
    status = models.CharField(max_length=24, choices=Status)
    status_date = models.DateField(null=True, blank=True)
    status_reason = models.CharField(max_length=200, blank=True, default="")
    status_reason_code = models.CharField(max_length=16, choices=Reason, blank=True, default="", db_default="")
    # The policy that continues this one. Few have one, so the index is a partial one.
    replaced_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaces", db_index=False
    )
    cancellation_effective = models.DateField(null=True, blank=True)
    cure_amount = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    reinstate_by = models.DateField(null=True, blank=True)
    reinstatement_amount = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    # Who underwrites it (S-46); empty where the carrier doesn't say.
    underwriter_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    underwriter_phone = models.CharField(max_length=40, blank=True, default="", db_default="")
    underwriter_email = models.CharField(max_length=254, blank=True, default="", db_default="")

    objects = PolicyQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name_plural = "policies"
        constraints = [
            *FeedRow.Meta.constraints,
            models.UniqueConstraint(
                fields=["source", "number_normalized"],
                condition=Q(retired_at=None),
                name="policies_policy_number_per_source",
            ),
            models.CheckConstraint(
                condition=Q(replaced_by=None) | ~Q(replaced_by=F("id")), name="policies_policy_replaced_by_other"
            ),
        ]
        indexes = [
            # Keyset pages in order of number, and searches for the beginning of one.
            models.Index(fields=["number_normalized", "id"], name="policies_policy_page"),
            models.Index(
                fields=["number_normalized"],
                opclasses=["varchar_pattern_ops"],
                name="policies_policy_number_like",
            ),
            models.Index(fields=["status", "number_normalized", "id"], name="policies_policy_status_page"),
            # The policies on a billing account: its table is on a floor above, so they keep its id as text.
            models.Index(
                fields=["billing_account_key", "source"],
                condition=~Q(billing_account_key=""),
                name="policies_policy_account",
            ),
            models.Index(
                fields=["replaced_by"], condition=Q(replaced_by__isnull=False), name="policies_policy_replaced_by"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return address_for("policies:policy")(self.public_id)

    @property
    def cancelled_on(self) -> dt.date | None:
        """The day from which the policy is cancelled, past or ahead; None where it isn't, or the carrier gives no day.

        `cancellation_effective`, or `status_date` where that is empty.
        """
        if self.status != self.Status.CANCELLED:
            return None
        return self.cancellation_effective or self.status_date

    def cancels_on(self, day: dt.date) -> dt.date | None:
        """Return the day of a cancellation that is still ahead of `day`: pending, or cancelled as of a later date."""
        pending = self.status == self.Status.PENDING_CANCELLATION
        cancels = self.cancellation_effective if pending else self.cancelled_on
        return cancels if cancels is not None and cancels > day else None

    def has_ended(self, day: dt.date) -> bool:
        """Whether the policy is over on `day`; from then on access is historic (docs/spec.md#current-historic-ended).

        A policy that is nonrenewed, or cancelled as of a later date, runs until that date. One whose pending
        cancellation's date has passed goes on until the carrier says more.
        """
        if self.status not in self.ENDED:
            return False
        if self.status == self.Status.CANCELLED and self.cancels_on(day) is None:
            return True
        return not any(term.runs_past(day) for term in self.terms_on_file)

    @property
    def reason_in_words(self) -> str:
        """Why the status is what it is: the carrier's own words, else the reason's name; empty where it gives none."""
        return reason_in_words(self.status_reason, self.status_reason_code)

    def today(self) -> dt.date:
        """Return the day at the named insured's address: policy periods begin and end there at 12:01 a.m. standard
        time."""
        return local_today(self.policyholder.state)

    @cached_property
    def terms_on_file(self) -> list[Term]:
        """Return the terms that the carrier still sends, the latest first; read once."""
        terms = _terms(policy_id=self.pk)
        for term in terms:
            term.policy = self
        return terms

    @cached_property
    def appointments(self) -> list[AgentOfRecord]:
        """Return the agents of record of all times, the latest first, with their agencies; read once."""
        return list(self.agents_of_record.not_retired().select_related("agency").order_by("-starts", "-id"))


def reason_in_words(text: str, code: str) -> str:
    """Return the carrier's own words for a reason, else the name of its code."""
    return text or (str(Policy.Reason(code).label) if code else "")


@prepared(policy_id=models.BigIntegerField())
def _terms(*, policy_id: int) -> models.QuerySet[Term]:
    from policies.models.renewals import RenewalApplication
    from policies.models.term import Term

    # With what a page says of each term's renewal.
    others = [f.name for f in RenewalApplication._meta.concrete_fields if f.name not in RenewalApplication.AT_A_GLANCE]
    terms = Term.objects.not_retired().filter(policy_id=policy_id).select_related("renewal_application")
    return terms.defer(*(f"renewal_application__{name}" for name in others))


class PolicyStatus(models.Model):
    """A change of a policy's status, as the feed brought it. The history is only added to."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="status_history")
    status = models.CharField(max_length=24, choices=Policy.Status)
    status_date = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="")
    reason_code = models.CharField(max_length=16, choices=Policy.Reason, blank=True, default="", db_default="")
    recorded_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        ordering = ["-recorded_at", "-id"]
        verbose_name_plural = "policy status history"

    def __str__(self) -> str:
        return f"{self.get_status_display()} since {self.status_date or self.recorded_at:%Y-%m-%d}"


class AgentOfRecordQuerySet(FeedQuerySet):
    def on(self, day: dt.date) -> Self:
        """Those in office on `day`: the first day counts, the last doesn't."""
        return self.not_retired().filter(Q(ends=None) | Q(ends__gt=day), starts__lte=day)

    def today(self) -> Self:
        """Those in office today, by the carrier's own day (TIME_ZONE): an appointment isn't a policy period."""
        return self.on(carrier_today())


class AgentOfRecord(FeedRow):
    """An agency's appointment to a policy from a day, until another (exclusive) or for good."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="agents_of_record")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="appointments")
    starts = models.DateField("from")
    ends = models.DateField("to", null=True, blank=True)

    objects = AgentOfRecordQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name_plural = "agents of record"
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(ends=None) | Q(ends__gte=F("starts")), name="policies_agentofrecord_dates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agency} from {self.starts}"

    def is_in_office(self, day: dt.date) -> bool:
        """Whether the appointment holds on `day`: the first day counts, the last doesn't."""
        return in_force_on(self.starts, self.ends, day)
