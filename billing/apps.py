from core.areas import AreaConfig, StaffGroup

BILLING = (
    "billing.allocation",
    "billing.billingaccount",
    "billing.installment",
    "billing.invoice",
    "billing.payment",
    "billing.transaction",
)


class BillingConfig(AreaConfig):
    """Billing accounts, charges, installments, invoices, and payments, as the carrier keeps them."""

    name = "billing"
    verbose_name = "Billing"
    calendar = "billing.calendar.PROVIDERS"
    feed_tables = "billing.feed.TABLES"
    sentences = "billing.events.SENTENCES"
    hooks = {"policies.whole_accounts": "billing.models.accounts.whole_accounts"}
    staff_groups = (StaffGroup("Customer service", views=BILLING),)
