"""Billing accounts, and who sees how much of one (docs/feed-format.md#money)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from core.fields import PublicIdField
from policies.models import Membership, Policy, Policyholder, Reach, reach_of
from policies.models.base import FeedQuerySet, FeedRow

if TYPE_CHECKING:
    from accounts.models import User

# An insured without another role sees nothing of what is billed and paid (docs/spec.md#roles-rows-and-rights).
MANAGERS = (Membership.Role.POLICYHOLDER, Membership.Role.AGENT)


def managed_by(user: User) -> Reach:
    """Return the part of a user's reach that opens billing: as a policyholder, and as an agent."""
    if not user.is_authenticated:
        return Reach(())
    return reach_of(user).only(*MANAGERS)


def policies_on(path: str = "") -> models.QuerySet[Policy]:
    """Return the policies on an account, for a subquery; `path` leads to the account from the rows that are filtered.

    Policies keep the account's id as the carrier writes it: they're on a floor below and don't know this table.
    """
    account = {"source": OuterRef(f"{path}source"), "billing_account_key": OuterRef(f"{path}external_id")}
    # Said although an account's id is never empty: the index is of the policies that have one.
    return Policy.objects.not_retired().filter(~Q(billing_account_key=""), **account)


def sees_whole(reach: Reach, path: str = "") -> Q:
    """Return the condition that all of an account is the user's to see: they hold it, or all policies on it are theirs
    to manage. An account may hold policies of several policyholders, such as a health system's entities, and each of
    them sees its own share only."""
    theirs = Policy.objects.filter(reach.policies(), pk=OuterRef("pk"))
    on_it = policies_on(path)
    holds = Q(**{f"{path}policyholder_id__any": reach.policyholder_ids})
    return holds | (Q(Exists(on_it.filter(Exists(theirs)))) & ~Q(Exists(on_it.filter(~Exists(theirs)))))


def sees_term(reach: Reach) -> Q:
    """Return the condition that a row's term is of a policy that is the user's to manage."""
    return Q(Exists(Policy.objects.not_retired().filter(reach.policies(), terms=OuterRef("term_id"))))


class BillingAccountQuerySet(FeedQuerySet):
    """Billing accounts, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return the accounts that the user holds, or on which they manage a policy as policyholder or agent."""
        reach = managed_by(user)
        if not reach:
            return self.none()
        holds = Q(policyholder_id__any=reach.policyholder_ids)
        return self.not_retired().filter(holds | Q(Exists(policies_on().filter(reach.policies()))))

    def whole_to(self, user: User) -> Self:
        """Return the accounts of which the user sees every row, such as the balance; see `sees_whole`."""
        reach = managed_by(user)
        return self.not_retired().filter(sees_whole(reach)) if reach else self.none()


def whole_accounts(user: User) -> BillingAccountQuerySet:
    """Return the accounts that are all the user's to see, for floors below that keep an account's id as text."""
    return BillingAccount.objects.whole_to(user)


class AccountRowQuerySet(FeedQuerySet):
    """Rows of an account that may belong to a term, and who may see them.

    The conditions are checked row by row, along indexes: filter by account or term first.
    """

    def visible_to(self, user: User) -> Self:
        """Return the rows of accounts that the user sees whole, and of other accounts those of the user's policies."""
        reach = managed_by(user)
        if not reach:
            return self.none()
        theirs = sees_whole(reach, "account__") | sees_term(reach)
        return self.not_retired().filter(theirs, account__retired_at=None)


class WholeAccountRowQuerySet(FeedQuerySet):
    """Rows that are about the account as a whole, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return the rows of accounts that the user sees whole."""
        reach = managed_by(user)
        if not reach:
            return self.none()
        return self.not_retired().filter(sees_whole(reach, "account__"), account__retired_at=None)


class BillingAccount(FeedRow):
    """What a policyholder's policies are billed to. It may hold several policies, also of other policyholders: those
    of a parent's children."""

    class AutoPay(models.TextChoices):
        """Who collects without being asked. Where the carrier does, neither AutoPay nor Pay is offered here."""

        NONE = "none", "None"
        CARRIER = "carrier", "Carrier"
        PORTAL = "portal", "Portal"

    public_id = PublicIdField()
    policyholder = models.ForeignKey(Policyholder, on_delete=models.PROTECT, related_name="billing_accounts")
    name = models.CharField(max_length=200, blank=True, default="")
    autopay = models.CharField("AutoPay", max_length=8, choices=AutoPay, default=AutoPay.NONE, db_default=AutoPay.NONE)

    objects = BillingAccountQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(autopay__in=["none", "carrier", "portal"]), name="billing_autopay"),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id

    @property
    def policies(self) -> models.QuerySet[Policy]:
        """The policies on the account that the carrier still sends."""
        return Policy.objects.not_retired().filter(source=self.source, billing_account_key=self.external_id)
