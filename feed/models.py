"""Runs of the feed, their findings, and the sources."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from core.events import record_event
from core.feedspec import Severity, Stage
from core.freshness import is_stale
from feed.events import FeedEvent
from feed.load.findings import counted
from feed.package.paths import MAX_NAME

if TYPE_CHECKING:
    from accounts.models import User
    from feed.package.manifest import Manifest


# The folder of uploads in their storage.
UPLOADS = "feed"


def package_storage() -> Storage:
    """Return the storage of uploaded packages: that of private files, outside the web root."""
    return storages["private"]


def package_name(_run: Run, _filename: str) -> str:
    """Return a generated name; the upload's own name is only a label."""
    return f"{UPLOADS}/{timezone.now():%Y/%m}/{uuid.uuid4()}.zip"


class Source(models.Model):
    """One of the carrier's systems, and the last package from it that was applied."""

    name = models.CharField(max_length=40, unique=True)
    sequence = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    as_of = models.DateTimeField()
    applied_at = models.DateTimeField()
    # Set when staff were alerted that this source is stale and cleared by fresh data, so they're alerted once.
    alarmed_at = models.DateTimeField(null=True, blank=True)
    # Its files that needn't be read again as long as they stay the same (`feed.load.unread`).
    unread = models.JSONField(default=dict, db_default={}, editable=False)

    def __str__(self) -> str:
        return f"{self.name} at {self.sequence}"

    @property
    def is_stale(self) -> bool:
        """Whether its data is too old."""
        return is_stale(self.as_of, source=self.name)


class NotHeldError(Exception):
    """The run isn't held, or is no longer held."""


class OwnUploadError(Exception):
    """The person who uploaded a package may not release it."""


class RunQuerySet(models.QuerySet["Run"]):
    def unfinished(self) -> RunQuerySet:
        """Return runs that are received or running."""
        return self.filter(status__in=Run.UNFINISHED)

    def ready(self) -> RunQuerySet:
        """Return unfinished runs that don't wait for an earlier package of their source."""
        return self.unfinished().exclude(waits_for__status__in=Run.OPEN)

    def waiting(self) -> RunQuerySet:
        """Return deltas that wait for an earlier package of their source, in their order."""
        return self.unfinished().filter(waits_for__status__in=Run.OPEN).order_by("sequence", "pk")

    def between(self, source: Source | None, manifest: Manifest) -> RunQuerySet:
        """Return runs whose packages come after the last one applied and before this one, dry runs left out."""
        applied = source.sequence if source else -1
        same = self.filter(source=manifest.source, dry_run=False)
        return same.filter(sequence__gt=applied, sequence__lt=manifest.sequence).order_by("sequence", "-pk")

    def with_needless_upload(self) -> RunQuerySet:
        """Return ended runs that can't be released and still have their uploaded file."""
        ended = self.exclude(status__in=Run.UNFINISHED).exclude(upload="")
        return ended.exclude(status=Run.Status.HELD, dry_run=False)

    def awaiting_decision(self) -> RunQuerySet:
        """Return held runs that a person can release or drop."""
        return self.filter(status=Run.Status.HELD, dry_run=False)

    def overtaken_by(self, run: Run) -> RunQuerySet:
        """Return held runs of the same source whose sequence isn't higher than the applied run's."""
        return self.awaiting_decision().filter(source=run.source, sequence__lte=run.sequence).exclude(pk=run.pk)


