"""The Coverage file of coverages: effective-dated segments."""

from __future__ import annotations

from core.feedspec import Column, Kind, Reference, RowCheck, SetCheck, Table
from policies.feed.columns import LIMITS, NOTHING, period
from policies.feed.figures import keep_headcounts
from policies.feed.transitions import tell_of_coverages
from policies.models import Coverage

# Changed coverages that continue another one, and those whose other one changed. A segment continues one of the same
# insured and part, in the same policy or in the one that was rewritten as it, from the day on which that one ends.
CONTINUED = """
    SELECT d.line, b.external_id AS before, c.effective, b.expires,
           LEAST(
               b.expires, bt.expires,
               CASE WHEN bp.status = 'cancelled' THEN COALESCE(bp.cancellation_effective, bp.status_date) END
           ) AS ends,
           c.insured_id = b.insured_id AS same_insured, c.part = b.part AS same_part,
           bp.id = t.policy_id OR bp.replaced_by_id IS NOT DISTINCT FROM t.policy_id AS same_policy
    FROM policies_coverage c
    JOIN policies_coverage b ON b.id = c.continues_id
    JOIN policies_term t ON t.id = c.term_id
    JOIN policies_term bt ON bt.id = b.term_id
    JOIN policies_policy bp ON bp.id = bt.policy_id
    LEFT JOIN {change} d ON d.id = c.id
    LEFT JOIN {change} other ON other.id = b.id
    WHERE c.continues_id IS NOT NULL AND c.source = %(source)s AND c.retired_at IS NULL
      AND (d.id IS NOT NULL OR other.id IS NOT NULL)
"""

# Segments that lead back to themselves. Along a chain, days go back, unless a segment was cancelled from its start or
# before; only from such a one is the way followed, for up to ten segments.
CIRCLES = """
    WITH RECURSIVE led AS (
        SELECT c.id, c.continues_id AS there, ARRAY[c.id] AS way
        FROM policies_coverage c JOIN policies_coverage b ON b.id = c.continues_id
        WHERE c.source = %(source)s AND c.retired_at IS NULL AND c.effective <= b.effective
        UNION ALL
        SELECT led.id, t.continues_id, led.way || t.id FROM led JOIN policies_coverage t ON t.id = led.there
        WHERE t.continues_id IS NOT NULL AND t.id <> ALL (led.way) AND cardinality(led.way) < 10
    )
    SELECT DISTINCT d.line FROM led JOIN {change} d ON d.id = ANY (led.way)
    WHERE led.there = led.id AND cardinality(led.way) > 1
"""

COVERAGES = Table(
    file="coverages.csv",
    model="policies.Coverage",
    columns=(
        Column("coverage_id", Kind.IDENTIFIER, field=None, required=True),
        Column("term_id", Kind.IDENTIFIER, required=True),
        Column("insured_id", Kind.IDENTIFIER, required=True),
        Column("part", Kind.CHOICE, required=True, choices=tuple(Coverage.Part.values)),
        Column("form", Kind.CHOICE, required=True, choices=tuple(Coverage.Form.values)),
        Column("retroactive_date", Kind.DATE),
        Column("full_prior_acts", Kind.BOOLEAN),
        Column("limit_per_claim", Kind.MONEY, required=True, minimum=NOTHING),
        Column("limit_aggregate", Kind.MONEY, required=True, minimum=NOTHING),
        Column("limit_basis", Kind.CHOICE, choices=tuple(Coverage.LimitBasis.values), optional=True),
        Column("limits_shared", Kind.BOOLEAN),
        Column("limits_shared_with", optional=True),
        Column("defense", Kind.CHOICE, choices=tuple(Coverage.Defense.values), optional=True),
        Column("deductible", Kind.MONEY, minimum=NOTHING, default="0.00"),
        Column("deductible_basis", Kind.CHOICE, choices=tuple(Coverage.DeductibleBasis.values), optional=True),
        Column("effective", Kind.DATE, required=True),
        Column("expires", Kind.DATE, required=True),
        Column("premium", Kind.MONEY),
        Column("specialty_code"),
        Column("specialty"),
        Column("endorsements", field="endorsement_text"),
        Column("fund"),
        Column("fund_limits"),
        Column("ended_reason"),
        Column("scope", optional=True),
        Column("states", optional=True),
        Column("locum", optional=True),
        Column("site", optional=True),
        Column("cost_center", optional=True),
        Column("continues", Kind.IDENTIFIER, optional=True),
    ),
    references=(
        Reference("term_id", "terms.csv", "term"),
        Reference("insured_id", "insureds.csv", "insured", copies={"sort_key": "sort_key"}),
        Reference("continues", "coverages.csv", "continues"),
    ),
    checks=(
        RowCheck(
            code="continues-itself",
            column="continues",
            faulty="s.continues = s.coverage_id",
            sentence="The coverage continues itself.",
        ),
        period("The coverage expires on {expires}, not after its start on {effective}."),
        LIMITS,
        RowCheck(
            code="retroactive-date",
            column="retroactive_date",
            faulty=(
                "s.form = 'claims_made' AND s.full_prior_acts IS NOT TRUE "
                "AND (s.retroactive_date IS NULL OR s.retroactive_date > s.effective)"
            ),
            sentence=(
                "Claims-made coverage needs full prior acts or a retroactive date on or before its start on "
                "{effective}; its retroactive date is {retroactive_date}."
            ),
        ),
    ),
    set_checks=(
        SetCheck(
            code="circle",
            column="continues",
            sql=CIRCLES,
            sentence="The segments that the coverage continues lead back to it.",
        ),
        SetCheck(
            code="continues",
            column="continues",
            sql=f"""
                SELECT line, before, CASE
                    WHEN NOT same_insured THEN 'another insured' WHEN NOT same_part THEN 'another part'
                    ELSE 'another policy' END AS other
                FROM ({CONTINUED}) continued WHERE NOT (same_insured AND same_part AND same_policy)
            """,
            sentence="The coverage continues {before}, which is of {other}.",
        ),
        SetCheck(
            code="continues-date",
            column="continues",
            sql=f"""
                SELECT line, before, effective, ends FROM ({CONTINUED}) continued
                WHERE effective NOT IN (expires, ends)
            """,
            sentence="The coverage starts on {effective}, but {before}, which it continues, ends on {ends}.",
        ),
    ),
    track=("limit_per_claim", "limit_aggregate", "limits_shared", "expires", "ended_reason"),
    after=(tell_of_coverages, keep_headcounts),
)
