"""Figures that the load keeps, so that a page needn't count a large book
(docs/decisions/0135-kept-for-large-books.md)."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, Sum

from policies.models.parties import Agency
from policies.models.policy import Policy
from policies.models.term import Term


class BookFigureQuerySet(models.QuerySet["BookFigure"]):
    """Figures of agencies' books."""

    def on(self, day: Any) -> Self:
        """Return those that hold on `day`, which may be the place of one in a prepared statement."""
        return self.filter(ends__gt=day, starts__lte=day)

    def serve_more_than(self, number: int) -> Exists:
        """Return the condition that one agency of these has more policies in force than that, without counting them.

        False also where the load has kept no figures.
        """
        sizes = self.order_by().values("agency_id").annotate(size=Sum("policies"))
        return Exists(sizes.filter(size__gt=number))


class BookFigure(models.Model):
    """How many running terms of an agency's clients are alike: of policies in one status, in force on the same days.

    Its rows for a day are the agency's book on that day, so they need no nightly task: they change only when the
    carrier's data does (`policies.feed.figures`).
    """

    MOST_KEPT = 8

    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+", db_index=False)
    status = models.CharField(max_length=24, choices=Policy.Status)
    # The days on which the agency serves the policies and the terms run; `ends` is the first that no longer counts.
    starts = models.DateField()
    ends = models.DateField()
    expires = models.DateField(help_text="The end of the terms.")
    comes_on = models.DateField(help_text="The day of a pending cancellation, else the end of the terms.")
    policies = models.PositiveIntegerField()
    # The first of the terms by policy number.
    first_terms = ArrayField(models.BigIntegerField())

    objects = BookFigureQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["agency", "ends"], name="policies_bookfigure_agency")]

    def __str__(self) -> str:
        return f"{self.policies} {self.get_status_display()} until {self.ends}"


class Headcount(models.Model):
    """How many insureds a term with many coverages covers from a day on, until its next row.

    Terms with few coverages have none: their insureds are counted when somebody asks (`policies.feed.figures`).
    """

    term = models.ForeignKey(Term, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    insureds = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["term", "day"], name="policies_headcount_day")]

    def __str__(self) -> str:
        return f"{self.insureds} from {self.day}"
