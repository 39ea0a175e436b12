"""Documents of policies and billing accounts, as PDF files that come with the carrier's feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.membership import Membership
from policies.models.policy import Policy
from policies.models.term import Term

if TYPE_CHECKING:
    from accounts.models import User

# Who has a policy's documents (docs/spec.md#roles-rows-and-rights); an insured doesn't.
READERS = (Membership.Role.POLICYHOLDER, Membership.Role.AGENT)


class DocumentQuerySet(FeedQuerySet):
    """Documents, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of the policies that the user holds or serves, ended ones too, and of their billing accounts.

        A document with a policy is that policy's alone. One with only a billing account is for those who have a policy
        that this account pays.
        """
        from policies.models.reach import reach_of

        scoped = self.not_retired()
        if not user.is_authenticated:
            return scoped.none()
        reach = reach_of(user).only(*READERS)
        if not reach:
            return scoped.none()
        policies = Policy.objects.not_retired().filter(reach.policies()).order_by()
        paid = policies.filter(source=OuterRef("source"), billing_account_key=OuterRef("billing_account_key"))
        of_policies = Document.objects.filter(policy__in=policies)
        of_accounts = Document.objects.filter(Exists(paid), ~Q(billing_account_key=""), policy=None)
        return scoped.filter(pk__in=of_policies.order_by().values("pk").union(of_accounts.order_by().values("pk")))


class Document(FeedRow):
    """A document of a policy, or of a billing account: a PDF in the private storage.

    Rows with the same file share it. One that can't be opened has a `fault` and no file.
    """

    class Kind(models.TextChoices):
        POLICY = "policy", "Policy"
        DECLARATIONS = "declarations", "Declarations"
        ENDORSEMENT = "endorsement", "Endorsement"
        INVOICE = "invoice", "Invoice"
        APPLICATION = "application", "Application"
        RENEWAL_APPLICATION = "renewal_application", "Renewal application"
        NOTICE = "notice", "Notice"

    class Fault(models.TextChoices):
        """Why nobody can open the file."""

        BROKEN = "broken", "Damaged, or not a PDF"
        ENCRYPTED = "encrypted", "Locked with a password"

    public_id = PublicIdField()
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    billing_account_key = models.CharField("billing account", max_length=120, blank=True, default="")
    term = models.ForeignKey(Term, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    kind = models.CharField(max_length=20, choices=Kind)
    title = models.CharField(max_length=200)
    issued = models.DateField()
    # The file's place in the package that brought it.
    path = models.CharField(max_length=400)
    # The file in the private storage, named by its content. Empty where it can't be opened.
    file = models.CharField(max_length=120, blank=True, default="", db_default="", editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, default="", db_default="", editable=False)
    size = models.PositiveBigIntegerField("bytes", null=True, blank=True)
    pages = models.PositiveIntegerField(null=True, blank=True)
    content_type = models.CharField(max_length=60, blank=True, default="", db_default="")
    fault = models.CharField(max_length=10, choices=Fault, blank=True, default="", db_default="")

    objects = DocumentQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        ordering = ["-issued", "-id"]
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(policy__isnull=False) | ~Q(billing_account_key=""), name="policies_document_belongs"
            ),
            models.CheckConstraint(condition=Q(file="") | Q(fault=""), name="policies_document_file_or_fault"),
        ]
        indexes = [
            models.Index(fields=["policy", "-issued", "-id"], name="policies_document_of_policy"),
            models.Index(
                fields=["source", "billing_account_key"],
                condition=Q(policy=None),
                name="policies_document_of_account",
            ),
            models.Index(fields=["file"], condition=~Q(file=""), name="policies_document_file"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_available(self) -> bool:
        """Whether there is a file that can be opened."""
        return bool(self.file)
