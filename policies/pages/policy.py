"""What a policy's page shows to a user: put together here, so that the template only lays it out.

Policyholders and agents see the policy whole: one term's roster at a time, premium, agents of record, history. An
insured sees her own coverages on it and nobody else's (docs/spec.md#roles-rows-and-rights).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Value
from django.db.models.expressions import RawSQL
from django.http import Http404
from django.urls import reverse
from django.utils.http import urlencode

from core.converters import PUBLIC_ID_PLACE
from core.dates import carrier_today
from core.keyset import KeysetPage, keyset_page
from core.money import whole_dollars
from core.panels import Panel, panels_for
from core.search import name_query
from core.templatetags.show import day
from policies.eligibility import Eligibility, judge_now
from policies.models import AgentOfRecord, Coverage, Policy, Term
from policies.names import fold
from policies.pages.home import OwnCoverage, own_coverages
from policies.pages.status import Notice, StatusOnDay, status_for_insured, status_of
from policies.pages.timeline import Timeline, timeline_of, timeline_of_coverages
from policies.rights import capabilities
from policies.roles import Capability
from policies.words import Word

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User
    from policies.models.policy import PolicyQuerySet

# As text: ArraySubquery and JSONObject take as long to be put together as the page's other queries take altogether.
STATUS_CHANGES = RawSQL(
    """ARRAY(
        SELECT jsonb_build_object(
            'status', change.status, 'since', change.status_date, 'at', change.recorded_at, 'reason', change.reason
        )
        FROM policies_policystatus change
        WHERE change.policy_id = policies_policy.id
        ORDER BY change.recorded_at DESC, change.id DESC
        LIMIT 20
    )""",
    (),
    output_field=ArrayField(models.JSONField()),
)
# As a roster is read: by last name (or an entity's own), then first name. None of these is ever null.
BY_NAME = models.Func(
    F("insured__last_name"),
    F("insured__name"),
    Value(" "),
    F("insured__first_name"),
    template="LOWER(%(expressions)s)",
    arg_joiner=" || ",
    output_field=models.TextField(),
)
ROSTER_SIZE = 20
# Stands for a public id in an address that is worked out once for all rows.
PARTS, FORMS = dict(Coverage.Part.choices), dict(Coverage.Form.choices)
ROSTER_FIELDS = (
    "public_id",
    "term_id",
    "insured_id",
    "part",
    "form",
    "retroactive_date",
    "full_prior_acts",
    "limit_per_claim",
    "limit_aggregate",
    "limits_shared",
    "deductible",
    "effective",
    "expires",
    "specialty",
    "endorsements",
    "fund",
    "fund_limits",
    "ended_reason",
    *(
        f"insured__{name}"
        for name in ("kind", "name", "first_name", "middle_name", "last_name", "suffix", "credential")
    ),
)


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term as the page lists it; `place` is its name in the policy's life: current term, renewal, previous term."""

    term: Term
    place: str
    href: str
    chosen: bool


class RosterRow(TypedDict):
    """A coverage as the roster shows it, in words: the template has nothing left to look up or to decide, which shows
    on a page of them (and it finds a key twice as fast as an attribute). `more`: fund and endorsements, named by
    `more_label`; `paper`: certificate or letter, to be had at `href`."""

    name: str
    about: str
    part: str
    form: str
    more: list[str]
    more_label: str
    retroactive: str
    limits: str
    limits_note: str
    paper: str
    href: str


@dataclass(frozen=True, slots=True)
class Roster:
    """One page of a term's coverages."""

    page: KeysetPage[Coverage]
    rows: list[RosterRow]
    q: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One line of the status history; where the carrier gives no date, the day on which its word came."""

    label: str
    since: dt.date
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """The page. `whole`: the user sees the policy whole; otherwise `own` holds what is hers, and `leading` what of it
    is in force, or was last."""

    policy: Policy
    status: StatusOnDay
    whole: bool
    notices: list[Notice]
    terms: list[TermRow]
    term: Term | None
    timeline: Timeline | None
    roster: Roster | None
    own: list[OwnCoverage]
    leading: list[OwnCoverage]
    agents: list[AgentOfRecord]
    history: list[StatusChange]
    panels: list[Panel]

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
    def crumbs(self) -> list[tuple[str, str]]:
        """The way back."""
        return [("Policies", reverse("policies:list"))]


def with_history(policies: PolicyQuerySet) -> PolicyQuerySet:
    """With the latest changes of status in the same query, as `status_changes`."""
    return policies.annotate(status_changes=STATUS_CHANGES)


def page_of_policy(request: HttpRequest, user: User, policy: Policy) -> PolicyPage:
    """The page for a user who sees the policy, which comes `with_history`. Raises Http404 for a term of another's."""
    may = capabilities(user, policy, among=(Capability.VIEW_POLICY, Capability.ISSUE_CERTIFICATE))
    whole = Capability.VIEW_POLICY in may
    issues = Capability.ISSUE_CERTIFICATE in may
    terms = policy.terms_on_file
    own = [] if whole else _own(user, policy)
    shown = terms if whole else [t for t in terms if t.pk in {coverage.term_id for coverage in own}]
    if whole:
        status = status_of(policy, terms, policy.today())
    else:
        status = status_for_insured(policy, own, terms, policy.today())
    term = _chosen(request.GET.get("term", ""), shown) or status.term
    coverages = own_coverages(own, status, terms)
    leading = [one for one in coverages if one.in_force] or [
        one for one in coverages if status.term is not None and one.coverage.term_id == status.term.pk
    ]
    return PolicyPage(
        policy=policy,
        status=status,
        whole=whole,
        notices=status.notices,
        terms=[_row(t, status, term) for t in shown],
        term=term,
        timeline=_timeline(terms, coverages, status),
        roster=_roster(request, term, issues=issues) if whole and term is not None else None,
        own=coverages,
        leading=leading,
        agents=policy.appointments if whole else [],
        history=_history(policy) if whole else [],
        panels=panels_for(user, "policy", policy=policy),
    )


