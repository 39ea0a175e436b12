"""The Coverage files: policies, agents of record, terms, coverages, ERE offers, and prior coverages."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from core.feedspec import Column, Guard, Kind, Reference, RowCheck, SetCheck, Severity, Table
from policies.feed.columns import POLICY
from policies.feed.transitions import keep_status_history, tell_of_cancellations, tell_of_coverages
from policies.models import Coverage, EreOffer, Policy, Term

NOTHING = Decimal(0)
SMALL = Decimal(32_767)
# A package that retires or cancels fewer policies is not held for it (docs/feed-format.md#held).
POLICIES_HELD_FROM = 3


def _period(sentence: str) -> RowCheck:
    """Return the check that a period ends after it begins; its end is the first day that no longer counts."""
    return RowCheck(code="period", column="expires", faulty="s.expires <= s.effective", sentence=sentence)


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
        Column("cancellation_effective", Kind.DATE),
        Column("cure_amount", Kind.MONEY, minimum=NOTHING),
        Column("reinstate_by", Kind.DATE),
        Column("reinstatement_amount", Kind.MONEY, minimum=NOTHING),
        Column("underwriter_name"),
        Column("underwriter_phone"),
        Column("underwriter_email", Kind.EMAIL),
    ),
    references=(
        Reference("company_id", "companies.csv", "company"),
        Reference("policyholder_id", "policyholders.csv", "policyholder"),
    ),
    checks=(
        # Certificates of a policy with pending cancellation state the date (S-35).
        RowCheck(
            code="cancellation-date",
            column="cancellation_effective",
            faulty="s.status = 'pending_cancellation' AND s.cancellation_effective IS NULL",
            sentence="The policy is pending cancellation but has no cancellation_effective.",
            severity=Severity.WARNING,
        ),
    ),
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
    track=("status", "status_date"),
    after=(keep_status_history, tell_of_cancellations),
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
    checks=(_period("The term expires on {expires}, not after its start on {effective}."),),
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
)

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
        Column("limits_shared", Kind.BOOLEAN),
        Column("deductible", Kind.MONEY, minimum=NOTHING, default="0.00"),
        Column("effective", Kind.DATE, required=True),
        Column("expires", Kind.DATE, required=True),
        Column("premium", Kind.MONEY),
        Column("specialty_code"),
        Column("specialty"),
        Column("endorsements"),
        Column("fund"),
        Column("fund_limits"),
        Column("ended_reason"),
    ),
    references=(
        Reference("term_id", "terms.csv", "term"),
        Reference("insured_id", "insureds.csv", "insured"),
    ),
    checks=(
        _period("The coverage expires on {expires}, not after its start on {effective}."),
        RowCheck(
            code="limits",
            column="limit_per_claim",
            faulty="s.limit_per_claim > s.limit_aggregate",
            sentence="The limit per claim, {limit_per_claim}, is higher than the aggregate limit, {limit_aggregate}.",
        ),
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
    track=("limit_per_claim", "limit_aggregate", "ended_reason"),
    after=(tell_of_coverages,),
)

ERE_OFFERS = Table(
    file="ere_offers.csv",
    model="policies.EreOffer",
    columns=(
        Column("offer_id", Kind.IDENTIFIER, field=None, required=True),
        Column("coverage_id", Kind.IDENTIFIER, required=True),
        Column("status", Kind.CHOICE, required=True, choices=tuple(EreOffer.Status.values)),
        Column("decide_by", Kind.DATE),
        Column("option", required=True),
        Column("price", Kind.MONEY, minimum=NOTHING),
        Column("installments", Kind.WHOLE, minimum=Decimal(1), maximum=SMALL),
        Column(
            "letter_code_sha256",
            pattern=re.compile("[0-9a-f]{64}"),
            pattern_words="a SHA-256 of 64 lowercase hexadecimal digits",
        ),
        Column("starts", Kind.DATE),
        Column("ends", Kind.DATE),
    ),
    references=(Reference("coverage_id", "coverages.csv", "coverage"),),
    checks=(
        RowCheck(
            code="period",
            column="ends",
            faulty="s.ends <= s.starts",
            sentence="The tail ends on {ends}, not after its start on {starts}.",
        ),
    ),
)

PRIOR_COVERAGES = Table(
    file="prior_coverages.csv",
    model="policies.PriorCoverage",
    key=("insured_id", "carrier", "effective"),
    columns=(
        Column("insured_id", Kind.IDENTIFIER, required=True),
        Column("carrier", required=True),
        # Another carrier's number: nothing is matched by it.
        Column("policy_number"),
        Column("form", Kind.CHOICE, required=True, choices=tuple(Coverage.Form.values)),
        Column("effective", Kind.DATE, required=True),
        Column("expires", Kind.DATE, required=True),
        Column("retroactive_date", Kind.DATE),
        Column("ere_ends", Kind.DATE),
    ),
    references=(Reference("insured_id", "insureds.csv", "insured"),),
    checks=(_period("The coverage expires on {expires}, not after its start on {effective}."),),
)
