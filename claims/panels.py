"""Drafts and answers on home, and the way to report an incident from a policy (S-20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.http import urlencode

from claims.models import Claim, IncidentReport, Matter
from core.panels import Panel, PanelLink
from policies.models import reach_of
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import User
    from core.panels import Provider
    from policies.models import Policy

MOST = 3


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
        links=(PanelLink("Report an incident", f"{reverse('claims:incident-new')}?{query}"),),
    )


def unfinished_reports(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the user's own drafts, and reports that staff have answered. One query."""
    if policy is not None or not reach_of(user):
        return
    waiting = (IncidentReport.Status.DRAFT, IncidentReport.Status.ANSWERED)
    rows = IncidentReport.objects.visible_to(user).filter(user=user, status__in=waiting)
    found = list(rows.select_related("insured").order_by("-changed_at", "-id")[:MOST])
    if found:
        yield Panel(
            "Reports of incidents",
            "home",
            template="claims/_unfinished.html",
            context={"reports": found},
            order=35,
            links=(PanelLink("All reports", reverse("claims:home")),),
            attention=tuple(_attention(report) for report in found),
        )


def _attention(report: IncidentReport) -> PanelLink:
    if report.is_draft:
        return PanelLink("Finish your report of an incident", report.get_absolute_url(), "Nothing is sent yet")
    return PanelLink(f"We answered your report {report.number}", report.get_absolute_url())


def own_matters(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield an insured's own open claims, as the claims team published them. One query, for insureds only."""
    if policy is not None or not reach_of(user).insured_ids:
        return
    rows = Matter.objects.visible_to(user).filter(claim__status=Claim.Status.OPEN).select_related("claim")
    found = list(rows.order_by("claim__next_date", "-changed_at")[:MOST])
    if found:
        yield Panel(
            "Your claims",
            "home",
            template="claims/_matters.html",
            context={"matters": found},
            order=36,
            links=(PanelLink("All claims and reports", reverse("claims:home")),),
        )


PANELS: list[Provider] = [unfinished_reports, own_matters, reports_of_policy]
