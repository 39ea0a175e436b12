from core.areas import AreaConfig


class BillingConfig(AreaConfig):
    """Billing accounts, charges, installments, invoices, and payments, as the carrier keeps them."""

    name = "billing"
    verbose_name = "Billing"
    feed_tables = "billing.feed.TABLES"
