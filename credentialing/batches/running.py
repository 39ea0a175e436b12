"""A batch on its way: started, cut into pieces, handed over a few at a time, cancelled, tried again, ended.

Who holds what: a worker holds its piece's row, then the batch's row for the moment in which counts and pieces change.
Cancelling takes the batch's row first and then only pieces that no worker has, so nobody waits in a circle.
"""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from accounts.models import User
from core import work
from core.events import record_event
from credentialing import emails
from credentialing.batches import files, histories, mailing
from credentialing.batches.certifying import Asked, certify
from credentialing.certificates import issuing
from credentialing.certificates.limits import TooManyError
from credentialing.events import BatchEvent
from credentialing.models import Batch, BatchItem, BatchPiece, Certificate, ClaimsPaper, Holder
from credentialing.sending.limits import check_batch
from policies.eligibility import chosen_part
from policies.models import Coverage, Reach
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from policies.eligibility import Part
    from policies.models import Membership

Step, State = BatchPiece.Step, BatchPiece.Status
log = structlog.get_logger(__name__)

ENDED = "Your access ended before this certificate was created."
UNSEEN = "You can’t see this coverage anymore."
NO_FILE: dict[str, Any] = {"file": "", "size": None, "sha256": "", "file_until": None}
NOT_MADE = "We couldn’t create this certificate."
NO_HISTORY = "We couldn’t create this claims history."


def start(batch: Batch, *, by: User) -> bool:
    """Start a draft whose items are settled; False where it was started already.

    Raises `TooManyError` past the day's ceiling, and then changes nothing.
    """
    with transaction.atomic():
        # One start of a user after the other, so that the day's count is true.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        draft = _locked(batch.pk)
        if not draft.is_draft or not draft.is_frozen:
            return False
        _count_today(draft, by=by)
        if draft.is_mailed:
            check_batch(by, draft.total)
        now = timezone.now()
        Batch.objects.filter(pk=batch.pk).update(status=Batch.Status.RUNNING, started_at=now, started_by=by)
        BatchPiece.objects.bulk_create(_pieces(draft))
        record_event(BatchEvent.STARTED, subject=draft, by=by, certificates=draft.total, delivery=draft.delivery)
        _hand_over_next(draft)
    batch.refresh_from_db()
    return True


def _count_today(batch: Batch, *, by: User) -> None:
    """Raise `TooManyError` if this batch would take the user past the certificates of a day."""
    since = timezone.now() - dt.timedelta(days=1)
    today = Batch.objects.filter(started_by=by, started_at__gt=since).order_by("started_at")
    ordered = today.aggregate(all=Sum("total"))["all"] or 0
    most = settings.BATCH_CERTIFICATES_A_DAY
    if ordered + batch.total <= most:
        return
    left = max(0, most - ordered)
    what = (
        f"Batches of one day can hold {most:,} certificates. You have {left:,} left, and this batch has "
        f"{batch.total:,}."
    )
    first = today.values_list("started_at", flat=True).first()
    raise TooManyError(what, (first or timezone.now()) + dt.timedelta(days=1))


def _pieces(batch: Batch) -> list[BatchPiece]:
    """Return the pieces of a batch: stretches of items; of a large one, longer stretches of its file; and the file at
    the end."""
    steps = [Step.ISSUE, Step.FILE] if batch.delivery == Batch.Delivery.SEPARATE else [Step.ISSUE]
    pieces = [
        BatchPiece(batch=batch, step=step, first=first, beyond=beyond)
        for first, beyond in _stretches(batch, settings.BATCH_PIECE)
        for step in steps
    ]
    if batch.total > settings.BATCH_PART and not batch.is_mailed:
        pieces += [
            BatchPiece(batch=batch, step=Step.WRITE, first=first, beyond=beyond)
            for first, beyond in _stretches(batch, settings.BATCH_PART)
        ]
    return [*pieces, BatchPiece(batch=batch, step=Step.FINISH, first=0, beyond=batch.total)]


def _stretches(batch: Batch, size: int) -> list[tuple[int, int]]:
    return [(first, min(first + size, batch.total)) for first in range(0, batch.total, size)]


