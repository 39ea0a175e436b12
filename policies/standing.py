"""Where a policy stands, in words: the status mark and the sentence that lead its page, its row and home (S-22).

Each status has its own name and its own sentence; nothing is left to a colour (SPEC: what each status gives).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.money import dollars
from core.templatetags.show import day_long
from policies.models import Policy, Term

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable


RENEWAL_WINDOW_DAYS = 60
"""A term that ends within so many days is spoken of as ending."""

LABELS: dict[str, tuple[str, str]] = {
    Policy.Status.ACTIVE: ("good", "In force"),
    Policy.Status.PENDING: ("neutral", "Pending"),
    Policy.Status.PENDING_CANCELLATION: ("attention", "Pending cancellation"),
    Policy.Status.CANCELLED: ("danger", "Cancelled"),
    Policy.Status.EXPIRED: ("neutral", "Expired"),
    Policy.Status.NONRENEWED: ("neutral", "Nonrenewed"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something on a policy that waits or is due; `kind` as in components/notice.html."""

    kind: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A policy on a day: its mark, its sentence, and the terms that these come from.

    `term` is the bound term in force, or failing that the one that says most: the one to come, else the last one.
    `renewal` is the term after the current one, offered, accepted or bound.
    """

    policy: Policy
    day: dt.date
    kind: str
    label: str
    sentence: str
    term: Term | None
    renewal: Term | None

    @property
    def in_force(self) -> bool:
        """Whether the carrier's status and a bound term both say so."""
        return self.policy.status in Policy.IN_FORCE and self.term is not None and self.term.in_force_on(self.day)

    @property
    def share_of_term(self) -> int:
        """How much of the term has passed, 0 to 100; 0 where none is in force."""
        if self.term is None or not self.in_force:
            return 0
        return round(100 * (self.day - self.term.effective).days / (self.term.expires - self.term.effective).days)

    @property
    def days_left(self) -> int | None:
        """Days until the term in force ends."""
        return (self.term.expires - self.day).days if self.term is not None and self.in_force else None

    def notices(self, *, with_amounts: bool) -> list[Notice]:
        """What is due or waits: a pending cancellation, a way back after one, a renewal. `with_amounts`: for those who
        may see the policy's money (policyholder and agent), not for an insured of a group."""
        found = [self._cancellation(with_amounts), self._reinstatement(with_amounts), self._renewal()]
        return [notice for notice in found if notice is not None]

    def _cancellation(self, with_amounts: bool) -> Notice | None:
        policy = self.policy
        if policy.status != Policy.Status.PENDING_CANCELLATION:
            return None
        when = day_long(policy.cancellation_effective)
        text = "The carrier has given notice of cancellation."
        if policy.status_reason:
            text += f" Reason: {policy.status_reason}."
        if with_amounts and policy.cure_amount:
            before = f" before {when}" if when else ""
            text += f" The carrier keeps the policy in force if it receives {dollars(policy.cure_amount)}{before}."
        return Notice("attention", f"This policy is to be cancelled{f' on {when}' if when else ''}", text)

    def _reinstatement(self, with_amounts: bool) -> Notice | None:
        policy = self.policy
        if policy.status != Policy.Status.CANCELLED or policy.reinstate_by is None or policy.reinstate_by < self.day:
            return None
        amount = f" and {dollars(policy.reinstatement_amount)}" if with_amounts and policy.reinstatement_amount else ""
        return Notice(
            "attention",
            f"Reinstatement can be asked for until {day_long(policy.reinstate_by)}",
            f"The carrier needs your word{amount} by then, and decides. Until it confirms, there is no coverage.",
        )

    def _renewal(self) -> Notice | None:
        if self.policy.has_ended(self.day):
            return None
        return _words_of_renewal(self.renewal, self.day) if self.renewal is not None else self._ending()

    def _ending(self) -> Notice | None:
        left = self.days_left
        if self.term is None or left is None or left > RENEWAL_WINDOW_DAYS:
            return None
        return Notice(
            "info",
            f"This term ends in {left} day{'' if left == 1 else 's'}",
            f"It ends on {day_long(self.term.expires)}, and no renewal is on file yet.",
        )


