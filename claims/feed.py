"""The claims that the carrier's feed brings (docs/feed-format.md)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from claims.models import Claim
from core.feedspec import Column, Kind, Reference, RowCheck, Severity, Table
from policies.feed.columns import POLICY

NOTHING = Decimal(0)

CLAIMS = Table(
    file="claims.csv",
    model="claims.Claim",
    key=("claim_number", "insured_id"),
    columns=(
        Column("claim_number", Kind.IDENTIFIER, field="number", required=True),
        # Empty: on a policy that the carrier no longer sends. Such a claim is seen by its insured only.
        replace(POLICY, required=False, expected=True),
        Column("insured_id", Kind.IDENTIFIER, required=True),
        Column("kind", Kind.CHOICE, required=True, choices=tuple(Claim.Kind.values)),
        Column("status", Kind.CHOICE, required=True, choices=tuple(Claim.Status.values)),
        Column("disposition"),
        Column("incident_date", Kind.DATE, not_future=True),
        Column("report_date", Kind.DATE, required=True, not_future=True),
        Column("closed_date", Kind.DATE, not_future=True),
        Column("indemnity_paid", Kind.MONEY, minimum=NOTHING, default="0.00"),
        Column("expense_paid", Kind.MONEY, minimum=NOTHING, default="0.00"),
        Column("reserve", Kind.MONEY, minimum=NOTHING),
        Column("description"),
        Column("stage", optional=True),
        Column("handler", optional=True),
        Column("handler_phone", optional=True),
        Column("counsel", optional=True),
        Column("next_date", Kind.DATE, optional=True),
        Column("next_event", optional=True),
    ),
    references=(
        Reference("policy_number", "policies.csv", "policy"),
        Reference("insured_id", "insureds.csv", "insured"),
    ),
    checks=(
        RowCheck(
            code="closed-before-reported",
            column="closed_date",
            faulty="s.closed_date < s.report_date",
            sentence="The claim was closed on {closed_date}, before it was reported on {report_date}.",
        ),
        RowCheck(
            code="closed-date",
            column="closed_date",
            faulty="s.status = 'closed' AND s.closed_date IS NULL",
            sentence="The claim is closed but has no closed_date.",
            severity=Severity.WARNING,
        ),
        RowCheck(
            code="open-and-closed",
            column="closed_date",
            faulty="s.status = 'open' AND s.closed_date IS NOT NULL",
            sentence="The claim is open but has a closed_date, {closed_date}.",
            severity=Severity.WARNING,
        ),
        RowCheck(
            code="reported-before-incident",
            column="report_date",
            faulty="s.report_date < s.incident_date",
            sentence="The claim was reported on {report_date}, before its incident on {incident_date}.",
            severity=Severity.WARNING,
        ),
    ),
)

TABLES: tuple[Table, ...] = (CLAIMS,)