def run_piece(piece_id: int) -> None:
    """Do a queued piece, unless another worker is at it. Runs in a worker."""
    with work.attempt(BatchPiece, piece_id) as piece:
        if piece is None:
            return
        batch = Batch.objects.select_related("started_by", "membership").get(pk=piece.batch_id)
        if not batch.is_running:
            BatchPiece.objects.filter(pk=piece.pk).update(status=State.CANCELLED)
            return
        step = {Step.ISSUE: _issue, Step.FILE: _file, Step.WRITE: _write, Step.FINISH: _finish}[Step(piece.step)]
        step(batch, piece)


def _issue(batch: Batch, piece: BatchPiece) -> None:
    """Issue the certificates of a piece, as far as the user who started the batch may still issue them."""
    items = list(piece.items.filter(status=BatchItem.Status.WAITING).select_related("holder"))
    membership = acting_still(batch)
    given = 0
    if membership is None:
        for item in items:
            _refuse(item, ENDED)
            item.history_reason = ENDED if item.wants_history and item.history_id is None else item.history_reason
    else:
        _certify(batch, items, membership)
        given = histories.issue_for(batch, items, membership)
    mailed = mailing.mail_those(batch, items) if batch.is_mailed else 0
    BatchItem.objects.bulk_update(items, ["status", "reason", "certificate", "kind", "history", "history_reason"])
    issued = sum(item.status == BatchItem.Status.ISSUED for item in items)
    _end(piece, issued=issued, refused=len(items) - issued, histories=given, mailed=mailed)


def _certify(batch: Batch, items: list[BatchItem], membership: Membership) -> None:
    """Give each item its certificate, or the reason why there is none. One whose file failed has its certificate."""
    for item in items:
        if item.certificate_id is not None:
            item.status = item.Status.ISSUED
    items = [item for item in items if item.certificate_id is None]
    parts = _parts_of(items, membership, batch.about)
    asked = []
    for item in items:
        if item.coverage_id in parts:
            key = uuid.uuid5(batch.idempotency_key, str(item.place))
            of_item = parts[item.coverage_id]
            # A letter lists all that has ended, whatever the day.
            about = None if of_item[0].gives.is_letter else batch.about
            asked.append((item, Asked(of_item, item.holder, key, about)))
        else:
            _refuse(item, UNSEEN)
    answers = certify([each for _, each in asked], by=batch.started_by, membership=membership)
    for (item, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, str):
            _refuse(item, answer)
        else:
            item.status, item.certificate, item.kind, item.reason = item.Status.ISSUED, answer, answer.kind, ""
    used = {item.holder_id for item in items if item.certificate and item.holder_id}
    Holder.objects.filter(pk__in=used).update(last_used_at=timezone.now())


def _parts_of(items: list[BatchItem], membership: Membership, about: dt.date | None) -> dict[int, list[Part]]:
    """Return what the certificate of each coverage is to hold, as far as the membership opens it: the parts of the
    insured's coverage in the term that give the same on the day; of a letter, the one part that it is about."""
    wanted = Coverage.objects.in_bulk({item.coverage_id for item in items})
    seen = Coverage.objects.open_to(Reach((membership,)).scope).with_policy()
    rows = seen.filter(
        insured_id__any=list({each.insured_id for each in wanted.values()}),
        term_id__any=list({each.term_id for each in wanted.values()}),
    )
    by_pair = issuing.parts_of(rows, asked=about)
    found = {}
    for pk, coverage in wanted.items():
        parts = by_pair.get((coverage.insured_id, coverage.term_id), [])
        with suppress(LookupError):
            own = chosen_part(parts, coverage)
            together = [part for part in parts if part.gives.kind == own.gives.kind]
            found[pk] = together if own.gives.speaks_of_today else [own]
    return found


def _refuse(item: BatchItem, reason: str) -> None:
    item.status, item.reason = item.Status.REFUSED, reason[: BatchItem._meta.get_field("reason").max_length]


def acting_still(batch: Batch) -> Membership | None:
    """Return the membership by which the user who started the batch may issue now; None where that has ended.

    Asked for each piece: what isn't issued when access ends isn't issued anymore.
    """
    reach = reach_with(batch.started_by, Capability.ISSUE_CERTIFICATE)
    return next((each for each in reach.memberships if each.party_key == batch.membership.party_key), None)


