"""Selected documents as one PDF: at once where they are few, else by a worker (docs/spec.md#s-30)."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import structlog
from django.conf import settings
from django.core.files.base import File
from django.db import connection, transaction
from django.utils import timezone

from core import work
from core.alerts import alert_staff
from core.events import record_event
from core.pdf.combining import Combiner
from core.refusals import record_refusal
from core.storage import local_file, private_storage
from core.templatetags.show import clock, day
from core.throttle import Limit
from policies.events import PolicyEvent
from policies.models import Document, DocumentFile, DocumentFileProgress
from policies.models.document_files import kept_until, title_of

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Iterator, Sequence

    from accounts.models import User
    from policies.models import Policy

log = structlog.get_logger(__name__)
FOLDER = "document-files"
# Between two looks at how far a file is, in seconds.
PACE = 0.5


class TooManyError(Exception):
    """The user's limit is reached, or the selection is too large; the message says so."""


def count_file(user: User) -> None:
    """Count one file of several documents. Raises `TooManyError` past the limit of an hour."""
    limit = Limit("documents:combine", settings.DOCUMENT_FILES_PER_USER, dt.timedelta(hours=1))
    allowance = limit.hit(str(user.pk))
    if not allowance.allowed:
        record_refusal(PolicyEvent.DOCUMENTS_REFUSED, scope=limit.scope, key=str(user.pk), by=user)
        raise TooManyError(
            f"You’ve combined documents {settings.DOCUMENT_FILES_PER_USER} times within an hour. You can do it again "
            f"at {clock(allowance.retry_at)}. Until then, download documents one by one."
        )


def is_small(documents: Sequence[Document]) -> bool:
    """Whether so many documents are combined while the user waits."""
    size = sum(document.size or 0 for document in documents)
    return len(documents) <= settings.DOCUMENTS_AT_ONCE and size <= settings.DOCUMENTS_AT_ONCE_BYTES


def join(
    documents: Sequence[Document], to: BinaryIO, *, title: str, tell: Callable[[int], None] | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Write the documents as one PDF. Return its number of pages, and id, title, and fault of each that is left out.

    Without any page nothing is written. `tell` hears how many documents were looked at. Staff are told about a file
    that isn't there, or isn't the one that was stored.
    """
    left_out: list[dict[str, Any]] = []
    with Combiner(to, title=title) as combiner:
        for number, document in enumerate(documents, start=1):
            fault = document.fault or _add(combiner, document)
            if fault:
                left_out.append({"id": document.pk, "title": document.title, "fault": fault})
            if tell is not None:
                tell(number)
        if combiner.pages:
            combiner.close()
        return combiner.pages, left_out


def _add(combiner: Combiner, document: Document) -> str:
    """Add a document; return its fault, if any."""
    try:
        with local_file(document.file) as path:
            if path.stat().st_size != document.size:
                report(document)
                return "missing"
            return combiner.add(path, title=f"{document.title} · {day(document.issued)}").fault
    except FileNotFoundError:
        report(document)
        return "missing"


def report(document: Document) -> None:
    """Record that a document's file can't be given out, and tell staff."""
    record_event(PolicyEvent.DOCUMENT_BROKEN, subject=document)
    alert_staff(
        "A document is missing",
        f"The file of document {document.external_id} of source {document.source} is missing, or isn't the one that "
        f"was stored. Restore {document.file} from a backup, or have the carrier send it again.",
    )


def ask(*, user: User, policy: Policy, documents: Sequence[Document], key: uuid.UUID) -> DocumentFile:
    """Store a file to be made by a worker, record it, and hand it over."""
    with transaction.atomic():
        asked = DocumentFile.objects.create(
            user=user, policy=policy, idempotency_key=key, documents=[document.pk for document in documents]
        )
        DocumentFileProgress.objects.create(document_file=asked)
        record_event(PolicyEvent.DOCUMENTS_ASKED, subject=asked, by=user, documents=len(documents))
        work.hand_over(asked)
    return asked


def keep(
    content: BinaryIO, *, user: User, policy: Policy, documents: Sequence[Document], key: uuid.UUID, pages: int,
    left_out: list[dict[str, Any]],
) -> DocumentFile:  # fmt: skip
    """Store what was combined at once, so that a page can say what is missing from it."""
    with transaction.atomic():
        kept = DocumentFile.objects.create(
            user=user, policy=policy, idempotency_key=key, documents=[document.pk for document in documents]
        )
        record_event(PolicyEvent.DOCUMENTS_ASKED, subject=kept, by=user, documents=len(documents))
        _store(kept, content, pages=pages, left_out=left_out)
    return kept


def make(document_file_id: int) -> None:
    """Make a file that was asked for. Its documents are read again: one that the carrier took back isn't given out."""
    with work.attempt(DocumentFile, document_file_id) as asked:
        if asked is None:
            return
        found = Document.objects.not_retired().in_bulk(asked.documents)
        documents = [found[pk] for pk in asked.documents if pk in found]
        with tempfile.TemporaryFile() as to, _progress_of(asked) as tell:
            pages, left_out = join(documents, to, title=title_of(asked.policy), tell=tell)
            _store(asked, to, pages=pages, left_out=left_out)


def _store(asked: DocumentFile, content: BinaryIO, *, pages: int, left_out: list[dict[str, Any]]) -> None:
    asked.pages, asked.left_out = pages, left_out
    asked.status = DocumentFile.Status.EMPTY
    if pages:
        asked.size = content.seek(0, 2)
        content.seek(0)
        storage, name = private_storage(), f"{FOLDER}/{asked.public_id}.pdf"
        # A second attempt's file replaces what a killed one left.
        storage.delete(name)
        asked.file = storage.save(name, File(content))
        asked.file_until = kept_until()
        asked.status = DocumentFile.Status.READY
    asked.save(update_fields=["pages", "left_out", "status", "file", "file_until", "size"])


@contextmanager
def _progress_of(asked: DocumentFile) -> Iterator[Callable[[int], None]]:
    """Give what says how far a file is, over a connection of its own: this worker's transaction is still open."""
    own = connection.copy()
    said = time.monotonic()

    def tell(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said < PACE:
            return
        said = now
        with own.cursor() as cursor:
            cursor.execute(
                "UPDATE policies_documentfileprogress SET done = %s WHERE document_file_id = %s", [done, asked.pk]
            )

    try:
        yield tell
    finally:
        own.close()


def forget_files() -> int:
    """Delete the files whose time is over, and return how many."""
    storage, forgotten = private_storage(), 0
    for each in DocumentFile.objects.exclude(file="").filter(file_until__lte=timezone.now()).iterator():
        storage.delete(each.file)
        DocumentFile.objects.filter(pk=each.pk).update(file="")
        forgotten += 1
    return forgotten
