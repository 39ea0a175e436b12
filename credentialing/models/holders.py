"""Holders of certificates, in the address books of our parties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from core.fields import PublicIdField
from credentialing.models.on_file import Asks, fingerprint_of
from policies.models import Agency, Insured, Membership, Policyholder, Scope, reach_of
from policies.models.base import Address, search_vector
from policies.models.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User


def of_own_party(reach: Reach | Scope, path: str = "") -> Q:
    """Return the condition that a row belongs to a party that the user acts for.

    The row is a holder in an address book, or by `path="membership__"` the membership that issued a certificate.
    """
    return (
        Q(**{f"{path}insured_id__any": reach.insured_ids})
        | Q(**{f"{path}policyholder_id__any": reach.policyholder_ids})
        | Q(**{f"{path}agency_id__any": reach.agency_ids})
    )


class HolderQuerySet(models.QuerySet["Holder"]):
    def visible_to(self, user: User) -> Self:
        """Return the address books of the parties that the user acts for, and no other party's holders."""
        if not user.is_authenticated:
            return self.none()
        return self.in_books_of(reach_of(user).memberships)

    def in_books_of(self, memberships: Iterable[Membership]) -> Self:
        """Return the address books of these memberships' parties, without what was removed."""
        return self.filter(of_own_party(Reach(tuple(memberships))), removed_at=None)


class Holder(Address, Asks):
    """A party that certificates are made out to, a hospital for example, in the address book of one of our parties.

    Each address book has a name and address once. A certificate copies both, so a later change alters nothing issued.
    What it asks of a certificate is what the party noted; what the carrier has on file goes before it.
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=200)
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="holders")
    policyholder = models.ForeignKey(
        Policyholder, on_delete=models.PROTECT, null=True, blank=True, related_name="holders"
    )
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, blank=True, related_name="holders")
    email = models.EmailField(max_length=254, blank=True, default="", db_default="")
    phone = models.CharField(max_length=40, blank=True, default="", db_default="")
    fingerprint = models.CharField(max_length=64, editable=False)
    # The name as `policies.names.fold` gives it, so that "Nunez" finds "Núñez".
    search_name = models.CharField(max_length=400, blank=True, default="", editable=False)
    search = search_vector("search_name")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now, editable=False)
    # Out of the book; what was issued still names it. Typed again, it comes back.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The entry of the same book that took its place.
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="merged"
    )

    objects = HolderQuerySet.as_manager()

    class Meta:
        verbose_name = "certificate holder"
        ordering = ("name", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(insured__isnull=False, policyholder=None, agency=None)
                | Q(insured=None, policyholder__isnull=False, agency=None)
                | Q(insured=None, policyholder=None, agency__isnull=False),
                name="credentialing_holder_one_party",
            ),
            models.UniqueConstraint(
                fields=["insured", "policyholder", "agency", "fingerprint"],
                nulls_distinct=False,
                name="credentialing_holder_once",
            ),
        ]
        indexes = [
            models.Index(fields=["-last_used_at"], name="credentialing_holder_recent"),
            GinIndex(fields=["search"], name="credentialing_holder_search"),
        ]

    def __str__(self) -> str:
        return ", ".join([self.name, *self.address_lines])

    def is_in_book_of(self, membership: Membership) -> bool:
        """Whether it is in the address book of the membership's party."""
        return (self.insured_id, self.policyholder_id, self.agency_id) == (
            membership.insured_id,
            membership.policyholder_id,
            membership.agency_id,
        )

    def get_absolute_url(self) -> str:
        return reverse("credentialing:holder", args=[self.public_id])

    @property
    def party(self) -> Insured | Policyholder | Agency:
        """Whose address book it is in."""
        party = self.insured or self.policyholder or self.agency
        assert party is not None  # noqa: S101  # the constraint credentialing_holder_one_party
        return party

    def back_in_book(self) -> Holder:
        """Return it, back in the book if it was removed; of one that was merged, the entry that took its place."""
        if self.merged_into is not None:
            return self.merged_into.back_in_book()
        if self.removed_at is not None:
            Holder.objects.filter(pk=self.pk).update(removed_at=None)
            self.removed_at = None
        return self

    def fingerprint_now(self) -> str:
        """Return the digest of name and address; it's the same whatever their accents, case, and punctuation."""
        return fingerprint_of(self.name, self.address1, self.address2, self.city, self.state, self.zip)
