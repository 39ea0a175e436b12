"""Runs of the feed, what they found, and where each source stands."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from core.events import record_event
from core.feedspec import Severity, Stage
from feed.events import FeedEvent
from feed.load.findings import counted

if TYPE_CHECKING:
    from accounts.models import User
    from feed.package.manifest import Manifest


def package_storage() -> Storage:
    """Where uploaded packages are kept: with the private files, outside the web root."""
    return storages["private"]


def package_name(_run: Run, _filename: str) -> str:
    """A generated name; that of the upload is only a label."""
    return f"feed/{timezone.now():%Y/%m}/{uuid.uuid4()}.zip"


class SourceQuerySet(models.QuerySet["Source"]):
    """Sources, and how fresh they are."""

    def expected(self) -> SourceQuerySet:
        """Those that are to bring packages regularly; a book taken over once is at rest (`FEED_SOURCES_AT_REST`)."""
        return self.exclude(name__in=settings.FEED_SOURCES_AT_REST)


class Source(models.Model):
    """One of the carrier's systems, and the last package of it that was applied."""

    name = models.CharField(max_length=40, unique=True)
    sequence = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    as_of = models.DateTimeField()
    applied_at = models.DateTimeField()
    # Set when staff were told that this source is stale; cleared by fresh data, so that one staleness is told once.
    alarmed_at = models.DateTimeField(null=True, blank=True)

    objects = SourceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} at {self.sequence}"


class NotHeldError(Exception):
    """The run is not held, or not any more."""


class OwnUploadError(Exception):
    """Whoever uploaded a package may not release it."""


class RunQuerySet(models.QuerySet["Run"]):
    """Runs by where they stand."""

    def unfinished(self) -> RunQuerySet:
        """Received or under way."""
        return self.filter(status__in=Run.UNFINISHED)

    def with_needless_upload(self) -> RunQuerySet:
        """Ended, not to be released, and the uploaded file is still there."""
        ended = self.exclude(status__in=Run.UNFINISHED).exclude(upload="")
        return ended.exclude(status=Run.Status.HELD, dry_run=False)

    def awaiting_decision(self) -> RunQuerySet:
        """Held, and a person can still let them through."""
        return self.filter(status=Run.Status.HELD, dry_run=False)

    def overtaken_by(self, run: Run) -> RunQuerySet:
        """Held runs of the same source whose sequence the applied run has reached or passed."""
        return self.awaiting_decision().filter(source=run.source, sequence__lte=run.sequence).exclude(pk=run.pk)


