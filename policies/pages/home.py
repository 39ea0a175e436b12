"""Status at a glance (S-22): a summary of a user's policies, for home."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, Case, Count, DateField, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Concat, Lower

from core.dates import carrier_today
from core.statements import IDS, prepared
from core.templatetags.show import day_long
from policies.eligibility import Eligibility, judge_now
from policies.models import SCOPE, Coverage, Insured, Membership, Policy, Policyholder, Reach, Scope, Term, reach_of
from policies.pages.notices import RENEWAL_WINDOW_DAYS
from policies.pages.papers import PaperLink, paper_links
from policies.pages.status import StatusOnDay, status_for_insured, status_of
from policies.words import Word, lower_first, word_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from accounts.models import User
    from policies.models.term import TermQuerySet

MOST_POLICIES = 6
"""Home shows so many policies, those in force first; the list has the rest."""
MOST_UPCOMING = 8
MOST_NAMES = 6
# The day of the cancellation where one is pending, else the end of the term.
COMES_ON = Case(
    When(
        policy__status=Policy.Status.PENDING_CANCELLATION,
        then=Coalesce("policy__cancellation_effective", "expires"),
    ),
    default=F("expires"),
)
EVENT_FIELDS = (
    "policy_id",
    "expires",
    "policy__public_id",
    "policy__number",
    "policy__status",
    "policy__cure_amount",
    "policy__policyholder__name",
)
ROLES = Membership.Role
# What can be lost comes before what only ends.
CANCELLATIONS_FIRST = Case(When(policy__status=Policy.Status.PENDING_CANCELLATION, then=Value(0)), default=Value(1))
# With a cancellation ahead: pending, or cancelled as of a later date.
CANCELLING = (Policy.Status.PENDING_CANCELLATION, Policy.Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class OwnCoverage:
    """An insured's own coverage with its policy and term, and the link to its certificate or letter."""

    coverage: Coverage
    status: StatusOnDay
    term: Term
    eligibility: Eligibility
    word: Word
    paper: PaperLink | None

    @property
    def in_force(self) -> bool:
        """Whether it covers today, as far as we know."""
        covers = self.word in (Word.IN_FORCE, Word.PENDING_CANCELLATION)
        return covers and self.coverage.in_force_on(self.status.day)

    @property
    def ends(self) -> dt.date:
        """Where it ends: while it goes on, over all its segments."""
        ends = self.coverage.ends
        return self.coverage.period[1] if ends > self.status.day else ends


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """A policy that the user represents: how many insureds it covers today, and the first of them by name."""

    status: StatusOnDay
    covered: int
    insureds: list[Insured] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event:
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
    """An agent's clients, counted, and what comes next with them: cancellations first."""

    in_force: int
    pending_cancellation: int
    ending: int
    upcoming: list[Event]


@dataclass(frozen=True, slots=True)
class Glance:
    """All of it. Lists are empty and `book` is None where the user has no such role."""

    roles: frozenset[str]
    own: list[OwnCoverage] = field(default_factory=list)
    held: list[HeldPolicy] = field(default_factory=list)
    insured_on: list[StatusOnDay] = field(default_factory=list)
    more_policies: bool = False
    individual: bool = False
    book: Book | None = None

    @property
    def statuses(self) -> list[StatusOnDay]:
        """Every policy shown, the user's own and the ones represented; of those that one is only insured on, none
        that one's coverage has ended on."""
        return [*(held.status for held in self.held), *(one for one in self.insured_on if one.current)]

    @property
    def headline(self) -> str:
        """What matters now, in one sentence."""
        cancelling = [status for status in self.statuses if status.word == Word.PENDING_CANCELLATION]
        if cancelling:
            return f"Policy {cancelling[0].policy.number}: {lower_first(cancelling[0].sentence)}."
        in_force = [own for own in self.own if own.in_force]
        if in_force and (self.individual or not self.held):
            return f"Your coverage is in force until {day_long(min(own.ends for own in in_force))}."
        if self.held:
            return self._held_headline()
        if self.insured_on:
            return f"{self.insured_on[0].sentence}."
        if self.book is not None:
            return self._book_headline(self.book)
        return ""

    def _held_headline(self) -> str:
        in_force = [held for held in self.held if held.status.in_force]
        if not in_force:
            return f"Policy {self.held[0].status.policy.number}: {lower_first(self.held[0].status.sentence)}."
        covered = sum(held.covered for held in in_force)
        first = min(in_force, key=lambda held: held.status.ends or dt.date.max)
        people = "1 insured is covered" if covered == 1 else f"{covered:,} insureds are covered"
        if len(in_force) == 1:
            return f"{people} until {day_long(first.status.ends)}."
        return f"{people} on {len(in_force)} policies; the first ends {day_long(first.status.ends)}."

    @staticmethod
    def _book_headline(book: Book) -> str:
        policies = f"{book.in_force:,} client polic{'y' if book.in_force == 1 else 'ies'}"
        if book.pending_cancellation:
            verb = "is" if book.pending_cancellation == 1 else "are"
            return f"{book.pending_cancellation:,} of your {policies} {verb} pending cancellation."
        if book.ending:
            verb = "ends" if book.ending == 1 else "end"
            return f"{book.ending:,} of your {policies} {verb} within {RENEWAL_WINDOW_DAYS} days."
        return f"You have {policies} in force."


