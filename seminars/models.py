"""Seminars, who attended them, and the premium credits that they earned, as the carrier keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.dates import carrier_today
from core.fields import PublicIdField
from policies.models import Coverage, Insured, Membership, Policy, Term, reach_of
from policies.models.base import FeedQuerySet, FeedRow
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User

MANAGERS = (Membership.Role.POLICYHOLDER, Membership.Role.AGENT)


class SeminarQuerySet(FeedQuerySet):
    """The catalog, and who may see it."""

    def visible_to(self, user: User) -> Self:
        """Return the whole catalog for every customer, and nothing for anyone else."""
        if not user.is_authenticated:
            return self.none()
        return self.not_retired() if reach_of(user) else self.none()

    def for_program(self, program: str) -> Self:
        """Return those for a program of policies; one that names no program is for all."""
        return self.filter(Q(programs__contains=[program]) | Q(programs=[]))


class Seminar(FeedRow):
    """A course that earns CME credit (S-40): online, by a link, or live, at a place and time.

    `starts` and `ends` are moments; `timezone` is the place's. An online one may have neither, or be open from one to
    the other.
    """

    class Kind(models.TextChoices):
        ONLINE = "online", "Online"
        LIVE = "live", "Live"

    public_id = PublicIdField()
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=6, choices=Kind)
    starts = models.DateTimeField(null=True, blank=True)
    ends = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField("time zone", max_length=64, blank=True, default="", help_text="Its IANA name.")
    location = models.CharField(max_length=200, blank=True, default="")
    url = models.CharField("link", max_length=500, blank=True, default="")
    seats = models.PositiveIntegerField(null=True, blank=True)
    cme_credits = models.DecimalField("CME credits", max_digits=6, decimal_places=2, null=True, blank=True)
    hours = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    programs = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    credit_eligible = models.BooleanField("counts toward a premium credit", default=False)

    objects = SeminarQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(starts=None) | Q(ends=None) | Q(ends__gt=F("starts")), name="seminars_seminar_period"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def seats_taken(self) -> int:
        """How many seats people hold who haven't completed it yet, in one query."""
        return Attendance.objects.not_retired().filter(seminar=self).seats().count()


class AttendanceQuerySet(FeedQuerySet):
    """Who attended what, and who may see it (S-41)."""

    def visible_to(self, user: User) -> Self:
        """Return an insured's own; and with the right to see seminar activity, everyone's on a policyholder's policies
        and on those of an agency's clients today.

        Where a row names no policy, it is seen by the policies that cover its insured now or later.
        """
        if not user.is_authenticated:
            return self.none()
        reach = reach_with(user, Capability.VIEW_SEMINAR_ACTIVITY)
        conditions = []
        if reach.insured_ids:
            conditions.append(Q(insured_id__any=reach.insured_ids))
        if managed := reach.only(*MANAGERS):
            covered = Coverage.objects.open_to(managed.scope).filter(expires__gt=carrier_today())
            conditions.append(Q(managed.policies("policy__"), policy__retired_at=None))
            conditions.append(Q(policy=None, insured_id__in=covered.order_by().values("insured_id")))
        return self.not_retired().where_any(*conditions)

    def completed(self) -> Self:
        """Return those that count: with a date of completion."""
        return self.filter(completed__isnull=False)

    def seats(self) -> Self:
        """Return those that only hold a seat: not completed yet."""
        return self.filter(completed=None)


class Attendance(FeedRow):
    """One person at one seminar: an insured, or a participant by name. With `completed` it counts; without, it's a
    seat taken.
    """

    public_id = PublicIdField()
    seminar = models.ForeignKey(Seminar, on_delete=models.PROTECT, related_name="attendance")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="attendance")
    participant = models.CharField(max_length=200, blank=True, default="")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="attendance")
    completed = models.DateField(null=True, blank=True)
    cme_credits = models.DecimalField("CME credits", max_digits=6, decimal_places=2, null=True, blank=True)

    objects = AttendanceQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name_plural = "attendance"
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(insured__isnull=False) | ~Q(participant=""), name="seminars_attendance_someone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.seminar}"

    @property
    def name(self) -> str:
        """Who it was: the insured, or else the participant as the carrier names them."""
        return self.insured.display_name if self.insured is not None else self.participant


class PremiumCreditQuerySet(FeedQuerySet):
    """Premium credits, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return an insured's own; and with the right to see seminar activity, those on a policyholder's policies and
        on those of an agency's clients today."""
        if not user.is_authenticated:
            return self.none()
        reach = reach_with(user, Capability.VIEW_SEMINAR_ACTIVITY)
        conditions = []
        if reach.insured_ids:
            conditions.append(Q(insured_id__any=reach.insured_ids))
        if managed := reach.only(*MANAGERS):
            in_book = Q(term__retired_at=None, term__policy__retired_at=None)
            conditions.append(managed.policies("term__policy__") & in_book)
        return self.not_retired().where_any(*conditions)


class PremiumCredit(FeedRow):
    """What an insured's seminars take off the premium of a term (key: insured and term), in percent.

    `granted` is the day on which the carrier granted it; none yet if it is empty.
    """

    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="premium_credits")
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="premium_credits")
    percent = models.DecimalField(max_digits=5, decimal_places=2)
    granted = models.DateField(null=True, blank=True)

    objects = PremiumCreditQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100), name="seminars_premiumcredit_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent}% for {self.insured}"
