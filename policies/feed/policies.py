"""The Coverage files about policies: policies, agents of record, and terms."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.feedspec import Column, Guard, Kind, Reference, RowCheck, SetCheck, Severity, Table
from policies.feed.columns import NOTHING, POLICY, circle, period
from policies.feed.figures import keep_book_figures
from policies.feed.transitions import keep_status_history, tell_of_policies, tell_of_terms
from policies.models import Policy, Term
from policies.names import normalize_number

# A package that retires or cancels fewer policies is not held for it (docs/feed-format.md#held).
POLICIES_HELD_FROM = 3

POLICIES = Table(
    file="policies.csv",
    model="policies.Policy",
    columns=(
        replace(POLICY, field="number", fold_field="number_normalized"),
        Column("company_id", Kind.IDENTIFIER, required=True),
        Column("policyholder_id", Kind.IDENTIFIER, required=True),
        Column("billing_account_id", Kind.IDENTIFIER, field="billing_account_key"),
        Column("program", Kind.CHOICE, required=True, choices=tuple(Policy.Program.values)),
        Column("status", Kind.CHOICE, required=True, choices=tuple(Policy.Status.values)),
        Column("status_date", Kind.DATE),
        Column("status_reason"),
        Column("status_reason_code", Kind.CHOICE, choices=tuple(Policy.Reason.values), optional=True),
        Column("cancellation_effective", Kind.DATE),
        Column("cure_amount", Kind.MONEY, minimum=NOTHING),
        Column("reinstate_by", Kind.DATE),
        Column("reinstatement_amount", Kind.MONEY, minimum=NOTHING),
        Column("replaced_by", Kind.IDENTIFIER, fold=normalize_number, optional=True),
        Column("underwriter_name", optional=True),
        Column("underwriter_phone", optional=True),
        Column("underwriter_email", Kind.EMAIL, optional=True),
    ),
    references=(
        Reference("company_id", "companies.csv", "company"),
        Reference("policyholder_id", "policyholders.csv", "policyholder"),
        Reference("replaced_by", "policies.csv", "replaced_by"),
    ),
    checks=(
        RowCheck(
            code="own-replacement",
            column="replaced_by",
            faulty="s.replaced_by__folded = s.key",
            sentence="The policy is replaced by itself.",
        ),
        # Certificates of a policy with pending cancellation state the date (S-35).
        RowCheck(
            code="cancellation-date",
            column="cancellation_effective",
            faulty="s.status = 'pending_cancellation' AND s.cancellation_effective IS NULL",
            sentence="The policy is pending cancellation but has no cancellation_effective.",
            severity=Severity.WARNING,
        ),
    ),
    set_checks=(circle("policies_policy", "replaced_by", "replaced_by", "The policy's replacements lead back to it."),),
    guards=(
        Guard(
            name="cancelled",
            words="policies would be cancelled, now or at a later date",
            # A notice counts like the cancellation itself, which counts again when it happens.
            condition=(
                "(was.was_status <> 'cancelled' AND t.status = 'cancelled') OR "
                "(was.was_status NOT IN ('cancelled', 'pending_cancellation') AND t.status = 'pending_cancellation')"
            ),
            share=Decimal("0.01"),
            setting="FEED_CANCEL_SHARE",
            hold_from=POLICIES_HELD_FROM,
        ),
    ),
    hold_from=POLICIES_HELD_FROM,
    track=("status", "status_date", "replaced_by"),
    after=(keep_status_history, tell_of_policies, keep_book_figures("policies.csv")),
)

AGENTS_OF_RECORD = Table(
    file="agents_of_record.csv",
    model="policies.AgentOfRecord",
    key=("policy_number", "agency_id", "from"),
    columns=(
        POLICY,
        Column("agency_id", Kind.IDENTIFIER, required=True),
        Column("from", Kind.DATE, field="starts", required=True),
        Column("to", Kind.DATE, field="ends"),
    ),
    references=(
        Reference("policy_number", "policies.csv", "policy"),
        Reference("agency_id", "agencies.csv", "agency"),
    ),
    checks=(
        RowCheck(
            code="period",
            column="to",
            faulty='s."to" < s."from"',
            sentence="The appointment ends on {to}, before its start on {from}.",
        ),
    ),
    after=(keep_book_figures("agents_of_record.csv"),),
)

TERMS = Table(
    file="terms.csv",
    model="policies.Term",
    columns=(
        Column("term_id", Kind.IDENTIFIER, field=None, required=True),
        POLICY,
        Column("status", Kind.CHOICE, required=True, choices=tuple(Term.Status.values)),
        Column("effective", Kind.DATE, required=True),
        Column("expires", Kind.DATE, required=True),
        Column("premium", Kind.MONEY),
        Column("payment_plan", Kind.CHOICE, choices=tuple(Term.PaymentPlan.values)),
        Column("billing", Kind.CHOICE, choices=tuple(Term.Billing.values)),
        Column("offer_expires", Kind.DATE),
        Column("quick_renew", Kind.BOOLEAN),
        Column("paid_through", Kind.DATE),
    ),
    references=(Reference("policy_number", "policies.csv", "policy"),),
    checks=(period("The term expires on {expires}, not after its start on {effective}."),),
    set_checks=(
        SetCheck(
            code="overlap",
            column="effective",
            sql="""
                SELECT d.line, overlapping.policy, overlapping.term, overlapping.effective, overlapping.before
                FROM (
                    SELECT t.id, t.external_id AS term, t.effective, p.number AS policy,
                           max(t.expires) OVER earlier AS before,
                           lag(t.id) OVER (PARTITION BY t.policy_id ORDER BY t.effective, t.id) AS previous
                    FROM policies_term t JOIN policies_policy p ON p.id = t.policy_id
                    WHERE t.source = %(source)s AND t.retired_at IS NULL AND t.status = 'bound'
                    WINDOW earlier AS (PARTITION BY t.policy_id ORDER BY t.effective, t.id
                                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                ) overlapping
                LEFT JOIN {change} d ON d.id = overlapping.id AND d.change <> 'retired'
                LEFT JOIN {change} other ON other.id = overlapping.previous AND other.change <> 'retired'
                WHERE overlapping.effective < overlapping.before AND (d.id IS NOT NULL OR other.id IS NOT NULL)
            """,
            sentence=(
                "Bound term {term} of policy {policy} starts on {effective}; an earlier bound term ends on {before}."
            ),
        ),
    ),
    track=("status",),
    after=(tell_of_terms, keep_book_figures("terms.csv")),
)
