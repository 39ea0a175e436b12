"""What belongs to a coverage, read with it: a page of coverages costs no statement for it, however many there are."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from policies.models.coverage import Coverage, retroactive_words
from policies.models.coverage_details import Endorsement, Extra, FundEnrollment, PriorLimit, Suspension, form_words
from policies.models.tails import OPTIONS, EreOffer

if TYPE_CHECKING:
    from django.db.models import QuerySet

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
FORMS, REASONS = dict(Coverage.Form.choices), dict(Suspension.Reason.choices)


# What is read of each model, as tuples: a page of a roster makes some hundred of them.


class EndorsementRow(NamedTuple):
    """Of an `Endorsement`; `form` with its edition."""

    form: str
    title: str
    effective: dt.date | None
    expires: dt.date | None
    on_certificate: bool


class SuspensionRow(NamedTuple):
    """Of a `Suspension`; `reason` in words."""

    starts: dt.date
    ends: dt.date | None
    is_leave: bool
    reason: str


class PriorLimitRow(NamedTuple):
    """Of a `PriorLimit`."""

    incidents_before: dt.date
    limit_per_claim: Decimal
    limit_aggregate: Decimal


class ExtraRow(NamedTuple):
    """Of an `Extra`."""

    label: str
    limit: str


class FundRow(NamedTuple):
    """Of a `FundEnrollment`; `form` in words."""

    fund: str
    form: str
    limits: str
    effective: dt.date
    expires: dt.date | None


class TailRow(NamedTuple):
    """Of an `EreOffer`; `option_in_words` as there."""

    status: str
    decide_by: dt.date | None
    option_in_words: str
    starts: dt.date | None
    ends: dt.date | None


class SegmentRow(NamedTuple):
    """Of another `Coverage` of the same part: what a change in mid-term changes."""

    pk: int
    effective: dt.date
    expires: dt.date
    retroactive_text: str
    limit_per_claim: Decimal
    limit_aggregate: Decimal
    limits_shared: bool
    deductible: Decimal
    specialty: str


class Details(NamedTuple):
    """What belongs to a coverage, retired rows left out.

    `suspensions` are those of all segments of its part in its term: a leave stays with the segment that it began in.
    `segments`: the other coverages of the same insured and part in the term, by first day.
    """

    endorsements: list[EndorsementRow]
    suspensions: list[SuspensionRow]
    prior_limits: list[PriorLimitRow]
    extras: list[ExtraRow]
    funds: list[FundRow]
    tails: list[TailRow]
    segments: list[SegmentRow]


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
        endorsements=[_endorsement(**row) for row in _sorted(rows["endorsements"], "form_number")],
        suspensions=[_suspension(**row) for row in _sorted(rows["suspensions"], "starts")],
        prior_limits=[_prior_limit(**row) for row in _sorted(rows["prior_limits"], "incidents_before")][::-1],
        extras=[ExtraRow(**row) for row in _sorted(rows["extras"], "label")],
        funds=[_fund(**row) for row in _sorted(rows["funds"], "effective")],
        tails=[_tail(**row) for row in _sorted(rows["tails"], "option")],
        segments=[_segment(**row) for row in _sorted(rows["segments"], "effective")],
    )


def _as_json(rows: QuerySet[Any], fields: tuple[str, ...]) -> ArraySubquery:
    # Not in order: a few rows are sorted faster here than in a plan that every coverage runs again.
    return ArraySubquery(rows.order_by().values_list(JSONObject(**{name: name for name in fields})))


def _sorted(rows: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row[by])) if len(rows) > 1 else rows


# Each takes the fields that are read above, as JSON has them: days and moments as text, amounts as numbers.


def _endorsement(
    form_number: str, edition: str, title: str, effective: str | None, expires: str | None, on_certificate: bool
) -> EndorsementRow:
    return EndorsementRow(form_words(form_number, edition), title, _day(effective), _day(expires), on_certificate)


def _suspension(starts: str, ends: str | None, reason_code: str) -> SuspensionRow:
    is_leave = reason_code == Suspension.Reason.LEAVE
    return SuspensionRow(dt.date.fromisoformat(starts), _day(ends), is_leave, REASONS.get(reason_code, reason_code))


def _prior_limit(incidents_before: str, limit_per_claim: float, limit_aggregate: float) -> PriorLimitRow:
    return PriorLimitRow(dt.date.fromisoformat(incidents_before), _amount(limit_per_claim), _amount(limit_aggregate))


def _fund(fund: str, form: str, limits: str, effective: str, expires: str | None) -> FundRow:
    return FundRow(fund, FORMS.get(form, form), limits, dt.date.fromisoformat(effective), _day(expires))


def _tail(status: str, decide_by: str | None, option: str, starts: str | None, ends: str | None) -> TailRow:
    return TailRow(status, _day(decide_by), OPTIONS.get(option, option), _day(starts), _day(ends))


def _segment(**row: Any) -> SegmentRow:
    return SegmentRow(
        row["id"],
        dt.date.fromisoformat(row["effective"]),
        dt.date.fromisoformat(row["expires"]),
        retroactive_words(row["form"], _day(row["retroactive_date"]), full_prior_acts=row["full_prior_acts"]),
        _amount(row["limit_per_claim"]),
        _amount(row["limit_aggregate"]),
        row["limits_shared"],
        _amount(row["deductible"]),
        row["specialty"],
    )


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _amount(number: float) -> Decimal:
    return Decimal(str(number))
