"""One answer everywhere: whatever the policy, term, coverage, day, and company setting, the rule gives what the
specification says, and links, pages, issuing, and the tabs of the lists give the rule's answer."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from credentialing.certificates.issuing import NotIssuableError
from credentialing.filters import ACTIVE, ALL, CoverageFilter
from credentialing.filters import STATUSES as COVERAGE_TABS
from credentialing.pages.coverages import in_order, listing_of
from feed.models import Source
from policies.eligibility import judge, judge_now
from policies.filters import ENDING, IN_FORCE, PolicyFilter
from policies.filters import STATUSES as POLICY_TABS
from policies.models import Company, Coverage, Insured, Policy, Policyholder, Term
from policies.models.segments import Segment, leading
from policies.pages.status import status_of
from policies.words import Word
from tests.book import CoverageFactory
from tests.cast import Cast
from tests.credentialing.helpers import issued
from tests.helpers import sign_in
from tests.on_file import CertificateFormFactory
from tests.reading import links

NOTHING, LETTER = "", "past_coverage_letter"
FURTHEST = 700
# A failure names its case; making that smaller would take longer than reading it.
PHASES = (Phase.explicit, Phase.generate)


@dataclass(frozen=True)
class Case:
    """One state of the carrier's data. Dates are days from today; the term holds `chain`, which holds `own`."""

    policy: str
    cancellation: int | None
    status_date: int | None
    term: str
    term_dates: tuple[int, int]
    chain: tuple[int, int]
    own: tuple[int, int]
    setting: str
    says_cancelled: bool
    fresh: bool
    # The state wants an approved form: whether the company has it, for certificates and for letters.
    lacks: str = ""

    @property
    def cancelled_on(self) -> int | None:
        return self.cancellation if self.cancellation is not None else self.status_date

    @property
    def segments(self) -> list[tuple[int, int]]:
        cuts = sorted({*self.chain, *self.own})
        return list(itertools.pairwise(cuts))


def specification(case: Case) -> str:
    """docs/spec.md#what-a-day-gives as a table: the first row that holds decides, then whether its form is there."""
    answer = without_forms(case)
    wanting = {"letter": answer == LETTER, "certificate": answer not in (LETTER, NOTHING)}
    return NOTHING if wanting.get(case.lacks) else answer


