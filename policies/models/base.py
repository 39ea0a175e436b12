"""Bases of the feed's rows."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models.functions import Now

from policies.names import SORT_KEY_LENGTH


class FeedQuerySet(models.QuerySet[Any]):
    """Rows of the feed. Retired rows stay in the table, and customers don't see them."""

    def not_retired(self) -> Self:
        """Return the rows that the carrier still sends."""
        return self.filter(retired_at=None)

    def where_any(self, *conditions: models.Q) -> Self:
        """Return the rows that meet any of these conditions, and none if there is no condition.

        Several are one union of indexed sets, rather than an OR that would walk the whole table.
        """
        if not conditions:
            return self.none()
        if len(conditions) == 1:
            return self.filter(*conditions)
        first, *others = [type(self)(self.model).filter(one).order_by().values("pk") for one in conditions]
        return self.filter(pk__in=first.union(*others))


class FeedRow(models.Model):
    """A row of the carrier's feed (docs/feed-format.md): `external_id` is the carrier's own key, unique per source.

    A key of several columns is joined by `|`. A row that is missing from a full package is retired, never erased, and
    comes back by reappearing.
    """

    source = models.CharField(max_length=40)
    external_id = models.CharField("carrier's id", max_length=200)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="%(app_label)s_%(class)s_key"),
        ]


class Address(models.Model):
    """A postal address in the United States."""

    address1 = models.CharField("address", max_length=120, blank=True, default="", db_default="")
    address2 = models.CharField("address, second line", max_length=120, blank=True, default="", db_default="")
    city = models.CharField(max_length=80, blank=True, default="", db_default="")
    state = models.CharField(max_length=2, blank=True, default="", db_default="")
    zip = models.CharField("ZIP", max_length=10, blank=True, default="", db_default="")

    class Meta:
        abstract = True

    @property
    def address_lines(self) -> list[str]:
        """Return the lines of an envelope below the name, empty ones left out."""
        town = ", ".join(part for part in (self.city, f"{self.state} {self.zip}".strip()) if part)
        return [line for line in (self.address1, self.address2, town) if line]


def search_vector(column: str) -> models.GeneratedField:
    """Return a generated full-text column over a folded name (see `policies.names.fold`), kept by PostgreSQL itself."""
    return models.GeneratedField(
        expression=SearchVector(column, config="simple"), output_field=SearchVectorField(), db_persist=True
    )


def sort_key() -> models.CharField[str, str]:
    """Return a column for the place in a list by name: a folded name (see `policies.names.sort_key`), last name first.

    Its order is that of its letters' codes, so it doesn't depend on the database's language.
    """
    return models.CharField(
        max_length=SORT_KEY_LENGTH, db_collation="C", blank=True, default="", db_default="", editable=False
    )
