"""Files of the carrier feed that fill this area (docs/feed-format.md)."""

from billing.feed.charges import BILLING_ACCOUNTS, INSTALLMENTS, INVOICES, TRANSACTIONS
from billing.feed.payments import ALLOCATIONS, PAYMENTS
from core.feedspec import Table

TABLES: tuple[Table, ...] = (BILLING_ACCOUNTS, TRANSACTIONS, INSTALLMENTS, INVOICES, PAYMENTS, ALLOCATIONS)