def without_forms(case: Case) -> str:
    """Return what it would give where no state wants a form."""
    cancelled, pending = case.policy == "cancelled", case.policy == "pending_cancellation"
    cut = case.cancelled_on if cancelled and case.cancelled_on is not None else FURTHEST * 3
    ends = min(case.chain[1], case.term_dates[1], cut)
    own_end = min(case.own[1], case.term_dates[1], cut)
    date = case.cancellation if pending else case.cancelled_on if cancelled else None
    ahead = date is not None and date > 0
    bound = case.term == "bound" or (case.term == "cancelled" and cancelled)
    rows = [
        ("not bound: pending", case.policy == "pending", NOTHING),
        ("not bound: offered, accepted, declined", case.term in ("offered", "accepted", "declined"), NOTHING),
        ("cancelled, and the day isn't known", cancelled and date is None and ends > 0, NOTHING),
        ("the term was cut short, and the day isn't known", not bound and ends > 0, NOTHING),
        ("pending cancellation, and the day isn't known", pending and date is None and ends > 0, NOTHING),
        ("its day has passed, and may be the end", pending and date is not None and date <= 0 and date < ends, NOTHING),
        ("cancelled before it begins", ahead and date is not None and date <= case.own[0], NOTHING),
        ("never in effect", own_end <= case.own[0], NOTHING),
        (
            "changed since: the later one speaks",
            own_end <= 0 and own_end == case.own[1] and ends > own_end,
            NOTHING,
        ),
        ("ended", ends <= 0, LETTER),
        ("too old to speak of today", not case.fresh, NOTHING),
        ("cancellation ahead, to staff or nothing", ahead and case.setting != "state", NOTHING),
        ("cancellation ahead", ahead, "coi_pending_cancellation"),
        ("bound, to begin", case.own[0] > 0, "coi_renewal"),
        ("in force", True, "coi"),
    ]
    return next(answer for _, holds, answer in rows if holds)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any of them, near today more often than far from it."""
    near = st.one_of(st.integers(-3, 3), st.integers(-FURTHEST, FURTHEST))
    starts = draw(near)
    term = (starts, draw(st.integers(starts + 3, max(starts + 3, draw(near)) + 1)))
    cuts = draw(st.lists(st.integers(term[0], term[1] + 1), min_size=4, max_size=4, unique=True).map(sorted))
    chain = draw(st.sampled_from([term, (cuts[0], cuts[3]), (cuts[1], cuts[2])]))
    own = draw(st.sampled_from([chain, (max(cuts[1], chain[0]), min(cuts[2], chain[1]))]))
    return Case(
        policy=draw(st.sampled_from(Policy.Status.values)),
        cancellation=draw(st.none() | near),
        status_date=draw(st.none() | near),
        term=draw(st.sampled_from([*Term.Status.values, "bound", "bound", "bound"])),
        term_dates=term,
        chain=chain,
        own=own,
        setting=draw(st.sampled_from(Company.PendingCancellation.values)),
        says_cancelled=draw(st.booleans()),
        fresh=draw(st.booleans() | st.just(True)),
        lacks=draw(st.sampled_from(["", "", "certificate", "letter"])),
    )


def fields_of(case: Case, today: dt.date) -> dict[str, dict[str, Any]]:
    """Return the case as fields of company, policy, term, and coverage."""

    def on(offset: int | None) -> dt.date | None:
        return None if offset is None else today + dt.timedelta(days=offset)

    return {
        "company": {"pending_cancellation": case.setting, "says_cancelled": case.says_cancelled},
        "policy": {
            "status": case.policy,
            "cancellation_effective": on(case.cancellation),
            "status_date": on(case.status_date),
        },
        "term": {"status": case.term, "effective": on(case.term_dates[0]), "expires": on(case.term_dates[1])},
        "coverage": {"effective": on(case.own[0]), "expires": on(case.own[1])},
    }


def as_of(case: Case) -> dt.datetime:
    return timezone.now() - dt.timedelta(hours=1 if case.fresh else 100)


@given(cases())
@settings(max_examples=400, deadline=None, derandomize=True, phases=PHASES)
def test_the_rule_gives_what_the_specification_says(case: Case) -> None:
    today = dt.date(2031, 5, 17)
    fields = fields_of(case, today)
    policy = Policy(
        source="core", company=Company(**fields["company"]), policyholder=Policyholder(state="NY"), **fields["policy"]
    )
    coverage = Coverage(term=Term(policy=policy, **fields["term"]), **fields["coverage"])
    coverage.segments = [Segment(*(today + dt.timedelta(days=edge) for edge in each)) for each in case.segments]
    coverage.insured = Insured(state="TX")
    eligibility = judge(
        coverage,
        today=today,
        as_of=as_of(case),
        has_form=lambda gives: case.lacks != ("letter" if gives.is_letter else "certificate"),
    )
    assert eligibility.kind == specification(case)
    assert eligibility.allows or eligibility.reason
    assert bool(eligibility.lacks_form) is (specification(case) != without_forms(case))
    if eligibility.how_it_ended == "cancelled":
        assert case.says_cancelled


def case(**fields: Any) -> Case:
    """In force, but for these."""
    plain: dict[str, Any] = {"policy": "active", "cancellation": None, "status_date": None, "term": "bound"}
    plain |= dict.fromkeys(("term_dates", "chain", "own"), (-90, 90))
    return Case(**(plain | {"setting": "state", "says_cancelled": False, "fresh": True} | fields))


@dataclass
class Readers:
    """Ana, insured; Paula, who represents the group; and what is asked of each."""

    cast: Cast
    ana: Client
    paula: Client


@pytest.fixture
def readers(cast: Cast) -> Readers:
    found = Readers(cast, Client(), Client())
    sign_in(found.ana, cast.ana)
    sign_in(found.paula, cast.paula)
    return found


@given(cases())
@example(case())
@example(case(policy="nonrenewed"))
@example(case(policy="cancelled", cancellation=10, term="cancelled"))
@example(case(policy="cancelled", status_date=-10))
@example(case(policy="pending_cancellation", cancellation=10, setting="staff"))
@example(case(policy="pending_cancellation", cancellation=-10))
@example(case(own=(-90, -10)))
@example(case(own=(10, 50)))
@example(case(chain=(-90, 20), own=(-90, 20), fresh=False))
@example(case(lacks="certificate"))
@example(case(lacks="letter", own=(-90, -10)))
@example(case(lacks="letter"))
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_links_pages_issuing_and_tabs_give_the_rules_answer(readers: Readers, case: Case) -> None:
    with transaction.atomic():
        coverage = written(readers.cast, case)
        answer = specification(case)
        assert judge_now(coverage).kind == answer
        issue_page = reverse("credentialing:issue", args=[coverage.public_id])
        policy = coverage.term.policy
        # A policy's page shows a change in mid-term as one coverage, with the paper of the segment that leads.
        leads = coverage.leads_on(policy.today())
        for client, address, shown in (
            (readers.paula, f"{policy.get_absolute_url()}?term={coverage.term.public_id}", leads),
            (readers.ana, policy.get_absolute_url(), leads),
            (readers.ana, reverse("credentialing:home") + "?status=all", True),
        ):
            linked = issue_page in links(client.get(address))
            # Where only the form is lacking, the list leads to the page that says so and asks for it.
            asks = bool(without_forms(case)) and shown and address.startswith(reverse("credentialing:home"))
            assert linked is ((bool(answer) and shown) or asks), address
        page = readers.ana.get(issue_page)
        # The page that issues is about the whole chain, whichever of its segments leads there.
        of_chain = specification(replace(case, own=speaking(coverage)))
        assert page.context["row"].eligibility.kind == of_chain
        assert ("idempotency_key" in page.content.decode()) is bool(of_chain)
        assert kind_issued(coverage, readers.cast) == answer
        check_tabs(coverage, readers.cast)
        transaction.set_rollback(True)


def speaking(coverage: Coverage) -> tuple[int, int]:
    """Return the days of the segment that speaks for a coverage's chain today, as a case has them."""
    today = coverage.term.policy.today()
    segment = leading(coverage.links, coverage.term.shown_on(today))
    return (segment.starts - today).days, (segment.ends - today).days