class Run(models.Model):
    """One package's way through the feed: from its receipt to its end, in figures and findings.

    `counts`: file → inserted, updated, unretired, unchanged, retired, rows, before. `finding_counts`: a list of file,
    code, kind, found, kept. `difference`: what a held package would do, with examples. `timings`: phase → seconds.
    """

    class Status(models.TextChoices):
        """Where a run stands. `failed` is the portal's trouble, `refused` the package's."""

        RECEIVED = "received", "Received"
        CHECKING = "checking", "Being checked and applied"
        HELD = "held", "Held for a person's decision"
        DROPPED = "dropped", "Dropped without being applied"
        REFUSED = "refused", "Refused"
        APPLIED = "applied", "Applied"
        UNCHANGED = "unchanged", "Nothing new"
        REHEARSED = "rehearsed", "Dry run: would be applied"
        FAILED = "failed", "Failed"

    class Origin(models.TextChoices):
        """How the package came."""

        COMMAND = "command", "Command line"
        UPLOAD = "upload", "Upload in admin"
        FOLDER = "folder", "Watched folder"

    UNFINISHED = (Status.RECEIVED, Status.CHECKING)
    MAX_ATTEMPTS = 3

    status = models.CharField(max_length=12, choices=Status, default=Status.RECEIVED)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.COMMAND)
    dry_run = models.BooleanField("dry run", default=False)
    # Of the form that uploaded it; a run that came another way has one too.
    idempotency_key = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField("package", max_length=200, blank=True)
    # An upload is kept in storage; a package on the machine is named by its path.
    upload = models.FileField(storage=package_storage, upload_to=package_name, blank=True)
    path = models.TextField(blank=True)

    source = models.CharField(max_length=40, blank=True)
    sequence = models.BigIntegerField(null=True, blank=True)
    mode = models.CharField(max_length=5, blank=True)
    as_of = models.DateTimeField(null=True, blank=True)
    digest = models.CharField("package's SHA-256", max_length=64, blank=True)

    attempts = models.PositiveSmallIntegerField(default=0)
    phase = models.CharField(max_length=120, blank=True)
    bytes_done = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict, blank=True)
    finding_counts = models.JSONField(default=list, blank=True)
    difference = models.JSONField(default=dict, blank=True)
    timings = models.JSONField("seconds", default=dict, blank=True)
    outcome = models.TextField(blank=True)

    created_at = models.DateTimeField("received", default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    released_reason = models.TextField("reason", blank=True)
    # At the command line the name is only claimed; this is who the operating system says it was.
    released_os_user = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("load_package", "Can load a package of the carrier's feed"),
            ("release_held_run", "Can apply a held package anyway, with a reason"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["idempotency_key", "uploaded_by"], nulls_distinct=False, name="feed_run_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=("received", "checking")),
                name="feed_run_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk}: {self.name or 'package'}"

    def get_absolute_url(self) -> str:
        """The run's page in admin."""
        return reverse("admin:feed_run_change", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status not in self.UNFINISHED

    @property
    def percent(self) -> int:
        """How much of the package has been read, 0 to 100."""
        return min(100, 100 * self.bytes_done // self.bytes_total) if self.bytes_total else 0

    @property
    def errors(self) -> int:
        """How many findings of kind error there are."""
        return self._found(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """How many findings of kind warning there are."""
        return self._found(Severity.WARNING)

    def _found(self, severity: Severity) -> int:
        return sum(entry["found"] for entry in self.finding_counts if entry["kind"] == severity.value)

    @property
    def can_be_released(self) -> bool:
        """Whether a person's decision can still let it through."""
        return self.status == self.Status.HELD and not self.dry_run

    @property
    def is_released(self) -> bool:
        """Whether a person has let it through; the reason outlives that person's account."""
        return bool(self.released_reason)

    def forget_upload(self) -> None:
        """Delete the uploaded file of a run that has ended and can't be released: it holds dates of birth."""
        if self.upload and self.is_finished and not self.can_be_released:
            self.upload.delete(save=False)
            Run.objects.filter(pk=self.pk).update(upload="")

    def release(self, *, by: User, reason: str, os_user: str = "") -> None:
        """Let a held package through on a person's decision: it is loaded once more, past the guard
        (docs/feed-format.md#held).

        `os_user`: at the command line, whom the operating system takes the person for. Raises NotHeldError where it
        isn't held any more, OwnUploadError for the person who uploaded it, ValueError without a reason. Enqueue
        `feed.tasks.load_run` afterwards, or execute it.
        """
        reason = reason.strip()
        if not reason:
            raise ValueError("A held package is released for a reason.")
        with transaction.atomic():
            run = self._lock_held()
            if run.uploaded_by_id == by.pk:
                raise OwnUploadError(f"Run {self.pk} was uploaded by the same person.")
            run.status = self.Status.RECEIVED
            run.released_by, run.released_reason, run.released_os_user = by, reason, os_user[:64]
            run.attempts, run.finished_at = 0, None
            run.save(
                update_fields=[
                    "status", "released_by", "released_reason", "released_os_user", "attempts", "finished_at",
                ]
            )  # fmt: skip
            at_terminal: dict[str, Any] = {"os_user": os_user} if os_user else {}
            record_event(
                FeedEvent.HELD_RELEASED,
                subject=run,
                by=by,
                source=run.source,
                sequence=run.sequence,
                reason=reason,
                **at_terminal,
            )
        self.refresh_from_db()

    def drop(self, *, reason: str, by: User | None = None) -> None:
        """End a held package without applying it. `by`: nobody where time or a later package decided.

        Raises NotHeldError where it isn't held any more, ValueError without a reason. Call `forget_upload` afterwards.
        """
        reason = reason.strip()
        if not reason:
            raise ValueError("A held package is dropped for a reason.")
        with transaction.atomic():
            run = self._lock_held()
            run.status = self.Status.DROPPED
            run.outcome = f"Dropped by {by}: {reason}" if by else reason
            run.save(update_fields=["status", "outcome"])
            record_event(
                FeedEvent.HELD_DROPPED,
                subject=run,
                by=by,
                source=run.source,
                sequence=run.sequence,
                reason=reason,
            )
        self.refresh_from_db()

    def _lock_held(self) -> Run:
        """The run under a row lock. Raises NotHeldError where it isn't held any more."""
        run = Run.objects.select_for_update(of=("self",)).get(pk=self.pk)
        if not run.can_be_released:
            raise NotHeldError(f"Run {self.pk} is not held.")
        return run

    @property
    def found(self) -> str:
        """How much was found, in words; empty where nothing was."""
        kinds = ((self.errors, "error"), (self.warnings, "warning"))
        return ", ".join(counted(count, kind) for count, kind in kinds if count)

    def describe(self, manifest: Manifest) -> None:
        """Take over what the manifest says; the caller saves."""
        self.source = manifest.source
        self.sequence = manifest.sequence
        self.mode = manifest.mode
        self.as_of = manifest.as_of
        self.digest = manifest.digest

    def total(self, figure: str) -> int:
        """A figure over all files, such as `inserted`."""
        counts: dict[str, Any] = self.counts
        return sum(file.get(figure, 0) for file in counts.values())


class Finding(models.Model):
    """One thing that a check found: where, what, and whether it stops the package.

    `row` is the row that a spreadsheet shows; the header is row 1. No finding repeats a date of birth.
    """

    STAGES = [(stage.value, stage.value.capitalize()) for stage in Stage]
    KINDS = [(severity.value, severity.value.capitalize()) for severity in Severity]

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="findings")
    stage = models.CharField(max_length=10, choices=STAGES)
    kind = models.CharField(max_length=7, choices=KINDS)
    file = models.CharField(max_length=80, blank=True)
    row = models.BigIntegerField(null=True, blank=True)
    column = models.CharField(max_length=80, blank=True)
    code = models.CharField(max_length=40)
    sentence = models.TextField()

    class Meta:
        ordering = ("id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.file, f"row {self.row}" if self.row else "", self.column) if part)
        return f"{place}: {self.sentence}" if place else self.sentence
