"""An insured's authorization to release their claims history, and its revocation: legal evidence, kept for good."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from core.dates import carrier_today
from core.fields import PublicIdField
from policies.models import Agency, Insured, Membership, Policyholder, reach_of

if TYPE_CHECKING:
    from accounts.models import User

# Years that a claims history goes back; None is all of them.
WINDOWS = (5, 10, None)


def months_after(day: dt.date, months: int) -> dt.date:
    """Return the same day of a later month, or of an earlier one for negative `months`; its last day where the month is
    too short."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def covers_window(given: int | None, asked: int | None) -> bool:
    """Whether an authorization for so many years (None: all) is one for a history of `asked` years, too."""
    return given is None or (asked is not None and asked <= given)


class AuthorizationQuerySet(models.QuerySet["Authorization"]):
    """Authorizations: whose they are, and which of them hold."""

    def visible_to(self, user: User) -> Self:
        """Return those that concern the insureds that the user is. Nobody else reads them."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(insured_id__any=reach_of(user).insured_ids)

    def in_effect(self, today: dt.date | None = None) -> Self:
        """Return those that hold: not revoked, not expired, and no older than `AUTHORIZATION_MONTHS` now says."""
        today = today or carrier_today()
        oldest = months_after(today, -settings.AUTHORIZATION_MONTHS)
        return self.filter(revocation=None, expires_on__gt=today, given_on__gt=oldest)


class Authorization(models.Model):
    """One insured's signed release of their claims history, to one recipient and for one window (B-05).

    It holds what proves it: the text that was shown and its version, the name as typed, who, when, and from where. The
    database refuses to change or delete it; a revocation is a row of its own.
    """

    public_id = PublicIdField()
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="authorizations")
    # The recipient: the policyholder's people, the agency's, or a holder by name and address.
    policyholder = models.ForeignKey(Policyholder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    holder_name = models.CharField("holder", max_length=200, blank=True, default="")
    holder_address = models.CharField("holder's address", max_length=400, blank=True, default="")
    # As `Holder.fingerprint`: by it, the same holder is found in every address book.
    holder_fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    years = models.PositiveSmallIntegerField("years covered", null=True, blank=True, help_text="Empty: all years.")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)
    # The carrier's days: the day of the signature, and the first day on which it no longer holds.
    given_on = models.DateField()
    expires_on = models.DateField()
    text_version = models.CharField(max_length=20)
    text = models.TextField()
    signed_name = models.CharField("signed", max_length=200)
    username = models.CharField(max_length=150)
    email = models.EmailField(max_length=254, blank=True)
    # When the second factor was last given in the session that signed.
    code_at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField("browser", max_length=300, blank=True)
    session_id = models.CharField(max_length=22, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    idempotency_key = models.UUIDField(editable=False)

    objects = AuthorizationQuerySet.as_manager()

    class Meta:
        ordering = ("-given_at", "-id")
        permissions = [("revoke_authorization", "Can revoke authorizations when the insured asks")]
        constraints = [
            models.CheckConstraint(
                condition=Q(policyholder__isnull=False, agency=None, holder_fingerprint="")
                | Q(policyholder=None, agency__isnull=False, holder_fingerprint="")
                | (Q(policyholder=None, agency=None) & ~Q(holder_fingerprint="") & ~Q(holder_name="")),
                name="credentialing_authorization_one_recipient",
            ),
            models.CheckConstraint(
                condition=Q(years=None) | Q(years__in=(5, 10)), name="credentialing_authorization_years"
            ),
            models.CheckConstraint(condition=Q(expires_on__gt=F("given_on")), name="credentialing_authorization_dates"),
            models.UniqueConstraint(
                fields=["given_by", "idempotency_key"], name="credentialing_authorization_once_a_form"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.insured} to {self.recipient}, {self.given_on}"

    def get_absolute_url(self) -> str:
        return reverse("credentialing:authorization", args=[self.public_id])

    @property
    def recipient(self) -> str:
        """Whom it names."""
        return str(self.policyholder or self.agency or self.holder_name)

    @property
    def window(self) -> str:
        """'10 years' or 'All years'."""
        return window_name(self.years)

    @property
    def revoked_at(self) -> dt.datetime | None:
        """When it was revoked; None while it wasn't."""
        revocation: AuthorizationRevocation | None = getattr(self, "revocation", None)
        return revocation.at if revocation else None

    @property
    def holds(self) -> bool:
        """Whether it is in effect today; see `AuthorizationQuerySet.in_effect`."""
        today = carrier_today()
        oldest = months_after(today, -settings.AUTHORIZATION_MONTHS)
        return self.revoked_at is None and self.expires_on > today and self.given_on > oldest


class AuthorizationRevocation(models.Model):
    """The end of an authorization before its time: who revoked it, when, and from where. Kept for good."""

    class By(models.TextChoices):
        """On whose side."""

        INSURED = "insured", "The insured"
        STAFF = "staff", "Staff, for the insured"

    authorization = models.OneToOneField(Authorization, on_delete=models.PROTECT, related_name="revocation")
    side = models.CharField(max_length=8, choices=By)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    ip = models.GenericIPAddressField(null=True)
    session_id = models.CharField(max_length=22, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.authorization} revoked {self.at:%Y-%m-%d}"


def window_name(years: int | None) -> str:
    """Return '5 years' or 'All years'."""
    return f"{years} years" if years else "All years"
