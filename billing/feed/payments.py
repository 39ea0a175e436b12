"""Payments and how they are applied."""

from __future__ import annotations

from billing.feed.columns import ACCOUNT, CENT, OF_ACCOUNT, OF_TERM
from billing.feed.echoes import adopt_echoed_payments
from billing.models import Payment
from core.feedspec import Column, Kind, Reference, SetCheck, Severity, Table

# Not where the portal keeps an amount of its own against an older package: the row isn't to blame.
OVER_ALLOCATED = """
    SELECT {line} AS line, p.external_id AS payment, p.amount, applied.total AS allocated
    FROM {rows}
    CROSS JOIN LATERAL (
        SELECT sum(a.amount) AS total FROM billing_allocation a WHERE a.payment_id = p.id AND a.retired_at IS NULL
    ) applied
    WHERE p.retired_at IS NULL AND applied.total > p.amount
      AND (p.learned_at IS NULL OR p.learned_at <= %(as_of)s)
"""
ALLOCATED = "Terms get {allocated} of payment {payment}, but its amount is {amount}."

PAYMENTS = Table(
    file="payments.csv",
    model="billing.Payment",
    columns=(
        Column("payment_id", Kind.IDENTIFIER, field=None, required=True),
        Column("portal_payment_id", Kind.IDENTIFIER),
        ACCOUNT,
        Column("received", Kind.DATE, required=True),
        Column("amount", Kind.MONEY, required=True, minimum=CENT),
        Column("method", Kind.CHOICE, required=True, choices=tuple(Payment.Method.values)),
        Column("reference"),
        Column("status", Kind.CHOICE, required=True, choices=tuple(Payment.Status.values)),
    ),
    references=(OF_ACCOUNT,),
    before=(adopt_echoed_payments,),
    stays="t.made_at IS NOT NULL",
    learned=dict.fromkeys(("received", "amount", "method", "reference", "status"), "learned_at"),
    set_checks=(
        SetCheck(
            code="echo-twice",
            column="portal_payment_id",
            sql="""
                SELECT line, portal_payment_id FROM (
                    SELECT s.line, s.portal_payment_id,
                           row_number() OVER (PARTITION BY s.portal_payment_id ORDER BY s.line) AS nth
                    FROM {stage} s WHERE NOT s.deleted AND s.portal_payment_id <> ''
                ) echoed WHERE nth > 1
            """,
            sentence="The portal_payment_id {portal_payment_id} is in the file more than once.",
        ),
        SetCheck(
            code="echo-unknown",
            column="portal_payment_id",
            sql="""
                SELECT s.line, s.portal_payment_id FROM {stage} s
                WHERE NOT s.deleted AND s.portal_payment_id <> '' AND NOT EXISTS (
                    SELECT 1 FROM billing_payment p
                    WHERE p.public_id = s.portal_payment_id AND p.made_at IS NOT NULL AND p.source = %(source)s
                )
            """,
            sentence="The portal has made no payment {portal_payment_id}.",
            severity=Severity.WARNING,
        ),
        SetCheck(
            code="over-allocated",
            column="amount",
            sql=OVER_ALLOCATED.replace("{line}", "d.line").replace(
                "{rows}", "{change} d JOIN billing_payment p ON p.id = d.id"
            ),
            sentence=ALLOCATED,
        ),
    ),
)

ALLOCATIONS = Table(
    file="allocations.csv",
    model="billing.Allocation",
    key=("payment_id", "term_id"),
    columns=(
        Column("payment_id", Kind.IDENTIFIER, required=True),
        Column("term_id", Kind.IDENTIFIER, required=True),
        Column("amount", Kind.MONEY, required=True, minimum=CENT),
    ),
    references=(Reference("payment_id", "payments.csv", "payment"), OF_TERM),
    set_checks=(
        SetCheck(
            code="over-allocated",
            column="amount",
            sql=OVER_ALLOCATED.replace("{line}", "rows.line").replace(
                "{rows}",
                "(SELECT c.payment_id, max(d.line) AS line FROM {change} d JOIN billing_allocation c ON c.id = d.id "
                "WHERE d.line IS NOT NULL GROUP BY c.payment_id) rows JOIN billing_payment p ON p.id = rows.payment_id",
            ),
            sentence=ALLOCATED,
        ),
    ),
)
