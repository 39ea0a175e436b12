"""Short ways to a batch, and to running it without a worker process."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from credentialing.batches import freezing, running
from credentialing.batches.choosing import Selection, issuing_memberships
from credentialing.batches.freezing import HolderChoice
from credentialing.models import Batch, BatchPiece

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User
    from policies.models import Coverage

# Those that end in a file.
WITH_A_FILE = (Batch.Delivery.SINGLE.value, Batch.Delivery.SEPARATE.value)


def a_batch(user: User, coverages: Iterable[Coverage], choice: HolderChoice | None = None, **fields: Any) -> Batch:
    """Return a draft whose items are settled: these coverages, to whom it may concern unless `choice` says else."""
    selection = Selection(coverages=tuple(coverage.public_id for coverage in coverages))
    batch = Batch.objects.create(
        started_by=user,
        membership=issuing_memberships(user)[0],
        idempotency_key=uuid.uuid4(),
        selection=selection.stored,
    )
    delivery = fields.get("delivery", Batch.Delivery.SINGLE)
    freezing.freeze(batch, choice or HolderChoice(concern=True), by=user, delivery=delivery)
    return batch


def started(user: User, coverages: Iterable[Coverage], choice: HolderChoice | None = None, **fields: Any) -> Batch:
    """Return a batch that was started; nothing of it is done."""
    batch = a_batch(user, coverages, choice, **fields)
    assert running.start(batch, by=user)
    return batch


def run_all(*batches: Batch) -> list[BatchPiece]:
    """Do every piece that is in the queue, the oldest first, until none is; return them in that order."""
    done = []
    while piece := _next(batches):
        running.run_piece(piece.pk)
        done.append(piece)
        piece.refresh_from_db()
        assert piece.status != BatchPiece.Status.QUEUED or piece.attempts, "nothing moves"
    for batch in batches:
        batch.refresh_from_db()
    return done


def _next(batches: Iterable[Batch]) -> BatchPiece | None:
    queued = BatchPiece.objects.filter(batch__in=batches, status=BatchPiece.Status.QUEUED)
    return queued.order_by("enqueued_at", "pk").first()