def glance_of(user: User) -> Glance:
    """Return what the user's policies come to today. At most seven queries, whatever the size of the book."""
    reach = reach_of(user)
    book = _book(reach) if reach.agency_ids else None
    if not reach.insured_ids and not reach.policyholder_ids:
        return Glance(reach.roles, book=book)
    policies = _policies(**reach.only(ROLES.INSURED, ROLES.POLICYHOLDER).scope.values())
    more = len(policies) > MOST_POLICIES
    policies = policies[:MOST_POLICIES]
    holders = {p.policyholder for p in policies if p.policyholder_id in reach.policyholder_ids}
    individual = bool(reach.insured_ids) and all(h.kind == Policyholder.Kind.INDIVIDUAL for h in holders)
    terms: dict[int, list[Term]] = {policy.pk: [] for policy in policies}
    counted = bool(holders) and not individual
    for term in _terms(policy_ids=list(terms), today=carrier_today(), counted=counted):
        terms[term.policy_id].append(term)
    own = _own_by_policy(reach, policies)
    statuses = {}
    for policy in sorted(policies, key=lambda policy: policy.policyholder not in holders):
        if policy.policyholder in holders:
            statuses[policy.pk] = status_of(policy, terms[policy.pk], policy.today())
        else:
            statuses[policy.pk] = status_for_insured(policy, own[policy.pk], terms[policy.pk], policy.today())
    held = {pk: status for pk, status in statuses.items() if status.policy.policyholder in holders}
    return Glance(
        reach.roles,
        own=[found for pk, status in statuses.items() for found in _leading(own[pk], status, terms[pk])],
        held=_held(list(held.values()), named=not individual),
        insured_on=[status for pk, status in statuses.items() if pk not in held],
        more_policies=more,
        individual=individual,
        book=book,
    )


def _held(statuses: list[StatusOnDay], *, named: bool) -> list[HeldPolicy]:
    """Return the policies that the user represents. `named`: the first one in force with the first of its insureds."""
    held = [HeldPolicy(status, getattr(status.term, "covered", 0)) for status in statuses]
    leading = next((one for one in held if one.status.in_force), None)
    if named and leading is not None and leading.status.term is not None:
        leading.insureds.extend(_first_insureds(term_id=leading.status.term.pk, today=carrier_today()))
    return held


@prepared(term_id=BigIntegerField(), today=DateField())
def _first_insureds(*, term_id: int, today: dt.date) -> QuerySet[Insured]:
    """Return the first insureds of a term by name, of those covered today."""
    covered = Coverage.objects.not_retired().filter(term_id=term_id, effective__lte=today, expires__gt=today)
    by_name = Insured.objects.filter(pk__in=covered.order_by().values("insured_id"))
    return by_name.order_by(Lower(Concat("last_name", "name", Value(" "), "first_name")), "id")[:MOST_NAMES]


@prepared(**SCOPE)
def _policies(**scope: Any) -> QuerySet[Policy]:
    """Return the policies that the user holds or is insured on, those in force first; one more than are shown."""
    first = Case(
        When(status=Policy.Status.PENDING_CANCELLATION, then=Value(0)),
        When(status=Policy.Status.ACTIVE, then=Value(1)),
        When(status=Policy.Status.PENDING, then=Value(2)),
        default=Value(3),
    )
    policies = Policy.objects.not_retired().filter(Scope(**scope).policies()).with_page()
    return policies.order_by(first, "number_normalized", "id")[: MOST_POLICIES + 1]


def _own_by_policy(reach: Reach, policies: list[Policy]) -> dict[int, list[Coverage]]:
    """Return the insured's own coverages on these policies, by policy, the latest first. One query, none for who is
    none."""
    own: dict[int, list[Coverage]] = {policy.pk: [] for policy in policies}
    if not reach.insured_ids:
        return own
    for coverage in _own(insured_ids=reach.insured_ids, policy_ids=list(own)):
        own[coverage.policy_id].append(coverage)
    return own


@prepared(insured_ids=IDS, policy_ids=IDS)
def _own(*, insured_ids: list[int], policy_ids: list[int]) -> QuerySet[Any]:
    own = Coverage.objects.not_retired().filter(
        insured_id__any=insured_ids, term__policy_id__any=policy_ids, term__retired_at=None
    )
    named = own.select_related("insured").with_segments().annotate(policy_id=F("term__policy_id"))
    return named.order_by("-expires", "part", "id")


def _leading(coverages: list[Coverage], status: StatusOnDay, terms: list[Term]) -> list[OwnCoverage]:
    """One's coverages in the policy's leading term; of a policy that has ended, the last ones."""
    leading = [c for c in coverages if status.term is not None and c.term_id == status.term.pk]
    return own_coverages(leading, status, terms)


