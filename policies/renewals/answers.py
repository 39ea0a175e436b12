"""What the carrier's own system says of renewal applications, as its feed brings it (docs/feed-format.md#requests)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from policies.models import RenewalApplication, RequestAnswer, Term

if TYPE_CHECKING:
    from collections.abc import Mapping

CARRIER = RequestAnswer.Status
STATUS: Mapping[str, str] = {
    CARRIER.IN_REVIEW: RenewalApplication.Status.IN_PROGRESS,
    CARRIER.NEEDS_INFORMATION: RenewalApplication.Status.ANSWERED,
    CARRIER.DONE: RenewalApplication.Status.DONE,
    CARRIER.DECLINED: RenewalApplication.Status.DECLINED,
}
# Said before the carrier's own words, because our status alone doesn't say it.
LEADS: Mapping[str, str] = {
    CARRIER.NEEDS_INFORMATION: "We need more information from you.",
    CARRIER.DONE: "We’ve finished our review.",
    CARRIER.DECLINED: "We can’t renew as the application asks.",
}


def take_answer(payload: dict[str, Any], *, key: str) -> None:
    """Show the carrier's answer on the application that it is about. Handles `request.answered`.

    The answer is taken as it is now. Of another area's request, and of an answer that was withdrawn, nothing is done.
    """
    answer = RequestAnswer.objects.not_retired().filter(public_id=payload["answer"]).first()
    asked = RenewalApplication.objects.select_related("policy", "user", "submitted_by")
    application = asked.filter(public_id=payload["request"]).first()
    if answer is None or application is None:
        return
    said = f"{answer.status}|{answer.updated.isoformat()}|{answer.message}"
    application.take_answer(
        STATUS.get(answer.status),
        text="\n\n".join(text for text in (LEADS.get(answer.status, ""), answer.message) if text),
        updated=answer.updated,
        key=uuid.uuid5(uuid.NAMESPACE_OID, f"{answer.public_id}|{said}"),
    )


def renewed(payload: dict[str, Any], *, key: str) -> None:
    """Bring the applications of earlier terms to their end, because a later term is bound. Handles
    `policy.renewed`."""
    term = Term.objects.filter(public_id=payload["term"]).first()
    if term is None:
        return
    open_ones = RenewalApplication.objects.exclude(status__in=RenewalApplication.ENDED)
    for application in open_ones.filter(policy_id=term.policy_id, term__expires__lte=term.effective):
        application.settle()
