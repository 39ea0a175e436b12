"""Invitations of colleagues to act for a policyholder or an agency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import AccountLock
from accounts.models.sessions import TrustedDevice, hash_token
from core.fields import PublicIdField
from policies.models.membership import Membership

if TYPE_CHECKING:
    from policies.models.parties import Agency, Insured, Policyholder


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        """Keep those neither accepted nor withdrawn, each with whether its giver's account was locked since it was
        mailed. They may have expired."""
        locked = AccountLock.objects.filter(user=OuterRef("invited_by"), created_at__gte=OuterRef("mailed_at"))
        return self.filter(accepted_at=None, withdrawn_at=None).annotate(giver_was_locked=Exists(locked))

    def usable(self) -> Self:
        """Keep those that can be accepted: open, not expired, and given under a membership that is still an
        administrator's. Of an account that was locked since, an intruder may have made them."""
        return self.open().filter(
            expires_at__gt=timezone.now(),
            giver_was_locked=False,
            given_under__revoked_at=None,
            given_under__administrator=True,
        )


class Invitation(models.Model):
    """An administrator of a policyholder or an agency invites a colleague (docs/security.md#delegates).

    The party is the one of the membership that it is given under. A link by mail opens it, once; the worker that mails
    it draws the token, and the row keeps the token's hash. `mailings` counts the mails: only the newest one works.
    """

    public_id = PublicIdField()
    given_under = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="invitations")
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="invitations_made")
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    email = models.EmailField(max_length=254)
    capabilities = ArrayField(models.CharField(max_length=40), default=list)
    idempotency_key = models.UUIDField()
    token_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    mailings = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="invitation"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    # Set by `open`.
    giver_was_locked = False

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                F("given_under"),
                Lower("email"),
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="policies_invitation_once",
            ),
            models.UniqueConstraint(fields=["invited_by", "idempotency_key"], name="policies_invitation_key"),
            models.UniqueConstraint(
                fields=["token_hash"], condition=~Q(token_hash=""), name="policies_invitation_token"
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(withdrawn_at=None), name="policies_invitation_one_end"
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.public_id}"

    @property
    def party(self) -> Insured | Policyholder | Agency:
        """The policyholder or agency that the colleague would act for."""
        return self.given_under.party

    @property
    def name(self) -> str:
        """The colleague's name as the administrator typed it."""
        return f"{self.first_name} {self.last_name}".strip()

    def has_expired(self) -> bool:
        """Whether it can't be accepted any more until it's sent again. Of one that was read by `open`."""
        return self.giver_was_locked or self.expires_at <= timezone.now()

    def draw_token(self) -> str:
        """Draw 256 random bits for the address of the link. An earlier token stops working."""
        token = TrustedDevice.new_token()
        self.token_hash = hash_token(token)
        self.save(update_fields=["token_hash"])
        return token
