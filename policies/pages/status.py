"""A policy's status in words: the status mark and the sentence that lead its page, its row, and home (S-22).

The date decides, not the word (docs/spec.md#current-historic-ended). A policyholder and an agent see the policy's own
status. An insured sees it as far as their own coverages go: after leaving a group they learn nothing of what came
later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.templatetags.show import day_long
from policies.models import Policy, Term
from policies.words import Word

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from policies.models import Coverage


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of coverage that a status is read from: a whole term, or one insured's coverage in it."""

    term: Term
    starts: dt.date
    ends: dt.date

    def holds(self, day: dt.date) -> bool:
        """Whether it is bound and holds `day`."""
        return self.term.is_bound(day) and self.starts <= day < self.ends

    def is_ahead(self, day: dt.date) -> bool:
        """Whether it is bound and begins after `day`."""
        return self.term.is_bound(day) and day < self.starts < self.ends

    def is_past(self, day: dt.date) -> bool:
        """Whether it began by `day`, in a term that was taken up."""
        return self.starts <= day and self.term.status in Term.TAKEN_UP


@dataclass(frozen=True, slots=True)
class StatusOnDay:
    """A policy on a day: its word, its sentence, and the term that these come from.

    `term` is the bound term in force, or failing that the one that says most: the one to come, else the last one.
    `ends`: where coverage of it ends. `renewal`: the term after the current one, offered, accepted, or bound.
    `declined`: there is none, and its offer was declined. `current`: a bound term holds the day. `whole`: for those who
    see the policy whole, with reasons and amounts.
    """

    policy: Policy
    day: dt.date
    word: Word
    kind: str
    sentence: str
    term: Term | None
    ends: dt.date | None
    renewal: Term | None
    declined: bool
    current: bool
    whole: bool

    @property
    def label(self) -> str:
        """Return the word of the status mark."""
        return str(self.word)

    @property
    def dated(self) -> str:
        """The date of the status, to follow its word in a head: "In force" + "until August 1, 2027"."""
        dates: dict[Word, tuple[str, dt.date | None]] = {
            Word.IN_FORCE: ("until", self.ends),
            Word.UPCOMING: ("from", self.term.effective if self.term else None),
            Word.PENDING_CANCELLATION: ("effective", self.policy.cancels_on(self.day)),
            Word.CANCELLED: ("on", self.policy.cancelled_on),
            Word.EXPIRED: ("on", self.ends),
            Word.NOT_RENEWED: ("as of", self.ends),
        }
        preposition, date = dates.get(self.word, ("", None))
        return f"{preposition} {day_long(date)}" if date is not None else ""

    @property
    def in_force(self) -> bool:
        """Whether a bound term holds the day, as far as we know."""
        return self.current and self.word in (Word.IN_FORCE, Word.PENDING_CANCELLATION)

    @property
    def share_of_term(self) -> int:
        """How much of the term has passed, 0 to 100; 0 where none is in force."""
        if self.term is None or not self.in_force:
            return 0
        return round(100 * (self.day - self.term.effective).days / (self.term.expires - self.term.effective).days)

    @property
    def days_left(self) -> int | None:
        """Days until the coverage in force ends."""
        return (self.ends - self.day).days if self.ends is not None and self.in_force else None


def status_of(policy: Policy, terms: Iterable[Term], day: dt.date) -> StatusOnDay:
    """Return the status of a policy on `day` for users who see it whole, from its terms in any order. No query."""
    in_order = _in_order(policy, terms)
    return _status_on(policy, [Span(term, term.effective, term.ends) for term in in_order], in_order, day, whole=True)


def status_for_insured(
    policy: Policy, coverages: Iterable[Coverage], terms: Iterable[Term], day: dt.date
) -> StatusOnDay:
    """Return the same for an insured: as far as their own `coverages` go, which come `with_segments`. No query.

    `terms` are all of the policy's: only they say whether a coverage ended with the policy, or the policy went on.
    """
    in_order = _in_order(policy, terms)
    by_id = {term.pk: term for term in in_order}
    spans = []
    for coverage in coverages:
        coverage.term = by_id[coverage.term_id]
        spans.append(Span(coverage.term, coverage.effective, coverage.period[1]))
    spans.sort(key=lambda span: (span.starts, span.ends))
    return _status_on(policy, spans, in_order, day, whole=False)


def _in_order(policy: Policy, terms: Iterable[Term]) -> list[Term]:
    """Return the terms by date, each with its policy set."""
    in_order = sorted(terms, key=lambda term: (term.effective, term.pk or 0))
    for term in in_order:
        term.policy = policy
    return in_order


@dataclass(frozen=True, slots=True)
class _Found:
    """What holds the day, comes next, and was last; `offer` is the best of the upcoming terms."""

    current: Span | None
    ahead: Span | None
    past: Span | None
    offer: Term | None