def _file(batch: Batch, piece: BatchPiece) -> None:
    """Make the files of a piece's papers. An item of which one can't be made fails alone."""
    items = list(piece.items.filter(Q(status=BatchItem.Status.ISSUED) | Q(history__isnull=False)))
    # All at once and in the order of their keys: two batches may hold the same certificates.
    certificates = Certificate.objects.select_for_update(no_key=True).order_by("pk")
    certificates_by_key = certificates.in_bulk({item.certificate_id for item in items if _is_issued(item)})
    papers = ClaimsPaper.objects.select_for_update(no_key=True).order_by("pk")
    papers_by_key = papers.in_bulk({item.history_id for item in items if item.history_id})
    broken, issued = [], sum(map(_is_issued, items))
    for item in items:
        of_item = [certificates_by_key.get(item.certificate_id), papers_by_key.get(item.history_id)]
        failed = [each for each in of_item if each is not None and not each.is_ready and not files.make_file(each)]
        if failed:
            item.reason = NO_HISTORY if failed == of_item[1:] else NOT_MADE
            broken.append(item)
    lost = sum(map(_is_issued, broken))
    for item in broken:
        item.status = item.Status.FAILED
    BatchItem.objects.bulk_update(broken, ["status", "reason"])
    others = len(broken) - lost
    _end(piece, filed=issued - lost, failed=len(broken), issued=-lost, refused=-others)


def _is_issued(item: BatchItem) -> bool:
    return item.status == BatchItem.Status.ISSUED


def _write(batch: Batch, piece: BatchPiece) -> None:
    """Write a piece's part of the batch's file."""
    done = files.write_part(batch, piece)
    if done is None or not _locked(batch.pk).is_running:
        files.drop_parts(batch)
        BatchPiece.objects.filter(pk=piece.pk).update(status=State.CANCELLED)
        return
    Batch.objects.filter(pk=batch.pk).update(written=done)
    _end(piece)


def _finish(batch: Batch, piece: BatchPiece) -> None:
    """Write the file of the batch, and tell the user that it is ready."""
    written = files.write(batch) if batch.has_pages and not batch.is_mailed else None
    current = _locked(batch.pk)
    if not current.is_running:
        if written is not None:
            files.drop(written.name)
        files.drop_parts(batch)
        BatchPiece.objects.filter(pk=piece.pk).update(status=State.CANCELLED)
        return
    now = timezone.now()
    changes: dict[str, Any] = {
        "status": Batch.Status.DONE,
        "ended_at": now,
        "written": 0 if batch.is_mailed else batch.issued,
    }
    if written is not None:
        changes |= {"file": written.name, "size": written.size, "sha256": written.sha256}
        changes |= {"file_until": now + settings.BATCH_FILES_KEPT}
    Batch.objects.filter(pk=batch.pk).update(**changes)
    BatchPiece.objects.filter(pk=piece.pk).update(status=State.DONE)
    counts: dict[str, Any] = {"issued": current.issued, "refused": current.refused, "failed": current.failed}
    record_event(BatchEvent.FINISHED, subject=batch, on_behalf_of=batch.started_by, **counts)
    emails.batch_ended(current, key=f"{now:%Y%m%d%H%M%S%f}")
    # An attempt that is lost before the end finds them again.
    transaction.on_commit(partial(files.drop_parts, batch))


def _end(piece: BatchPiece, **counted: int) -> None:
    """Mark a piece as done, count what it did, and hand over what comes next."""
    BatchPiece.objects.filter(pk=piece.pk).update(status=State.DONE)
    batch = _locked(piece.batch_id)
    Batch.objects.filter(pk=batch.pk).update(**{name: F(name) + number for name, number in counted.items()})
    _hand_over_next(batch)


def piece_given_up(piece: BatchPiece) -> None:
    """Let the batch go on without a piece that no attempt could do; without its file, it has failed. The piece is
    locked."""
    log.error("batch_piece_given_up", batch=piece.batch_id, step=piece.step, first=piece.first)
    batch = _locked(piece.batch_id)
    if piece.step in (Step.WRITE, Step.FINISH):
        Batch.objects.filter(pk=batch.pk).update(status=Batch.Status.FAILED, ended_at=timezone.now())
        record_event(BatchEvent.FAILED, subject=batch, on_behalf_of=batch.started_by)
        emails.batch_ended(batch, key=f"failed:{timezone.now():%Y%m%d%H%M%S%f}")
        transaction.on_commit(partial(files.drop_parts, batch))
        return
    before = BatchItem.Status.WAITING if piece.step == Step.ISSUE else BatchItem.Status.ISSUED
    lost = piece.items.filter(status=before).update(status=BatchItem.Status.FAILED, reason=NOT_MADE)
    taken_back = {"issued": F("issued") - lost} if piece.step == Step.FILE else {}
    Batch.objects.filter(pk=batch.pk).update(failed=F("failed") + lost, **taken_back)
    _hand_over_next(batch)


