"""Requests about holders (S-38): to add, change, or remove one, for access to claims histories, for a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, When
from django.urls import reverse

from core.requests import ANSWERED, CLOSED, Message, Request, RequestQuerySet
from credentialing.events import HolderEvent
from credentialing.models.holders import Holder, of_own_party
from credentialing.models.on_file import StandingHolder, fingerprint_of
from credentialing.models.own_standing import OwnStandingHolder
from policies.models import Insured, Membership, Policy, reach_of
from policies.models.base import Address

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models import Scope


class HolderRequestQuerySet(RequestQuerySet):
    """Requests about holders, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those that the user's own parties sent, as far as the user still sees the policy."""
        if not user.is_authenticated:
            return self.none()
        return self._of(reach_of(user).scope)

    def open_to(self, scope: Scope) -> Self:
        """Return the same for what a user's memberships open, of those that haven't come to their end; those that wait
        for the customer come first."""
        going_on = self._of(scope).exclude(status__in=HolderRequest.ENDED)
        waits = Case(When(status=ANSWERED, then=0), default=1, output_field=models.SmallIntegerField())
        return going_on.order_by(waits, "due_at", "pk")

    def _of(self, scope: Scope) -> Self:
        return self.filter(of_own_party(scope, "membership__"), scope.policies("policy__"))


class HolderRequest(Request, Address):
    """What a customer asks staff about holders, with its clock and messages. What staff accept takes effect at once
    (`credentialing.holders.deciding`).

    Of the party of `membership`. `insured`: whose certificates it is about; None is everyone on the policy. `standing`:
    the feed's arrangement that is to change or end. The address is the holder's, as it is to be.
    """

    class Kind(models.TextChoices):
        """What is asked for."""

        ADD = "add", "Add a holder"
        CHANGE = "change", "Change a holder"
        REMOVE = "remove", "Remove a holder"
        CLAIMS_ACCESS = "claims_access", "Access to claims histories"
        DOCUMENT = "document", "A document that can’t be made online"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        ANSWERED = "answered", "Answered"
        DONE = "done", "Done"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"
        # Of one that staff merged into another.
        CLOSED = "closed", "Merged"

    ENDED = (Status.DONE.value, Status.DECLINED.value, Status.WITHDRAWN.value, CLOSED)
    # Kinds that name a holder as it is to be.
    WITH_HOLDER = (Kind.ADD, Kind.CHANGE)
    TAGS = HolderEvent
    desk = "service"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holder_requests")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=14, choices=Kind)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    standing = models.ForeignKey(StandingHolder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField("holder", max_length=200, blank=True, default="")
    email = models.EmailField(max_length=254, blank=True, default="")
    renewals = models.BooleanField("gets the certificate of each renewal", default=False, db_default=False)
    notices = models.BooleanField("gets notices of cancellation and changed limits", default=False, db_default=False)
    claims_history = models.BooleanField("gets claims histories", default=False, db_default=False)
    # What decides whether two are the same: of a holder, its name and address; of a document, the request itself.
    about = models.CharField(max_length=64, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    # What came of it.
    made = models.ForeignKey(
        OwnStandingHolder, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    same_as = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="duplicates"
    )

    objects = HolderRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        verbose_name = "request about holders"
        verbose_name_plural = "requests about holders"
        permissions = [("decide_holderrequest", "Can answer and decide requests about holders")]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="credentialing_holderrequest_form"),
            models.UniqueConstraint(
                fields=["membership", "kind", "policy", "insured", "about"],
                condition=Q(status__in=("open", "in_progress", "answered")),
                nulls_distinct=False,
                name="credentialing_holderrequest_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("done", "declined"), decided_at__isnull=False, decided_by__isnull=False)
                | (~Q(status__in=("done", "declined")) & Q(decided_at=None, decided_by=None)),
                name="credentialing_holderrequest_decided",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("change", "remove")) | Q(standing__isnull=False),
                name="credentialing_holderrequest_target",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status__in=("open", "in_progress")), name="credentialing_hr_due"
            ),
            models.Index(fields=["membership", "-changed_at", "-id"], name="credentialing_hr_own"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    def get_absolute_url(self) -> str:
        return reverse("credentialing:holder-request", args=[self.public_id])

    @property
    def subject(self) -> str:
        """What it is about, in a few words: the holder's name, or the policy."""
        if self.kind in self.WITH_HOLDER:
            return self.name
        return self.standing.holder.name if self.standing else self.policy.number

    @property
    def whom(self) -> str:
        """Whose certificates: 'Ana Núñez, MD', or 'Everyone on the policy'."""
        return self.insured.display_name if self.insured else "Everyone on the policy"

    @property
    def switches(self) -> dict[str, bool]:
        """What the holder is to get."""
        return {"renewals": self.renewals, "notices": self.notices, "claims_history": self.claims_history}

    @property
    def typed(self) -> dict[str, Any]:
        """The holder as it is to be, for an address book."""
        names = ("name", "address1", "address2", "city", "state", "zip")
        return {name: getattr(self, name) for name in names}

    def about_now(self) -> str:
        """Return what decides whether two are the same."""
        if self.kind in (self.Kind.CHANGE, self.Kind.REMOVE):
            return str(self.standing.public_id) if self.standing else ""
        if self.kind == self.Kind.ADD:
            return fingerprint_of(self.name, self.address1, self.address2, self.city, self.state, self.zip)
        return str(self.idempotency_key) if self.kind == self.Kind.DOCUMENT else ""

    def book_holder(self) -> Holder | None:
        """Return the entry that the party's address book has of this holder already."""
        party = {name: getattr(self.membership, name) for name in ("insured_id", "policyholder_id", "agency_id")}
        return Holder.objects.filter(**party, fingerprint=self.about, removed_at=None).first()


class HolderMessage(Message):
    """What one side wrote in a request about holders."""

    request = models.ForeignKey(HolderRequest, on_delete=models.CASCADE, related_name="messages")

    class Meta(Message.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["request", "idempotency_key"], name="credentialing_holdermessage_once"),
        ]
