"""Claims, as the carrier keeps them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q

from core.fields import PublicIdField
from policies.models import Insured, Membership, Policy
from policies.models.base import FeedQuerySet, FeedRow
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User

# Everything about a claim that a third party may read (docs/feed-format.md#claims).
FOR_THIRD_PARTIES = (
    "number",
    "policy__number",
    "kind",
    "status",
    "disposition",
    "incident_date",
    "report_date",
    "closed_date",
    "indemnity_paid",
    "description",
)


def years_before(day: dt.date, years: int) -> dt.date:
    """Return the same day so many years earlier; February 28 for a February 29 that year doesn't have."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


class ClaimQuerySet(FeedQuerySet):
    """Claims: who may see them, and what a paper about them may hold."""

    def visible_to(self, user: User) -> Self:
        """Return an insured's own, whenever reported; and with `view_claims_history`, claims and suits on a
        policyholder's policies and on those of an agency's clients today.

        Bare incidents are the insured's own affair: what one reports early must not follow them to their group.
        """
        if not user.is_authenticated:
            return self.none()
        reach = reach_with(user, Capability.VIEW_CLAIMS_HISTORY)
        conditions = []
        if reach.insured_ids:
            conditions.append(Q(insured_id__any=reach.insured_ids))
        if managed := reach.only(Membership.Role.POLICYHOLDER, Membership.Role.AGENT):
            claimed = ~Q(kind=Claim.Kind.INCIDENT)
            conditions.append(Q(managed.policies("policy__"), claimed, policy__retired_at=None))
        return self.not_retired().where_any(*conditions)

    def own_of(self, user: User) -> Self:
        """Return those of the insureds that the user is, and nobody else's (B-21)."""
        if not user.is_authenticated:
            return self.none()
        reach = reach_with(user, Capability.VIEW_CLAIMS_HISTORY)
        return self.not_retired().filter(insured_id__any=reach.insured_ids)

    def without_incidents(self) -> Self:
        """Leave out bare incidents: nobody has claimed anything."""
        return self.exclude(kind=Claim.Kind.INCIDENT)

    def still_open(self) -> Self:
        """Return those that aren't closed."""
        return self.filter(status=Claim.Status.OPEN)

    def in_window(self, years: int | None, *, valued: dt.date) -> Self:
        """Return those reported within so many years of the valuation date, and those still open; None is all years.

        The first day of the window counts. What was reported after the valuation date isn't part of any window.
        """
        known = self.filter(report_date__lte=valued)
        if years is None:
            return known
        return known.filter(Q(report_date__gte=years_before(valued, years)) | Q(status=Claim.Status.OPEN))

    def for_third_parties(self) -> models.QuerySet[Claim, dict[str, Any]]:
        """Return what a claims history may hold, as dictionaries of `FOR_THIRD_PARTIES`.

        Without bare incidents, and without reserves, expense, the handling of the claim, or anything else: what isn't
        there can't be printed by mistake.
        """
        return self.not_retired().without_incidents().values(*FOR_THIRD_PARTIES)


class Claim(FeedRow):
    """An incident, claim, or suit of one insured (key: claim number and insured). Amounts are US dollars.

    A claim against several insureds is a row for each. `policy` may be one that the carrier no longer sends.
    """

    class Kind(models.TextChoices):
        """How far it has come. Of an incident, nobody has claimed anything."""

        INCIDENT = "incident", "Incident"
        CLAIM = "claim", "Claim"
        SUIT = "suit", "Suit"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    # Years that a claims history can go back; beside these, all years.
    WINDOWS = (5, 10)

    public_id = PublicIdField()
    number = models.CharField("claim number", max_length=120)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="claims")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="claims")
    kind = models.CharField(max_length=8, choices=Kind)
    status = models.CharField(max_length=6, choices=Status)
    disposition = models.CharField(max_length=200, blank=True, default="")
    incident_date = models.DateField(null=True, blank=True)
    report_date = models.DateField()
    closed_date = models.DateField(null=True, blank=True)
    indemnity_paid = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    expense_paid = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    reserve = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    description = models.TextField(blank=True, default="")
    stage = models.CharField(max_length=120, blank=True, default="")
    handler = models.CharField("claims professional", max_length=160, blank=True, default="")
    handler_phone = models.CharField("phone of the claims professional", max_length=40, blank=True, default="")
    counsel = models.CharField("defense counsel", max_length=200, blank=True, default="")
    next_date = models.DateField(null=True, blank=True)
    next_event = models.CharField(max_length=200, blank=True, default="")

    objects = ClaimQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(closed_date=None) | Q(closed_date__gte=F("report_date")), name="claims_claim_closed_after"
            ),
            models.CheckConstraint(
                condition=Q(indemnity_paid__gte=0, expense_paid__gte=0) & (Q(reserve=None) | Q(reserve__gte=0)),
                name="claims_claim_amounts",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN
