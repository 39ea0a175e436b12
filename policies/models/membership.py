"""Memberships: which user acts for which party, in which role, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from core.dates import carrier_today
from core.events import record_event
from core.fields import PublicIdField
from policies.events import PolicyEvent
from policies.models.parties import Agency, Contact, Insured, Policyholder

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import User

SECOND_PERSON = "Another member of staff has to approve access to an agency."


class Membership(models.Model):
    """A user's place with one party: an insured, a policyholder, or an agency.

    It is *current* while the party's coverage is, *historic* when that has ended, and *ended* from the moment it is
    revoked or its last day has come (docs/spec.md#current-historic-ended). `capabilities` are switches beyond the
    role's own (see `policies.roles`), such as access to claims history; with `named_only`, they are everything that it
    opens, as where the feed names a contact's. `policies.models.reach` says which rows it opens.

    A *delegate's* is given under an administrator's membership with the same party. It opens only its `capabilities`,
    never more than that one does, names no delegates, and is in effect only while that one is
    (docs/security.md#delegates).
    """

    class Role(models.TextChoices):
        INSURED = "insured", "Insured"
        POLICYHOLDER = "policyholder", "Policyholder"
        AGENT = "agent", "Agent"

    class EndedBy(models.TextChoices):
        """Who ended it. The feed never grants again what a person ended (docs/feed-format.md)."""

        FEED = "feed", "The carrier's data"
        PERSON = "person", "A person"

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships")
    policyholder = models.ForeignKey(
        Policyholder, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships"
    )
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships")
    # The person on file who became this user, where the account was taken over. Retiring the contact ends it.
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="memberships")
    administrator = models.BooleanField(default=True, help_text="May name delegates.")
    capabilities = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    named_only = models.BooleanField(
        "only what is named", default=False, db_default=False, help_text="Opens exactly the capabilities named above."
    )
    starts = models.DateField("from", default=carrier_today)
    ends = models.DateField("to", null=True, blank=True, help_text="The first day without access.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_by = models.CharField(max_length=6, choices=EndedBy, blank=True, default="", db_default="", editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    # A person has changed what it opens: the feed may take more away, but gives nothing back.
    kept_by_hand = models.BooleanField(default=False, db_default=False, editable=False)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Of a delegate: the administrator's membership that it was given under.
    given_under = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="given"
    )
    # Staff granted it at an agency, and no second member of staff has approved it yet.
    awaits_approval = models.BooleanField(default=False, db_default=False, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role="insured", insured__isnull=False, policyholder=None, agency=None)
                | Q(role="policyholder", insured=None, policyholder__isnull=False, agency=None)
                | Q(role="agent", insured=None, policyholder=None, agency__isnull=False),
                name="policies_membership_one_party",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, ended_by="") | (Q(revoked_at__isnull=False) & ~Q(ended_by="")),
                name="policies_membership_ended_by",
            ),
            models.CheckConstraint(
                condition=Q(given_under=None) | Q(administrator=False, role__in=("policyholder", "agent")),
                name="policies_membership_delegate",
            ),
            models.UniqueConstraint(
                fields=["user", "role", "insured", "policyholder", "agency"],
                condition=Q(revoked_at=None),
                nulls_distinct=False,
                name="policies_membership_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display().lower()} of {self.party}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it. Raises ValidationError if a member of staff would get one in effect."""
        if self.revoked_at is None:
            self.clean()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Refuse memberships for staff: admin records their views of customers' data, and nothing else does.

        Raises ValidationError.
        """
        if self.user_id and self.user.is_of_staff:
            raise ValidationError("Staff don't act for customers. Choose an account without staff rights.")
        from policies.roles import Capability

        if unknown := sorted(set(self.capabilities) - set(Capability)):
            raise ValidationError(f"Nobody can be granted “{unknown[0]}”: there’s no such capability.")
        giver = self.given_under
        if giver is not None and (giver.is_delegates or giver.party_key != self.party_key):
            raise ValidationError("Access is given under an administrator's own membership with the same party.")

    def facts(self) -> dict[str, Any]:
        """Return what the event log keeps: role, party, and everything it opens."""
        return {
            "role": self.role,
            "party": self.party_key,
            "administrator": self.administrator,
            "capabilities": self.capabilities,
            "named_only": self.named_only,
            "starts": self.starts.isoformat(),
            "ends": self.ends.isoformat() if self.ends else None,
        }

    @property
    def party_key(self) -> str:
        """Return the party by kind and key, without a query."""
        for model, key in ((Insured, self.insured_id), (Policyholder, self.policyholder_id), (Agency, self.agency_id)):
            if key is not None:
                return f"{model._meta.label_lower}:{key}"
        return ""

    @property
    def party(self) -> Insured | Policyholder | Agency:
        """The one party that this membership is with."""
        party = self.insured or self.policyholder or self.agency
        if party is None:
            raise ValueError(f"Membership {self.pk} has no party")
        return party

    def is_in_effect(self, day: dt.date) -> bool:
        """Whether it has begun and not ended: not revoked, and before its last day. A delegate's ends with the one that
        it was given under, however that ends; one that waits for approval opens nothing yet."""
        giver = self.given_under
        return self.is_held(day) and (giver is None or (giver.is_held(day) and giver.given_under_id is None))

    def is_held(self, day: dt.date) -> bool:
        """Whether it is in effect as far as its own row says."""
        if self.revoked_at is not None or self.awaits_approval:
            return False
        return self.starts <= day and (self.ends is None or day < self.ends)

    @property
    def is_delegates(self) -> bool:
        """Whether an administrator gave it to a colleague."""
        return self.given_under_id is not None

    def revoke(self, *, by: User, reason: str) -> None:
        """End it at once, open sessions included; the carrier's feed won't grant it again. Revoking twice changes
        nothing."""
        with transaction.atomic():
            self._revoke(by=by, reason=reason)

    def _revoke(self, *, by: User, reason: str) -> None:
        revoked = Membership.objects.filter(pk=self.pk, revoked_at=None).update(
            revoked_at=timezone.now(), ended_by=self.EndedBy.PERSON, revoked_by=by
        )
        self.refresh_from_db(fields=["revoked_at", "ended_by", "revoked_by"])
        if revoked:
            from policies.models.reach import forget

            forget(self.user_id)
            record_event(
                PolicyEvent.MEMBERSHIP_REVOKED,
                subject=self,
                by=by,
                on_behalf_of=self.user,
                **self.facts(),
                reason=reason,
            )
            for given in self.given.filter(revoked_at=None):
                given.revoke(by=by, reason=f"ends with the access of {self.user}, who gave it")

    def approve(self, *, by: User) -> bool:
        """Put a membership in effect that another member of staff granted. False where it doesn't wait, or where `by`
        granted it."""
        waiting = Membership.objects.filter(pk=self.pk, awaits_approval=True, revoked_at=None).exclude(granted_by=by)
        if not waiting.update(awaits_approval=False, approved_by=by):
            return False
        self.refresh_from_db(fields=["awaits_approval", "approved_by"])
        record_event(PolicyEvent.MEMBERSHIP_APPROVED, subject=self, by=by, on_behalf_of=self.user, **self.facts())
        return True
