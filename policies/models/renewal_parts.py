"""Each clinician's own part of a renewal application: who is asked, by which link, and the signatures (B-16)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models.challenges import Delivery
from core.alerts import alert_staff
from core.crypto import keyed_hash
from core.dates import shown_day
from core.events import record_event
from core.fields import PublicIdField
from core.work import Work
from policies.models.base import sort_key
from policies.models.parties import Insured
from policies.models.renewals import Draft, RenewalApplication
from policies.renewals.events import RenewalEvent

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import User

CODE_DIGITS = 6


class RenewalPartQuerySet(models.QuerySet["RenewalPart"]):
    """Clinicians' parts, and whose they are."""

    def visible_to(self, user: User) -> Self:
        """Return the parts of the insureds that the user is. Nobody else answers them, and nobody but us reads them."""
        from policies.models.reach import reach_of

        if not user.is_authenticated:
            return self.none()
        return self.filter(insured_id__any=reach_of(user).insured_ids)

    def missing(self) -> Self:
        """Return those that are still to be signed."""
        return self.filter(signed_at=None)


class RenewalPart(Draft):
    """One clinician's part: answered and signed behind her own sign-in, or by a link and a code that came by different
    ways (docs/security.md#renewal-parts).

    The link's token is drawn when its mail is sent, and kept as a hash; `mailings` counts the mails, and only the
    newest one works, once. `email`: where it goes; the policyholder's people may correct it.
    """

    public_id = PublicIdField()
    application = models.ForeignKey(RenewalApplication, on_delete=models.PROTECT, related_name="parts")
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="+")
    # The insured's: the board is read along an index, a page at a time.
    sort_key = sort_key()
    email = models.CharField(max_length=254, blank=True, default="")
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    mailings = models.PositiveSmallIntegerField(default=0, editable=False)
    token_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    token_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The link was used with its code, or withdrawn. What a browser has open by it closes with the next mail or this.
    token_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    token_withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    signed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RenewalPartQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "insured"], name="policies_renewalpart_once"),
            models.UniqueConstraint(
                fields=["token_hash"], condition=~Q(token_hash=""), name="policies_renewalpart_token"
            ),
        ]
        indexes = [
            models.Index(fields=["application", "sort_key", "id"], name="policies_renewalpart_board"),
            models.Index(
                fields=["application", "sort_key", "id"],
                condition=Q(signed_at=None),
                name="policies_renewalpart_missing",
            ),
            models.Index(fields=["insured"], condition=Q(signed_at=None), name="policies_renewalpart_own"),
        ]

    def __str__(self) -> str:
        return f"part of {self.insured}"

    def get_absolute_url(self) -> str:
        return reverse("policies:renewal-part", args=[self.public_id])

    @property
    def link_works(self) -> bool:
        """Whether the newest link still opens the part."""
        return (
            bool(self.token_hash)
            and self.token_used_at is None
            and self.token_withdrawn_at is None
            and self.token_expires_at is not None
            and self.token_expires_at > timezone.now()
        )

    @property
    def phone(self) -> str:
        """The phone on file, to which a code can go."""
        return str(self.insured.phone)


class RenewalCode(models.Model):
    """A code that opens a part together with its link. It is drawn by the worker that sends it, and kept as a hash."""

    class Channel(models.TextChoices):
        TEXT = "text", "Text message"
        CALL = "call", "Call"
        EMAIL = "email", "Email"

    public_id = PublicIdField()
    part = models.ForeignKey(RenewalPart, on_delete=models.CASCADE, related_name="codes")
    mailing = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=5, choices=Channel)
    code_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    delivery = models.CharField(max_length=12, choices=Delivery, default=Delivery.QUEUED)
    error = models.CharField(max_length=40, blank=True, default="")
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["part"], condition=Q(used_at=None, voided_at=None), name="policies_renewalcode_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"code {self.public_id}"

    @property
    def is_usable(self) -> bool:
        """Whether it could still be accepted."""
        return self.used_at is None and self.voided_at is None and self.expires_at > timezone.now()

    @property
    def is_in_trouble(self) -> bool:
        """Whether it failed or may have failed, so that another one can be requested at once."""
        return self.delivery in (Delivery.FAILED, Delivery.UNKNOWN, Delivery.EXPIRED, Delivery.UNDELIVERED)

    def draw(self) -> str:
        """Draw the digits and set their hash. The caller saves."""
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        self.code_hash = self.hash_of(code)
        return code

    def hash_of(self, code: str) -> str:
        """Return what is kept of a code."""
        return keyed_hash("renewal-code", f"{self.public_id}:{code}")


class RenewalAsking(Work):
    """A piece of asking a group's clinicians for their parts: those with keys from `first_id` to `last_id` that are
    missing."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    TASK = "policies.tasks.ask_clinicians"

    application = models.ForeignKey(RenewalApplication, on_delete=models.PROTECT, related_name="askings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.UUIDField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    asked = models.PositiveIntegerField(default=0)
    # Without an email on file.
    unreachable = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-id",)
        permissions = [("retry_renewalasking", "Can try asking clinicians again")]
        constraints = [
            models.UniqueConstraint(fields=["application", "key", "first_id"], name="policies_renewalasking_once"),
        ]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="policies_renewalasking_q"),
        ]

    def __str__(self) -> str:
        return f"asking {self.pk}"

    def given_up(self) -> None:
        """Record it, and tell staff."""
        record_event(RenewalEvent.ASKING_FAILED, subject=self.application, asking=self.pk, attempts=self.attempts)
        alert_staff(
            "Clinicians could not be asked for their parts of a renewal",
            f"Asking {self.pk} was tried {self.attempts} times. Look for it in admin under Renewal askings.",
        )

    def retried(self, *, by: models.Model) -> None:
        record_event(RenewalEvent.ASKING_RETRIED, subject=self.application, by=by, asking=self.pk)


class RenewalSignature(models.Model):
    """A signature on a renewal application: the attestation of the whole, or a clinician's on her part. It holds what
    proves it, and is kept for good: the database refuses to change or delete it."""

    class Way(models.TextChoices):
        """How the signer proved who they are."""

        SIGN_IN = "sign_in", "Signed in with a second factor"
        TEXT = "text", "Link by email, code by text message"
        CALL = "call", "Link by email, code by call"
        EMAIL = "email", "Link and code by email"

    public_id = PublicIdField()
    application = models.ForeignKey(RenewalApplication, on_delete=models.PROTECT, related_name="signatures")
    # Empty: the attestation of the whole application.
    part = models.OneToOneField(RenewalPart, on_delete=models.PROTECT, null=True, blank=True, related_name="signature")
    way = models.CharField(max_length=8, choices=Way)
    # Empty: signed by link and code, without an account.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    username = models.CharField(max_length=150, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    signed_name = models.CharField("signed", max_length=200)
    signed_at = models.DateTimeField(default=timezone.now)
    text_version = models.CharField(max_length=20)
    text = models.TextField()
    fraud_state = models.CharField(max_length=2, blank=True, default="")
    fraud_warning = models.TextField()
    # Of a part: what was answered, each with the question as it was read. Of the whole: its submission has it.
    answers = models.JSONField(default=list)
    # When the code of the second factor, or the one that opened the link, was given.
    code_at = models.DateTimeField(null=True)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField("browser", max_length=300, blank=True, default="")
    session_id = models.CharField(max_length=22, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering = ("-signed_at", "-id")

    def __str__(self) -> str:
        return f"{self.signed_name}, {self.signed_at:%Y-%m-%d}"

    @property
    def day(self) -> dt.date:
        """The day of it, in the reader's zone."""
        return shown_day(self.signed_at)
