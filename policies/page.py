"""What a policy's page shows to a user: put together here, so that the template only lays it out.

Policyholders and agents see the policy whole: one term's roster at a time, premium, agents of record, history. An
insured sees her own coverages on it and nobody else's (SPEC: roles, rows and rights).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchQuery
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from core.dates import in_force_on
from core.keyset import KeysetPage, keyset_page
from core.panels import Panel, panels_for
from policies.glance import OwnCoverage
from policies.models import AgentOfRecord, Coverage, Policy, PolicyStatus, Term
from policies.names import fold
from policies.rights import capabilities
from policies.roles import Capability
from policies.standing import Notice, Standing, paper_for, standing_of
from policies.timeline import Timeline, timeline_of

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term as the page lists it; `place` is its name in the policy's life: current term, renewal, previous term."""

    term: Term
    place: str
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Roster:
    """One page of a term's coverages, with what each can be shown by."""

    page: KeysetPage[Coverage]
    rows: list[tuple[Coverage, str]]
    q: str


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """The page. `whole`: the user sees the policy whole; otherwise `own` holds what is hers."""

    policy: Policy
    standing: Standing
    whole: bool
    notices: list[Notice]
    terms: list[TermRow]
    term: Term | None
    timeline: Timeline | None
    roster: Roster | None
    own: list[OwnCoverage]
    earlier: list[OwnCoverage]
    agents: list[AgentOfRecord]
    history: list[PolicyStatus]
    panels: list[Panel]

    @property
    def agent(self) -> AgentOfRecord | None:
        """The agent of record today."""
        today = timezone.localdate()
        return next((agent for agent in self.agents if in_force_on(agent.starts, agent.ends, today)), None)

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The way back."""
        return [("Policies", reverse("policies:list"))]


def page_of_policy(request: HttpRequest, user: User, policy: Policy) -> PolicyPage:
    """The page for a user who sees the policy. Raises Http404 where the query names a term that isn't the policy's."""
    may = capabilities(user, policy, among=(Capability.VIEW_POLICY, Capability.ISSUE_CERTIFICATE))
    whole = Capability.VIEW_POLICY in may
    issues = Capability.ISSUE_CERTIFICATE in may
    terms = list(policy.terms.live())
    standing = standing_of(policy, terms, policy.today())
    term = _chosen(request.GET.get("term", ""), terms) or standing.term
    coverages = [] if whole else _own(user, policy, terms, standing)
    leading = [own for own in coverages if own.in_force] or [
        own for own in coverages if standing.term is not None and own.coverage.term_id == standing.term.pk
    ]
    shown = terms if whole else [t for t in terms if t.pk in {own.coverage.term_id for own in coverages}]
    reaching = [own.coverage.retroactive_date for own in coverages if own.coverage.retroactive_date]
    return PolicyPage(
        policy=policy,
        standing=standing,
        whole=whole,
        notices=standing.notices(with_amounts=whole),
        terms=[_row(t, standing, term) for t in shown],
        term=term,
        timeline=timeline_of(shown, standing.day, retroactive=min(reaching, default=None)),
        roster=_roster(request, term, policy, standing, issues=issues) if whole and term is not None else None,
        own=leading,
        earlier=[own for own in coverages if own not in leading],
        agents=list(policy.agents_of_record.live().select_related("agency").order_by("-starts", "-id"))
        if whole
        else [],
        history=list(policy.status_history.all()[:20]) if whole else [],
        panels=panels_for(user, "policy", policy=policy),
    )


def _chosen(public_id: str, terms: list[Term]) -> Term | None:
    if not public_id:
        return None
    for term in terms:
        if term.public_id == public_id:
            return term
    raise Http404("no such term of this policy")


def _own(user: User, policy: Policy, terms: list[Term], standing: Standing) -> list[OwnCoverage]:
    """The user's own coverages on the policy, the latest first; each stands as the policy does today."""
    by_id = {term.pk: term for term in terms}
    coverages = (
        Coverage.objects.visible_to(user)
        .filter(term__policy=policy)
        .select_related("insured")
        .order_by("-effective", "part", "id")
    )
    return [OwnCoverage(coverage, standing, by_id[coverage.term_id]) for coverage in coverages]


def _row(term: Term, standing: Standing, chosen: Term | None) -> TermRow:
    if term.in_force_on(standing.day):
        place = "Current term"
    elif term.effective > standing.day:
        place = "Renewal" if standing.in_force else "Term to come"
    else:
        place = "Previous term"
    return TermRow(term, place, "?" + urlencode({"term": term.public_id}), chosen is not None and term.pk == chosen.pk)


def _roster(request: HttpRequest, term: Term, policy: Policy, standing: Standing, *, issues: bool) -> Roster:
    """A page of the term's coverages by name: up to 5,000, so paged by key and searched by the database."""
    q = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    coverages = term.coverages.live().select_related("insured")
    words = fold(q).split()
    if words:
        coverages = coverages.filter(
            insured__search=SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
        )
    elif q:
        coverages = coverages.none()
    name = Lower(Concat(F("insured__last_name"), F("insured__name"), Value(" "), F("insured__first_name")))
    page = keyset_page(coverages.annotate(sort_key=name), request, order=("sort_key", "id"))
    rows = [(c, paper_for(c, policy, term, standing.day) if issues else "") for c in page.rows]
    return Roster(page, rows, q)
