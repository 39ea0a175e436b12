"""Drafts and answers on home, and the way to report an incident from a policy (S-20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField
from django.utils.http import urlencode

from claims.models import Claim, IncidentReport, Matter
from claims.models.incidents import reported_by
from core.panels import Panel, PanelLink
from core.statements import IDS, prepared
from core.urls import address_of
from policies.models import SCOPE, Scope
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from accounts.models import User
    from core.panels import Provider
    from policies.models import Policy

MOST = 3
OF_REPORT = (
    *("public_id", "number", "status", "submitted_at", "changed_at"),
    *(
        f"insured__{name}"
        for name in ("kind", "name", "first_name", "middle_name", "last_name", "suffix", "credential")
    ),
)
OF_MATTER = (
    "public_id",
    *(f"claim__{name}" for name in ("number", "kind", "stage", "next_date", "next_event")),
)


def reports_of_policy(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the way to report something from a policy's page. No query."""
    if policy is None or not reach_with(user, Capability.REPORT_INCIDENT):
        return
    query = urlencode({"policy": policy.public_id})
    yield Panel(
        "Incidents",
        "policy",
        lines=("Tell us early: of an event, a letter from an attorney, or court papers.",),
        order=65,
        links=(PanelLink("Report an incident", f"{address_of('claims:incident-new')}?{query}"),),
    )


@prepared(**SCOPE, user_id=BigIntegerField())
def _unfinished(*, user_id: int, **scope: Any) -> QuerySet[IncidentReport]:
    """Return what the user has begun, and what staff have answered."""
    waiting = (IncidentReport.Status.DRAFT, IncidentReport.Status.ANSWERED)
    own = IncidentReport.objects.filter(reported_by(user_id, Scope(**scope)), status__in=waiting)
    return own.select_related("insured").only(*OF_REPORT).order_by("-changed_at", "-id")[:MOST]


@prepared(insured_ids=IDS)
def _open_matters(*, insured_ids: list[int]) -> QuerySet[Matter]:
    rows = Matter.objects.of_insureds(insured_ids).filter(claim__status=Claim.Status.OPEN)
    return rows.select_related("claim").only(*OF_MATTER).order_by("claim__next_date", "-changed_at")[:MOST]


def unfinished_reports(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the user's own drafts, and reports that staff have answered. One query."""
    if policy is not None:
        return
    reach = reach_with(user, Capability.REPORT_INCIDENT)
    if reach and (found := _unfinished(user_id=user.pk, **reach.scope.values())):
        yield Panel(
            "Reports of incidents",
            "home",
            template="claims/_unfinished.html",
            context={"reports": found},
            order=35,
            links=(PanelLink("All reports", address_of("claims:home")),),
            attention=tuple(_attention(report) for report in found),
        )


def _attention(report: IncidentReport) -> PanelLink:
    if report.is_draft:
        return PanelLink("Finish your report of an incident", report.get_absolute_url(), "Nothing is sent yet")
    return PanelLink(f"We answered your report {report.number}", report.get_absolute_url())


def own_matters(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield an insured's own open claims, as the claims team published them. One query, for insureds only."""
    if policy is not None:
        return
    insured_ids = reach_with(user, Capability.VIEW_CLAIMS_HISTORY).insured_ids
    if insured_ids and (found := _open_matters(insured_ids=insured_ids)):
        yield Panel(
            "Your claims",
            "home",
            template="claims/_matters.html",
            context={"matters": found},
            order=36,
            links=(PanelLink("All claims and reports", address_of("claims:home")),),
        )


PANELS: list[Provider] = [unfinished_reports, own_matters, reports_of_policy]
