"""Billing accounts, what is charged to them, and what is paid: as the carrier keeps them, and payments made here."""

from billing.models.accounts import BillingAccount
from billing.models.charges import Installment, Invoice, Transaction
from billing.models.payments import Allocation, Payment

__all__ = ["Allocation", "BillingAccount", "Installment", "Invoice", "Payment", "Transaction"]
