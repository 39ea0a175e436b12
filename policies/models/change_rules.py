"""What a writing company, or a state, has settled about kinds of changes. Staff keep the rows (docs/staff.md)."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.states import STATES
from policies.models.parties import Company

LONGEST_KIND = 32


class ChangeRuleQuerySet(models.QuerySet["ChangeRule"]):
    """Rules on changes."""

    def of(self, *, kind: str, company_id: int, state: str) -> Self:
        """Return the rows that hold for a kind, a company, and a state; the one that decides comes first.

        A company's row for the state goes before its row for all states; both go before the rows for all companies.
        """
        return self.of_kinds([kind], company_id=company_id, state=state)

    def of_kinds(self, keys: list[str], *, company_id: int, state: str) -> Self:
        """Return the same for several kinds."""
        named = Q(company_id=company_id) | Q(company=None)
        rows = self.filter(named, kind__in=keys, state__in=(state, ""))
        return rows.order_by("kind", models.F("company").asc(nulls_last=True), "-state", "pk")


class ChangeRule(models.Model):
    """What holds for one kind of change at a company and in a state. An empty number: not limited.

    Without a row for a kind, its own rule in the program holds (`policies.change_requests.registry.Kind`).
    """

    kind = models.CharField(max_length=LONGEST_KIND)
    company = models.ForeignKey(
        Company, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="Empty: all companies."
    )
    state = models.CharField(
        max_length=2, blank=True, default="", choices=list(STATES.items()), help_text="Empty: all states."
    )
    offered = models.BooleanField(default=True, help_text="Off: customers read the reason below, and can’t send one.")
    reason = models.CharField(
        "reason, where it isn’t offered", max_length=300, blank=True, default="", help_text="A whole sentence."
    )
    days_back = models.PositiveSmallIntegerField(
        "most days back", null=True, blank=True, help_text="How far before today the change may take effect."
    )
    days_ahead = models.PositiveSmallIntegerField(
        "fewest days ahead", null=True, blank=True, help_text="How long before the change takes effect we must know."
    )
    shortest = models.PositiveSmallIntegerField(
        "fewest days", null=True, blank=True, help_text="Of a leave, a locum, or other work for a time."
    )
    longest = models.PositiveSmallIntegerField("most days", null=True, blank=True)
    not_with_funds = ArrayField(
        models.CharField(max_length=160),
        default=list,
        blank=True,
        help_text="Names of patient compensation funds, as in the feed: insureds who take part in one of them can’t "
        "have the change.",
    )
    note = models.TextField(max_length=1000, blank=True, default="", help_text="Customers read it above the form.")
    certificate = models.CharField(
        "what the certificate says",
        max_length=300,
        blank=True,
        default="",
        help_text="Customers read it before they send the request. Empty: the portal’s own words.",
    )

    objects = ChangeRuleQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "company", "state"]
        verbose_name = "rule on changes"
        verbose_name_plural = "rules on changes"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "company", "state"], nulls_distinct=False, name="policies_changerule_once"
            ),
            models.CheckConstraint(condition=Q(offered=True) | ~Q(reason=""), name="policies_changerule_has_reason"),
            models.CheckConstraint(
                condition=Q(shortest=None) | Q(longest=None) | Q(longest__gte=models.F("shortest")),
                name="policies_changerule_days",
            ),
        ]

    def __str__(self) -> str:
        where = " and ".join(part for part in (str(self.company or ""), STATES.get(self.state, "")) if part)
        return f"{self.kind}, {where or 'everywhere'}"
