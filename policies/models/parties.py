"""The parties to a policy: writing companies, agencies, policyholders, insureds, and the people who act for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.urls import reverse

from core.fields import PublicIdField
from policies.models.base import Address, FeedQuerySet, FeedRow, search_vector, sort_key

if TYPE_CHECKING:
    from accounts.models import User


def by_email(name: str) -> models.Index:
    """Return an index for finding whose email an address is (`email__iexact`)."""
    return models.Index(Upper("email"), condition=~Q(email=""), name=name)


class Company(FeedRow, Address):
    """A writing company: the insurer that writes a policy."""

    class Service(models.TextChoices):
        """Services for a company's policies. What is off is hidden and refused (S-47)."""

        PAY = "pay", "Payment"
        AUTOPAY = "autopay", "AutoPay"
        ERE = "ere", "Extended reporting"
        FORMS = "forms", "Forms"
        RENEW = "renew", "Renewal"

    class PendingCancellation(models.TextChoices):
        """How certificates are issued while a cancellation is ahead."""

        STATE = "state", "Certificate that states the date"
        STAFF = "staff", "Request to staff"
        NOTHING = "nothing", "No certificate"

    name = models.CharField(max_length=200)
    naic_number = models.CharField("NAIC number", max_length=10, blank=True, default="")
    signatory = models.CharField(max_length=120, blank=True, default="")
    signatory_title = models.CharField(max_length=120, blank=True, default="")
    services = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    pending_cancellation = models.CharField(
        max_length=8,
        choices=PendingCancellation,
        default=PendingCancellation.STATE,
        db_default=PendingCancellation.STATE,
    )
    # Letters name a cancellation only where the company says so: the usual cause is the insured's own request.
    says_cancelled = models.BooleanField("letters may say 'cancelled'", default=False, db_default=False)
    # The policy period's hour in the company's own words; empty: the portal's default wording.
    period_wording = models.CharField(max_length=200, blank=True, default="", db_default="")
    # The signatory's own signature, a file of the private storage (`policies.signatures`); empty: documents bear none.
    signature = models.CharField(max_length=100, blank=True, default="", db_default="", editable=False)
    # The file that the feed brought, as it came; empty where the signature came by command, or there is none.
    signature_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    signature_fault = models.CharField(max_length=10, blank=True, default="", db_default="", editable=False)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name

    def offers(self, service: str) -> bool:
        """Whether the service's switch is on for this company."""
        return service in self.services


class Agency(FeedRow, Address):
    """An agency that is, or was, agent of record for policies."""

    public_id = PublicIdField()
    name = models.CharField(max_length=200)
    producer_code = models.CharField(max_length=40, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.name


class InsuredQuerySet(FeedQuerySet):
    """Insureds, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return insureds whose coverage the user sees: their own, on their policies, or on their agency's clients'."""
        from policies.models.coverage import Coverage

        return self.not_retired().filter(pk__in=Coverage.objects.visible_to(user).order_by().values("insured_id"))


class Insured(FeedRow, Address):
    """A clinician or an entity that is insured. Of the date of birth only a keyed hash is kept: it is for matching."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        ENTITY = "entity", "Entity"

    public_id = PublicIdField()
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField("name of the entity", max_length=200, blank=True, default="")
    first_name = models.CharField(max_length=200, blank=True, default="")
    middle_name = models.CharField(max_length=200, blank=True, default="")
    last_name = models.CharField(max_length=200, blank=True, default="")
    suffix = models.CharField(max_length=20, blank=True, default="")
    credential = models.CharField(max_length=40, blank=True, default="")
    npi = models.CharField("NPI", max_length=10, blank=True, default="")
    date_of_birth_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    specialty_code = models.CharField(max_length=20, blank=True, default="")
    specialty = models.CharField(max_length=120, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    search_name = models.CharField(max_length=320, blank=True, default="", editable=False)
    search = search_vector("search_name")
    # The place in a list by name; every coverage repeats it.
    sort_key = sort_key()

    objects = InsuredQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        indexes = [GinIndex(fields=["search"], name="policies_insured_search"), by_email("policies_insured_email")]

    def __str__(self) -> str:
        return self.display_name

    def get_absolute_url(self) -> str:
        return reverse("policies:insured", args=[self.public_id])

    @property
    def display_name(self) -> str:
        """The name as on the license, with suffix and credential: 'Ana M. Núñez Jr., MD'; an entity's own name."""
        if self.kind == self.Kind.ENTITY:
            return self.name
        name = " ".join(part for part in (self.first_name, self.middle_name, self.last_name, self.suffix) if part)
        return f"{name}, {self.credential}" if self.credential else name

    @property
    def sort_name(self) -> str:
        """The name as a roster lists it: 'Núñez, Ana M.'."""
        if self.kind == self.Kind.ENTITY:
            return self.name
        given = " ".join(part for part in (self.first_name, self.middle_name) if part)
        return ", ".join(part for part in (self.last_name, given) if part)


class License(FeedRow):
    """A state license of an insured (key: insured, state, number)."""

    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="licenses")
    state = models.CharField(max_length=2)
    number = models.CharField(max_length=40)
    expires = models.DateField(null=True, blank=True)

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.state} {self.number}"


class Policyholder(FeedRow, Address):
    """The holder of policies: one clinician, or an organization whose administrators act for it."""

    class Kind(models.TextChoices):
        """An individual lands on a single-person view, an organization on a management view (S-08)."""

        INDIVIDUAL = "individual", "Individual"
        ORGANIZATION = "organization", "Organization"

    public_id = PublicIdField()
    kind = models.CharField(max_length=12, choices=Kind)
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="policyholders")
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=40, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    paperless = models.BooleanField(default=False)
    # The health system that it belongs to. Few have one, so the index is a partial one.
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", db_index=False
    )
    search_name = models.CharField(max_length=320, blank=True, default="", editable=False)
    search = search_vector("search_name")

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(parent=None) | ~Q(parent=F("id")), name="policies_policyholder_parent_other"
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="policies_holder_search"),
            by_email("policies_holder_email"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="policies_holder_parent"),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(FeedRow):
    """A person on file with the carrier for a policyholder or an agency; a registrant is matched against these.

    `username` names an account that existed elsewhere and is taken over (S-08).
    """

    class Role(models.TextChoices):
        """What the person may do for the party."""

        ADMINISTRATOR = "administrator", "Administrator"
        MEMBER = "member", "Member"

    policyholder = models.ForeignKey(
        Policyholder, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts"
    )
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts")
    first_name = models.CharField(max_length=200, blank=True, default="")
    last_name = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    zip = models.CharField("ZIP", max_length=10, blank=True, default="")
    date_of_birth_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    role = models.CharField(max_length=15, choices=Role, default=Role.MEMBER)
    capabilities = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    username = models.CharField(max_length=150, blank=True, default="")

    objects = FeedQuerySet.as_manager()

    class Meta(FeedRow.Meta):
        constraints = [
            *FeedRow.Meta.constraints,
            models.CheckConstraint(condition=Q(policyholder=None) ^ Q(agency=None), name="policies_contact_one_party"),
        ]
        indexes = [by_email("policies_contact_email")]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.external_id