def own_coverages(coverages: Iterable[Coverage], status: StatusOnDay, terms: Iterable[Term]) -> list[OwnCoverage]:
    """Coverages of one policy, which come `with_segments`, with what each gives today. `terms`: the policy's, all."""
    by_id = {term.pk: term for term in terms}
    latest = max((term.effective for term in by_id.values() if term.status in Term.TAKEN_UP), default=None)
    paper = paper_links()
    found = []
    for coverage in coverages:
        term = coverage.term = by_id[coverage.term_id]
        word = word_of(coverage, status.day, was_last=latest is None or term.effective >= latest)
        eligibility = judge_now(coverage)
        found.append(OwnCoverage(coverage, status, term, eligibility, word, paper(coverage, eligibility)))
    return found


@prepared(policy_ids=IDS, today=DateField())
def _terms(*, policy_ids: list[int], today: dt.date, counted: bool) -> TermQuerySet:
    """Return the policies' terms; `counted`: each current one with the number of insureds `covered` today, in one
    query."""
    terms = Term.objects.not_retired().filter(policy_id__any=policy_ids)
    if not counted:
        return terms
    insureds = (
        Coverage.objects.not_retired()
        .filter(term=OuterRef("pk"), effective__lte=today, expires__gt=today)
        .order_by()
        .values("term_id")
        .annotate(n=Count("insured_id", distinct=True))
        .values("n")
    )
    current = When(status=Term.Status.BOUND, effective__lte=today, expires__gt=today, then=Subquery(insureds))
    return terms.annotate(covered=Coalesce(Case(current), Value(0)))


def _book(reach: Reach) -> Book:
    """Return an agent's clients: one query that counts those in force, two that say what comes next."""
    scope = reach.only(ROLES.AGENT).scope
    window = scope.today + dt.timedelta(days=RENEWAL_WINDOW_DAYS)
    by_status = {status: (n, ending) for status, n, ending in _counted(window=window, **scope.values())}
    return Book(
        in_force=sum(n for n, _ in by_status.values()),
        pending_cancellation=sum(by_status.get(status, (0, 0))[0] for status in CANCELLING),
        ending=sum(ending for _, ending in by_status.values()),
        upcoming=_upcoming(scope, window),
    )


def _running(agent: Scope) -> TermQuerySet:
    """Return the clients' bound terms of today."""
    return Term.objects.not_retired().filter(
        agent.policies("policy__"),
        policy__retired_at=None,
        status=Term.Status.BOUND,
        effective__lte=agent.today,
        expires__gt=agent.today,
    )


@prepared(**SCOPE, window=DateField())
def _counted(*, window: dt.date, **scope: Any) -> QuerySet[Any]:
    """Return the clients' policies in force by status: how many there are, and how many of them end within the
    window."""
    agent = Scope(**scope)
    running = _running(agent).filter(_by_the_date(agent.today)).order_by()
    counts = {"n": Count("pk"), "ending": Count("pk", filter=Q(expires__lte=window))}
    return running.values_list("policy__status").annotate(**counts)


def _by_the_date(today: dt.date) -> Q:
    """Return the condition on a running term that its policy is in force, whatever notice was given."""
    cancelled = Q(policy__status=Policy.Status.CANCELLED)
    return ~Q(policy__status=Policy.Status.PENDING) & (~cancelled | Q(policy__cancellation_effective__gt=today))


def _upcoming(agent: Scope, window: dt.date) -> list[Event]:
    """Return cancellations, then ends of terms within the window, the nearest of each kind first."""
    terms = _next(window=window, **agent.values())
    renewals = _renewals(policy_ids=[term.policy_id for term in terms], today=agent.today) if terms else []
    return [Event(term.on, term.policy, term, _renewal_word(term, renewals)) for term in terms]


@prepared(**SCOPE, window=DateField())
def _next(*, window: dt.date, **scope: Any) -> QuerySet[Any]:
    """Return the terms that end or are cancelled next, each with the day as `on`."""
    ends = Q(policy__status=Policy.Status.ACTIVE, expires__lte=window)
    coming = _running(Scope(**scope)).filter(ends | Q(policy__status=Policy.Status.PENDING_CANCELLATION))
    named = coming.annotate(on=COMES_ON).select_related("policy__policyholder").only(*EVENT_FIELDS)
    return named.order_by(CANCELLATIONS_FIRST, "on", "policy__number_normalized", "id")[:MOST_UPCOMING]


@prepared(policy_ids=IDS, today=DateField())
def _renewals(*, policy_ids: list[int], today: dt.date) -> QuerySet[Any, tuple[int, dt.date, str]]:
    """Return the upcoming terms of these policies: policy, first day, status."""
    upcoming = Term.objects.filter(policy_id__any=policy_ids, retired_at=None, effective__gt=today).order_by()
    return upcoming.values_list("policy_id", "effective", "status")


def _renewal_word(term: Term, renewals: list[tuple[int, dt.date, str]]) -> str:
    following = {
        status for policy, effective, status in renewals if policy == term.policy_id and effective >= term.expires
    }
    if Term.Status.BOUND in following:
        return "Renewal bound"
    return "Renewal offered" if {Term.Status.OFFERED, Term.Status.ACCEPTED} & following else "No renewal yet"