class Run(models.Model):
    """One package's load, from receipt to outcome, with its counts and findings.

    `counts`: file → inserted, updated, unretired, unchanged, retired, rows, before. `finding_counts`: a list of file,
    code, kind, found, and kept (stored). `difference`: why a package is held (`feed.load.guard`), and samples of what
    it would change (`feed.load.difference`). `timings`: phase → seconds.
    """

    class Status(models.TextChoices):
        """Status of a run. `failed` is the portal's problem, `refused` the package's."""

        RECEIVED = "received", "Received"
        CHECKING = "checking", "Checking and applying"
        HELD = "held", "Held for review"
        DROPPED = "dropped", "Dropped"
        REFUSED = "refused", "Refused"
        APPLIED = "applied", "Applied"
        UNCHANGED = "unchanged", "No changes"
        REHEARSED = "rehearsed", "Dry run: would be applied"
        FAILED = "failed", "Failed"

    class Origin(models.TextChoices):
        """How the package was received."""

        COMMAND = "command", "Command line"
        UPLOAD = "upload", "Admin upload"
        FOLDER = "folder", "Watched folder"

    UNFINISHED = (Status.RECEIVED, Status.CHECKING)
    # What may still be applied.
    OPEN = (*UNFINISHED, Status.HELD)
    TASK = "feed.tasks.load_run"
    MAX_ATTEMPTS = 3

    status = models.CharField(max_length=12, choices=Status, default=Status.RECEIVED)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.COMMAND)
    dry_run = models.BooleanField("dry run", default=False)
    # From the upload form; runs received in other ways have one too.
    idempotency_key = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField("package", max_length=200, blank=True)
    # Uploads are in storage; packages on this machine have a path.
    upload = models.FileField(storage=package_storage, upload_to=package_name, blank=True)
    path = models.TextField(blank=True)

    source = models.CharField(max_length=40, blank=True)
    sequence = models.BigIntegerField(null=True, blank=True)
    mode = models.CharField(max_length=5, blank=True)
    as_of = models.DateTimeField(null=True, blank=True)
    digest = models.CharField("package's SHA-256", max_length=64, blank=True)

    # A delta waits for a package before it that is held, until someone decides about that.
    waits_for = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="waiting", editable=False
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    phase = models.CharField(max_length=120, blank=True)
    bytes_done = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    # While it loads: a list of file, rows (as the manifest says), read (of them), and step.
    progress = models.JSONField(default=list, blank=True, null=True)
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
    # On the command line, anyone can give any username; this is the operating system's user.
    released_os_user = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        permissions = [
            ("load_package", "Can upload packages of the carrier feed"),
            ("release_held_run", "Can release held packages, with a reason"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["idempotency_key", "uploaded_by"], nulls_distinct=False, name="feed_run_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=("received", "checking")),
                name="feed_run_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk}: {self.name or 'package'}"

    def get_absolute_url(self) -> str:
        return reverse("admin:feed_run_change", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended or waits for a person."""
        return self.status not in self.UNFINISHED

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for an earlier package of its source."""
        return self.status == self.Status.RECEIVED and self.waits_for is not None and self.waits_for.status in self.OPEN

    @property
    def words(self) -> str:
        """Its status and what it is doing now, in words."""
        return f"{self.get_status_display()}: {self.phase}" if self.phase else self.get_status_display()

    @property
    def percent(self) -> int:
        """Percentage of the package that has been read."""
        return min(100, 100 * self.bytes_done // self.bytes_total) if self.bytes_total else 0

    @property
    def errors(self) -> int:
        return self._found(Severity.ERROR)

    @property
    def warnings(self) -> int:
        return self._found(Severity.WARNING)

    def _found(self, severity: Severity) -> int:
        return sum(entry["found"] for entry in self.finding_counts if entry["kind"] == severity.value)

    @property
    def can_be_released(self) -> bool:
        """Whether a person can still release it."""
        return self.status == self.Status.HELD and not self.dry_run

    @property
    def is_released(self) -> bool:
        """Whether a person released it; the reason stays even if that person's account is deleted."""
        return bool(self.released_reason)

    @property
    def belongs_to_a_command(self) -> bool:
        """Whether someone at a terminal waits for it to end, so that no worker takes it up."""
        return self.origin == self.Origin.COMMAND and not self.is_released

    def forget_upload(self) -> None:
        """Delete the uploaded file of a run that has ended and can't be released: it has dates of birth."""
        if self.upload and self.is_finished and not self.can_be_released:
            self.upload.delete(save=False)
            Run.objects.filter(pk=self.pk).update(upload="")

    def release(self, *, by: User, reason: str, os_user: str = "") -> None:
        """Release a held package after review, so that it can be loaded again without the guard
        (docs/feed-format.md#held).

        `os_user`: on the command line, the operating system's user. Raises NotHeldError if it's no longer held,
        OwnUploadError for the person who uploaded it, and ValueError without a reason. Afterward, enqueue
        `feed.tasks.load_run` or execute the run.
        """
        reason = reason.strip()
        if not reason:
            raise ValueError("Releasing a held package requires a reason.")
        with transaction.atomic():
            run = self._lock_held()
            if run.uploaded_by_id == by.pk:
                raise OwnUploadError(f"The same person uploaded run {self.pk}.")
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

    def take_back_release(self) -> None:
        """Make a released package wait for a person again; the caller saves. The event log keeps the release."""
        self.released_by, self.released_reason, self.released_os_user = None, "", ""

    def drop(self, *, reason: str, by: User | None = None) -> None:
        """Drop a held package without applying it. `by`: None if time or a later package decided.

        Raises NotHeldError if it's no longer held, ValueError without a reason. Call `forget_upload` afterward.
        """
        reason = reason.strip()
        if not reason:
            raise ValueError("Dropping a held package requires a reason.")
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
        """Lock the run's row and return it. Raises NotHeldError if it's no longer held."""
        run = Run.objects.select_for_update(of=("self",)).get(pk=self.pk)
        if not run.can_be_released:
            raise NotHeldError(f"Run {self.pk} isn't held.")
        return run

    @property
    def found(self) -> str:
        """The numbers of errors and warnings in words; empty if there are none."""
        kinds = ((self.errors, "error"), (self.warnings, "warning"))
        return ", ".join(counted(count, kind) for count, kind in kinds if count)

    def describe(self, manifest: Manifest) -> None:
        """Copy the manifest's facts; the caller saves."""
        self.source = manifest.source
        self.sequence = manifest.sequence
        self.mode = manifest.mode
        self.as_of = manifest.as_of
        self.digest = manifest.digest

    def total(self, figure: str) -> int:
        """Return a count over all files, such as `inserted`."""
        counts: dict[str, Any] = self.counts
        return sum(file.get(figure, 0) for file in counts.values())


class Finding(models.Model):
    """One thing that a check found: where, what, and whether it's an error, which stops the package.

    `row` is the row a spreadsheet shows; the header is row 1. Findings never include a date of birth.
    """

    STAGES = [(stage.value, stage.value.capitalize()) for stage in Stage]
    KINDS = [(severity.value, severity.value.capitalize()) for severity in Severity]

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="findings")
    stage = models.CharField(max_length=10, choices=STAGES)
    kind = models.CharField(max_length=7, choices=KINDS)
    # A file of the feed, or a document's path.
    file = models.CharField(max_length=MAX_NAME, blank=True)
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
