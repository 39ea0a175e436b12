"""The file of a paper that was issued: waiting for it, storing it, and saying so when it isn't what was stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from core import work
from core.alerts import alert_staff
from core.events import record_event
from core.storage import private_storage
from core.throttle import Limit
from policies.models import reach_of

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.models.papers import IssuedPaper
    from policies.models import Membership

_room_to_wait = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))

BROKEN_FILE = Limit("credentialing:broken-file", 1, dt.timedelta(hours=1))


def wait_for_file(paper: work.Work, *, seconds: float) -> None:
    """Return when the paper is ready or has failed, when the queue didn't take it, or after `seconds`.

    For one paper whose customer waits, and for nothing else: a batch has a page that asks by itself.

    At once where half of this process's threads wait already: the others are for those who don't issue
    (docs/security.md#exhaustion), and the page of the paper goes on asking by itself.
    """
    if not _room_to_wait.acquire(blocking=False):
        return
    try:
        _wait(paper, seconds)
    finally:
        _room_to_wait.release()


def _wait(paper: work.Work, seconds: float) -> None:
    """Look at one column of one row, first after the time that no page is laid out in, then every 20 ms."""
    rows = type(paper).objects.filter(pk=paper.pk).values_list("status", "is_enqueued")
    deadline = time.monotonic() + seconds
    pause = 0.08
    while True:
        paper.status, paper.is_enqueued = rows.get()
        if paper.status != paper.QUEUED or not paper.is_enqueued:
            return
        if time.monotonic() + pause > deadline:
            return
        time.sleep(pause)
        pause = 0.02


def store_file(paper: IssuedPaper, pdf: bytes) -> None:
    """Store the file of a paper that this worker holds, and record that it is ready.

    The bytes are stored before the row says `ready`.
    """
    sha256 = hashlib.sha256(pdf).hexdigest()
    name = f"{paper.FOLDER}/{paper.issued_on:%Y/%m}/{paper.public_id}-{sha256[:16]}.pdf"
    storage = private_storage()
    # The name says the content: a file left by an attempt that was killed after storing it is the same file.
    if not storage.exists(name):
        name = storage.save(name, ContentFile(pdf))
    type(paper).objects.filter(pk=paper.pk).update(
        status=paper.Status.READY, file=name, sha256=sha256, size=len(pdf), ready_at=timezone.now()
    )
    record_event(paper.TAGS.RENDERED, subject=paper, serial=paper.serial, sha256=sha256, attempt=paper.attempts)


def ask_for_file(paper: IssuedPaper) -> None:
    """Hand a paper over whose file nobody has asked for yet. Two at once: one does it."""
    with transaction.atomic():
        asked = type(paper).objects.filter(pk=paper.pk, status=paper.Status.UNFILED)
        if asked.update(status=paper.Status.QUEUED, attempts=0, enqueued_at=timezone.now(), is_enqueued=True):
            work.hand_over(paper)
    paper.refresh_from_db(fields=["status", "is_enqueued"])


def membership_at_party(user: User, issuer: Membership) -> Membership:
    """Return the user's own membership with the party that a paper was issued by. Raises StopIteration without one."""
    return next(each for each in reach_of(user).memberships if each.party_key == issuer.party_key)


def report_broken_file(paper: IssuedPaper, *, missing: bool) -> None:
    """Record that a paper's file is gone or was changed, and tell staff; once an hour for each paper."""
    if not BROKEN_FILE.hit(f"{paper.FOLDER}:{paper.pk}").allowed:
        return
    what = "is missing" if missing else "isn’t the one that was stored"
    record_event(
        paper.TAGS.FILE_MISSING if missing else paper.TAGS.FILE_CHANGED,
        subject=paper,
        serial=paper.serial,
    )
    alert_staff(
        f"The file of a {paper.NOUN} {what}",
        f"The file of {paper.NOUN} {paper.serial} {what}, so it isn’t given out. Restore {paper.file} from "
        f"a backup; its SHA-256 is {paper.sha256}.",
    )