def _status_on(policy: Policy, spans: list[Span], terms: list[Term], day: dt.date, *, whole: bool) -> StatusOnDay:
    to_come = [span.term for span in spans if span.term.effective > day]
    found = _Found(
        current=max((span for span in spans if span.holds(day)), key=lambda span: span.ends, default=None),
        ahead=next((span for span in spans if span.is_ahead(day)), None),
        past=max((span for span in spans if span.is_past(day)), key=lambda span: span.ends, default=None),
        offer=_best(to_come),
    )
    span = found.current or found.ahead or found.past
    word = _word(policy, found, terms, day, whole=whole)
    renewal = found.offer if found.current is not None else None
    # The carrier calls the policy active, but no term is.
    unexplained = policy.status == Policy.Status.ACTIVE and word in (Word.EXPIRED, Word.PENDING)
    return StatusOnDay(
        policy=policy,
        day=day,
        word=word,
        kind="attention" if unexplained else word.kind,
        sentence=_sentence(policy, word, found, day, whole=whole),
        term=span.term if span is not None else found.offer,
        ends=span.ends if span is not None else None,
        renewal=renewal,
        declined=renewal is None and any(term.status == Term.Status.DECLINED for term in to_come),
        current=found.current is not None and word != Word.PENDING,
        whole=whole,
    )


def _best(terms: list[Term]) -> Term | None:
    """Return the upcoming term that is most certain: bound before accepted before offered, then the nearest."""
    rank = {Term.Status.BOUND: 0, Term.Status.ACCEPTED: 1, Term.Status.OFFERED: 2}
    ranked = [term for term in terms if term.status in rank and term.ends > term.effective]
    return min(ranked, key=lambda term: (rank[Term.Status(term.status)], term.effective), default=None)


def _word(policy: Policy, found: _Found, terms: list[Term], day: dt.date, *, whole: bool) -> Word:
    """Return the word of a policy, or of one insured's coverage on it."""
    cancels = policy.cancels_on(day)
    if policy.status == Policy.Status.PENDING:
        return Word.PENDING
    if found.current is not None or found.ahead is not None:
        if policy.status == Policy.Status.PENDING_CANCELLATION or cancels is not None:
            return Word.PENDING_CANCELLATION
        return Word.IN_FORCE if found.current is not None else Word.UPCOMING
    return _word_of_ended(policy, found.past, terms, day, whole=whole and cancels is None)


def _word_of_ended(policy: Policy, past: Span | None, terms: list[Term], day: dt.date, *, whole: bool) -> Word:
    """Return the word for ended coverage: the policy's own where coverage lasted as long as the policy."""
    cancelled = policy.status == Policy.Status.CANCELLED
    if cancelled and (whole or past is None or past.ends > day or policy.cancelled_on == past.ends):
        return Word.CANCELLED
    if policy.status == Policy.Status.NONRENEWED and (past is None or _was_last(past, terms)):
        return Word.NOT_RENEWED
    return Word.EXPIRED if past is not None or policy.status == Policy.Status.EXPIRED else Word.PENDING


def _was_last(span: Span, terms: list[Term]) -> bool:
    """Whether coverage ran to the end of the policy's last term, and so ended as the policy did."""
    went_on = any(term.effective >= span.ends and term.status in Term.TAKEN_UP for term in terms)
    return span.ends >= span.term.ends and not went_on


def _sentence(policy: Policy, word: Word, found: _Found, day: dt.date, *, whole: bool) -> str:
    """Return the sentence that goes with the word."""
    if word == Word.PENDING:
        return _words_of_pending(policy, found)
    if word == Word.PENDING_CANCELLATION:
        return _words_of_cancelling(policy, found, day)
    if found.current is not None:
        return f"In force until {day_long(found.current.ends)}"
    if found.ahead is not None:
        return f"In force from {day_long(found.ahead.starts)}"
    return _words_of_ended(policy, word, found.past, whole=whole)


def _words_of_pending(policy: Policy, found: _Found) -> str:
    if policy.status != Policy.Status.PENDING and found.offer is None:
        return "No term of this policy is on file"
    bound = found.current or found.ahead or found.past
    begins = bound.starts if bound is not None else found.offer.effective if found.offer is not None else None
    return f"Not in force. Proposed effective date: {day_long(begins)}" if begins else "Not in force"


def _words_of_cancelling(policy: Policy, found: _Found, day: dt.date) -> str:
    cancels = policy.cancels_on(day)
    if cancels is not None:
        begun = "In force until" if found.current else "Upcoming until"
        return f"{begun} cancellation on {day_long(cancels)}"
    if policy.cancellation_effective is not None:
        return f"Cancellation was scheduled for {day_long(policy.cancellation_effective)} and hasn’t been confirmed"
    if found.current is not None:
        return f"In force until {day_long(found.current.ends)}; cancellation pending"
    return "Upcoming; cancellation pending"


def _words_of_ended(policy: Policy, word: Word, past: Span | None, *, whole: bool) -> str:
    """Return the sentence. A cancelled policy ended on the carrier's own date, the others with their term."""
    ended = past.ends if past is not None else policy.status_date
    if word == Word.CANCELLED:
        return f"Cancelled on {day_long(policy.cancelled_on)}" if policy.cancelled_on else "Cancelled"
    if word == Word.NOT_RENEWED:
        return f"Not renewed; ended on {day_long(ended)}" if ended else "Not renewed"
    if ended is None:
        return "Expired"
    if not whole:
        return f"Your coverage ended on {day_long(ended)}"
    if policy.status == Policy.Status.ACTIVE:
        return f"The last term on file ended on {day_long(ended)}"
    return f"Expired on {day_long(ended)}"
