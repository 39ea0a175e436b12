"""What each paper that we issue has: a snapshot that stays, a serial number, who issued it, and a file to be made."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.alerts import alert_staff
from core.events import record_event
from core.fields import PublicIdField
from core.work import Work
from policies.models import Membership


class IssuedPaper(Work):
    """A paper as it was issued: its row is the task that makes its file.

    `snapshot` holds everything on its pages. Each table of papers has a trigger that refuses changes to what was issued
    and to a row that is ready, and refuses to delete any. A subclass names its event tags, the word that staff read for
    it, and the folder of its files; its task lays the snapshot out and calls `credentialing.papers.store_file`.
    """

    class Status(models.TextChoices):
        """The state of the file."""

        QUEUED = "queued", "In preparation"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        # Of a batch that is one PDF: it has no file of its own until someone asks for it.
        UNFILED = "unfiled", "Made when asked for"

    # With the members ISSUED, RENDERED, FAILED, RETRIED, FILE_MISSING, and FILE_CHANGED.
    TAGS: Any
    NOUN = "paper"
    FOLDER = "papers"

    public_id = PublicIdField()
    serial = models.CharField(max_length=24, unique=True)
    verification_code = models.CharField(max_length=24, unique=True)
    snapshot = models.JSONField()
    issued_on = models.DateField()
    issued_at = models.DateTimeField(default=timezone.now)
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # The membership that it was issued by: the insured's own, the policyholder's, or the agency's.
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.UUIDField(editable=False)

    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    file = models.CharField(max_length=200, blank=True, default="")
    sha256 = models.CharField("SHA-256 of the file", max_length=64, blank=True, default="")
    size = models.PositiveIntegerField("size in bytes", null=True, blank=True)
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.serial

    def given_up(self) -> None:
        """Record it, and tell staff."""
        record_event(self.TAGS.FAILED, subject=self, serial=self.serial, attempts=self.attempts)
        alert_staff(
            f"{self.NOUN.capitalize()} {self.serial} could not be made",
            f"{self.NOUN.capitalize()} {self.serial} was tried {self.attempts} times. The log of the documents worker "
            f"tells why; once that is mended, retry it in admin under "
            f"{str(self._meta.verbose_name_plural).capitalize()}.",
        )

    def retried(self, *, by: models.Model) -> None:
        """Record who tried it again."""
        record_event(self.TAGS.RETRIED, subject=self, by=by, serial=self.serial)

    @property
    def is_ready(self) -> bool:
        return self.status == self.Status.READY


def ready_has_file(name: str) -> models.CheckConstraint:
    """Return the constraint of a table of papers: a row that is ready has its file."""
    return models.CheckConstraint(
        condition=~Q(status="ready") | (~Q(file="") & ~Q(sha256="") & Q(size__gt=0, ready_at__isnull=False)), name=name
    )
