"""Packets for facilities: what is in one, who may open it until when, and who opened it. Kept for good (B-04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from core.alerts import alert_staff
from core.clients import network_key
from core.downloads import file_name_part
from core.events import record_event
from core.fields import PublicIdField
from core.work import Work
from credentialing.events import PacketEvent
from credentialing.models.authorizations import Authorization
from credentialing.models.certificates import Certificate
from credentialing.models.claims_histories import ClaimsPaper
from credentialing.models.holders import Holder
from policies.models import Coverage, Insured, Membership, Policy, reach_of
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User


class PacketQuerySet(models.QuerySet["Packet"]):
    """Packets, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those about the insureds that the user is, no matter who built them; and those that the user's own
        party built, an agency's for its clients of today. Nobody else sees what an insured built for themselves."""
        if not user.is_authenticated:
            return self.none()
        conditions = Q(pk__in=[])
        if insured_ids := reach_of(user).insured_ids:
            conditions |= Q(insured_id__any=insured_ids)
        reach = reach_with(user, Capability.CREATE_PACKET, asks_policy=True)
        if reach.policyholder_ids:
            conditions |= Q(membership__policyholder_id__any=reach.policyholder_ids)
        if agent := reach.only(Membership.Role.AGENT):
            served = Policy.objects.not_retired().filter(agent.policies()).order_by().values("pk")
            conditions |= Q(membership__agency_id__any=agent.agency_ids, coverage__term__policy__in=served)
        return self.filter(conditions)

    def with_names(self) -> Self:
        """Return them with what a page shows, in one query."""
        return self.select_related("insured", "holder", "built_by", "revoked_by", "membership")


class Packet(Work):
    """What one insured's credentialing office at a facility gets, behind one link and a password.

    Of the link's token only a keyed hash is kept, of the password an Argon2 hash: both are told when they are made, and
    never again. `generation` counts the links; what an earlier one opened closes with the next. The row is the task
    that makes the files of its own items. The database refuses to delete it, or to change what was built.
    """

    class Status(models.TextChoices):
        """The state of its own files."""

        QUEUED = "queued", "In preparation"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    TASK = "credentialing.tasks.prepare_packet"

    public_id = PublicIdField()
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="packets")
    # The coverage that it was built from; by it, the right to build one is judged again at each opening.
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey(Holder, on_delete=models.PROTECT, related_name="+", verbose_name="facility")
    built_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    built_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    idempotency_key = models.UUIDField(editable=False)

    token_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    password_hash = models.CharField(max_length=128, blank=True, default="", editable=False)
    generation = models.PositiveSmallIntegerField("links made", default=0)
    # Where the link and the password were mailed; empty where they were shown to who built it.
    link_to = models.EmailField("link mailed to", max_length=254, blank=True, default="")
    password_to = models.EmailField("password mailed to", max_length=254, blank=True, default="")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)

    objects = PacketQuerySet.as_manager()

    # Set by building: whether the same form had made it before.
    was_there: bool = False

    class Meta:
        ordering = ("-built_at", "-id")
        permissions = [
            ("revoke_packet", "Can revoke packets"),
            ("retry_packet", "Can try failed packets again"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["built_by", "idempotency_key"], name="credentialing_packet_once_a_form"),
            models.UniqueConstraint(
                fields=["token_hash"], condition=~Q(token_hash=""), name="credentialing_packet_token"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("built_at")), name="credentialing_packet_expires"),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="credentialing_packet_revoked_by",
            ),
        ]
        indexes = [
            models.Index(fields=["insured", "-built_at"], name="credentialing_pack_insured"),
            models.Index(fields=["membership", "-built_at"], name="credentialing_pack_member"),
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="credentialing_pack_queued"),
        ]

    def __str__(self) -> str:
        return f"{self.insured} for {self.holder.name}"

    def get_absolute_url(self) -> str:
        return reverse("credentialing:packet", args=[self.public_id])

    def given_up(self) -> None:
        """Record it, and tell staff."""
        record_event(PacketEvent.FAILED, subject=self, attempts=self.attempts)
        alert_staff(
            "The files of a packet could not be made",
            f"Packet {self.public_id} was tried {self.attempts} times. The log of the documents worker tells why; once "
            "that is mended, retry it in admin under Packets.",
        )

    def retried(self, *, by: models.Model) -> None:
        """Record who tried it again."""
        record_event(PacketEvent.RETRIED, subject=self, by=by)

    @property
    def is_over(self) -> bool:
        """Whether it opens nothing anymore: revoked, or past its time."""
        return self.revoked_at is not None or self.expires_at <= timezone.now()

    @property
    def state(self) -> str:
        """'Open', 'Revoked', or 'Expired'."""
        if self.revoked_at is not None:
            return "Revoked"
        return "Expired" if self.is_over else "Open"


