"""Links that we email to an account's owner. Each works for one purpose, once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.sessions import TrustedDevice, hash_token
from core.fields import PublicIdField

if TYPE_CHECKING:
    from accounts.models.users import User


class Purpose(models.TextChoices):
    """What a link is for. Each has a life of its own and a page of its own (`accounts.services.links.PAGES`)."""

    ACTIVATION = "activation", "Activation: choose a password"
    RESET = "reset", "Reset: choose another password"
    CONFIRM_EMAIL = "confirm_email", "Confirmation of a new email"
    LOCK = "lock", "Lock: the owner did not make a change"


# One open link of a purpose replaces the one before it. Not these: each address of each change has its own.
SEVERAL = (Purpose.LOCK,)


def life_of(purpose: str) -> dt.timedelta:
    """Return how long a link of this purpose works (docs/security.md#links)."""
    lives: dict[str, dt.timedelta] = {
        Purpose.ACTIVATION: settings.ACTIVATION_LINK_LIFE,
        Purpose.RESET: settings.RESET_LINK_LIFE,
        Purpose.CONFIRM_EMAIL: settings.CONFIRM_EMAIL_LINK_LIFE,
        Purpose.LOCK: settings.LOCK_LINK_LIFE,
    }
    return lives[purpose]


class AccountLinkQuerySet(models.QuerySet["AccountLink"]):
    def open(self) -> AccountLinkQuerySet:
        """Keep those neither used nor replaced. They may have expired."""
        return self.filter(used_at=None, voided_at=None)

    def usable(self) -> AccountLinkQuerySet:
        """Keep those that still work: open, not expired, and of the account's present security epoch. A lock link
        outlives the epoch: it must work just when someone has changed the password or the email."""
        of_epoch = Q(epoch=F("user__security_epoch")) | Q(purpose=Purpose.LOCK)
        return self.open().filter(of_epoch, expires_at__gt=timezone.now())


class AccountLink(models.Model):
    """A single-use link (docs/security.md#links). The request makes the row, which names the account and the purpose.
    The worker or operator who hands the link over draws the token; the row keeps its hash.

    `epoch`: a lock, a change of password or of a factor voids the link, unless it is a lock link. `email`: where it was
    sent, empty where an operator handed it over. Using a link proves that its owner reads that email. `change`: of a
    lock link, the change that it was mailed for (`accounts.services.changes.Change`).
    """

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=20, choices=Purpose)
    email = models.EmailField(max_length=254, blank=True)
    change = models.CharField(max_length=30, blank=True, default="", db_default="")
    token_hash = models.CharField(max_length=64, blank=True, editable=False)
    epoch = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = AccountLinkQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["user", "purpose"],
                condition=Q(used_at=None, voided_at=None) & ~Q(purpose__in=SEVERAL),
                name="one_open_link_per_purpose",
            ),
            models.UniqueConstraint(fields=["token_hash"], condition=~Q(token_hash=""), name="a_link_token_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.public_id}"

    @property
    def is_expired(self) -> bool:
        """Whether its life is over."""
        return self.expires_at <= timezone.now()

    @classmethod
    def issue(cls, user: User, purpose: Purpose, *, email: str, by: User | None, change: str = "") -> AccountLink:
        """Create a link; unless there may be several, it replaces the open one of its purpose. The caller holds the
        user's row lock."""
        now = timezone.now()
        if purpose not in SEVERAL:
            cls.objects.filter(user=user, purpose=purpose).open().update(voided_at=now)
        user.refresh_from_db(fields=["security_epoch"])
        return cls.objects.create(
            user=user,
            purpose=purpose,
            email=email,
            change=change,
            epoch=user.security_epoch,
            created_by=by,
            created_at=now,
            expires_at=now + life_of(purpose),
        )

    def draw_token(self) -> str:
        """Draw 256 random bits for the URL of the link. An earlier token stops working."""
        token = TrustedDevice.new_token()
        self.token_hash = hash_token(token)
        self.save(update_fields=["token_hash"])
        return token
