"""Certificates, as they were issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import ExpressionWrapper, F, Q
from django.urls import reverse

from core.downloads import file_name_part
from core.search import name_query
from credentialing.events import CertificateEvent
from credentialing.models.holders import Holder, of_own_party
from credentialing.models.papers import IssuedPaper, ready_has_file
from policies.models import Coverage, Insured, Membership, Scope, coverages_not_retired, reach_of
from policies.names import fold, normalize_number

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.models.deliveries import Delivery


class CertificateQuerySet(models.QuerySet["Certificate"]):
    def visible_to(self, user: User) -> Self:
        """Return those of the coverages that the user sees now, whichever party issued them.

        Each has `is_own`: the user's own party issued it. Only then does the user see its holder and its file; of
        another party's certificate, only that it exists, its serial number, and its date
        (docs/decisions/0013-holders-of-the-issuing-party.md).
        """
        if not user.is_authenticated:
            return self.none()
        return self.open_to(reach_of(user).scope)

    def open_to(self, scope: Scope) -> Self:
        """Return the same for what a user's memberships open."""
        return self.filter(coverages_not_retired("coverage__"), scope.coverages("coverage__")).annotate(
            is_own=ExpressionWrapper(of_own_party(scope, "membership__"), models.BooleanField()),
            issuer_role=F("membership__role"),
        )

    def search(self, text: str) -> Self:
        """Return those whose serial or policy number begins so, or whose holder or insured has these words in the name.

        Of `visible_to`'s rows: a holder's name finds only certificates that show it.
        """
        if not text.strip():
            return self
        found = Q(serial__istartswith=text.strip())
        if number := normalize_number(text):
            found |= Q(coverage__term__policy__number_normalized__startswith=number)
        if (query := name_query(fold(text).split())) is not None:
            found |= Q(coverage__insured__in=Insured.objects.filter(search=query))
            found |= Q(is_own=True, holder__in=Holder.objects.filter(search=query))
        return self.filter(found)

    def with_policy(self) -> Self:
        """Return them with coverage, policy, and company, in one query."""
        return self.select_related(
            "coverage__insured", "coverage__term__policy__company", "coverage__term__policy__policyholder"
        )


class Certificate(IssuedPaper):
    """A certificate of insurance or a letter of past coverage, as it was issued (S-34 to S-39).

    `snapshot` holds everything on its page (see `credentialing.certificates.snapshot`). The database refuses changes to
    the snapshot, to the numbers, and to a row that is ready, and refuses to delete any. The row is the task's state:
    `queued` until the file is stored.
    """

    class Kind(models.TextChoices):
        """What each status of a coverage gives (`policies.eligibility`)."""

        COI = "coi", "Certificate of insurance"
        PENDING_CANCELLATION = "coi_pending_cancellation", "Certificate of insurance, cancellation pending"
        RENEWAL = "coi_renewal", "Certificate of insurance, term to come"
        PAST_COVERAGE = "past_coverage_letter", "Letter of past coverage"

    TASK = "credentialing.tasks.render_certificate"
    TAGS = CertificateEvent
    NOUN = "certificate"
    FOLDER = "certificates"

    kind = models.CharField(max_length=24, choices=Kind)
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="certificates")
    holder = models.ForeignKey(Holder, on_delete=models.PROTECT, null=True, blank=True, related_name="certificates")
    # Of the snapshot and the party that issued it, so that no party gets another's certificate as its own.
    snapshot_digest = models.CharField(max_length=64)

    objects = CertificateQuerySet.as_manager()

    PREFIXES: dict[str, str] = {Kind.PAST_COVERAGE: "LPC"}
    ISSUERS: dict[str, str] = {
        Membership.Role.INSURED: "the insured",
        Membership.Role.POLICYHOLDER: "the policyholder",
        Membership.Role.AGENT: "an agent",
    }
    # Set by `visible_to`: whether the user's own party issued it, and as what. Without it the holder isn't shown.
    is_own: bool = False
    issuer_role: str = ""
    # Set by `services.issue`: whether the same certificate was there already today.
    was_there: bool = False
    # Set by `sending.pages.know_last_deliveries`, for the party that issued it.
    last_delivery: Delivery | None = None

    class Meta:
        ordering = ("-issued_at", "-id")
        permissions = [("retry_certificate", "Can try failed certificates again")]
        constraints = [
            models.UniqueConstraint(
                fields=["coverage", "snapshot_digest", "issued_on"], name="credentialing_certificate_once_a_day"
            ),
            models.UniqueConstraint(
                fields=["issued_by", "idempotency_key", "coverage", "holder"],
                nulls_distinct=False,
                name="credentialing_certificate_once_a_form",
            ),
            ready_has_file("credentialing_certificate_ready_has_file"),
        ]
        indexes = [
            models.Index(fields=["coverage", "-issued_at"], name="credentialing_cert_coverage"),
            models.Index(fields=["-issued_at", "-id"], name="credentialing_cert_recent"),
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="credentialing_cert_queued"),
            # A file that someone compares is looked up by it.
            models.Index(fields=["sha256"], name="credentialing_cert_sha256"),
        ]

    def get_absolute_url(self) -> str:
        """Its page: progress, download, retry."""
        return reverse("credentialing:certificate", args=[self.public_id])

    @property
    def is_letter(self) -> bool:
        return self.kind == self.Kind.PAST_COVERAGE

    @property
    def title(self) -> str:
        """The kind as a heading, without a pending cancellation: another party may read it."""
        return "Letter of past coverage" if self.is_letter else "Certificate of insurance"

    @property
    def paper(self) -> str:
        """The word for it in a sentence."""
        return "letter" if self.is_letter else "certificate"

    @property
    def insured_name(self) -> str:
        return str(self.snapshot["insured"]["name"])

    @property
    def holder_name(self) -> str:
        """The holder as printed, for the issuing party and staff; pages for others show `made_out_to`."""
        return str(self.snapshot["holder"]["name"]) if self.snapshot["holder"] else "To whom it may concern"

    @property
    def issuer(self) -> str:
        """The issuing party as others see it: 'the insured'."""
        return self.ISSUERS[self.issuer_role]

    @property
    def made_out_to(self) -> str:
        """The holder for the issuing party; for others, the issuer: 'Issued by the insured'."""
        return self.holder_name if self.is_own else f"Issued by {self.issuer}"

    @property
    def policy_number(self) -> str:
        return str(self.snapshot["policy"]["number"])

    @property
    def download_name(self) -> str:
        """The name of the downloaded file: 'COI Núñez-Abernathy – Saint Aldhelm – 2026-11-24.pdf'.

        For the party that issued it; other names leave the holder out.
        """
        whose = self.snapshot["insured"].get("last_name") or self.insured_name
        holder = self.snapshot["holder"]["name"] if self.is_own and self.snapshot["holder"] else ""
        kind = "Past coverage letter" if self.is_letter else "COI"
        parts = [f"{kind} {file_name_part(whose)}", file_name_part(holder), str(self.issued_on)]
        return " – ".join(part for part in parts if part) + ".pdf"
