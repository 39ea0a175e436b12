"""What a policy's page shows to a user: put together here, so that the template only lays it out.

Policyholders and agents see the policy whole: one term's roster at a time, premium, agents of record, history. An
insured sees only their own coverages on it (docs/spec.md#roles-rows-and-rights).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, FilteredRelation, OuterRef, Q
from django.db.models.functions import JSONObject
from django.http import Http404
from django.utils.http import urlencode

from core.dates import carrier_today
from core.panels import Panel, panels_for
from core.statements import prepared
from core.templatetags.show import day
from core.urls import address_of
from policies.models import SCOPE, AgentOfRecord, Coverage, Policy, Policyholder, PolicyStatus, Scope, Term, reach_of
from policies.models.policy import reason_in_words
from policies.pages.home import OwnCoverage, own_coverages
from policies.pages.notices import Notice, notices_of
from policies.pages.roster import Roster, roster_of
from policies.pages.status import StatusOnDay, status_for_insured, status_of
from policies.pages.timeline import Timeline, timeline_of, timeline_of_coverages
from policies.rights import capabilities
from policies.roles import Capability
from policies.words import Word, word_of_term

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from accounts.models import User
    from policies.models import Insured

MOST_CHANGES = 20
MOST_CARDS = 3
# The capabilities that decide what the page shows.
SHOWN_BY = (Capability.VIEW_POLICY, Capability.ISSUE_CERTIFICATE, Capability.VIEW_ERE, Capability.REQUEST_CHANGE)


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term as the page lists it; `place` is its name in the policy's life: current term, renewal, previous term.

    `note`: what the carrier says beyond the status: an offer and until when, accepted, declined.
    """

    term: Term
    place: str
    word: Word
    note: str
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One line of the status history; where the carrier gives no date, the day on which its word came."""

    label: str
    since: dt.date
    reason: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """The policy that continues one that has ended. `href`: empty where the user doesn't see it."""

    number: str
    href: str


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """The page. `whole`: the user sees the policy whole; otherwise `own` holds the user's own coverages, and `leading`
    those in force, or the last ones. `cards`: the roster of an individual's policy, as cards instead of a table."""

    policy: Policy
    status: StatusOnDay
    whole: bool
    notices: list[Notice]
    terms: list[TermRow]
    term: Term | None
    timeline: Timeline | None
    roster: Roster | None
    cards: list[OwnCoverage]
    replaced_by: Replacement | None
    own: list[OwnCoverage]
    leading: list[OwnCoverage]
    agents: list[AgentOfRecord]
    history: list[StatusChange]
    panels: list[Panel]
    # Whether the user may ask for changes.
    asks: bool = False

    @property
    def agent(self) -> AgentOfRecord | None:
        """The agent of record today."""
        today = carrier_today()
        return next((agent for agent in self.agents if agent.is_in_office(today)), None)

    @property
    def is_over(self) -> bool:
        """Whether the policy has ended, so that nothing on it goes on."""
        return self.status.word in (Word.CANCELLED, Word.EXPIRED, Word.NOT_RENEWED)

    @property
    def eyebrow(self) -> str:
        """Number and kind."""
        return f"Policy {self.policy.number} · {self.policy.get_program_display()}"

    @property
    def matters(self) -> str:
        """What the mark and its date don't say: no date is known, or it is only one's own coverage that ended."""
        is_own_end = not self.whole and self.status.word == Word.EXPIRED
        return f"{self.status.sentence}." if is_own_end or not self.status.dated else ""

    @property
    def has_own_history(self) -> bool:
        """Whether the insured has coverage on the policy other than what leads the page."""
        return len(self.own) > len(self.leading)

    @property
    def people(self) -> list[Insured]:
        """The insureds of the cards, each of whom has a page of their own."""
        shown = self.cards if self.whole else self.own
        return list({one.coverage.insured_id: one.coverage.insured for one in shown}.values())

    @property
    def shows_history(self) -> bool:
        """Whether the history is open at once: the user chose a term in it other than the leading one."""
        return self.term is not None and self.term is not self.status.term

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The way back."""
        return [("Policies", address_of("policies:list"))]


def policy_for_page(user: User, public_id: str) -> Policy:
    """Return the policy with its appointments and the latest changes of its status. One query.

    Raises Http404 where the user doesn't see it.
    """
    rows = _policy(public_id=public_id, **reach_of(user).scope.values())
    if not rows:
        raise Http404("no such policy of this user")
    policy: Policy = rows[0]
    appointments = [getattr(row, "appointment", None) for row in rows]
    policy.appointments = [appointment for appointment in appointments if appointment is not None]
    return policy


@prepared(**SCOPE, public_id=models.TextField())
def _policy(*, public_id: str, **scope: Any) -> QuerySet[Any]:
    """Return the policy, a row for each appointment of an agency, the latest first."""
    changes = PolicyStatus.objects.filter(policy=OuterRef("pk")).values_list(
        JSONObject(status="status", since="status_date", at="recorded_at", reason="reason", code="reason_code")
    )
    of_record = FilteredRelation("agents_of_record", condition=Q(agents_of_record__retired_at=None))
    open_policies = Policy.objects.not_retired().filter(Scope(**scope).policies())
    return (
        open_policies.filter(public_id=public_id)
        .annotate(
            status_changes=ArraySubquery(changes[:MOST_CHANGES]),
            appointment=of_record,
            sees_replacement=Exists(open_policies.filter(pk=OuterRef("replaced_by"))),
        )
        .select_related("company", "policyholder", "appointment__agency", "replaced_by")
        .order_by("-appointment__starts", "-appointment__id")
    )


def page_of_policy(request: HttpRequest, user: User, policy: Policy) -> PolicyPage:
    """Return the page for a user who sees the policy, from `policy_for_page`. Raises Http404 for a term of
    another's."""
    may = capabilities(user, policy, among=SHOWN_BY)
    whole = Capability.VIEW_POLICY in may
    sees_tails = Capability.VIEW_ERE in may
    terms = policy.terms_on_file
    own = [] if whole else _own(user, policy)
    shown = terms if whole else [t for t in terms if t.pk in {coverage.term_id for coverage in own}]
    if whole:
        status = status_of(policy, terms, policy.today())
    else:
        status = status_for_insured(policy, own, terms, policy.today())
    term = _chosen(request.GET.get("term", ""), shown) or status.term
    # A change in mid-term is one coverage: each chain of segments is shown once.
    coverages = [one for one in own_coverages(own, status, terms, sees_tails=sees_tails) if one.leads]
    leading = [one for one in coverages if one.in_force] or [
        one for one in coverages if status.term is not None and one.coverage.term_id == status.term.pk
    ]
    issues = Capability.ISSUE_CERTIFICATE in may
    roster = roster_of(request, term, issues=issues, tails=sees_tails) if whole and term is not None else None
    cards = roster.page.rows if roster is not None and _as_cards(policy, roster) else []
    return PolicyPage(
        policy=policy,
        status=status,
        whole=whole,
        notices=notices_of(status, as_agent=policy.policyholder_id not in reach_of(user).policyholder_ids),
        terms=[_row(one, status, term, terms) for one in shown],
        term=term,
        timeline=_timeline(terms, coverages, status),
        roster=roster,
        cards=_in_force_first(own_coverages(cards, status, terms, sees_tails=sees_tails, issues=issues)),
        replaced_by=_replacement(policy, status),
        own=coverages,
        leading=leading,
        agents=policy.appointments if whole else [],
        history=_history(policy) if whole else [],
        panels=panels_for(user, "policy", policy=policy),
        asks=Capability.REQUEST_CHANGE in may,
    )


