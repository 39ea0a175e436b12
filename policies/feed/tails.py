"""The Coverage files around coverages: tails on offer, and coverage with other carriers before."""

from __future__ import annotations

from decimal import Decimal

from core.feedspec import Column, Kind, Reference, RowCheck, SetCheck, Severity, Table
from policies.feed.columns import NOTHING, SHA256, SHA256_WORDS, period
from policies.feed.transitions import tell_of_offers
from policies.models import Coverage, EreOffer

SMALL = Decimal(32_767)

ERE_OFFERS = Table(
    file="ere_offers.csv",
    model="policies.EreOffer",
    columns=(
        Column("offer_id", Kind.IDENTIFIER, field=None, required=True),
        Column("coverage_id", Kind.IDENTIFIER, required=True),
        Column(
            "status",
            Kind.CHOICE,
            required=True,
            choices=tuple(EreOffer.Status.values),
            # The older word for a tail that is free of charge; elsewhere in the trade it means declined.
            read_as={"waived": EreOffer.Status.GRANTED.value},
        ),
        Column("decide_by", Kind.DATE),
        Column("option", required=True),
        Column("price", Kind.MONEY, minimum=NOTHING),
        Column("installments", Kind.WHOLE, minimum=Decimal(1), maximum=SMALL),
        Column("installment_amount", Kind.MONEY, minimum=NOTHING, optional=True),
        Column("finance_charge", Kind.MONEY, minimum=NOTHING, optional=True),
        Column(
            "letter_code_sha256",
            pattern=SHA256,
            pattern_words=SHA256_WORDS,
            lower=True,
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
    set_checks=(
        SetCheck(
            code="installments",
            column="installment_amount",
            # A cent of each installment may be lost to rounding.
            sql="""
                SELECT d.line, o.installments, o.installment_amount, o.installments * o.installment_amount AS together,
                       o.price + COALESCE(o.finance_charge, 0) AS total
                FROM {change} d JOIN policies_ereoffer o ON o.id = d.id
                WHERE d.change <> 'retired' AND abs(o.installments * o.installment_amount
                      - o.price - COALESCE(o.finance_charge, 0)) >= o.installments * 0.01
            """,
            sentence=(
                "{installments} installments of {installment_amount} come to {together}, but price and finance charge "
                "come to {total}."
            ),
            severity=Severity.WARNING,
        ),
    ),
    track=("status", "decide_by"),
    after=(tell_of_offers,),
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
    checks=(period("The coverage expires on {expires}, not after its start on {effective}."),),
)
