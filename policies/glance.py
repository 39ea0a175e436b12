"""Status at a glance (S-22): what a user's policies come to today, for home."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Case, Count, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone

from core.templatetags.show import day_long
from policies.models import Coverage, Membership, Policy, Policyholder, Term
from policies.standing import RENEWAL_WINDOW_DAYS, Notice, Standing, paper_for, standing_of

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models.policy import PolicyQuerySet

MOST_POLICIES = 6
"""Home shows so many policies, those in force first; the list has the rest."""
MOST_COMING = 8
ROLES = Membership.Role


@dataclass(frozen=True, slots=True)
class OwnCoverage:
    """An insured's own coverage, the policy it belongs to, and the term."""

    coverage: Coverage
    standing: Standing
    term: Term

    @property
    def in_force(self) -> bool:
        """Whether it covers today."""
        standing = self.standing
        return standing.in_force and self.term == standing.term and self.coverage.in_force_on(standing.day)

    @property
    def paper(self) -> str:
        """What it can be shown by: a certificate, a letter, or nothing."""
        return paper_for(self.coverage, self.standing.policy, self.term, self.standing.day)


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
    pending: int
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
    """What the user's policies come to today. At most six queries, whatever the size of the book."""
    memberships = list(Membership.objects.live().filter(user=user).select_related("policyholder"))
    roles = frozenset(membership.role for membership in memberships)
    own_ids = {membership.insured_id for membership in memberships if membership.role == ROLES.INSURED}
    held_by = {m.policyholder_id: m.policyholder for m in memberships if m.role == ROLES.POLICYHOLDER}
    book = _book(user) if ROLES.AGENT in roles else None
    if not own_ids and not held_by:
        return Glance(roles, book=book)

    policies = _policies(user)
    more = len(policies) > MOST_POLICIES
    policies = policies[:MOST_POLICIES]
    terms: dict[int, list[Term]] = {policy.pk: [] for policy in policies}
    for term in Term.objects.live().filter(policy__in=policies):
        terms[term.policy_id].append(term)
    standings = {policy.pk: standing_of(policy, terms[policy.pk], policy.today()) for policy in policies}
    held = {pk: standing for pk, standing in standings.items() if standing.policy.policyholder_id in held_by}
    covered = _covered([s for s in held.values() if s.in_force])
    return Glance(
        roles,
        own=_own(own_ids, standings) if own_ids else [],
        held=[
            HeldPolicy(standing, covered.get(standing.term.pk, 0) if standing.term else 0) for standing in held.values()
        ],
        insured_on=[standing for pk, standing in standings.items() if pk not in held],
        more_policies=more,
        individual=bool(own_ids)
        and all(holder is not None and holder.kind == Policyholder.Kind.INDIVIDUAL for holder in held_by.values()),
        book=book,
    )


def _policies(user: User) -> list[Policy]:
    """The policies that the user holds or is insured on, those in force first; one more than are shown."""
    memberships = Membership.objects.live().filter(user=user).exclude(role=ROLES.AGENT)
    first = Case(
        When(status=Policy.Status.PENDING_CANCELLATION, then=Value(0)),
        When(status=Policy.Status.ACTIVE, then=Value(1)),
        When(status=Policy.Status.PENDING, then=Value(2)),
        default=Value(3),
    )
    return list(
        Policy.objects.live()
        .filter(pk__in=memberships.policy_ids())
        .with_page()
        .order_by(first, "number_normalized", "id")[: MOST_POLICIES + 1]
    )


def _own(insured_ids: set[int | None], standings: dict[int, Standing]) -> list[OwnCoverage]:
    """The insured's own coverages in each policy's leading term; of a policy that has ended, the last ones."""
    leading = {s.term.pk: (s, s.term) for s in standings.values() if s.term}
    coverages = (
        Coverage.objects.live()
        .filter(insured_id__in=insured_ids, term_id__in=leading)
        .select_related("insured")
        .order_by("-expires", "part", "id")
    )
    return [OwnCoverage(coverage, *leading[coverage.term_id]) for coverage in coverages]


def _covered(standings: list[Standing]) -> dict[int, int]:
    """How many insureds are covered today, by term."""
    if not standings:
        return {}
    on_day = Q()
    for standing in standings:
        on_day |= Q(term=standing.term, effective__lte=standing.day, expires__gt=standing.day)
    counted = (
        Coverage.objects.live()
        .filter(on_day)
        .order_by()
        .values("term_id")
        .annotate(n=Count("insured_id", distinct=True))
    )
    return {row["term_id"]: row["n"] for row in counted}


def _book(user: User) -> Book:
    """An agent's clients: one query that counts, one that says what comes next."""
    today = timezone.localdate()
    agent = Membership.objects.live().filter(user=user, role=ROLES.AGENT)
    clients = Policy.objects.live().filter(pk__in=agent.policy_ids())
    soon = Term.objects.live().filter(
        policy=OuterRef("pk"),
        status=Term.Status.BOUND,
        effective__lte=today,
        expires__gt=today,
        expires__lte=today + dt.timedelta(days=RENEWAL_WINDOW_DAYS),
    )
    counts = clients.aggregate(
        in_force=Count("pk", filter=Q(status__in=Policy.IN_FORCE)),
        pending_cancellation=Count("pk", filter=Q(status=Policy.Status.PENDING_CANCELLATION)),
        pending=Count("pk", filter=Q(status=Policy.Status.PENDING)),
        ending=Count("pk", filter=Q(status__in=Policy.IN_FORCE) & Exists(soon)),
    )
    return Book(**counts, coming=_coming(clients, today))


def _coming(clients: PolicyQuerySet, today: dt.date) -> list[Coming]:
    """Cancellations and ends of terms within the window, the nearest first."""
    window = today + dt.timedelta(days=RENEWAL_WINDOW_DAYS)
    renewal = Term.objects.live().filter(policy=OuterRef("policy"), effective__gte=OuterRef("expires"))
    terms = (
        Term.objects.live()
        .filter(policy__in=clients, status=Term.Status.BOUND, effective__lte=today, expires__gt=today)
        .filter(
            Q(policy__status=Policy.Status.ACTIVE, expires__lte=window)
            | Q(policy__status=Policy.Status.PENDING_CANCELLATION)
        )
        .annotate(
            on=Case(
                When(
                    policy__status=Policy.Status.PENDING_CANCELLATION,
                    policy__cancellation_effective__isnull=False,
                    then=F("policy__cancellation_effective"),
                ),
                default=F("expires"),
            ),
            renewal_bound=Exists(renewal.filter(status=Term.Status.BOUND)),
            renewal_offered=Exists(renewal.filter(status__in=(Term.Status.OFFERED, Term.Status.ACCEPTED))),
        )
        .select_related("policy__policyholder")
        .order_by("on", "policy__number_normalized", "id")[:MOST_COMING]
    )
    return [Coming(term.on, term.policy, term, _renewal_word(term)) for term in terms]


def _renewal_word(term: Term) -> str:
    bound, offered = getattr(term, "renewal_bound", False), getattr(term, "renewal_offered", False)
    return "Renewal bound" if bound else "Renewal offered" if offered else "No renewal yet"
