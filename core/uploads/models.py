"""The row of an uploaded file, and the base of what an area attaches files to."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from core.alerts import alert_staff
from core.fields import EncryptedTextField, PublicIdField
from core.storage import private_storage
from core.uploads.events import UploadEvent
from core.uploads.kinds import Kind
from core.work import Work

if TYPE_CHECKING:
    from core.uploads.checking import CheckedFile

# `core.models` imports this module, and the event log is one of its tables: what writes to the log is imported late.


class Upload(Work):
    """One file in the private storage, and what the virus scanner said of it. Until that said that it's clean, nobody
    can download it; where no scanner is configured it is `ready` at once.

    The name is encrypted, because people name files after patients. With `file_key`, the content is too.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting to be scanned"
        READY = "ready", "Ready"
        INFECTED = "infected", "Refused: virus"
        FAILED = "failed", "Could not be scanned"

    TASK = "core.tasks.scan_upload"
    # About eight hours, for a scanner that is down.
    MAX_ATTEMPTS = 11
    PAUSE = dt.timedelta(seconds=30)
    LOST_BEGUN = dt.timedelta(seconds=90)

    public_id = PublicIdField()
    name = EncryptedTextField()
    kind = models.CharField(max_length=4, choices=Kind)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=100, unique=True)
    file_key = EncryptedTextField(blank=True, default="", db_default="")
    # The page on which its owner sees what became of it, for the mail.
    page = models.CharField(max_length=200, blank=True, default="", db_default="")
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        permissions = [("retry_upload", "Can have failed uploads scanned again")]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=models.Q(status="queued"), name="upload_queued"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {timezone.localtime(self.uploaded_at):%Y-%m-%d %H:%M}"

    @property
    def is_ready(self) -> bool:
        """Whether it can be downloaded."""
        return self.status == self.Status.READY

    @property
    def filename(self) -> str:
        """The name of a download."""
        return f"{self.name}.{self.kind}"

    def given_up(self) -> None:
        """Tell staff: the scanner was away for hours."""
        from core.events import record_event

        record_event(UploadEvent.SCAN_GIVEN_UP, subject=self, on_behalf_of=self.uploaded_by)
        alert_staff(
            "An uploaded file could not be scanned",
            f"Upload {self.pk} was tried {self.attempts} times; the last error was {self.last_error}. Nobody can "
            "download it. When the virus scanner is back, have it scanned again in admin under Uploads.",
        )

    def retried(self, *, by: models.Model) -> None:
        """Record who has it scanned again."""
        from core.events import record_event

        record_event(UploadEvent.SCAN_RETRIED, subject=self, by=by, on_behalf_of=self.uploaded_by)

    def discard(self) -> None:
        """Delete it: the row now, the file once that is committed. Nothing may refer to it any more."""
        stored_as = self.stored_as
        self.delete()
        transaction.on_commit(lambda: private_storage().delete(stored_as))


class Attachment(models.Model):
    """A file that belongs to something. A subclass has a foreign key to it with `files` as its other side, unique
    together with `sha256`, so that a form sent twice attaches a file once.

    `SEALED`: contents are encrypted where they are stored (PHI).
    """

    SEALED = False

    public_id = PublicIdField()
    upload = models.OneToOneField(Upload, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64, editable=False)

    class Meta:
        abstract = True
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.upload)

    def remove(self) -> None:
        """Take it away with its file."""
        with transaction.atomic():
            upload = self.upload
            self.delete()
            upload.discard()


def attach(rows: Any, checked: CheckedFile, *, by: Any, page: str = "", **more: Any) -> Any:
    """Store a checked file and attach it to the owner of `rows` (`draft.files`); returns the attachment.

    The same content attached before is left alone. `more`: fields of the subclass. `page`: where the sender sees what
    became of it, for the mail about a virus.
    """
    from core.uploads.storing import store

    found = rows.filter(sha256=checked.sha256).first()
    if found is not None:
        return found
    with transaction.atomic():
        upload = store(checked, by=by, sealed=rows.model.SEALED, page=page)
        attached, is_new = rows.get_or_create(sha256=checked.sha256, defaults={"upload": upload, **more})
        if not is_new:
            upload.discard()
    return attached
