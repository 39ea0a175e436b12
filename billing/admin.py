"""Billing for staff: read only, each look recorded."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from billing.events import BillingEvent
from billing.models import Allocation, BillingAccount, Installment, Invoice, Payment, Transaction
from core.admin import RecordedLooks


class BillingRowAdmin(RecordedLooks[Any]):
    """Rows that the feed brings: staff can view them, each view is recorded, and nobody changes them here."""

    look = BillingEvent.LOOKED_AT
    ordering = ["pk"]


@admin.register(BillingAccount)
class BillingAccountAdmin(BillingRowAdmin):
    list_display = ["external_id", "name", "policyholder", "autopay", "source", "retired_at"]
    list_filter = ["autopay", "source"]
    list_select_related = ["policyholder"]
    search_fields = ["external_id__startswith", "policyholder__name__istartswith"]


class AccountRowAdmin(BillingRowAdmin):
    """Rows of an account, found by their own id or the account's."""

    list_select_related = ["account"]
    search_fields = ["external_id__startswith", "account__external_id__startswith"]


@admin.register(Transaction)
class TransactionAdmin(AccountRowAdmin):
    list_display = ["external_id", "account", "posted", "kind", "amount", "retired_at"]
    list_filter = ["kind"]


@admin.register(Installment)
class InstallmentAdmin(AccountRowAdmin):
    list_display = ["external_id", "account", "due", "amount", "fee", "retired_at"]


@admin.register(Invoice)
class InvoiceAdmin(AccountRowAdmin):
    list_display = ["external_id", "account", "issued", "due", "amount", "retired_at"]


@admin.register(Payment)
class PaymentAdmin(AccountRowAdmin):
    list_display = ["__str__", "external_id", "account", "method", "status", "seen", "retired_at"]
    list_filter = ["status", "method"]
    search_fields = [*AccountRowAdmin.search_fields, "portal_payment_id"]

    @admin.display(description="seen by the carrier", boolean=True)
    def seen(self, payment: Payment) -> bool:
        return payment.is_seen_by_carrier


@admin.register(Allocation)
class AllocationAdmin(BillingRowAdmin):
    list_display = ["payment", "term", "amount", "retired_at"]
    list_select_related = ["payment", "term"]
    search_fields = ["external_id__startswith"]