def _words_of_renewal(renewal: Term, day: dt.date) -> Notice:
    """An offer is no coverage, an accepted one not yet; a bound one is."""
    period = f"from {day_long(renewal.effective)} to {day_long(renewal.expires)}"
    if renewal.status == Term.Status.BOUND:
        return Notice("good", "The renewal is bound", f"Coverage continues {period}.")
    if renewal.status == Term.Status.ACCEPTED:
        return Notice("info", "The renewal is accepted, not bound yet", f"It runs {period} once the carrier binds it.")
    text = f"It would run {period}. An offer is not coverage."
    if renewal.offer_expires is None:
        return Notice("info", "A renewal is offered", text)
    until = day_long(renewal.offer_expires)
    if renewal.offer_expires < day:
        return Notice("info", "The renewal offer has run out", f"It was open until {until}.")
    return Notice("info", f"A renewal is offered until {until}", text)


def standing_of(policy: Policy, terms: Iterable[Term], day: dt.date) -> Standing:
    """The standing of a policy on `day`, read from its live terms in any order; no query."""
    in_order = sorted(terms, key=lambda term: (term.effective, term.pk or 0))
    for each in in_order:
        each.policy = policy
    policy.live_terms = in_order
    bound = [term for term in in_order if term.status == Term.Status.BOUND]
    current = next((term for term in bound if term.in_force_on(day)), None)
    to_come = [
        term
        for term in in_order
        if term.effective > day and term.status in (Term.Status.BOUND, Term.Status.ACCEPTED, Term.Status.OFFERED)
    ]
    past = [
        term
        for term in in_order
        if term.effective <= day and term.status in (Term.Status.BOUND, Term.Status.EXPIRED, Term.Status.CANCELLED)
    ]
    ahead = next((term for term in to_come if term.status == Term.Status.BOUND), None)
    renewal = _best(to_come) if current is not None else None
    term = current or (ahead if not policy.has_ended(day) else None) or (past[-1] if past else None) or _best(to_come)
    kind, label, sentence = _words(policy, term, current, day)
    return Standing(policy, day, kind, label, sentence, term, renewal)


def _best(terms: list[Term]) -> Term | None:
    """Of several terms to come the one that binds most: bound before accepted before offered, then the nearest."""
    rank = {Term.Status.BOUND: 0, Term.Status.ACCEPTED: 1, Term.Status.OFFERED: 2}
    return min(terms, key=lambda term: (rank[Term.Status(term.status)], term.effective), default=None)


def _words(policy: Policy, term: Term | None, current: Term | None, day: dt.date) -> tuple[str, str, str]:
    """The mark and the sentence of each status."""
    kind, label = LABELS[policy.status]
    if policy.has_ended(day):
        return kind, label, _words_of_ended(policy, term, day)
    if policy.status == Policy.Status.PENDING:
        begins = f". It would begin on {day_long(term.effective)}" if term is not None else ""
        return kind, label, f"Not in force yet{begins}"
    if current is not None:
        return kind, label, _words_of_current(policy, current, day)
    if term is None:
        return "attention", "No term on file", "No term of this policy is on file"
    if term.effective > day:
        return "accent", "To come", f"In force from {day_long(term.effective)}"
    return "attention", "Term ended", f"The last term on file ended on {day_long(term.expires)}"


def _words_of_current(policy: Policy, current: Term, day: dt.date) -> str:
    cancels = policy.cancellation_effective
    if policy.status != Policy.Status.PENDING_CANCELLATION or cancels is None:
        return f"In force until {day_long(current.expires)}"
    if cancels <= day:
        return f"Was to be cancelled on {day_long(cancels)}; not confirmed yet"
    return f"In force; cancels on {day_long(cancels)}"


def _words_of_ended(policy: Policy, term: Term | None, day: dt.date) -> str:
    """A policy that was cancelled ended on the carrier's own date for it; the others with their term."""
    if policy.status == Policy.Status.CANCELLED:
        cancelled = policy.cancellation_effective or policy.status_date
        return f"Cancelled on {day_long(cancelled)}" if cancelled else "Cancelled"
    ended = term.expires if term is not None else policy.status_date
    if policy.status == Policy.Status.EXPIRED:
        return f"Expired on {day_long(ended)}" if ended else "Expired"
    if ended is None:
        return "Not renewed"
    return (
        f"Ends on {day_long(ended)} and is not renewed" if ended > day else f"Not renewed; ended on {day_long(ended)}"
    )