class PacketItem(models.Model):
    """One paper of a packet: one that was issued before or with it, or one made for it.

    A release and a timeline have a file of their own here. `snapshot`: what the timeline says, as it was then.
    """

    class Kind(models.TextChoices):
        """In the order in which a facility reads them."""

        CERTIFICATE = "certificate", "Certificate of insurance"
        HISTORY = "history", "Claims history"
        RELEASE = "release", "Signed release"
        TIMELINE = "timeline", "Coverage timeline"

    public_id = PublicIdField()
    packet = models.ForeignKey(Packet, on_delete=models.PROTECT, related_name="items")
    kind = models.CharField(max_length=12, choices=Kind)
    position = models.PositiveSmallIntegerField()
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    claims_paper = models.ForeignKey(ClaimsPaper, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The release itself; of a claims history, the one that it's given out on.
    authorization = models.ForeignKey(Authorization, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    snapshot = models.JSONField(null=True, blank=True)
    file = models.CharField(max_length=200, blank=True, default="")
    sha256 = models.CharField("SHA-256 of the file", max_length=64, blank=True, default="")
    size = models.PositiveIntegerField("size in bytes", null=True, blank=True)

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["packet", "position"], name="credentialing_packetitem_position"),
            models.CheckConstraint(
                condition=Q(kind="certificate", certificate__isnull=False, claims_paper=None, authorization=None)
                | Q(kind="history", certificate=None, claims_paper__isnull=False)
                | Q(kind="release", certificate=None, claims_paper=None, authorization__isnull=False)
                | Q(kind="timeline", certificate=None, claims_paper=None, authorization=None, snapshot__isnull=False),
                name="credentialing_packetitem_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def paper(self) -> Certificate | ClaimsPaper | None:
        """The issued paper; None for a release or timeline, which have their file here."""
        return self.certificate or self.claims_paper

    @property
    def title(self) -> str:
        """What it is: 'Certificate of insurance COI-2026-7KQ4M2XDW'."""
        paper = self.paper
        return f"{paper.title} {paper.serial}" if paper is not None else str(self.get_kind_display())

    @property
    def stored(self) -> tuple[str, str] | None:
        """Name and digest of its file; None while it is being made."""
        row = self.paper or self
        return (row.file, row.sha256) if row.sha256 else None

    @property
    def download_name(self) -> str:
        """The name of the downloaded file."""
        if self.claims_paper is not None:
            return self.claims_paper.download_name
        if self.certificate is not None:
            self.certificate.is_own = True
            return self.certificate.download_name
        insured = self.packet.insured
        return f"{self.get_kind_display()} {file_name_part(insured.last_name or insured.name)}.pdf"


class PacketOpening(models.Model):
    """One line of who opened a packet: when, from where, and what they took. The insured sees it; it stays."""

    class What(models.TextChoices):
        OPENED = "opened", "Opened the packet"
        FETCHED = "fetched", "Downloaded"
        ALL = "all", "Downloaded everything in one PDF"
        WRONG = "wrong", "Entered a wrong password"

    packet = models.ForeignKey(Packet, on_delete=models.PROTECT, related_name="openings")
    what = models.CharField(max_length=8, choices=What)
    item = models.ForeignKey(PacketItem, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Of one PDF with everything: what was in it.
    items = models.JSONField(default=list, db_default=[], blank=True)
    at = models.DateTimeField(default=timezone.now)
    ip = models.GenericIPAddressField(null=True)
    generation = models.PositiveSmallIntegerField("link")

    class Meta:
        ordering = ("-at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(what="fetched", item__isnull=False) | (~Q(what="fetched") & Q(item=None)),
                name="credentialing_packetopening_item",
            ),
        ]
        indexes = [models.Index(fields=["packet", "-at", "-id"], name="credentialing_packopen_recent")]

    def __str__(self) -> str:
        return f"{self.get_what_display()}, {self.at:%Y-%m-%d}"

    @property
    def network(self) -> str:
        """The network that it came from: an IPv4 address, or an IPv6 /64."""
        return network_key(self.ip)

    @property
    def in_words(self) -> str:
        """'Downloaded Claims history CLH-2026-…'."""
        if self.item is not None:
            return f"Downloaded {self.item.title}"
        names = ", ".join(self.items)
        return f"{self.get_what_display()}: {names}" if names else str(self.get_what_display())
