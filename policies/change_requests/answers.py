"""The carrier's own answers to change requests, as its feed brings them (docs/feed-format.md#requests)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from policies.models import ChangeRequest, RequestAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

CARRIER = RequestAnswer.Status
REQUEST = ChangeRequest.Status
# A received request waits as it did.
STATUS: Mapping[str, str] = {
    CARRIER.IN_REVIEW: REQUEST.IN_PROGRESS,
    CARRIER.NEEDS_INFORMATION: REQUEST.ANSWERED,
    CARRIER.DONE: REQUEST.DONE,
    CARRIER.DECLINED: REQUEST.DECLINED,
}


def take_answer(payload: dict[str, Any], *, key: str) -> None:
    """Show the carrier's answer on the change request that it is about. Handles `request.answered`.

    The answer is taken as it is now. Of another area's request, and of an answer that was withdrawn, nothing is done.
    """
    answer = RequestAnswer.objects.not_retired().filter(public_id=payload["answer"]).first()
    asked = ChangeRequest.objects.submitted().filter(public_id=payload["request"]).first()
    if answer is None or asked is None:
        return
    said = f"{answer.status}|{answer.updated.isoformat()}|{answer.message}|{answer.charge}"
    asked.take_answer(
        STATUS.get(answer.status),
        text=answer.message,
        updated=answer.updated,
        key=uuid.uuid5(uuid.NAMESPACE_OID, f"{answer.public_id}|{said}"),
        charge=answer.charge,
    )
