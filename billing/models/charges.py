"""What is charged to an account: transactions, the installments that ask for them, and invoices."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models.accounts import AccountRowQuerySet, BillingAccount, WholeAccountRowQuerySet
from core.fields import PublicIdField
from policies.models import Document, Insured, Term
from policies.models.base import FeedRow


class Transaction(FeedRow):
    """An amount that was posted to an account. Positive amounts are owed to the carrier, negative ones reduce that.

    A refund is positive: it pays a credit out. It is never the same money as a payment with the status refunded.
    """

    class Kind(models.TextChoices):
        PREMIUM = "premium", "Premium"
        ENDORSEMENT = "endorsement", "Endorsement"
        RETURN_PREMIUM = "return_premium", "Return premium"
        TAX = "tax", "Tax"
        FUND_SURCHARGE = "fund_surcharge", "Fund surcharge"
        INSTALLMENT_FEE = "installment_fee", "Installment fee"
        NSF_FEE = "nsf_fee", "Returned payment fee"
        LATE_FEE = "late_fee", "Late fee"
        CREDIT = "credit", "Credit"
        REFUND = "refund", "Refund"
        WRITEOFF = "writeoff", "Write-off"

    # Kinds whose amount is never above zero; that of all others is never below.
    REDUCING = (Kind.RETURN_PREMIUM, Kind.CREDIT, Kind.WRITEOFF)
    # What a term's installments add up to: fees are asked on top, and refunds and write-offs aren't installments.
    BY_INSTALLMENTS = (
        Kind.PREMIUM,
        Kind.ENDORSEMENT,
        Kind.RETURN_PREMIUM,
        Kind.TAX,
        Kind.FUND_SURCHARGE,
        Kind.CREDIT,
    )

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="transactions", db_index=False)
    # Empty: it concerns the account as a whole, such as a fee for a returned payment.
    term = models.ForeignKey(
        Term, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions", db_index=False
    )
    posted = models.DateField()
    kind = models.CharField(max_length=16, choices=Kind)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    description = models.CharField(max_length=200, blank=True, default="")
    # Whose it is, if it belongs to one insured. Not indexed: premiums by clinician are read by term.
    insured = models.ForeignKey(
        Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions", db_index=False
    )

    objects = AccountRowQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            # Enumerates the kinds as well.
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "premium",
                        "endorsement",
                        "tax",
                        "fund_surcharge",
                        "installment_fee",
                        "nsf_fee",
                        "late_fee",
                        "refund",
                    ],
                    amount__gte=0,
                )
                | Q(kind__in=["return_premium", "credit", "writeoff"], amount__lte=0),
                name="billing_transaction_sign",
            ),
        ]
        indexes = [
            # An account's history, in order.
            models.Index(fields=["account", "posted"], name="billing_transaction_posted"),
            # A term's amount and premium.
            models.Index(fields=["term"], name="billing_transaction_term"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount} on {self.posted}"


class Installment(FeedRow):
    """A part of a term's amount that is due on a day. `amount` is without the `fee`, which is asked on top and posted
    as a transaction of its own on the due date."""

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="installments", db_index=False)
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="installments", db_index=False)
    due = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    fee = models.DecimalField(max_digits=12, decimal_places=2, default=0, db_default=0)

    objects = AccountRowQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(amount__gte=0, fee__gte=0), name="billing_installment_amounts"),
        ]
        indexes = [
            # What is due on an account, and next: money covers the oldest first.
            models.Index(fields=["account", "due"], name="billing_installment_due"),
            # A term's plan, and its paid-through date.
            models.Index(fields=["term"], name="billing_installment_term"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} due {self.due}"


class Invoice(FeedRow):
    """A bill for an account, with the document that was sent."""

    public_id = PublicIdField()
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="invoices", db_index=False)
    issued = models.DateField()
    due = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="invoices", db_index=False
    )

    objects = WholeAccountRowQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(amount__gte=0), name="billing_invoice_amount"),
        ]
        # An account's invoices, newest first. By number, the row's key finds one.
        indexes = [models.Index(fields=["account", "issued"], name="billing_invoice_issued")]

    def __str__(self) -> str:
        return f"Invoice {self.external_id}"
