"""Billing accounts and what is charged to them: transactions, installments, and invoices."""

from __future__ import annotations

from billing.feed.columns import ACCOUNT, NOTHING, OF_ACCOUNT, OF_TERM
from billing.models import BillingAccount, Transaction
from core.feedspec import Column, Inbound, Kind, Reference, RowCheck, SetCheck, Severity, Table

BILLING_ACCOUNTS = Table(
    file="billing_accounts.csv",
    model="billing.BillingAccount",
    columns=(
        ACCOUNT,
        Column("policyholder_id", Kind.IDENTIFIER, required=True),
        Column("name"),
        Column(
            "autopay",
            Kind.CHOICE,
            choices=tuple(BillingAccount.AutoPay.values),
            default=BillingAccount.AutoPay.NONE.value,
        ),
    ),
    references=(Reference("policyholder_id", "policyholders.csv", "policyholder"),),
    inbound=(Inbound("policies.csv", "billing_account_id"), Inbound("documents.csv", "billing_account_id")),
)


REDUCING = ", ".join(f"'{kind.value}'" for kind in Transaction.REDUCING)
BY_INSTALLMENTS = ", ".join(f"'{kind.value}'" for kind in Transaction.BY_INSTALLMENTS)

# Terms whose installments don't add up to their transactions. A term without installments, such as one that an agency
# bills, has nothing to add up.
UNEQUAL_SUMS = """
    SELECT first.line, t.external_id AS term, asked.total AS installments, COALESCE(posted.total, 0) AS transactions
    FROM (SELECT term_id, min(line) AS line FROM {stage} WHERE NOT deleted AND term_id <> '' GROUP BY term_id) first
    JOIN policies_term t ON t.source = %(source)s AND t.external_id = first.term_id
    CROSS JOIN LATERAL (
        SELECT sum(i.amount) AS total FROM billing_installment i WHERE i.term_id = t.id AND i.retired_at IS NULL
    ) asked
    CROSS JOIN LATERAL (
        SELECT sum(x.amount) AS total FROM billing_transaction x
        WHERE x.term_id = t.id AND x.retired_at IS NULL AND x.kind IN (BY_INSTALLMENTS)
    ) posted
    WHERE asked.total <> COALESCE(posted.total, 0)
""".replace("BY_INSTALLMENTS", BY_INSTALLMENTS)
# If the package has installments of the term as well, the finding is there.
NOT_BY_INSTALLMENTS = "AND first.term_id NOT IN (SELECT term_id FROM {stage installments.csv} WHERE NOT deleted)"
ADD_UP = (
    "The installments of term {term} add up to {installments}, but its transactions come to {transactions}, without "
    "fees, refunds, and write-offs."
)

TRANSACTIONS = Table(
    file="transactions.csv",
    model="billing.Transaction",
    columns=(
        Column("transaction_id", Kind.IDENTIFIER, field=None, required=True),
        ACCOUNT,
        Column("term_id", Kind.IDENTIFIER),
        Column("posted", Kind.DATE, required=True),
        Column("kind", Kind.CHOICE, required=True, choices=tuple(Transaction.Kind.values)),
        Column("amount", Kind.MONEY, required=True),
        Column("description"),
        Column("insured_id", Kind.IDENTIFIER, optional=True),
    ),
    references=(OF_ACCOUNT, OF_TERM, Reference("insured_id", "insureds.csv", "insured")),
    checks=(
        RowCheck(
            code="sign",
            column="amount",
            faulty=f"s.amount < 0 AND s.kind NOT IN ({REDUCING})",
            sentence="The kind is {kind}, so the amount can’t be negative; it is {amount}.",
        ),
        RowCheck(
            code="sign",
            column="amount",
            faulty=f"s.amount > 0 AND s.kind IN ({REDUCING})",
            sentence="The kind is {kind}, so the amount can’t be positive; it is {amount}.",
        ),
    ),
    set_checks=(
        SetCheck(
            code="add-up",
            column="amount",
            sql=UNEQUAL_SUMS + NOT_BY_INSTALLMENTS,
            sentence=ADD_UP,
            severity=Severity.WARNING,
        ),
    ),
)

INSTALLMENTS = Table(
    file="installments.csv",
    model="billing.Installment",
    columns=(
        Column("installment_id", Kind.IDENTIFIER, field=None, required=True),
        ACCOUNT,
        Column("term_id", Kind.IDENTIFIER, required=True),
        Column("due", Kind.DATE, required=True),
        Column("amount", Kind.MONEY, required=True, minimum=NOTHING),
        Column("fee", Kind.MONEY, minimum=NOTHING, default="0.00"),
    ),
    references=(OF_ACCOUNT, OF_TERM),
    set_checks=(
        SetCheck(
            code="add-up",
            column="amount",
            sql=UNEQUAL_SUMS,
            sentence=ADD_UP,
            severity=Severity.WARNING,
        ),
        SetCheck(
            code="due-after-term",
            column="due",
            sql="""
                SELECT s.line, s.due, t.external_id AS term, t.expires
                FROM {stage} s JOIN policies_term t ON t.source = %(source)s AND t.external_id = s.term_id
                WHERE NOT s.deleted AND s.due >= t.expires
            """,
            sentence="The installment is due on {due}, but its term {term} expires on {expires}.",
            severity=Severity.WARNING,
        ),
    ),
)

INVOICES = Table(
    file="invoices.csv",
    model="billing.Invoice",
    columns=(
        Column("invoice_id", Kind.IDENTIFIER, field=None, required=True),
        ACCOUNT,
        Column("issued", Kind.DATE, required=True),
        Column("due", Kind.DATE, required=True),
        Column("amount", Kind.MONEY, required=True, minimum=NOTHING),
        Column("document_id", Kind.IDENTIFIER),
    ),
    references=(OF_ACCOUNT, Reference("document_id", "documents.csv", "document")),
    checks=(
        RowCheck(
            code="due-before-issued",
            column="due",
            faulty="s.due < s.issued",
            sentence="The invoice is due on {due}, before it was issued on {issued}.",
            severity=Severity.WARNING,
        ),
        RowCheck(
            code="no-document",
            column="document_id",
            faulty="s.document_id IS NULL",
            sentence="The invoice has no document.",
            severity=Severity.WARNING,
        ),
    ),
)
