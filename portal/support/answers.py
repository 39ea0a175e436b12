"""The carrier's own answers to requests, as its feed brings them (docs/feed-format.md#requests)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from policies.models import RequestAnswer
from portal.models import SupportRequest

CARRIER = RequestAnswer.Status
REQUEST = SupportRequest.Status
# A received request waits as it did. One that lacks something waits for the customer, as after an answer of staff.
STATUS: Mapping[str, str] = {
    CARRIER.IN_REVIEW: REQUEST.IN_PROGRESS,
    CARRIER.NEEDS_INFORMATION: REQUEST.ANSWERED,
    CARRIER.DONE: REQUEST.CLOSED,
    CARRIER.DECLINED: REQUEST.CLOSED,
}
# Said before the carrier's own words, because our status alone doesn't say it.
LEADS: Mapping[str, str] = {
    CARRIER.NEEDS_INFORMATION: "We need more information from you.",
    CARRIER.DONE: "We’ve done what you asked.",
    CARRIER.DECLINED: "We can’t do what you asked.",
}


def take_answer(payload: dict[str, Any], *, key: str) -> None:
    """Show the carrier's answer on the request that it is about. Handles `request.answered`.

    The answer is taken as it is now. Of another area's request, and of an answer that was withdrawn, nothing is done.
    """
    answer = RequestAnswer.objects.not_retired().filter(public_id=payload["answer"]).first()
    asked = SupportRequest.objects.filter(public_id=payload["request"]).first()
    if answer is None or asked is None:
        return
    said = f"{answer.status}|{answer.updated.isoformat()}|{answer.message}"
    asked.take_answer(
        STATUS.get(answer.status),
        text="\n\n".join(text for text in (LEADS.get(answer.status, ""), answer.message) if text),
        updated=answer.updated,
        key=uuid.uuid5(uuid.NAMESPACE_OID, f"{answer.public_id}|{said}"),
    )
