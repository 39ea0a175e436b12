"""Claims histories in a batch (S-36): each insured's, beside the certificate for the same holder.

An insured's history for a holder comes once, with the first of their items. Where the right or the insured's
authorization is missing, the history is refused with the sentence that the single form has, and the certificate comes
all the same (`claims_history.access`).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.events import record_many
from core.origin import Origin, acting_from, current_origin
from credentialing.claims_history.access import CAPABILITY, subjects_in, switched_off_for
from credentialing.claims_history.issuing import issue_histories
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Batch, BatchItem, ClaimsPaper
from policies.models import Coverage, Reach
from policies.rights import reach_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.models import User
    from credentialing.claims_history.access import Key, Subject
    from credentialing.models import ClaimsRequest, Holder
    from policies.models import Membership

NO_RIGHT = "Your access doesn’t include claims histories."
NOTHING_YET = "There’s no claims history with this coverage yet."
REASON = BatchItem._meta.get_field("history_reason").max_length


@dataclass(frozen=True)
class HistoryChoice:
    """How far back the histories go (None: all years), and what they are for (`ClaimsPaper.Purpose`)."""

    years: int | None
    purpose: str


class Grounds:
    """On what ground each history of a batch may be given now. At most four queries."""

    def __init__(
        self, insured_ids: Iterable[int], holders: Iterable[Holder | None], *, user: User, membership: Membership
    ) -> None:
        reach = _reach(user, membership)
        self._may = bool(reach)
        self._subjects = {one.key: one for one in subjects_in(reach, set(insured_ids))}
        self._off = switched_off_for(list(self._subjects.values()), [each for each in holders if each is not None])
        self._own = membership.insured_id is not None

    def subject(self, coverage: Coverage) -> Subject | None:
        """Return whose history belongs to a coverage (`with_policy`); None without the right, or where there is none
        yet."""
        return self._subjects.get(key_of(coverage, own=self._own))

    def refusal(self, coverage: Coverage, holder: Holder | None, years: int | None) -> str:
        """Return why there is no history; empty where there is one."""
        subject = self.subject(coverage)
        if subject is None:
            return NOTHING_YET if self._may else NO_RIGHT
        return subject.ground(years, holder, off=self._off[subject.key]).refusal

    def allows(self, paper: ClaimsPaper) -> bool:
        """Whether the file of a history that was issued may be given out now."""
        subject = self._subjects.get(_subject_of(paper))
        if subject is None:
            return False
        return subject.ground(paper.years, paper.holder, off=self._off[subject.key]).allows


def key_of(coverage: Coverage, *, own: bool) -> Key:
    """Return the key of the subject that a coverage belongs to (`access.Subject.key`). `own`: the insured asks."""
    policy = coverage.term.policy
    return (coverage.insured_id, policy.company_id, None if own else policy.policyholder_id)


def _reach(user: User, membership: Membership) -> Reach:
    """Return the part of the user's reach that comes by the batch's party and has the right to histories."""
    found = reach_with(user, CAPABILITY).memberships
    return Reach(tuple(each for each in found if each.party_key == membership.party_key))


def add_to(items: Sequence[BatchItem], choice: HistoryChoice, *, by: User, membership: Membership) -> None:
    """Mark the items that get a history, and say where none will come and why. They come with coverage and holder."""
    own = membership.insured_id is not None
    grounds = Grounds(
        [item.coverage.insured_id for item in items],
        [item.holder for item in items],
        user=by,
        membership=membership,
    )
    seen: set[tuple[Key, int | None]] = set()
    for item in items:
        of_holder = (key_of(item.coverage, own=own), item.holder_id)
        if of_holder not in seen:
            seen.add(of_holder)
            item.wants_history = True
            item.history_reason = grounds.refusal(item.coverage, item.holder, choice.years)[:REASON]


def issue_for(batch: Batch, items: Sequence[BatchItem], membership: Membership) -> int:
    """Issue the histories of a piece's items, without files, and return how many there are; the others get the reason.

    The items come with their holders. Judged again: what was authorized when the batch was settled may not be now.
    """
    wanting = [item for item in items if item.wants_history and item.history_id is None]
    if not wanting:
        return 0
    coverages = Coverage.objects.with_policy().in_bulk({item.coverage_id for item in wanting})
    by = batch.started_by
    grounds = Grounds([each.insured_id for each in coverages.values()], [], user=by, membership=membership)
    by_holder: defaultdict[int | None, list[tuple[BatchItem, Subject]]] = defaultdict(list)
    for item in wanting:
        subject = grounds.subject(coverages[item.coverage_id])
        if subject is None:
            item.history_reason = grounds.refusal(coverages[item.coverage_id], item.holder, batch.history_years)
        else:
            by_holder[item.holder_id].append((item, subject))
    # As issued by the user who started the batch.
    origin = Origin(user=by, request_id=current_origin().request_id)
    with acting_from(lambda: origin):
        return sum(_issue(batch, pairs) for pairs in by_holder.values())


def _issue(batch: Batch, pairs: Sequence[tuple[BatchItem, Subject]]) -> int:
    """Issue the histories that are made out to one holder."""
    first = pairs[0][0]
    subjects = {subject.key: subject for _, subject in pairs}
    done = issue_histories(
        subjects=list(subjects.values()),
        years=batch.history_years,
        purpose=batch.history_purpose,
        holder=first.holder,
        by=batch.started_by,
        key=uuid.uuid5(batch.idempotency_key, f"history {first.place}"),
        with_files=False,
    )
    papers = {_subject_of(paper): paper for paper in done.papers}
    reasons = {subject.key: why for subject, why in done.refused}
    reasons |= {_subject_of(each): f"{each.reason} We asked our staff to prepare it." for each in done.requests}
    for item, subject in pairs:
        item.history = papers.get(subject.key)
        item.history_reason = "" if item.history else reasons.get(subject.key, NOTHING_YET)[:REASON]
    return sum(item.history is not None for item, _ in pairs)


def _subject_of(paper: ClaimsPaper | ClaimsRequest) -> Key:
    return (paper.insured_id or 0, paper.company_id, paper.policyholder_id)


def all_given_still(batch: Batch, user: User) -> bool:
    """Whether every history in a batch's file may be given to the user now: what an authorization opened closes with
    it. At most five queries, however many there are."""
    if not batch.histories:
        return True
    papers = list(
        ClaimsPaper.objects.filter(pk__in=batch.items.exclude(history=None).order_by().values("history_id"))
        .select_related("holder")
        .defer("snapshot")
    )
    grounds = Grounds(
        [paper.insured_id or 0 for paper in papers],
        [paper.holder for paper in papers],
        user=user,
        membership=batch.membership,
    )
    return all(grounds.allows(paper) for paper in papers)


def record_downloads(batch: Batch, *, membership: Membership) -> None:
    """Record that the user of this request has the file of each history, on the authorization that it rests on."""
    items = batch.items.exclude(history=None).select_related("history__authorization")
    lines = []
    for item in items.defer("history__snapshot"):
        paper = item.history
        assert paper is not None  # noqa: S101  # the filter says so
        facts = {
            "serial": paper.serial,
            "kind": paper.kind,
            "role": membership.role,
            "membership": membership.pk,
            "insured": paper.insured_id,
            "authorization": paper.authorization.public_id if paper.authorization else "",
        }
        lines.append((paper, None, facts))
    record_many(ClaimsPaperEvent.DOWNLOADED, lines)
