"""Holders as the carrier keeps them, and who gets certificates as a standing arrangement."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.urls import reverse

from core.dates import carrier_today
from core.fields import PublicIdField
from policies.models import Coverage, Insured, Membership, Policy, reach_of
from policies.models.base import Address, FeedQuerySet, FeedRow, search_vector
from policies.names import fold

if TYPE_CHECKING:
    from accounts.models import User


def fingerprint_of(name: str, address1: str, address2: str, city: str, state: str, zip_code: str) -> str:
    """Return the digest of name and address; it's the same whatever their accents, case, and punctuation."""
    parts = (name, address1, address2, city, state, zip_code)
    return hashlib.sha256("|".join(fold(part) for part in parts).encode()).hexdigest()


class Asks(models.Model):
    """What a holder asks of a certificate (B-19). Amounts are US dollars; empty means that it asks for nothing."""

    minimum_per_claim = models.DecimalField(
        "minimum each claim", max_digits=12, decimal_places=2, null=True, blank=True
    )
    minimum_aggregate = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    separate_limits = models.BooleanField("wants separate limits", default=False, db_default=False)
    tail_required = models.BooleanField("wants a tail after claims-made coverage", default=False, db_default=False)
    days_ahead = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Days before the end of coverage by which it wants the next certificate."
    )

    class Meta:
        abstract = True

    @property
    def asks_for_something(self) -> bool:
        return bool(
            self.minimum_per_claim
            or self.minimum_aggregate
            or self.separate_limits
            or self.tail_required
            or self.days_ahead is not None
        )


class CarrierHolderQuerySet(FeedQuerySet):
    """Holders on file, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those that a standing arrangement names which the user sees. It isn't a directory of all of them."""
        standing = StandingHolder.objects.visible_to(user).order_by()
        return self.not_retired().filter(pk__in=standing.values(kept=Coalesce("holder__same_as_id", "holder_id")))


class CarrierHolder(FeedRow, Address, Asks):
    """A holder on file with the carrier, such as a hospital, and what it asks of a certificate. Amounts are US dollars.

    `Holder` is another thing: an entry in the address book of one of our parties, which no other party sees. Both have
    the same `fingerprint` if name and address are the same, and so a party's own holder finds its requirements
    (docs/decisions/0120-holders-on-file.md).
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    fingerprint = models.CharField(max_length=64, editable=False)
    # The name as `policies.names.fold` gives it, so that "Nunez" finds "Núñez".
    search_name = models.CharField(max_length=400, blank=True, default="", editable=False)
    search = search_vector("search_name")
    # Staff say that it is the same as another one. No load of the feed touches this.
    same_as = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="duplicates"
    )

    objects = CarrierHolderQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name = "holder on file"
        verbose_name_plural = "holders on file"
        permissions = [("merge_carrierholder", "Can merge holders on file that are the same")]
        indexes = [
            GinIndex(fields=["search"], name="credentialing_on_file_search"),
            models.Index(fields=["fingerprint"], name="credentialing_on_file_same"),
        ]

    def __str__(self) -> str:
        return ", ".join([self.name, *self.address_lines])

    def get_absolute_url(self) -> str:
        return reverse("credentialing:holder-on-file", args=[self.public_id])

    @property
    def kept(self) -> CarrierHolder:
        """The one that stands in for it, where staff merged it with another; otherwise itself."""
        return self.same_as or self


class StandingHolderQuerySet(FeedQuerySet):
    """Standing holders, and who may see them."""

    def not_retired(self) -> Self:
        """Return the rows that the carrier still sends, without those that staff ended."""
        return super().not_retired().filter(ended_at=None)

    def visible_to(self, user: User) -> Self:
        """Return those of a policyholder's policies and of an agency's clients today; and to insureds, those that name
        them, or everyone on a policy that covers them now or later. Never those that name a colleague.
        """
        if not user.is_authenticated:
            return self.none()
        reach = reach_of(user)
        conditions = []
        if managed := reach.only(Membership.Role.POLICYHOLDER, Membership.Role.AGENT):
            conditions.append(managed.policies("policy__"))
        if reach.insured_ids:
            covering = Coverage.objects.not_retired().filter(
                insured_id__any=reach.insured_ids, expires__gt=carrier_today(), term__retired_at=None
            )
            conditions.append(Q(insured_id__any=reach.insured_ids))
            conditions.append(Q(insured=None, policy_id__in=covering.order_by().values("term__policy_id")))
        there = self.not_retired().filter(policy__retired_at=None, holder__retired_at=None)
        return there.where_any(*conditions)

    def for_insured(self, insured: Insured, policy: Policy) -> Self:
        """Return those that get this insured's certificates of the policy: named for the insured, or for everyone."""
        return self.not_retired().filter(Q(insured=insured) | Q(insured=None), policy=policy, holder__retired_at=None)


class StandingHolder(FeedRow):
    """A holder that gets certificates of a policy without being asked (B-03): of one insured, or of everyone on it.

    Key: holder, policy, and insured; the last may be empty. What it gets beyond that are three switches.
    """

    public_id = PublicIdField()
    holder = models.ForeignKey(CarrierHolder, on_delete=models.PROTECT, related_name="standing")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="standing_holders")
    insured = models.ForeignKey(
        Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="standing_holders"
    )
    claims_history = models.BooleanField("gets claims histories", default=False)
    renewals = models.BooleanField("gets the certificate of each renewal", default=False)
    notices = models.BooleanField("gets notices of cancellation and changed limits", default=False)
    # Staff ended it because a customer asked for that. No load of the feed touches this.
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = StandingHolderQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.holder.name} for {self.insured or 'everyone'} on {self.policy.number}"
