"""Status at a glance (S-22): what a user's policies come to today, for home."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Case, Count, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from core.dates import carrier_today
from core.templatetags.show import day_long
from policies.eligibility import Verdict, judge_now
from policies.models import Coverage, Membership, Policy, Policyholder, Reach, Term, reach_of
from policies.standing import RENEWAL_WINDOW_DAYS, Notice, Standing, standing_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User
    from policies.models.term import TermQuerySet

MOST_POLICIES = 6
"""Home shows so many policies, those in force first; the list has the rest."""
MOST_COMING = 8
# The day of the cancellation where one is pending, else the end of the term.
COMES_ON = Case(
    When(
        policy__status=Policy.Status.PENDING_CANCELLATION,
        then=Coalesce("policy__cancellation_effective", "expires"),
    ),
    default=F("expires"),
)
COMING_FIELDS = (
    "policy_id",
    "expires",
    "policy__public_id",
    "policy__number",
    "policy__status",
    "policy__cure_amount",
    "policy__policyholder__name",
)
ROLES = Membership.Role


@dataclass(frozen=True, slots=True)
class OwnCoverage:
    """An insured's own coverage, the policy it belongs to, and the term."""

    coverage: Coverage
    standing: Standing
    term: Term
    verdict: Verdict

    @property
    def in_force(self) -> bool:
        """Whether it covers today."""
        standing = self.standing
        return standing.in_force and self.term == standing.term and self.coverage.in_force_on(standing.day)


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """A policy that the user represents, with the number of those covered under it today."""

    standing: Standing
    covered: int

    @property
    def notices(self) -> list[Notice]:
        """What is due or waits on it, with amounts."""
        return self.standing.notices(with_amounts=True)


@dataclass(frozen=True, slots=True)
class Coming:
    """The next thing in an agent's book: a cancellation or the end of a term."""

    on: dt.date
    policy: Policy
    term: Term | None
    renewal: str

    @property
    def is_cancellation(self) -> bool:
        """Whether the policy is about to be cancelled."""
        return self.policy.status == Policy.Status.PENDING_CANCELLATION


@dataclass(frozen=True, slots=True)
class Book:
    """An agent's clients, counted, and what comes next with them."""

    in_force: int
    pending_cancellation: int
    ending: int
    coming: list[Coming]


@dataclass(frozen=True, slots=True)
class Glance:
    """All of it. Lists are empty and `book` is None where the user has no such role."""

    roles: frozenset[str]
    own: list[OwnCoverage] = field(default_factory=list)
    held: list[HeldPolicy] = field(default_factory=list)
    insured_on: list[Standing] = field(default_factory=list)
    more_policies: bool = False
    individual: bool = False
    book: Book | None = None

    @property
    def standings(self) -> list[Standing]:
        """Every policy shown, the user's own and the ones represented."""
        return [*(held.standing for held in self.held), *self.insured_on]

    @property
    def headline(self) -> str:
        """What matters now, in one sentence."""
        cancelling = [
            standing for standing in self.standings if standing.policy.status == Policy.Status.PENDING_CANCELLATION
        ]
        if cancelling:
            return f"Policy {cancelling[0].policy.number}: {_lower_first(cancelling[0].sentence)}."
        in_force = [own for own in self.own if own.in_force]
        if in_force and (self.individual or not self.held):
            return f"Your coverage is in force until {day_long(min(own.coverage.expires for own in in_force))}."
        if self.held:
            return self._held_headline()
        if self.insured_on:
            return f"{self.insured_on[0].sentence}."
        if self.book is not None:
            return self._book_headline(self.book)
        return ""

    def _held_headline(self) -> str:
        live = [held for held in self.held if held.standing.in_force]
        if not live:
            return f"Policy {self.held[0].standing.policy.number}: {_lower_first(self.held[0].standing.sentence)}."
        covered = sum(held.covered for held in live)
        first = min(live, key=lambda held: held.standing.term.expires if held.standing.term else dt.date.max)
        people = f"{covered:,} insured{'' if covered == 1 else 's'} covered today"
        return f"{people}; {_lower_first(first.standing.sentence)}."

    @staticmethod
    def _book_headline(book: Book) -> str:
        policies = f"{book.in_force:,} client polic{'y' if book.in_force == 1 else 'ies'} in force"
        if book.pending_cancellation:
            return f"{policies}; {book.pending_cancellation:,} pending cancellation."
        return f"{policies}; {book.ending:,} end within {RENEWAL_WINDOW_DAYS} days."


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def glance_of(user: User) -> Glance:
    """What the user's policies come to today. At most seven queries, whatever the size of the book."""
    reach = reach_of(user)
    book = _book(reach) if reach.agency_ids else None
    if not reach.insured_ids and not reach.policyholder_ids:
        return Glance(reach.roles, book=book)
    policies = _policies(reach.only(ROLES.INSURED, ROLES.POLICYHOLDER))
    more = len(policies) > MOST_POLICIES
    policies = policies[:MOST_POLICIES]
    holders = {p.policyholder for p in policies if p.policyholder_id in reach.policyholder_ids}
    individual = bool(reach.insured_ids) and all(h.kind == Policyholder.Kind.INDIVIDUAL for h in holders)
    terms: dict[int, list[Term]] = {policy.pk: [] for policy in policies}
    for term in _terms(policies, counted=bool(holders) and not individual):
        terms[term.policy_id].append(term)
    standings = {policy.pk: standing_of(policy, terms[policy.pk], policy.today()) for policy in policies}
    held = {pk: standing for pk, standing in standings.items() if standing.policy.policyholder in holders}
    return Glance(
        reach.roles,
        own=_own(reach, standings) if reach.insured_ids else [],
        held=[HeldPolicy(standing, getattr(standing.term, "covered", 0)) for standing in held.values()],
        insured_on=[standing for pk, standing in standings.items() if pk not in held],
        more_policies=more,
        individual=individual,
        book=book,
    )


