"""Status at a glance (S-22): a summary of a user's policies, for home."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, DateField, F, OuterRef, Q, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, Concat, Lower

from core.dates import carrier_today
from core.statements import IDS, prepared
from core.templatetags.show import day_long
from policies.eligibility import Eligibility, judge_now
from policies.models import SCOPE, Coverage, Insured, Membership, Policy, Policyholder, Reach, Scope, Term, reach_of
from policies.pages.notices import RENEWAL_WINDOW_DAYS
from policies.pages.papers import PaperLink, paper_links
from policies.pages.status import StatusOnDay, status_for_insured, status_of
from policies.pages.terms import NAMES_AS_JSON, TermsByPolicy, by_policy, with_names, with_own
from policies.words import Word, lower_first, word_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from accounts.models import User

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
BY_NAME = Lower(Concat("last_name", "name", Value(" "), "first_name"))
# What comes next with a client, in the order of home.
CANCELLATION, END, NO_EVENT = range(3)
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
    """Return what the user's policies come to today. At most three queries, whatever the roles and the size of the
    book."""
    reach = reach_of(user)
    book = _book(reach.only(ROLES.AGENT).scope) if reach.agency_ids else None
    if not reach.insured_ids and not reach.policyholder_ids:
        return Glance(reach.roles, book=book)
    policies = _policies(**reach.only(ROLES.INSURED, ROLES.POLICYHOLDER).scope.values())
    more = len(policies) > MOST_POLICIES
    policies = policies[:MOST_POLICIES]
    holders = {p.policyholder for p in policies if p.policyholder_id in reach.policyholder_ids}
    individual = bool(reach.insured_ids) and all(h.kind == Policyholder.Kind.INDIVIDUAL for h in holders)
    found = _terms_of(reach, policies, counted=bool(holders) and not individual)
    terms, own = found.terms, found.own
    statuses = {}
    for policy in sorted(policies, key=lambda policy: policy.policyholder not in holders):
        if policy.policyholder in holders:
            statuses[policy.pk] = status_of(policy, terms[policy.pk], policy.today())
        else:
            statuses[policy.pk] = status_for_insured(policy, own[policy.pk], terms[policy.pk], policy.today())
    held = {pk: status for pk, status in statuses.items() if status.policy.policyholder in holders}
    return Glance(
        reach.roles,
        own=[one for pk, status in statuses.items() for one in _leading(own[pk], status, terms[pk])],
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
    if named and leading is not None:
        leading.insureds.extend(
            Insured(**names) for names in getattr(leading.status.term, "first_insureds", None) or ()
        )
    return held


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


def _terms_of(reach: Reach, policies: list[Policy], *, counted: bool) -> TermsByPolicy:
    """Return the policies' terms and the user's own coverages in them. One query."""
    ids = [policy.pk for policy in policies]
    insured = bool(reach.insured_ids)
    today = carrier_today()
    return by_policy(
        ids, _terms(policy_ids=ids, insured_ids=reach.insured_ids, today=today, insured=insured, counted=counted)
    )


@prepared(policy_ids=IDS, insured_ids=IDS, today=DateField())
def _terms(*, policy_ids: list[int], insured_ids: list[int], today: dt.date, insured: bool, counted: bool) -> Any:
    """Return the policies' terms; `insured`: with the user's own coverages.

    `counted`: each current one with the number of insureds `covered` today and the `first_insureds` by name.
    """
    terms = Term.objects.not_retired().filter(policy_id__any=policy_ids)
    if insured:
        terms = with_names(with_own(terms, insured_ids))
    if not counted:
        return terms
    covered = Coverage.objects.not_retired().filter(effective__lte=today, expires__gt=today).order_by()
    number = covered.filter(term=OuterRef("pk")).values("term_id").annotate(n=Count("insured_id", distinct=True))
    of_term = covered.filter(term=OuterRef(OuterRef("pk"))).values("insured_id")
    names = Insured.objects.filter(pk__in=of_term).order_by(BY_NAME, "id").values_list(NAMES_AS_JSON)
    is_current = Q(status=Term.Status.BOUND, effective__lte=today, expires__gt=today)
    return terms.annotate(
        covered=Coalesce(Case(When(is_current, then=Subquery(number.values("n")))), Value(0)),
        first_insureds=Case(When(is_current, then=ArraySubquery(names[:MOST_NAMES]))),
    )


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


def _book(agent: Scope) -> Book:
    """Return an agent's clients: how many are in force, and what comes next. One query."""
    terms = _running(window=agent.today + dt.timedelta(days=RENEWAL_WINDOW_DAYS), **agent.values())
    if not terms:
        return Book(in_force=0, pending_cancellation=0, ending=0, upcoming=[])
    counted = terms[0]
    return Book(
        in_force=counted.in_force,
        pending_cancellation=counted.cancelling,
        ending=counted.ending,
        upcoming=[Event(t.on, t.policy, t, _renewal_word(t.following)) for t in terms if t.kind != NO_EVENT],
    )


@prepared(**SCOPE, window=DateField())
def _running(*, window: dt.date, **scope: Any) -> QuerySet[Any]:
    """Return the clients' running terms that end or are cancelled next, each with the day as `on`.

    Each also has the number of all of them, whose policies are in force: the database counts before it takes the first.
    """
    agent = Scope(**scope)
    running = Term.objects.not_retired().filter(
        agent.policies("policy__"),
        _by_the_date(agent.today),
        policy__retired_at=None,
        status=Term.Status.BOUND,
        effective__lte=agent.today,
        expires__gt=agent.today,
    )
    following = Term.objects.not_retired().filter(policy=OuterRef("policy"), effective__gte=OuterRef("expires"))
    events = running.annotate(
        # What can be lost comes before what only ends.
        kind=Case(
            When(policy__status=Policy.Status.PENDING_CANCELLATION, then=Value(CANCELLATION)),
            When(policy__status=Policy.Status.ACTIVE, expires__lte=window, then=Value(END)),
            default=Value(NO_EVENT),
        ),
        on=COMES_ON,
        following=ArraySubquery(following.order_by().values("status")),
        in_force=Window(Count("pk")),
        cancelling=Window(Count("pk", filter=Q(policy__status__in=CANCELLING))),
        ending=Window(Count("pk", filter=Q(expires__lte=window))),
    )
    named = events.select_related("policy__policyholder").only(*EVENT_FIELDS)
    return named.order_by("kind", "on", "policy__number_normalized", "id")[:MOST_UPCOMING]


def _by_the_date(today: dt.date) -> Q:
    """Return the condition on a running term that its policy is in force, whatever notice was given."""
    cancelled = Q(policy__status=Policy.Status.CANCELLED)
    return ~Q(policy__status=Policy.Status.PENDING) & (~cancelled | Q(policy__cancellation_effective__gt=today))


def _renewal_word(following: list[str]) -> str:
    """Return what is known of a term's renewal, from the statuses of the terms that follow it."""
    if Term.Status.BOUND in following:
        return "Renewal bound"
    return "Renewal offered" if {Term.Status.OFFERED, Term.Status.ACCEPTED} & set(following) else "No renewal yet"