def _hand_over_next(batch: Batch) -> None:
    """Hand over pieces until as many are in the queue as one batch may have there. The batch is locked."""
    pieces = BatchPiece.objects.filter(batch=batch)
    ahead = Q(status__in=(State.QUEUED, State.WAITING))
    there = pieces.aggregate(
        queued=Count("pk", filter=Q(status=State.QUEUED)),
        making=Count("pk", filter=ahead & Q(step__in=(Step.ISSUE, Step.FILE))),
        writing=Count("pk", filter=ahead & Q(step=Step.WRITE)),
    )
    at_once = settings.BATCH_PIECES_AT_ONCE
    waiting = pieces.filter(status=State.WAITING)
    if there["making"]:
        unissued = pieces.filter(ahead, step=Step.ISSUE).values("first")
        waiting = waiting.exclude(step__in=(Step.WRITE, Step.FINISH)).exclude(step=Step.FILE, first__in=unissued)
    elif there["writing"]:
        # Each part goes on where the one before it ends.
        waiting, at_once = waiting.filter(step=Step.WRITE), 1
    room = at_once - there["queued"]
    if room <= 0:
        return
    # A stretch's files before the next stretch: what is issued has its file soon.
    for piece in waiting.order_by("first", "-step")[:room]:
        piece.status = State.QUEUED
        BatchPiece.objects.filter(pk=piece.pk).update(
            status=State.QUEUED, enqueued_at=timezone.now(), is_enqueued=True, attempts=0, last_error=""
        )
        work.hand_over(piece)


def cancel(batch: Batch, *, by: User) -> bool:
    """Stop a running batch; False where it isn't running. What is issued stays; a piece that a worker has is ended."""
    with transaction.atomic():
        if not _locked(batch.pk).is_running:
            return False
        Batch.objects.filter(pk=batch.pk).update(status=Batch.Status.CANCELLED, ended_at=timezone.now())
        BatchPiece.objects.filter(batch=batch, status=State.WAITING).update(status=State.CANCELLED)
        record_event(BatchEvent.CANCELLED, subject=batch, by=by)
        transaction.on_commit(partial(files.drop_parts, batch))
    batch.refresh_from_db()
    return True


def retry(batch: Batch, *, by: User) -> bool:
    """Try what failed in a batch that has ended again, and write its file again; False where nothing failed.

    By the user who tries: the batch is theirs from now on.
    """
    with transaction.atomic():
        ended = _locked(batch.pk)
        if ended.status not in (Batch.Status.DONE, Batch.Status.FAILED) or not (
            ended.failed or ended.status == Batch.Status.FAILED
        ):
            return False
        places = list(batch.items.filter(status=BatchItem.Status.FAILED).values_list("place", flat=True))
        batch.items.filter(place__in=places).update(status=BatchItem.Status.WAITING, reason="")
        stretches = Q(step__in=(Step.WRITE, Step.FINISH))
        for piece in BatchPiece.objects.filter(batch=batch, step__in=(Step.ISSUE, Step.FILE)):
            if any(piece.first <= place < piece.beyond for place in places):
                stretches |= Q(pk=piece.pk)
        BatchPiece.objects.filter(stretches, batch=batch).update(status=State.WAITING, attempts=0)
        Batch.objects.filter(pk=batch.pk).update(
            status=Batch.Status.RUNNING,
            started_by=by,
            started_at=timezone.now(),
            ended_at=None,
            failed=0,
            written=0,
            **NO_FILE,
        )
        record_event(BatchEvent.RETRIED, subject=batch, by=by, certificates=len(places))
        _hand_over_next(ended)
    if ended.file:
        files.drop(ended.file)
    batch.refresh_from_db()
    return True


def _locked(batch_id: int) -> Batch:
    """Return the batch, locked until the transaction ends."""
    return Batch.objects.select_for_update(no_key=True).select_related(None).get(pk=batch_id)
