"""How far a renewal has come, in one word: the application and what the carrier's data says of the next term."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from policies.models import RenewalApplication, Term

if TYPE_CHECKING:
    import datetime as dt

STATUS = RenewalApplication.Status


class Stage(StrEnum):
    NOT_STARTED = "Not started"
    IN_PROGRESS = "In progress"
    SUBMITTED = "Submitted"
    IN_REVIEW = "In review"
    QUESTION = "Question from us"
    DONE = "Done"
    OFFERED = "Offered"
    ACCEPTED = "Accepted"
    BOUND = "Bound"
    OFFER_DECLINED = "Offer declined"
    DECLINED = "Declined"
    CLOSED = "Closed"
    TOO_LATE = "Not submitted"

    @property
    def kind(self) -> str:
        """Return the kind of its mark (`core.templatetags.ui`)."""
        return LOOKS[self][0]

    @property
    def icon(self) -> str:
        """Return the name of its icon."""
        return LOOKS[self][1]


LOOKS = {
    Stage.NOT_STARTED: ("neutral", "circle-dashed"),
    Stage.IN_PROGRESS: ("info", "pen-line"),
    Stage.SUBMITTED: ("good", "circle-check"),
    Stage.IN_REVIEW: ("info", "circle-dot"),
    Stage.QUESTION: ("attention", "triangle-alert"),
    Stage.DONE: ("good", "circle-check"),
    Stage.OFFERED: ("good", "circle-check"),
    Stage.ACCEPTED: ("good", "circle-check"),
    Stage.BOUND: ("good", "circle-check"),
    Stage.OFFER_DECLINED: ("neutral", "circle-off"),
    Stage.DECLINED: ("attention", "triangle-alert"),
    Stage.CLOSED: ("neutral", "circle-minus"),
    Stage.TOO_LATE: ("neutral", "circle-minus"),
}
OF_STATUS = {
    STATUS.OPEN: Stage.SUBMITTED,
    STATUS.IN_PROGRESS: Stage.IN_REVIEW,
    STATUS.ANSWERED: Stage.QUESTION,
    STATUS.DONE: Stage.DONE,
    STATUS.DECLINED: Stage.DECLINED,
    STATUS.CLOSED: Stage.CLOSED,
}
OF_RENEWAL = {
    Term.Status.OFFERED: Stage.OFFERED,
    Term.Status.ACCEPTED: Stage.ACCEPTED,
    Term.Status.BOUND: Stage.BOUND,
    Term.Status.DECLINED: Stage.OFFER_DECLINED,
}
# Nothing is to be filled in anymore.
SETTLED = (Stage.BOUND, Stage.OFFER_DECLINED)


def stage_of(
    application: RenewalApplication | None, *, expires: dt.date, renewal_status: str | None, today: dt.date
) -> Stage:
    """Return the stage on a day. `renewal_status`: of the term that follows, as the carrier's data has it, or None.

    A bound or declined renewal settles everything. An offer counts once the application is with us: before, it is only
    what the carrier thinks of already.
    """
    renewal = OF_RENEWAL.get(Term.Status(renewal_status)) if renewal_status in OF_RENEWAL else None
    if renewal in SETTLED:
        return renewal
    if application is None or application.is_draft:
        if expires <= today:
            return Stage.TOO_LATE
        return Stage.NOT_STARTED if application is None else Stage.IN_PROGRESS
    own = OF_STATUS[RenewalApplication.Status(application.status)]
    has_offer = renewal is not None and own not in (Stage.QUESTION, Stage.DECLINED, Stage.CLOSED)
    return renewal if has_offer and renewal is not None else own
