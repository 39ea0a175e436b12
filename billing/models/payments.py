"""Payments on an account, those that the carrier reports and those that were made here, and how they were applied.

A payment made here is a row at once, without an id of the carrier's. When the feed echoes it, by the portal's own id in
`portal_payment_id`, that row becomes the carrier's payment: it never counts twice
(docs/feed-format.md#portal-payments).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.accounts import (
    BillingAccount,
    WholeAccountRowQuerySet,
    managed_by,
    sees_term,
    sees_whole,
)
from core.dates import carrier_today
from core.fields import PublicIdField, new_public_id
from policies.models import Term
from policies.models.base import FeedQuerySet, FeedRow

if TYPE_CHECKING:
    from decimal import Decimal

    from accounts.models import User


class PaymentQuerySet(WholeAccountRowQuerySet):
    """Payments, and who may see them."""

    def not_seen_by_carrier(self) -> Self:
        """Return the payments made here that no package has echoed yet."""
        return self.not_retired().filter(made_at__isnull=False, external_id=None)


class Payment(FeedRow):
    """Money paid on an account; `amount` is positive. Returned, refunded, and void payments count as nothing, pending
    ones not yet."""

    class Method(models.TextChoices):
        CHECK = "check", "Check"
        ACH = "ach", "Bank account"
        CARD = "card", "Card"
        WIRE = "wire", "Wire transfer"

    class Status(models.TextChoices):
        """Returned: the bank took it back (NSF). Refunded: we paid it back. Void: it never counted."""

        PENDING = "pending", "Pending"
        APPLIED = "applied", "Applied"
        RETURNED = "returned", "Returned"
        REFUNDED = "refunded", "Refunded"
        VOID = "void", "Void"

    public_id = PublicIdField()
    # None only where the portal made the payment and the carrier hasn't echoed it yet, and where a row turned out to be
    # another one's double (`billing.feed.echoes`).
    external_id = models.CharField(  # type: ignore[assignment]  # noqa: DJ001  # other rows always have one; ids are unique
        "carrier's id", max_length=200, null=True, blank=True
    )
    # As the carrier sends it. A payment made here is known by its own `public_id`, which this is at first.
    portal_payment_id = models.CharField(max_length=120, blank=True, default="")
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="payments", db_index=False)
    received = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    method = models.CharField(max_length=5, choices=Method)
    reference = models.CharField(max_length=120, blank=True, default="")
    status = models.CharField(max_length=8, choices=Status)
    # When it was made here; None for the carrier's own.
    made_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the portal itself last learned something of it; a package as of an earlier time changes none of that.
    learned_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PaymentQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_payment_amount"),
            models.CheckConstraint(
                condition=Q(
                    method__in=["check", "ach", "card", "wire"],
                    status__in=["pending", "applied", "returned", "refunded", "void"],
                ),
                name="billing_payment_words",
            ),
            models.CheckConstraint(
                condition=Q(external_id__isnull=False) | Q(made_at__isnull=False) | Q(retired_at__isnull=False),
                name="billing_payment_known",
            ),
        ]
        # An account's payments, newest first.
        indexes = [models.Index(fields=["account", "received"], name="billing_payment_received")]

    def __str__(self) -> str:
        return f"Payment of {self.amount} on {self.received}"

    @classmethod
    def make_here(cls, *, account: BillingAccount, amount: Decimal, method: str, reference: str = "") -> Payment:
        """Create a payment made in the portal, pending until the processor says more; `amount` is in US dollars.

        The carrier learns of it by its `portal_payment_id`, and echoes that in the feed.
        """
        now = timezone.now()
        public_id = new_public_id()
        return cls.objects.create(
            source=account.source,
            external_id=None,
            public_id=public_id,
            portal_payment_id=public_id,
            account=account,
            received=carrier_today(),
            amount=amount,
            method=method,
            reference=reference,
            status=cls.Status.PENDING,
            made_at=now,
            learned_at=now,
        )

    @property
    def is_seen_by_carrier(self) -> bool:
        """Whether the payment is the carrier's own, or one made here that the feed has echoed."""
        return self.external_id is not None

    def learn(self, status: str) -> None:
        """Take a status that the portal learned itself, such as from the processor. A package with data from before
        this moment doesn't take it back."""
        self.status, self.learned_at = status, timezone.now()
        self.save(update_fields=["status", "learned_at", "updated_at"])


class AllocationQuerySet(FeedQuerySet):
    """Allocations, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of accounts that the user sees whole, and of other accounts those to the user's policies."""
        reach = managed_by(user)
        if not reach:
            return self.none()
        theirs = sees_whole(reach, "payment__account__") | sees_term(reach)
        return self.not_retired().filter(theirs, payment__retired_at=None, payment__account__retired_at=None)


class Allocation(FeedRow):
    """The part of a payment that is applied to a term (key: payment, term). The rest of a payment is the account's."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="allocations", db_index=False)
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="allocations", db_index=False)
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    objects = AllocationQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_allocation_amount"),
        ]
        indexes = [
            # What of a payment is allocated.
            models.Index(fields=["payment"], name="billing_allocation_payment"),
            # What covers a term's installments.
            models.Index(fields=["term"], name="billing_allocation_term"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} to {self.term}"
