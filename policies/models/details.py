"""What belongs to a coverage, read with it: a page of coverages costs no statement for it, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, OuterRef
from django.db.models.functions import JSONObject

from policies.models.coverage import Coverage
from policies.models.coverage_details import Endorsement, Extra, FundEnrollment, PriorLimit, Suspension
from policies.models.tails import EreOffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

Row = TypeVar("Row", bound=Model)

ENDORSEMENT = ("form_number", "edition", "title", "effective", "expires", "on_certificate")
SUSPENSION = ("starts", "ends", "reason_code")
PRIOR_LIMIT = ("incidents_before", "limit_per_claim", "limit_aggregate")
EXTRA = ("label", "limit")
FUND = ("fund", "form", "limits", "effective", "expires")
TAIL = ("status", "decide_by", "option", "starts", "ends")
# What a change in mid-term changes, and what tells the segments apart.
SEGMENT = (
    "id",
    "form",
    "continues_id",
    "effective",
    "expires",
    "retroactive_date",
    "full_prior_acts",
    "limit_per_claim",
    "limit_aggregate",
    "limits_shared",
    "deductible",
    "specialty",
)


@dataclass(frozen=True, slots=True)
class Details:
    """What belongs to a coverage, retired rows left out.

    `suspensions` are those of all segments of its part in its term: a leave stays with the segment that it began in.
    `segments`: the other coverages of the same insured and part in the term, by first day; they have only the fields
    that a change in mid-term changes.
    """

    endorsements: list[Endorsement]
    suspensions: list[Suspension]
    prior_limits: list[PriorLimit]
    extras: list[Extra]
    funds: list[FundEnrollment]
    tails: list[EreOffer]
    segments: list[Coverage]


def details_as_json(path: str = "") -> JSONObject:
    """Return the expression that reads the details of each coverage, for `details_of`.

    `path` leads to the coverage from the rows that are read: `"own__"` for terms with one's own coverages.
    """
    part = {name: OuterRef(f"{path}{name}") for name in ("insured_id", "term_id", "part")}
    same_part = Coverage.objects.not_retired().filter(**part).exclude(pk=OuterRef(f"{path}pk"))
    of_part = {f"coverage__{name}": value for name, value in part.items()}
    suspensions = Suspension.objects.not_retired().filter(coverage__retired_at=None, **of_part)

    def own(model: Any, fields: tuple[str, ...]) -> ArraySubquery:
        return _as_json(model.objects.not_retired().filter(coverage=OuterRef(f"{path}pk")), fields)

    return JSONObject(
        endorsements=own(Endorsement, ENDORSEMENT),
        suspensions=_as_json(suspensions, SUSPENSION),
        prior_limits=own(PriorLimit, PRIOR_LIMIT),
        extras=own(Extra, EXTRA),
        funds=own(FundEnrollment, FUND),
        tails=own(EreOffer, TAIL),
        segments=_as_json(same_part, SEGMENT),
    )


def details_of(coverage: Coverage) -> Details:
    """Return the details of a coverage that was read with `details_as_json` as `detail_rows`."""
    rows: dict[str, list[dict[str, Any]]] = coverage.detail_rows  # type: ignore[attr-defined]  # an annotation
    return Details(
        endorsements=_made(Endorsement, rows["endorsements"], "form_number"),
        suspensions=_made(Suspension, rows["suspensions"], "starts"),
        prior_limits=_made(PriorLimit, rows["prior_limits"], "incidents_before")[::-1],
        extras=_made(Extra, rows["extras"], "label"),
        funds=_made(FundEnrollment, rows["funds"], "effective"),
        tails=_made(EreOffer, rows["tails"], "option"),
        segments=_made(Coverage, rows["segments"], "effective"),
    )


def _as_json(rows: QuerySet[Any], fields: tuple[str, ...]) -> ArraySubquery:
    # Not in order: a few rows are sorted faster here than in a plan that every coverage runs again.
    return ArraySubquery(rows.order_by().values_list(JSONObject(**{name: name for name in fields})))


def _made(model: type[Row], rows: list[dict[str, Any]], *order: str) -> list[Row]:
    """Return a model's objects from rows of JSON, whose dates and amounts are plain, by these fields."""
    if not rows:
        return []
    read = _readers(model)
    in_order = sorted(rows, key=lambda row: [str(row[name]) for name in order]) if len(rows) > 1 else rows
    return [model(**{name: read[name](value) for name, value in row.items()}) for row in in_order]


@cache
def _readers(model: type[Model]) -> dict[str, Callable[[Any], Any]]:
    """Return what makes a field's value from JSON, by the field's attribute."""
    return {field.attname: field.to_python for field in model._meta.concrete_fields}