def written(cast: Cast, case: Case) -> Coverage:
    """Return the case in the database: Ana's coverage, with the segments beside it."""
    today = cast.policy.today()
    fields = fields_of(case, today)
    Source.objects.update(as_of=as_of(case))
    Company.objects.filter(pk=cast.policy.company_id).update(**fields["company"])
    Policy.objects.filter(pk=cast.policy.pk).update(**fields["policy"])
    Term.objects.filter(pk=cast.coverage.term_id).update(**fields["term"])
    Insured.objects.filter(pk=cast.anas.insured_id).update(state="TX" if case.lacks else "NY")
    for kind in ("certificate", "letter"):
        if kind != case.lacks:
            CertificateFormFactory.create(company=cast.policy.company, state="TX", kind=kind)
    Coverage.objects.filter(pk=cast.bens.pk).update(**fields["coverage"])
    Coverage.objects.filter(pk=cast.coverage.pk).update(**fields["coverage"])
    for starts, ends in case.segments:
        if (starts, ends) != case.own:
            CoverageFactory.create(
                term=cast.coverage.term,
                insured=cast.coverage.insured,
                effective=today + dt.timedelta(days=starts),
                expires=today + dt.timedelta(days=ends),
            )
    return Coverage.objects.with_policy().get(pk=cast.coverage.pk)


def kind_issued(coverage: Coverage, cast: Cast) -> str:
    """Return what is issued, by Ana herself; empty where it is refused."""
    try:
        return str(issued(coverage, cast.ana).kind)
    except NotIssuableError as refusal:
        return NOTHING if str(refusal) else "refused without a reason"


def check_tabs(coverage: Coverage, cast: Cast) -> None:
    """Check that the policy and the coverage are under the tab that their marks name, and no other."""
    asked = RequestFactory().get("/")
    asked.user = cast.paula
    policy, today = coverage.term.policy, coverage.term.policy.today()
    word = status_of(policy, policy.terms.not_retired(), today).word
    named = {label: code for code, label in POLICY_TABS}
    for code, _ in POLICY_TABS:
        if code not in (IN_FORCE, ENDING):
            found = PolicyFilter({"status": code}, Policy.objects.filter(pk=policy.pk), request=asked).qs.exists()
            assert found is (code == named.get(word)), f"{word} under {code}"
    (row,) = listing_of(in_order(Coverage.objects.filter(pk=coverage.pk)), {"status": ALL}).rows
    active = (Word.IN_FORCE, Word.UPCOMING, Word.PENDING_CANCELLATION)
    named = {label: code for code, label in COVERAGE_TABS} | dict.fromkeys(active, ACTIVE)
    for code, _ in COVERAGE_TABS:
        if code != ALL:
            own = CoverageFilter({"status": code}, Coverage.objects.filter(pk=coverage.pk), request=asked).qs.exists()
            assert own is (code == named[row.word]), f"{row.word} under {code}"
