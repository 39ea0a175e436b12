"""Rosters that were uploaded, and which columns a party's spreadsheets have (B-06)."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from core.dates import shown_day
from core.fields import EncryptedTextField, PublicIdField
from policies.models.change_requests import ChangeRequest, of_parties
from policies.models.membership import Membership
from policies.models.policy import Policy
from policies.models.reach import reach_of

if TYPE_CHECKING:
    from accounts.models import User
    from policies.rosters.columns import Columns
    from policies.rosters.reading import Sheet

# After so long an upload that wasn't sent is emptied: it holds dates of birth.
KEPT_FOR = dt.timedelta(days=30)


class RosterUploadQuerySet(models.QuerySet["RosterUpload"]):
    """Uploaded rosters, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of the user's own parties, on the policies that the user still sees; of memberships that may ask
        for changes."""
        from policies.rights import reach_with
        from policies.roles import Capability

        if not user.is_authenticated:
            return self.none()
        asking = reach_with(user, Capability.REQUEST_CHANGE, asks_policy=True)
        return self.filter(of_parties(asking.scope), reach_of(user).policies("policy__"))

    def open(self) -> Self:
        """Return those that are being worked on."""
        return self.filter(status=RosterUpload.Status.OPEN)

    def overdue(self) -> Self:
        """Return those that are to be emptied, because nobody sent them."""
        return self.open().filter(uploaded_at__lt=timezone.now() - KEPT_FOR)


class RosterUpload(models.Model):
    """A spreadsheet of the people on a policy, while it's compared with who is insured, until it's sent as one change
    request. Of the party of `membership`.

    The cells are encrypted, because there are dates of birth among them, and emptied once it is sent or discarded, or
    after 30 days. `decisions`: what the user decided, by keyed hashes of the person's identity, so that they outlast
    another upload. `corrections`: rows corrected in place, by a keyed hash of what the file has. `version` counts what
    was changed.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Being compared"
        SENT = "sent", "Sent"
        DISCARDED = "discarded", "Discarded"
        EXPIRED = "expired", "Expired"

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="roster_uploads")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    filename = models.CharField(max_length=120, blank=True, default="")
    # Whether the file lists everybody, so that who isn't in it is gone.
    everyone = models.BooleanField(default=True)
    cells = EncryptedTextField(blank=True, default="", editable=False)
    columns = models.JSONField(default=dict, editable=False)
    decisions = models.JSONField(default=dict, editable=False)
    corrections = EncryptedTextField(blank=True, default="", editable=False)
    # The as-of time of our records when the file was uploaded.
    compared_as_of = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    idempotency_key = models.UUIDField(editable=False)
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    request = models.OneToOneField(
        ChangeRequest, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="roster_upload"
    )

    objects = RosterUploadQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="policies_rosterupload_form"),
            models.CheckConstraint(
                condition=Q(status="open", ended_at=None) | (~Q(status="open") & Q(ended_at__isnull=False)),
                name="policies_rosterupload_ended",
            ),
            models.CheckConstraint(
                condition=Q(status="sent", request__isnull=False) | (~Q(status="sent") & Q(request=None)),
                name="policies_rosterupload_request",
            ),
        ]
        indexes = [
            models.Index(fields=["uploaded_at"], condition=Q(status="open"), name="policies_rosterupload_open"),
            models.Index(fields=["policy", "-uploaded_at"], name="policies_rosterupload_policy"),
        ]

    def __str__(self) -> str:
        return f"roster {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("policies:roster-upload", args=[self.public_id])

    @property
    def is_open(self) -> bool:
        """Whether it can still be worked on and sent."""
        return self.status == self.Status.OPEN

    @property
    def kept_until(self) -> dt.date:
        """The day on which it's emptied, if nobody sends it."""
        return shown_day(self.uploaded_at + KEPT_FOR)

    @property
    def sheet(self) -> Sheet:
        """The cells of the file, as corrected."""
        from policies.rosters.reading import Sheet

        stored = json.loads(self.cells)
        return Sheet(stored["columns"], stored["numbers"])

    @sheet.setter
    def sheet(self, sheet: Sheet) -> None:
        self.cells = json.dumps({"columns": sheet.columns, "numbers": sheet.numbers}, ensure_ascii=False)

    @property
    def corrected(self) -> dict[str, list[str]]:
        """The rows that were corrected in place, by the hash of what the file has."""
        found: dict[str, list[str]] = json.loads(self.corrections) if self.corrections else {}
        return found

    @corrected.setter
    def corrected(self, rows: dict[str, list[str]]) -> None:
        self.corrections = json.dumps(rows, ensure_ascii=False) if rows else ""

    @property
    def mapping(self) -> Columns:
        """Which column holds what."""
        from policies.rosters.columns import Columns

        return Columns.of(self.columns)

    def empty(self, status: str, *, request: ChangeRequest | None = None) -> None:
        """End it: only that it was there is kept. The row is locked."""
        self.status, self.request, self.ended_at = status, request, timezone.now()
        self.cells, self.corrections, self.decisions, self.columns = "", "", {}, {}
        self.save()


class RosterColumns(models.Model):
    """What the columns of a party's spreadsheets hold, by their heads: as the party chose before.

    Of a policyholder or an agency. `heads`: folded head to the field, empty for one that isn't read.
    """

    policyholder = models.OneToOneField(
        "policies.Policyholder", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    agency = models.OneToOneField("policies.Agency", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    heads = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "roster columns"
        constraints = [
            models.CheckConstraint(
                condition=Q(policyholder=None) ^ Q(agency=None), name="policies_rostercolumns_one_party"
            ),
        ]

    def __str__(self) -> str:
        return f"roster columns {self.pk}"

    @classmethod
    def party_of(cls, membership: Membership) -> dict[str, Any]:
        """Return the party of a membership, as this model names it."""
        if membership.policyholder_id:
            return {"policyholder_id": membership.policyholder_id}
        return {"agency_id": membership.agency_id}