def _as_cards(policy: Policy, roster: Roster) -> bool:
    """Whether a roster is one person's few coverages."""
    is_individual = policy.policyholder.kind == Policyholder.Kind.INDIVIDUAL
    return is_individual and roster.page.is_whole and not roster.q and len(roster.rows) <= MOST_CARDS


def _in_force_first(coverages: list[OwnCoverage]) -> list[OwnCoverage]:
    """Return what is in force before what is to come, and that before what has ended."""
    return sorted(coverages, key=lambda one: (not one.in_force, one.ends <= one.status.day, one.starts))


def _replacement(policy: Policy, status: StatusOnDay) -> Replacement | None:
    """Return the policy that continues this one, once it has ended: for those who see either policy whole."""
    after = policy.replaced_by
    sees_it = getattr(policy, "sees_replacement", False)
    if after is None or after.retired_at is not None or status.current or not (status.whole or sees_it):
        return None
    return Replacement(after.number, after.get_absolute_url() if sees_it else "")


def _timeline(terms: list[Term], own: list[OwnCoverage], status: StatusOnDay) -> Timeline | None:
    """Of the terms for who sees the policy whole, else of one's own coverages."""
    if status.whole:
        return timeline_of(terms, status.day)
    suspended = [days for one in own for days in one.facts.suspended]
    return timeline_of_coverages([(one.coverage, one.word) for one in own], status.day, suspended=suspended)


def _history(policy: Policy) -> list[StatusChange]:
    return [
        StatusChange(
            Policy.Status(change["status"]).label,
            dt.date.fromisoformat((change["since"] or change["at"])[:10]),
            reason_in_words(change["reason"], change["code"]),
        )
        for change in getattr(policy, "status_changes", [])
    ]


def _chosen(public_id: str, terms: list[Term]) -> Term | None:
    if not public_id:
        return None
    for term in terms:
        if term.public_id == public_id:
            return term
    raise Http404("no such term of this policy")


def _own(user: User, policy: Policy) -> list[Coverage]:
    """Return the user's own coverages in the policy's terms, the latest first."""
    on_file = {term.pk for term in policy.terms_on_file}
    return [coverage for coverage in reach_of(user).own_coverages(policy) if coverage.term_id in on_file]


def _row(term: Term, status: StatusOnDay, chosen: Term | None, terms: list[Term]) -> TermRow:
    if term.in_force_on(status.day):
        place = "Current term"
    elif term.effective > status.day:
        place = "Renewal" if status.in_force else "Upcoming term"
    else:
        place = "Previous term"
    later = [other for other in terms if other.effective > term.effective and other.status in Term.TAKEN_UP]
    return TermRow(
        term,
        place,
        word_of_term(term, status.day, is_last=not later),
        _note_of(term),
        href="?" + urlencode({"term": term.public_id}),
        chosen=chosen is not None and term.pk == chosen.pk,
    )


def _note_of(term: Term) -> str:
    match term.status:
        case Term.Status.OFFERED:
            return f"Offered, open until {day(term.offer_expires)}" if term.offer_expires else "Offered"
        case Term.Status.ACCEPTED:
            return "Accepted, not bound yet"
        case Term.Status.DECLINED:
            return "Offer declined"
    return ""
