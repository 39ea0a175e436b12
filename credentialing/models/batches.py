"""Batches: many certificates that are asked for at once, and the pieces in which workers make them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from core.downloads import file_name_part
from core.fields import PublicIdField
from core.work import Work
from credentialing.models.certificates import Certificate
from credentialing.models.claims_histories import YEARS_OF_HISTORY, ClaimsPaper
from credentialing.models.holders import Holder, of_own_party
from policies.models import Coverage, Membership, reach_of

if TYPE_CHECKING:
    from accounts.models import User


class BatchQuerySet(models.QuerySet["Batch"]):
    """Batches, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those of the parties that the user acts for: a batch names holders, which no other party sees
        (docs/decisions/0013-holders-of-the-issuing-party.md)."""
        if not user.is_authenticated:
            return self.none()
        own = self.filter(of_own_party(reach_of(user).scope, "membership__"))
        # What somebody is about to choose is theirs alone.
        return own.filter(~Q(status=Batch.Status.DRAFT) | Q(started_by=user))

    def started(self) -> Self:
        """Return those that were started."""
        return self.exclude(status=Batch.Status.DRAFT)


class Batch(models.Model):
    """Many certificates at once (S-35 to S-37): who is to get which, how far it is, and its file.

    It begins as a draft: `selection` is what was chosen, a search among it kept as a search. `batches.freezing` turns
    that into `items`, in an order that stays; starting cuts the items into pieces (`BatchPiece`). The counts change
    in the transaction that changes what they count, but `written`, which says how far the file is.
    """

    class Status(models.TextChoices):
        """How far a batch is."""

        DRAFT = "draft", "Not started"
        RUNNING = "running", "In progress"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Delivery(models.TextChoices):
        """What comes of it."""

        SINGLE = "single", "One PDF with all of them"
        SEPARATE = "separate", "Separate PDFs in a ZIP file"
        EMAIL = "email", "Emailed to each holder"

    class Papers(models.TextChoices):
        """What each insured gets (S-36)."""

        CERTIFICATES = "coi", "Certificate of insurance"
        WITH_HISTORIES = "both", "Certificate of insurance and claims history"

    public_id = PublicIdField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # The membership that it issues by: the insured's own, the policyholder's, or the agency's.
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.UUIDField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    selection = models.JSONField(default=dict)
    delivery = models.CharField(max_length=8, choices=Delivery, default=Delivery.SINGLE)
    # Another day of the term that the certificates are about; empty for the day on which each is issued.
    about = models.DateField(null=True, blank=True)
    papers = models.CharField(max_length=4, choices=Papers, default=Papers.CERTIFICATES, db_default="coi")
    history_years = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: all years.")
    history_purpose = models.CharField(
        max_length=12, choices=ClaimsPaper.Purpose, blank=True, default="", db_default=""
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    total = models.PositiveIntegerField(default=0)
    issued = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    filed = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)
    # Claims histories that were created, beside the certificates.
    histories = models.PositiveIntegerField(default=0, db_default=0)
    # Emails that were handed to the queue, where it is mailed.
    mailed = models.PositiveIntegerField(default=0, db_default=0)

    file = models.CharField(max_length=200, blank=True, default="")
    size = models.PositiveBigIntegerField("size in bytes", null=True, blank=True)
    sha256 = models.CharField("SHA-256 of the file", max_length=64, blank=True, default="")
    # From then on the file is gone; its certificates stay.
    file_until = models.DateTimeField(null=True, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["started_by", "idempotency_key"], name="credentialing_batch_once_a_form"),
            models.CheckConstraint(condition=YEARS_OF_HISTORY, name="credentialing_batch_years"),
        ]
        indexes = [
            models.Index(fields=["membership", "-id"], name="credentialing_batch_recent"),
            models.Index(fields=["file_until"], condition=~Q(file=""), name="credentialing_batch_files"),
        ]

    def __str__(self) -> str:
        return f"Batch {self.public_id}"

    def get_absolute_url(self) -> str:
        """Its page: what to choose, then what will come, then progress and the file."""
        return reverse("credentialing:batch", args=[self.public_id])

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING

    @property
    def is_frozen(self) -> bool:
        """Whether its items are settled."""
        return self.total > 0

    @property
    def has_file(self) -> bool:
        """Whether its file is still kept."""
        return bool(self.file) and self.file_until is not None and self.file_until > timezone.now()

    @property
    def with_histories(self) -> bool:
        """Whether the insureds' claims histories come with the certificates."""
        return self.papers == self.Papers.WITH_HISTORIES

    @property
    def has_pages(self) -> bool:
        """Whether anything was created that its file holds."""
        return bool(self.issued or self.histories)

    @property
    def settled(self) -> int:
        """How many items have come to an end: issued, refused, or failed."""
        return self.issued + self.refused + self.failed

    @property
    def steps_all(self) -> int:
        """The length of its way, a step for each item in each stage."""
        return self.total * self._stages

    @property
    def steps_done(self) -> int:
        """How much of that lies behind. What isn't issued has no further stages."""
        return self.issued + (self.refused + self.failed) * self._stages + self.filed + self.written

    @property
    def _stages(self) -> int:
        return {self.Delivery.SEPARATE: 3, self.Delivery.SINGLE: 2}.get(self.Delivery(self.delivery), 1)

    @property
    def is_mailed(self) -> bool:
        """Whether each certificate goes to its holder by email, instead of into one file."""
        return self.delivery == self.Delivery.EMAIL

    @property
    def of_renewal_run(self) -> bool:
        """Whether it was chosen on the board of a renewal run."""
        return bool(self.selection.get("search", {}).get("run"))

    @property
    def seconds_left(self) -> int | None:
        """How long it will take at the pace until now; None while that says nothing."""
        if self.started_at is None or not self.is_running:
            return None
        gone = (timezone.now() - self.started_at).total_seconds()
        if gone < 3 or self.steps_done * 50 < self.steps_all:
            return None
        return max(1, round(gone / self.steps_done * (self.steps_all - self.steps_done)))

    @property
    def download_name(self) -> str:
        """The name of the downloaded file: 'Certificates 2026-11-30 (5,000).pdf'."""
        day = timezone.localtime(self.started_at or self.created_at).date()
        extension = "zip" if self.delivery == self.Delivery.SEPARATE else "pdf"
        return f"{file_name_part(f'Certificates {day} ({self.issued})')}.{extension}"


