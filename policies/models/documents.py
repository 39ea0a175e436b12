"""Documents of policies and billing accounts, as PDF files that come with the carrier's feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from core.areas import hook
from core.downloads import file_name_part
from core.fields import PublicIdField
from policies.models.base import FeedQuerySet, FeedRow
from policies.models.membership import Membership
from policies.models.policy import Policy
from policies.models.term import Term

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models.reach import Reach

# The words of a title, as they are searched for.
TITLE_WORDS = SearchVector("title", config="simple")
# Who has a policy's documents (docs/spec.md#roles-rows-and-rights); an insured doesn't.
READERS = (Membership.Role.POLICYHOLDER, Membership.Role.AGENT)


class DocumentQuerySet(FeedQuerySet):
    """Documents, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of the policies that the user holds or serves, ended ones too, and of billing accounts that are
        all theirs.

        A document with a policy is that policy's alone. Each row is checked along indexes: filter by policy first.
        """
        from policies.models.reach import reach_of

        if not user.is_authenticated:
            return self.none()
        return self.within(user, reach_of(user).only(*READERS))

    def within(self, user: User, reach: Reach) -> Self:
        """Return those that this part of the user's reach opens."""
        if not reach:
            return self.none()
        of_policy = Q(reach.policies("policy__"), policy__retired_at=None, policy__isnull=False)
        of_account = Q(_is_whole(user, reach), ~Q(billing_account_key=""), policy=None)
        return self.not_retired().filter(of_policy | of_account)


def _is_whole(user: User, reach: Reach) -> Q:
    """Return the condition that all of a document's billing account is the user's to see.

    An account may hold policies of several policyholders, each of whom sees their own share only. The rule is that of
    the floor of billing, which knows the accounts' holders; here is what it says of policies, for accounts that the
    carrier doesn't send.
    """
    account = {"source": OuterRef("source"), "billing_account_key": OuterRef("billing_account_key")}
    paid, theirs = Policy.objects.not_retired().filter(**account), reach.policies()
    is_whole = Q(Exists(paid.filter(theirs))) & ~Q(Exists(paid.exclude(theirs)))
    if (whole_accounts := hook("policies.whole_accounts")) is not None:
        whole = whole_accounts(user).filter(source=OuterRef("source"), external_id=OuterRef("billing_account_key"))
        is_whole |= Q(Exists(whole))
    return is_whole


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
            GinIndex(TITLE_WORDS, name="policies_document_title"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("policies:document", args=[self.public_id])

    @property
    def download_name(self) -> str:
        """What the file is called: its title, and its policy."""
        number = f" {self.policy.number}" if self.policy is not None else ""
        return f"{file_name_part(self.title) or 'Document'}{number}.pdf"

    @property
    def is_available(self) -> bool:
        """Whether there is a file that can be opened."""
        return bool(self.file)
