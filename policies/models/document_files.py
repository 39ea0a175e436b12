"""What users do with documents: those that they have opened, and the files into which workers join what they select."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from core.alerts import alert_staff
from core.downloads import file_name_part
from core.events import record_event
from core.fields import PublicIdField
from core.work import Work
from policies.events import PolicyEvent
from policies.models.documents import Document
from policies.models.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User

# Why a document isn't in a file, as a sentence about it.
LEFT_OUT = {
    "encrypted": "It’s locked with a password.",
    "protected": "It’s protected against being combined with others. You can download it by itself.",
    "broken": "It’s damaged.",
    "missing": "We don’t have the file right now. Web support has been told.",
}


class DocumentRead(models.Model):
    """A document that a user has opened."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "document"], name="policies_documentread_once")]

    def __str__(self) -> str:
        return f"{self.document_id} by {self.user_id}"


class DocumentFileQuerySet(models.QuerySet["DocumentFile"]):
    """Files of documents, and who may see them."""

    def visible_to(self, user: User) -> Self:
        """Return those that the user asked for: the selection is theirs."""
        return self.filter(user=user)


class DocumentFile(Work):
    """Documents of a policy that a user selected, as one PDF that a worker makes and that is kept for some days.

    `left_out`: id, title, and fault of each document that couldn't be taken.
    """

    class Status(models.TextChoices):
        QUEUED = Work.QUEUED, "In progress"
        FAILED = Work.FAILED, "Failed"
        READY = "ready", "Ready"
        EMPTY = "empty", "Nothing could be combined"

    TASK = "policies.tasks.combine_documents"

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.UUIDField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    # The ids of the documents, in the order of the file.
    documents = models.JSONField(editable=False)
    left_out = models.JSONField(default=list, db_default=[], editable=False)
    pages = models.PositiveIntegerField(default=0, db_default=0)
    file = models.CharField(max_length=120, blank=True, default="", db_default="", editable=False)
    size = models.PositiveBigIntegerField("bytes", default=0, db_default=0)
    # From then on the file is gone.
    file_until = models.DateTimeField(null=True, blank=True)

    objects = DocumentFileQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name, verbose_name_plural = "file of documents", "files of documents"
        permissions = [("retry_documentfile", "Can try failed files of documents again")]
        constraints = [models.UniqueConstraint(fields=["user", "idempotency_key"], name="policies_documentfile_once")]
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="policies_documentfile_queued"),
            models.Index(fields=["file_until"], condition=~Q(file=""), name="policies_documentfile_files"),
        ]

    def __str__(self) -> str:
        return f"{self.total} documents of policy {self.policy}"

    def get_absolute_url(self) -> str:
        return reverse("policies:document-file", args=[self.public_id])

    @property
    def total(self) -> int:
        """How many documents were selected."""
        return len(self.documents)

    @property
    def taken(self) -> int:
        """How many of them are in the file."""
        return self.total - len(self.left_out)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Title and sentence of each document that isn't in it."""
        return [(each["title"], LEFT_OUT[each["fault"]]) for each in self.left_out]

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.QUEUED

    @property
    def has_file(self) -> bool:
        """Whether it can be downloaded now."""
        return self.status == self.Status.READY and bool(self.file)

    @property
    def title(self) -> str:
        """What the file calls itself."""
        return title_of(self.policy)

    @property
    def download_name(self) -> str:
        return f"{file_name_part(self.title)}.pdf"

    @property
    def done(self) -> int:
        """How many documents the worker has looked at."""
        found = DocumentFileProgress.objects.filter(document_file=self).first()
        return found.done if found else 0

    def inside(self, documents: Iterable[Document]) -> list[Document]:
        """Return those of its documents that are in the file."""
        left_out = {each["id"] for each in self.left_out}
        return [document for document in documents if document.pk not in left_out]

    def record_download(self, *, by: User) -> None:
        """Record that the user got the file."""
        record_event(PolicyEvent.DOCUMENTS_DOWNLOADED, subject=self, by=by, documents=self.taken)

    def given_up(self) -> None:
        """Record it, and tell staff."""
        record_event(PolicyEvent.DOCUMENTS_FAILED, subject=self, on_behalf_of=self.user, documents=self.total)
        alert_staff(
            "Documents couldn’t be combined",
            f"The file {self.public_id} of {self.total} documents failed {self.attempts} times ({self.last_error}). "
            "Admin, Files of documents, has it.",
        )

    def retried(self, *, by: models.Model) -> None:
        """Record who tries again."""
        record_event(PolicyEvent.DOCUMENTS_RETRIED, subject=self, by=by, on_behalf_of=self.user)


class DocumentFileProgress(models.Model):
    """How far a file is: a row of its own, since a worker holds the file's while it writes."""

    document_file = models.OneToOneField(
        DocumentFile, on_delete=models.CASCADE, primary_key=True, related_name="progress"
    )
    done = models.PositiveIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return str(self.done)


def title_of(policy: Policy) -> str:
    """Return what a file of a policy's documents calls itself."""
    return f"Documents of policy {policy.number}"


def kept_until() -> dt.datetime:
    """Return until when a file made now is kept."""
    return timezone.now() + settings.DOCUMENT_FILES_KEPT
