"""The Coverage files of what belongs to one coverage: endorsements, suspensions, prior limits, extras, and funds.

Their periods may reach past the coverage's: what is shown and printed is what both hold.
"""

from __future__ import annotations

from core.feedspec import Column, Kind, Reference, RowCheck, SetCheck, Severity, Table
from policies.feed.columns import LIMITS, NOTHING, period
from policies.feed.transitions import tell_of_suspensions
from policies.models import Coverage, Suspension

COVERAGE = Column("coverage_id", Kind.IDENTIFIER, field=None, required=True)
OF_COVERAGE = (Reference("coverage_id", "coverages.csv", "coverage"),)

ENDORSEMENTS = Table(
    file="endorsements.csv",
    model="policies.Endorsement",
    key=("coverage_id", "form_number"),
    columns=(
        COVERAGE,
        Column("form_number", Kind.IDENTIFIER, required=True),
        Column("edition"),
        Column("title", required=True),
        Column("effective", Kind.DATE),
        Column("expires", Kind.DATE),
        Column("on_certificate", Kind.BOOLEAN),
    ),
    references=OF_COVERAGE,
    checks=(period("The endorsement expires on {expires}, not after its start on {effective}."),),
)

SUSPENSIONS = Table(
    file="suspensions.csv",
    model="policies.Suspension",
    columns=(
        Column("suspension_id", Kind.IDENTIFIER, field=None, required=True),
        COVERAGE,
        Column("from", Kind.DATE, field="starts", required=True),
        Column("to", Kind.DATE, field="ends"),
        Column("reason_code", Kind.CHOICE, choices=tuple(Suspension.Reason.values)),
    ),
    references=OF_COVERAGE,
    checks=(
        RowCheck(
            code="period",
            column="to",
            faulty='s."to" <= s."from"',
            sentence="The suspension ends on {to}, not after its start on {from}.",
        ),
    ),
    set_checks=(
        SetCheck(
            code="outside",
            column="from",
            sql="""
                SELECT d.line, x.starts, COALESCE(x.ends::text, 'further notice') AS ends, c.effective, c.expires
                FROM {change} d JOIN policies_suspension x ON x.id = d.id
                JOIN policies_coverage c ON c.id = x.coverage_id
                WHERE d.change <> 'retired' AND (x.starts < c.effective OR x.starts >= c.expires OR x.ends > c.expires)
            """,
            sentence=(
                "The suspension from {starts} to {ends} isn't within its coverage, which runs from {effective} to "
                "{expires}."
            ),
            severity=Severity.WARNING,
        ),
    ),
    track=("starts", "ends"),
    after=(tell_of_suspensions,),
)

PRIOR_LIMITS = Table(
    file="prior_limits.csv",
    model="policies.PriorLimit",
    key=("coverage_id", "incidents_before"),
    columns=(
        COVERAGE,
        Column("incidents_before", Kind.DATE, required=True),
        Column("limit_per_claim", Kind.MONEY, required=True, minimum=NOTHING),
        Column("limit_aggregate", Kind.MONEY, required=True, minimum=NOTHING),
    ),
    references=OF_COVERAGE,
    checks=(LIMITS,),
    set_checks=(
        SetCheck(
            code="incidents-after",
            column="incidents_before",
            sql="""
                SELECT d.line, x.incidents_before, c.expires
                FROM {change} d JOIN policies_priorlimit x ON x.id = d.id
                JOIN policies_coverage c ON c.id = x.coverage_id
                WHERE d.change <> 'retired' AND x.incidents_before >= c.expires
            """,
            sentence=(
                "The prior limits are for incidents before {incidents_before}, but the coverage ends on {expires}, so "
                "its own limits apply to no incident."
            ),
            severity=Severity.WARNING,
        ),
        SetCheck(
            code="incidents-before",
            column="incidents_before",
            sql="""
                SELECT d.line, x.incidents_before, reach.since
                FROM {change} d JOIN policies_priorlimit x ON x.id = d.id
                JOIN policies_coverage c ON c.id = x.coverage_id
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN c.form = 'occurrence' THEN c.effective
                                WHEN NOT c.full_prior_acts THEN c.retroactive_date END AS since
                ) reach
                WHERE d.change <> 'retired' AND x.incidents_before <= reach.since
            """,
            sentence=(
                "The prior limits are for incidents before {incidents_before}, but the coverage only reaches back to "
                "{since}."
            ),
            severity=Severity.WARNING,
        ),
    ),
)

EXTRAS = Table(
    file="extras.csv",
    model="policies.Extra",
    key=("coverage_id", "label"),
    columns=(COVERAGE, Column("label", required=True), Column("limit")),
    references=OF_COVERAGE,
)

FUND_ENROLLMENTS = Table(
    file="fund_enrollments.csv",
    model="policies.FundEnrollment",
    key=("coverage_id", "fund", "effective"),
    columns=(
        COVERAGE,
        Column("fund", required=True),
        Column("form", Kind.CHOICE, choices=tuple(Coverage.Form.values)),
        Column("limits"),
        Column("effective", Kind.DATE, required=True),
        Column("expires", Kind.DATE),
    ),
    references=OF_COVERAGE,
    checks=(period("The enrollment expires on {expires}, not after its start on {effective}."),),
    set_checks=(
        SetCheck(
            code="outside",
            column="effective",
            sql="""
                SELECT d.line, x.effective, COALESCE(x.expires::text, 'further notice') AS ends,
                       c.effective AS begins, c.expires
                FROM {change} d JOIN policies_fundenrollment x ON x.id = d.id
                JOIN policies_coverage c ON c.id = x.coverage_id
                WHERE d.change <> 'retired' AND (x.effective >= c.expires OR x.expires <= c.effective)
            """,
            sentence=(
                "The enrollment from {effective} to {ends} holds on no day of its coverage, which runs from {begins} "
                "to {expires}."
            ),
            severity=Severity.WARNING,
        ),
    ),
)
