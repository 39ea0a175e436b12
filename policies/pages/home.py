"""Status at a glance (S-22): a summary of a user's policies, for home."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, DateField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, JSONObject

from core.dates import carrier_today
from core.statements import IDS, prepared
from core.templatetags.show import day, day_long
from policies.eligibility import Eligibility, judge_now
from policies.models import (
    SCOPE,
    Coverage,
    Headcount,
    Insured,
    Membership,
    Policy,
    Policyholder,
    Reach,
    Scope,
    Term,
    reach_of,
)
from policies.pages.book import Book, book_of
from policies.pages.facts import Facts, facts_of
from policies.pages.notices import RENEWAL_WINDOW_DAYS
from policies.pages.papers import PaperLink, paper_links
from policies.pages.status import StatusOnDay, status_for_insured, status_of
from policies.pages.terms import NAMES, TermsByPolicy, by_policy, with_details, with_names, with_own
from policies.words import Word, lower_first, word_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from accounts.models import User

MOST_POLICIES = 6
"""Home shows so many policies, those in force first; the list has the rest."""
MOST_NAMES = 6
ROLES = Membership.Role


@dataclass(frozen=True)
class OwnCoverage:
    """An insured's own coverage with its policy and term, and the link to its certificate or letter."""

    coverage: Coverage
    status: StatusOnDay
    term: Term
    eligibility: Eligibility
    word: Word
    paper: PaperLink | None
    # Whether the user may see tails on offer and in place.
    sees_tails: bool = False

    @cached_property
    def facts(self) -> Facts:
        """What belongs to it, for its insured."""
        return facts_of(self.coverage, self.status.day, whole=self.status.whole, tails=self.sees_tails)

    @property
    def starts(self) -> dt.date:
        """Where it began, over all its segments."""
        return self.coverage.period[0]

    @property
    def about(self) -> str:
        """The coverage in a few words, for screen readers."""
        return f"{day(self.starts)} – {day(self.ends)}, {self.coverage.get_part_display().lower()}"

    @property
    def leads(self) -> bool:
        """Whether it speaks for its chain of segments today."""
        return self.coverage.leads_on(self.status.day)

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
    book = book_of(reach.only(ROLES.AGENT).scope) if reach.agency_ids else None
    if not reach.insured_ids and not reach.policyholder_ids:
        return Glance(reach.roles, book=book)
    policies = _policies(**replace(reach.scope, roles=reach.roles - {ROLES.AGENT}).values())
    more = len(policies) > MOST_POLICIES
    policies = policies[:MOST_POLICIES]
    holders = {p.policyholder for p in policies if p.policyholder_id in reach.held_ids}
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
        terms = with_details(with_names(with_own(terms, insured_ids)))
    if not counted:
        return terms
    covered = Coverage.objects.not_retired().filter(term=OuterRef("pk"), effective__lte=today, expires__gt=today)
    number = covered.order_by().values("term_id").annotate(n=Count("insured_id", distinct=True)).values("n")
    # Of a term with thousands the load has kept it.
    kept = Headcount.objects.filter(term=OuterRef("pk"), day__lte=today).order_by("-day").values("insureds")
    # Along the roster's index; an insured with two coverages is named once.
    named = covered.order_by("sort_key", "insured_id").distinct("sort_key", "insured_id")
    names = named.values_list(JSONObject(**{name: f"insured__{name}" for name in NAMES}))
    is_current = Q(status=Term.Status.BOUND, effective__lte=today, expires__gt=today)
    return terms.annotate(
        covered=Coalesce(Case(When(is_current, then=Coalesce(Subquery(kept[:1]), Subquery(number)))), Value(0)),
        first_insureds=Case(When(is_current, then=ArraySubquery(names[:MOST_NAMES]))),
    )


def _leading(coverages: list[Coverage], status: StatusOnDay, terms: list[Term]) -> list[OwnCoverage]:
    """One's coverages in the policy's leading term; of a policy that has ended, the last ones."""
    leading = [c for c in coverages if status.term is not None and c.term_id == status.term.pk]
    return [one for one in own_coverages(leading, status, terms) if one.leads or one.in_force]


def own_coverages(
    coverages: Iterable[Coverage],
    status: StatusOnDay,
    terms: Iterable[Term],
    *,
    sees_tails: bool = False,
    issues: bool = True,
) -> list[OwnCoverage]:
    """Coverages of one policy, which come with segments and details, with what each gives today.

    `terms`: the policy's, all. `issues`: whether the user may create certificates.
    """
    by_id = {term.pk: term for term in terms}
    latest = max((term.effective for term in by_id.values() if term.status in Term.TAKEN_UP), default=None)
    paper = paper_links()
    found = []
    for coverage in coverages:
        term = coverage.term = by_id[coverage.term_id]
        word = word_of(coverage, status.day, was_last=latest is None or term.effective >= latest)
        eligibility = judge_now(coverage)
        link = paper(coverage, eligibility) if issues else None
        found.append(OwnCoverage(coverage, status, term, eligibility, word, link, sees_tails))
    return found