def _policies(reach: Reach) -> list[Policy]:
    """The policies that the user holds or is insured on, those in force first; one more than are shown."""
    first = Case(
        When(status=Policy.Status.PENDING_CANCELLATION, then=Value(0)),
        When(status=Policy.Status.ACTIVE, then=Value(1)),
        When(status=Policy.Status.PENDING, then=Value(2)),
        default=Value(3),
    )
    return list(
        Policy.objects.live()
        .filter(reach.policies())
        .with_page()
        .order_by(first, "number_normalized", "id")[: MOST_POLICIES + 1]
    )


def _own(reach: Reach, standings: dict[int, Standing]) -> list[OwnCoverage]:
    """The insured's own coverages in each policy's leading term; of a policy that has ended, the last ones."""
    leading = {s.term.pk: (s, s.term) for s in standings.values() if s.term}
    coverages = (
        Coverage.objects.live()
        .filter(insured_id__in=reach.insured_ids, term_id__in=leading)
        .select_related("insured")
        .with_segments()
        .order_by("-expires", "part", "id")
    )
    return own_coverages(coverages, leading)


def own_coverages(coverages: Iterable[Coverage], places: dict[int, tuple[Standing, Term]]) -> list[OwnCoverage]:
    """Coverages with their verdicts. `places`: standing and term of each, by the term's id; terms with their policy."""
    found = list(coverages)
    for coverage in found:
        coverage.term = places[coverage.term_id][1]
    return [OwnCoverage(coverage, *places[coverage.term_id], judge_now(coverage)) for coverage in found]


def _terms(policies: list[Policy], *, counted: bool) -> TermQuerySet:
    """The policies' terms; `counted`: each current one with the number of insureds `covered` today, in one query."""
    terms = Term.objects.live().filter(policy__in=policies)
    if not counted:
        return terms
    today = carrier_today()
    insureds = (
        Coverage.objects.live()
        .filter(term=OuterRef("pk"), effective__lte=today, expires__gt=today)
        .order_by()
        .values("term_id")
        .annotate(n=Count("insured_id", distinct=True))
        .values("n")
    )
    current = When(status=Term.Status.BOUND, effective__lte=today, expires__gt=today, then=Subquery(insureds))
    return terms.annotate(covered=Coalesce(Case(current), Value(0)))


def _book(reach: Reach) -> Book:
    """An agent's clients: one query that counts those in force, two that say what comes next."""
    today = carrier_today()
    agent = reach.only(ROLES.AGENT)
    soon = Q(expires__lte=today + dt.timedelta(days=RENEWAL_WINDOW_DAYS))
    counted = (
        _running(agent, today)
        .filter(policy__status__in=Policy.IN_FORCE)
        .order_by()
        .values_list("policy__status")
        .annotate(n=Count("pk"), ending=Count("pk", filter=soon))
    )
    by_status = {status: (n, ending) for status, n, ending in counted}
    return Book(
        in_force=sum(n for n, _ in by_status.values()),
        pending_cancellation=by_status.get(Policy.Status.PENDING_CANCELLATION, (0, 0))[0],
        ending=sum(ending for _, ending in by_status.values()),
        coming=_coming(agent, today),
    )


def _running(agent: Reach, today: dt.date) -> TermQuerySet:
    """The clients' bound terms of today."""
    return Term.objects.live().filter(
        agent.policies("policy__"),
        policy__retired_at=None,
        status=Term.Status.BOUND,
        effective__lte=today,
        expires__gt=today,
    )


def _coming(agent: Reach, today: dt.date) -> list[Coming]:
    """Cancellations and ends of terms within the window, the nearest first."""
    window = today + dt.timedelta(days=RENEWAL_WINDOW_DAYS)
    terms = list(
        _running(agent, today)
        .filter(
            Q(policy__status=Policy.Status.ACTIVE, expires__lte=window)
            | Q(policy__status=Policy.Status.PENDING_CANCELLATION)
        )
        .annotate(on=COMES_ON)
        .select_related("policy__policyholder")
        .only(*COMING_FIELDS)
        .order_by("on", "policy__number_normalized", "id")[:MOST_COMING]
    )
    renewals = _renewals([term.policy_id for term in terms], today)
    return [Coming(term.on, term.policy, term, _renewal_word(term, renewals)) for term in terms]


def _renewals(policy_ids: list[int], today: dt.date) -> list[tuple[int, dt.date, str]]:
    """The terms to come of these policies: policy, first day, status."""
    if not policy_ids:
        return []
    to_come = Term.objects.filter(policy_id__in=policy_ids, retired_at=None, effective__gt=today).order_by()
    return list(to_come.values_list("policy_id", "effective", "status"))


def _renewal_word(term: Term, renewals: list[tuple[int, dt.date, str]]) -> str:
    following = {
        status for policy, effective, status in renewals if policy == term.policy_id and effective >= term.expires
    }
    if Term.Status.BOUND in following:
        return "Renewal bound"
    return "Renewal offered" if {Term.Status.OFFERED, Term.Status.ACCEPTED} & following else "No renewal yet"
