"""Files of the carrier feed that fill this area: holders, standing holders, and certificate forms
(docs/feed-format.md)."""

from __future__ import annotations

from decimal import Decimal

from core.feedspec import Column, Computed, Kind, Reference, RowCheck, Severity, Table, Tally
from credentialing.feed.notices import notices_sql
from credentialing.models import CertificateForm
from credentialing.models.on_file import fingerprint_of
from policies.feed.columns import ADDRESS, POLICY, STATES
from policies.names import fold

NOTHING = Decimal(0)
YEAR = Decimal(366)
SEARCH_LENGTH = 400


def search_name(name: str) -> str:
    """Return the folded name for searching, cut to the model's length."""
    return fold(name)[:SEARCH_LENGTH]


HOLDERS = Table(
    file="holders.csv",
    model="credentialing.CarrierHolder",
    columns=(
        Column("holder_id", Kind.IDENTIFIER, field=None, required=True),
        Column("name", required=True),
        Column("email", Kind.EMAIL, expected=True),
        Column("phone"),
        *ADDRESS,
        Column("minimum_per_claim", Kind.MONEY, minimum=NOTHING, optional=True),
        Column("minimum_aggregate", Kind.MONEY, minimum=NOTHING, optional=True),
        Column("separate_limits", Kind.BOOLEAN, optional=True),
        Column("tail_required", Kind.BOOLEAN, optional=True),
        Column("days_ahead", Kind.WHOLE, minimum=NOTHING, maximum=YEAR, optional=True),
    ),
    computed=(
        Computed("fingerprint", ("name", "address1", "address2", "city", "state", "zip"), fingerprint_of),
        Computed("search_name", ("name",), search_name),
    ),
    checks=(
        RowCheck(
            code="minimums",
            column="minimum_per_claim",
            faulty="s.minimum_per_claim > s.minimum_aggregate",
            sentence=(
                "The holder asks for at least {minimum_per_claim} per claim, more than its minimum aggregate of "
                "{minimum_aggregate}."
            ),
            severity=Severity.WARNING,
        ),
    ),
)

STANDING_HOLDERS = Table(
    file="standing_holders.csv",
    model="credentialing.StandingHolder",
    key=("holder_id", "policy_number", "insured_id"),
    columns=(
        Column("holder_id", Kind.IDENTIFIER, required=True),
        POLICY,
        # Empty: everyone on the policy.
        Column("insured_id", Kind.IDENTIFIER),
        Column("claims_history", Kind.BOOLEAN),
        Column("renewals", Kind.BOOLEAN),
        Column("notices", Kind.BOOLEAN),
    ),
    references=(
        Reference("holder_id", "holders.csv", "holder"),
        Reference("policy_number", "policies.csv", "policy"),
        Reference("insured_id", "insureds.csv", "insured"),
    ),
    tallies=(
        Tally(
            name="notices",
            words="notices would be sent to standing holders",
            query=notices_sql,
            setting="FEED_HOLD_NOTICES_FROM",
        ),
    ),
)

CERTIFICATE_FORMS = Table(
    file="certificate_forms.csv",
    model="credentialing.CertificateForm",
    key=("company_id", "state", "kind", "effective"),
    columns=(
        Column("company_id", Kind.IDENTIFIER, required=True),
        # Empty: all states that have no form of their own.
        Column("state", Kind.CHOICE, choices=STATES),
        Column("kind", Kind.CHOICE, required=True, choices=tuple(CertificateForm.Kind.values)),
        Column("form_number", required=True),
        # A number without its edition doesn't say which text was approved.
        Column("edition", expected=True),
        Column("effective", Kind.DATE, required=True),
        Column("expires", Kind.DATE),
        Column("legend"),
    ),
    references=(Reference("company_id", "companies.csv", "company"),),
    checks=(
        RowCheck(
            code="period",
            column="expires",
            faulty="s.expires <= s.effective",
            sentence="The form expires on {expires}, not after its start on {effective}.",
        ),
    ),
)

TABLES: tuple[Table, ...] = (HOLDERS, STANDING_HOLDERS, CERTIFICATE_FORMS)