def _timeline(terms: list[Term], own: list[OwnCoverage], status: StatusOnDay) -> Timeline | None:
    """Of the terms for who sees the policy whole, else of one's own coverages."""
    if status.whole:
        return timeline_of(terms, status.day)
    return timeline_of_coverages([(one.coverage, one.word) for one in own], status.day)


def _history(policy: Policy) -> list[StatusChange]:
    return [
        StatusChange(
            Policy.Status(change["status"]).label,
            dt.date.fromisoformat((change["since"] or change["at"])[:10]),
            change["reason"],
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
    """The user's own coverages on the policy, the latest first."""
    return list(
        Coverage.objects.visible_to(user)
        .filter(term__policy=policy)
        .select_related("insured")
        .with_segments()
        .order_by("-effective", "part", "id")
    )


def _row(term: Term, status: StatusOnDay, chosen: Term | None) -> TermRow:
    if term.in_force_on(status.day):
        place = "Current term"
    elif term.effective > status.day:
        place = "Renewal" if status.in_force else "Upcoming term"
    else:
        place = "Previous term"
    return TermRow(term, place, "?" + urlencode({"term": term.public_id}), chosen is not None and term.pk == chosen.pk)


def _roster(request: HttpRequest, term: Term, *, issues: bool) -> Roster:
    """A page of the term's coverages by name: up to 5,000, so paged by key and searched by the database."""
    q = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    coverages = term.coverages.not_retired().select_related("insured").only(*ROSTER_FIELDS).with_segments()
    name = name_query(fold(q).split())
    if name is not None:
        coverages = coverages.filter(insured__search=name)
    elif q:
        coverages = coverages.none()
    page = keyset_page(coverages.annotate(sort_key=BY_NAME), request, order=("sort_key", "id"), size=ROSTER_SIZE)
    issue = reverse("credentialing:issue", args=[PUBLIC_ID_PLACE])
    rows = [_roster_row(c, term, judge_now(c) if issues else None, issue) for c in page.rows]
    return Roster(page, rows, q)


def _more_label(*, has_fund: bool, endorsements: int) -> str:
    """What a row opens to: "Fund and 2 endorsements", "1 endorsement", "Fund"."""
    counted = f"{endorsements} endorsement{'' if endorsements == 1 else 's'}" if endorsements else ""
    return " and ".join(filter(None, ("Fund" if has_fund else "", counted)))


def _roster_row(coverage: Coverage, term: Term, eligibility: Eligibility | None, issue: str) -> RosterRow:
    c = coverage
    paper = (
        ("Letter" if eligibility.is_letter else "Certificate") if eligibility is not None and eligibility.allows else ""
    )
    whole_term = c.effective == term.effective and c.expires == term.expires
    fund = f"{c.fund}: {c.fund_limits}" if c.fund and c.fund_limits else c.fund
    notes = [
        f"{c.per_claim_label} / aggregate",
        "shared" if c.limits_shared else "",
        f"deductible {whole_dollars(c.deductible)}" if c.deductible else "",
    ]
    about = [
        c.specialty,
        "" if whole_term else f"{day(c.effective)} – {day(c.expires)}",
        f"ended: {c.ended_reason}" if c.ended_reason else "",
    ]
    return RosterRow(
        name=c.insured.display_name,
        about=" · ".join(filter(None, about)),
        part=PARTS[c.part],
        form=FORMS[c.form],
        more=[fund, *c.endorsement_list] if fund else c.endorsement_list,
        more_label=_more_label(has_fund=bool(fund), endorsements=len(c.endorsement_list)),
        retroactive=c.retroactive_text,
        limits=f"{whole_dollars(c.limit_per_claim)} / {whole_dollars(c.limit_aggregate)}",
        limits_note=", ".join(filter(None, notes)),
        paper=paper,
        href=issue.replace(PUBLIC_ID_PLACE, c.public_id) if paper else "",
    )
