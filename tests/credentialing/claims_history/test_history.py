"""What a claims history holds, and what it never does (docs/spec.md#b-05)."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from claims.models import Claim
from core.models import Event
from credentialing.claims_history import issuing
from credentialing.claims_history.access import subjects_of
from credentialing.claims_history.sheet import Sheet
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Authorization, ClaimsPaper, ClaimsRequest
from feed.models import Source
from policies.models import Coverage, Policy
from tests.book import CompanyFactory, CoverageFactory, InsuredFactory, days
from tests.cast import Cast
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized, issued, made, pages_of, subject_of
from tests.credentialing.helpers import a_holder
from tests.helpers import at_once
from tests.on_file import CertificateFormFactory, ClaimFactory

pytestmark = pytest.mark.django_db


def numbers(paper: ClaimsPaper) -> list[str]:
    return [claim["number"] for claim in paper.snapshot["claims"]]


def test_an_insured_gets_everything_on_record_by_window_and_no_incident(cast: Cast, claims: dict[str, Claim]) -> None:
    insured = cast.anas.insured
    found = {years: numbers(issued(cast.ana, insured, years=years).papers[0]) for years in (5, 10, None)}
    assert found[None] == ["LC-SUIT", "LC-SETTLED", "LC-FORMER"]
    assert found[10] == ["LC-SUIT", "LC-SETTLED"]
    assert found[5] == ["LC-SUIT"]


def test_a_history_never_holds_reserves_expense_handling_or_an_incident(cast: Cast, claims: dict[str, Claim]) -> None:
    paper = made(issued(cast.ana, cast.anas.insured, years=None).papers[0])
    told = json.dumps(paper.snapshot) + " ".join(pages_of(paper))
    for never in ("77777", "77,777", "1234.00", "1,234", "Rosalind", "LC-INCIDENT", "reserve", "Reserve"):
        assert never not in told, never


def test_its_pages_say_what_a_reader_looks_for(cast: Cast, claims: dict[str, Claim]) -> None:
    holder = a_holder(cast.ana, cast.anas)
    paper = made(issued(cast.ana, cast.anas.insured, years=None, holder=holder).papers[0])
    text = " ".join(pages_of(paper))
    sheet = Sheet(paper.snapshot)
    for part in (
        paper.serial, paper.verification_code, "Ana María Núñez-Đặng, MD", "Family medicine, no surgery",
        "Saint Brendan Medical Center", "Medical staff privileges", "LC-SUIT", "LC-SETTLED", "Settled", "$187,500.00",
        "Delayed diagnosis", "MPL-204-118832", "$1,000,000 / $3,000,000",
        "not a National Practitioner Data Bank report", "Valuation date", sheet.as_of_text,
    ):  # fmt: skip
        assert part in text, part
    assert sheet.statement.startswith("3 claims with this company from ")
    assert sheet.statement.endswith(", of which 1 is open.")


def test_no_claims_are_said_explicitly_from_the_first_coverage_to_the_valuation_date(cast: Cast) -> None:
    paper = made(issued(cast.ben, cast.bens.insured, years=None).papers[0])
    (said,) = {Sheet(paper.snapshot).statement}
    valued = paper.valued_on
    assert said == (
        f"No claims with this company from {cast.bens.effective:%B} {cast.bens.effective.day}, "
        f"{cast.bens.effective.year}, to {valued:%B} {valued.day}, {valued.year}."
    )
    assert said in " ".join(pages_of(paper))


@pytest.mark.time_machine(dt.datetime(2028, 2, 29, 21, 0, tzinfo=dt.UTC), tick=False)
def test_a_window_begins_on_its_own_day_even_where_the_coverage_is_older(cast: Cast) -> None:
    Source.objects.update(as_of=timezone.now())
    cast.term.effective = cast.anas.effective = cast.anas.retroactive_date = dt.date(2010, 1, 1)
    cast.term.save()
    cast.anas.save()
    paper = issued(cast.ana, cast.anas.insured, years=5).papers[0]
    assert "from February 28, 2023, to February 29, 2028" in Sheet(paper.snapshot).statement


def test_data_too_old_for_certificates_still_gives_a_history_with_its_valuation_date(cast: Cast) -> None:
    old = timezone.now() - dt.timedelta(days=40)
    Source.objects.update(as_of=old)
    ClaimFactory.create(insured=cast.anas.insured, policy=cast.policy, report_date=days(-5), number="LC-NEWER")
    paper = issued(cast.ana, cast.anas.insured).papers[0]
    assert paper.valued_on in (days(-40), days(-41))
    assert numbers(paper) == [], "what was reported after the valuation date isn't known to it"


def test_coverage_is_listed_with_dates_and_limits_within_the_window_only(cast: Cast) -> None:
    first = CoverageFactory.create(
        insured=cast.anas.insured, term__policy=cast.policy, term__status="expired",
        term__effective=days(-3000), term__expires=days(-2600), limit_per_claim=500_000,
    )  # fmt: skip
    CoverageFactory.create(insured=cast.anas.insured, term__policy=cast.policy, term__effective=days(30),
                           term__expires=days(395))  # fmt: skip
    CoverageFactory.create(insured=cast.anas.insured, term__policy=cast.policy, term__status="offered",
                           term__effective=days(-90), term__expires=days(275))  # fmt: skip

    def listed(years: int | None) -> list[str]:
        paper = issued(cast.ana, cast.anas.insured, years=years).papers[0]
        return [one["starts"] for one in paper.snapshot["coverages"]]

    assert listed(None) == [str(cast.anas.effective), str(first.effective)]
    assert listed(5) == [str(cast.anas.effective)]
    assert Sheet(issued(cast.ana, cast.anas.insured, years=None).papers[0].snapshot).starts == first.effective


def test_who_has_left_still_gets_the_history_of_that_time(cast: Cast, claims: dict[str, Claim]) -> None:
    cast.anas.expires = days(-30)
    cast.anas.save()
    Policy.objects.filter(pk=cast.policy.pk).update(status="cancelled", cancellation_effective=days(-10))
    (paper,) = issued(cast.ana, cast.anas.insured).papers
    assert paper.snapshot["coverages"][0]["ends"] == str(days(-30))
    assert numbers(paper) == ["LC-SUIT", "LC-SETTLED"]


def test_each_company_has_a_history_of_its_own(cast: Cast, claims: dict[str, Claim]) -> None:
    other = CompanyFactory.create(name="Harrow Vale Reciprocal Exchange")
    coverage = CoverageFactory.create(insured=cast.anas.insured, term__policy__company=other)
    ClaimFactory.create(insured=cast.anas.insured, policy=coverage.term.policy, number="HV-1")
    papers = issued(cast.ana, cast.anas.insured).papers
    assert {paper.company.name: numbers(paper) for paper in papers} == {
        "Harrow Vale Reciprocal Exchange": ["HV-1"],
        cast.policy.company.name: ["LC-SUIT", "LC-SETTLED"],
    }


def test_a_group_gets_claims_and_coverage_of_its_own_policies_only(cast: Cast, claims: dict[str, Claim]) -> None:
    elsewhere = CoverageFactory.create(insured=cast.anas.insured, term__policy__company=cast.policy.company)
    ClaimFactory.create(insured=cast.anas.insured, policy=elsewhere.term.policy, number="LC-ELSEWHERE")
    switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    (paper,) = issued(cast.paula, cast.anas.insured, years=None).papers
    assert numbers(paper) == ["LC-SUIT", "LC-SETTLED"]
    assert {one["policy"] for one in paper.snapshot["coverages"]} == {cast.policy.number}
    assert "under policies of Riverbend Medical Group" in Sheet(paper.snapshot).statement


def test_many_claims_run_over_pages_whose_table_heads_repeat(cast: Cast) -> None:
    for number in range(80):
        ClaimFactory.create(
            insured=cast.anas.insured, policy=cast.policy, number=f"LC-{number:03}", description="Missed follow-up " * 4
        )
    paper = made(issued(cast.ana, cast.anas.insured).papers[0])
    pages = pages_of(paper)
    assert len(pages) > 3
    assert all("Indemnity paid" in page for page in pages[:-1])
    assert all(f"Page {place} of {len(pages)}" in page for place, page in enumerate(pages, 1))
    assert sum(page.count("LC-") for page in pages) == 80


def test_the_same_row_gives_the_same_bytes(cast: Cast, claims: dict[str, Claim]) -> None:
    (paper,) = issued(cast.ana, cast.anas.insured).papers
    assert issuing.claims_history_pdf(paper) == issuing.claims_history_pdf(paper)


# Forms.


@pytest.mark.parametrize(("state", "number"), [("NY", "CLH-40"), ("TX", "CLH-40-TX")])
def test_the_form_of_the_state_is_at_the_foot_with_its_legend(cast: Cast, state: str, number: str) -> None:
    cast.anas.insured.state = state
    cast.anas.insured.save()
    for of, form in (("", "CLH-40"), ("TX", "CLH-40-TX")):
        CertificateFormFactory.create(
            company=cast.policy.company, kind="claims_history", state=of, form_number=form, legend=f"Legend of {form}."
        )
    paper = made(issued(cast.ana, cast.anas.insured).papers[0])
    text = " ".join(pages_of(paper))
    assert f"Form {number} (06-26)" in text
    assert f"Legend of {number}." in text


def test_where_an_approved_form_is_missing_nothing_goes_out_and_staff_are_asked(cast: Cast, settings: Settings) -> None:
    settings.STAFF_ALERT_EMAILS = ["desk@carrier.example"]
    cast.anas.insured.state = "TX"
    cast.anas.insured.save()
    CertificateFormFactory.create(company=cast.policy.company, kind="claims_history", state="")
    done = issued(cast.ana, cast.anas.insured)
    assert not done.papers
    (request,) = done.requests
    assert request == ClaimsRequest.objects.get()
    assert "approved form" in request.reason
    assert request.is_waiting
    assert request.due_at - request.asked_at == pytest.approx(
        settings.CLAIMS_REQUEST_WITHIN, abs=dt.timedelta(seconds=9)
    )
    assert Event.objects.filter(tag=ClaimsPaperEvent.REQUESTED).count() == 1


# Rows.


def test_what_was_issued_stays(cast: Cast) -> None:
    (paper,) = issued(cast.ana, cast.anas.insured).papers
    changes: tuple[dict[str, object], ...] = (
        {"snapshot": {}},
        {"years": 5},
        {"serial": "CLH-1"},
        {"authorization_id": None, "valued_on": days(1)},
    )
    for change in changes:
        with pytest.raises(DatabaseError, match="Claims papers stay as issued"), transaction.atomic():
            ClaimsPaper.objects.filter(pk=paper.pk).update(**change)
    made(paper)
    for statement in (
        "UPDATE credentialing_claimspaper SET sha256 = 'x'",
        "DELETE FROM credentialing_claimspaper",
        "TRUNCATE credentialing_claimspaper CASCADE",
    ):
        asked = f"SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica; {statement}"
        with pytest.raises(DatabaseError, match="Claims papers stay as issued"), transaction.atomic():
            connection.cursor().execute(asked)
    assert ClaimsPaper.objects.get().is_ready


def test_an_issue_is_recorded_with_its_authorization_and_nothing_of_the_claims(
    cast: Cast, claims: dict[str, Claim]
) -> None:
    switch_on(cast.paula)
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    (paper,) = issued(cast.paula, cast.anas.insured).papers
    event = Event.objects.get(tag=ClaimsPaperEvent.ISSUED)
    assert event.subject_id == str(paper.pk)
    assert event.data == {
        "serial": paper.serial, "kind": "history", "membership": cast.paula.memberships.get().pk,
        "insured": cast.anas.insured.pk, "authorization": given.public_id,
    }  # fmt: skip
    assert paper.snapshot["authorization"]["given_on"] == str(given.given_on)


def test_many_insureds_cost_as_many_queries_as_two(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    switch_on(cast.paula)
    people = [cast.anas.insured, cast.bens.insured]
    for _ in range(18):
        coverage: Coverage = CoverageFactory.create(term=cast.term, insured=InsuredFactory.create())
        people.append(coverage.insured)
        ClaimFactory.create(insured=coverage.insured, policy=cast.policy)
    model = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    for insured in people[1:]:
        model.pk, model.insured, model._state.adding = None, insured, True
        model.public_id, model.idempotency_key = Authorization().public_id, uuid.uuid4()
        model.save(force_insert=True)
    holder = a_holder(cast.paula, cast.anas)

    def cost(number: int) -> int:
        with django_assert_max_num_queries(40) as counted:
            assert len(issued(cast.paula, *people[:number], holder=holder).papers) == number
        return len(counted)

    issued(cast.paula, people[0])  # what a process asks once
    assert cost(20) == cost(2)


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_twice_at_once_gives_the_same_papers() -> None:
    from tests.credentialing.conftest import make_printable_cast

    cast = make_printable_cast()
    key = uuid.uuid4()

    def send() -> list[str]:
        subjects = subjects_of(cast.ana, [cast.anas.insured.pk])
        done = issuing.issue_histories(
            subjects=subjects, years=10, purpose="records", holder=None, by=cast.ana, key=key
        )
        return [paper.serial for paper in done.papers]

    first, *others = at_once(*[send] * 4)
    assert others == [first] * 3
    assert ClaimsPaper.objects.count() == 1
    assert Event.objects.filter(tag=ClaimsPaperEvent.ISSUED).count() == 1


def test_without_coverage_here_there_is_no_history(cast: Cast) -> None:
    assert subjects_of(cast.ana, [cast.olgas.insured.pk, cast.bens.insured.pk]) == []
    assert subject_of(cast.ana, cast.anas.insured).is_own