class BatchItem(models.Model):
    """One certificate of a batch: of one insured in one term, for one holder. Its place among the items stays."""

    class Status(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", "Waiting"
        ISSUED = "issued", "Created"
        REFUSED = "refused", "Not created"
        FAILED = "failed", "Failed"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items", db_index=False)
    place = models.PositiveIntegerField()
    coverage = models.ForeignKey(Coverage, on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey(Holder, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # What it would give when the items were settled, and what this holder asks for beyond that.
    kind = models.CharField(max_length=24, blank=True, default="")
    complaints = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    # Why it wasn't created, in a sentence for the user.
    reason = models.CharField(max_length=400, blank=True, default="")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The insured's claims history for this holder, which the first of their items has; and why there is none.
    wants_history = models.BooleanField(default=False, db_default=False)
    history = models.ForeignKey(ClaimsPaper, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    history_reason = models.CharField(max_length=400, blank=True, default="", db_default="")

    class Meta:
        ordering = ("place",)
        constraints = [
            models.UniqueConstraint(fields=["batch", "place"], name="credentialing_batchitem_place"),
            models.UniqueConstraint(
                fields=["batch", "coverage", "holder"], nulls_distinct=False, name="credentialing_batchitem_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="issued") | Q(certificate__isnull=False), name="credentialing_batchitem_issued"
            ),
            models.CheckConstraint(
                condition=Q(history=None) | Q(wants_history=True), name="credentialing_batchitem_history"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch} {self.place}"


class BatchPiece(Work):
    """A stretch of a batch's items that one worker makes at once, or the file at the end.

    Only a few pieces of a batch are in the queue; when one ends, the next is handed over (`batches.running`). So two
    batches share the workers, and each piece is short (docs/decisions/0190-batches-in-pieces.md).
    """

    class Step(models.TextChoices):
        """What is done for the items. FILE comes after ISSUE of the same items, WRITE after all of those and one after
        the other, FINISH after everything."""

        ISSUE = "issue", "Issue certificates"
        FILE = "file", "Make their files"
        WRITE = "write", "Write their part of the batch's file"
        FINISH = "finish", "Put the file of the batch together"

    class Status(models.TextChoices):
        """The state of a piece. `waiting` isn't in the queue yet."""

        WAITING = "waiting", "Waiting"
        QUEUED = "queued", "In the queue"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    TASK = "credentialing.tasks.run_piece"
    # More than elsewhere: errors of single certificates are caught, so what ends an attempt is a lost worker.
    MAX_ATTEMPTS = 10
    # Pieces of other batches may be ahead.
    LOST_WAITING = dt.timedelta(seconds=30)

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    step = models.CharField(max_length=6, choices=Step)
    # Places of its items: the first, and the one after the last.
    first = models.PositiveIntegerField()
    beyond = models.PositiveIntegerField()
    status = models.CharField(max_length=12, choices=Status, default=Status.WAITING)

    class Meta:
        # Not by batch: locking a piece would lock the batch that it is joined with.
        ordering = ("first", "id")
        constraints = [
            models.UniqueConstraint(fields=["batch", "step", "first"], name="credentialing_batchpiece_once"),
            models.CheckConstraint(condition=Q(beyond__gt=F("first")), name="credentialing_batchpiece_stretch"),
        ]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="credentialing_piece_queued"),
        ]

    def __str__(self) -> str:
        return f"{self.batch}: {self.step} {self.first}"

    def given_up(self) -> None:
        """Let the batch go on without these items, or say that its file can't be made."""
        from credentialing.batches import running

        running.piece_given_up(self)

    @property
    def items(self) -> models.QuerySet[BatchItem]:
        """Its items, in order."""
        return BatchItem.objects.filter(batch_id=self.batch_id, place__gte=self.first, place__lt=self.beyond).order_by(
            "place"
        )
