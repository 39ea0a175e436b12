"""The files of coverage: every fact arrives, and what is wrong with a row is said."""

from __future__ import annotations

import datetime as dt
import unicodedata
from pathlib import Path

import pytest

from feed.models import Run
from policies.models import (
    Company,
    Coverage,
    Endorsement,
    EreOffer,
    Extra,
    FundEnrollment,
    Policy,
    Policyholder,
    PriorLimit,
    Suspension,
)
from tests.feed.packages import Book, errors, load, policy_rows, row, small_book, warnings

pytestmark = pytest.mark.django_db


def system_book() -> Book:
    """Return the small book with a health system above the group, a policy that was rewritten as another, and a
    coverage that was changed in mid-term."""
    book = small_book()
    system = book["policyholders.csv"][0] | {"policyholder_id": "PH0", "name": "Brightwater Health"}
    book["policyholders.csv"][0]["parent_id"] = "PH0"
    book["policyholders.csv"].append(system)
    book["companies.csv"][0] |= {
        "period_wording": "12:01 a.m. local time",
        "pending_cancellation": "staff",
        "says_cancelled": "true",
    }
    book["policies.csv"][0] |= {
        "status": "cancelled", "status_date": "2026-10-01", "cancellation_effective": "2026-10-01",
        "status_reason": "Moved to the group's policy", "status_reason_code": "rewritten", "replaced_by": "mpl 2",
    }  # fmt: skip
    book["policies.csv"].append(policy_rows("MPL-2", program="student"))
    book["terms.csv"].append(
        book["terms.csv"][0]
        | {"term_id": "T2", "policy_number": "MPL-2", "effective": "2026-10-01", "expires": "2027-10-01"}
    )
    first, whole = book["coverages.csv"]
    first |= {
        "limit_basis": "medical_incident", "limits_shared_with": "Riverbend Médical, P.C.", "defense": "outside",
        "deductible_basis": "indemnity", "scope": "Work for Riverbend only", "states": "NY, NJ", "site": "Troy",
        "locum": "60 days a year", "cost_center": "4410", "expires": "2026-06-01",
    }  # fmt: skip
    changed = first | {"coverage_id": "CV3", "effective": "2026-06-01", "expires": "2027-01-01", "continues": "CV1"}
    changed |= {"limit_per_claim": "2000000.00", "limit_aggregate": "4000000.00"}
    # Where the policy is cancelled, not where the row ends.
    rewritten = whole | {"coverage_id": "CV4", "term_id": "T2", "effective": "2026-10-01", "continues": "CV2"}
    book["coverages.csv"] += [changed, rewritten]
    book["ere_offers.csv"][0] |= {"installment_amount": "2000.00", "finance_charge": "200.00"}
    return book


def test_every_fact_of_coverage_arrives(tmp_path: Path) -> None:
    run = load(tmp_path, system_book())

    assert (run.status, errors(run), warnings(run)) == (Run.Status.APPLIED, [], [])
    company = Company.objects.get()
    assert (company.period_wording, company.pending_cancellation, company.says_cancelled) == (
        "12:01 a.m. local time", "staff", True,
    )  # fmt: skip
    system = Policyholder.objects.get(external_id="PH0")
    assert [child.external_id for child in system.children.all()] == ["PH1"]
    old, new = Policy.objects.order_by("number")
    assert (old.status_reason_code, old.replaced_by, new.program) == ("rewritten", new, "student")
    assert [each.reason_code for each in old.status_history.all()] == ["rewritten"]
    first = Coverage.objects.get(external_id="CV1")
    assert (first.per_claim_label, first.limits_shared_with, first.defense, first.deductible_basis) == (
        "each medical incident", "Riverbend Médical, P.C.", "outside", "indemnity",
    )  # fmt: skip
    assert (first.scope, first.states, first.locum, first.site, first.cost_center) == (
        "Work for Riverbend only", "NY, NJ", "60 days a year", "Troy", "4410",
    )  # fmt: skip
    assert [each.external_id for each in first.continued_by.all()] == ["CV3"]
    endorsement = Endorsement.objects.get()
    assert (endorsement.coverage, endorsement.form, endorsement.on_certificate) == (first, "LM-E-214 (01-26)", True)
    suspension = Suspension.objects.get()
    assert (suspension.starts, suspension.ends, suspension.reason_code) == (
        dt.date(2026, 5, 1), dt.date(2026, 6, 1), "leave",
    )  # fmt: skip
    assert str(PriorLimit.objects.get().limit_per_claim) == "500000.00"
    assert str(Extra.objects.get()) == "License defense: $50,000"
    fund = FundEnrollment.objects.get()
    assert (fund.fund, fund.form, fund.limits) == ("State Excess Fund", "occurrence", "$1,000,000 each occurrence")
    offer = EreOffer.objects.get()
    assert (str(offer.installment_amount), str(offer.total)) == ("2000.00", "8000.00")


def test_a_name_in_a_key_is_the_same_however_its_accents_are_typed(tmp_path: Path) -> None:
    book = small_book()
    book["extras.csv"] = [
        row("extras.csv", coverage_id="CV1", label="D\u00e9fense", limit="$50,000"),
        row("extras.csv", coverage_id="CV1", label="De\u0301fense", limit="$25,000"),
    ]
    assert errors(load(tmp_path, book)) == [("extras.csv", 3, "label", "key-twice")]


def test_ids_and_names_are_the_same_however_their_accents_are_typed(tmp_path: Path) -> None:
    book = small_book()
    book["agencies.csv"][0]["agency_id"] = "L\u00e4rk"
    book["agents_of_record.csv"][0]["agency_id"] = "La\u0308rk"
    name = book["policyholders.csv"][0]["name"]
    assert load(tmp_path, book).status == Run.Status.APPLIED
    agency = book["agencies.csv"][0] | {"agency_id": "La\u0308rk"}
    holder = book["policyholders.csv"][0] | {"name": unicodedata.normalize("NFD", name)}

    run = load(tmp_path, {"agencies.csv": [agency], "policyholders.csv": [holder]}, sequence=2)

    assert (run.total("unchanged"), Policyholder.objects.get().name) == (2, name)


def test_what_is_wrong_with_a_row_is_said(tmp_path: Path) -> None:
    book = system_book()
    book["policyholders.csv"][1]["parent_id"] = "PH0"
    book["policies.csv"][1]["replaced_by"] = "MPL-2"
    book["coverages.csv"][2]["continues"] = "CV3"
    book["endorsements.csv"][0] |= {"effective": "2026-02-01", "expires": "2026-02-01"}
    book["suspensions.csv"][0]["to"] = "2026-05-01"
    book["prior_limits.csv"][0]["limit_per_claim"] = "1500000.01"
    book["fund_enrollments.csv"][0]["expires"] = "2026-01-01"

    run = load(tmp_path, book)

    assert run.status == Run.Status.REFUSED
    assert {(*each[:2], each[3]): each[4] for each in run.findings.values_list(
        "file", "row", "column", "code", "sentence"
    )} == {
        ("policyholders.csv", 3, "own-parent"): "The policyholder is its own parent.",
        ("policies.csv", 3, "own-replacement"): "The policy is replaced by itself.",
        ("coverages.csv", 4, "continues-itself"): "The coverage continues itself.",
        ("endorsements.csv", 2, "period"): (
            "The endorsement expires on 2026-02-01, not after its start on 2026-02-01."
        ),
        ("suspensions.csv", 2, "period"): "The suspension ends on 2026-05-01, not after its start on 2026-05-01.",
        ("prior_limits.csv", 2, "limits"): (
            "The limit per claim, 1500000.01, is higher than the aggregate limit, 1500000.00."
        ),
        ("fund_enrollments.csv", 2, "period"): (
            "The enrollment expires on 2026-01-01, not after its start on 2026-01-01."
        ),
    }  # fmt: skip
    assert not Policy.objects.exists()


def test_a_segment_that_continues_the_wrong_one_is_an_error(tmp_path: Path) -> None:
    book = system_book()
    first, whole, changed, _ = book["coverages.csv"]
    book["policyholders.csv"][1]["parent_id"] = "PH1"
    book["policies.csv"][1]["replaced_by"] = "MPL-1"
    changed["effective"] = "2026-06-02"
    book["coverages.csv"] += [
        whole | {"coverage_id": "CV5", "effective": "2026-06-01", "continues": "CV1"},
        first | {"coverage_id": "CV6", "effective": "2026-06-01", "expires": "2027-01-01", "continues": "CV1"}
        | {"part": "excess"},
    ]  # fmt: skip

    run = load(tmp_path, book)

    assert run.status == Run.Status.REFUSED
    assert list(run.findings.filter(kind="error").values_list("file", "row", "sentence").order_by("file", "row")) == [
        ("coverages.csv", 4, "The coverage starts on 2026-06-02, but CV1, which it continues, ends on 2026-06-01."),
        ("coverages.csv", 6, "The coverage continues CV1, which is of another insured."),
        ("coverages.csv", 7, "The coverage continues CV1, which is of another part."),
        ("policies.csv", 2, "The policy's replacements lead back to it."),
        ("policies.csv", 3, "The policy's replacements lead back to it."),
        ("policyholders.csv", 2, "The policyholder's parents lead back to it."),
        ("policyholders.csv", 3, "The policyholder's parents lead back to it."),
    ]


def test_segments_without_a_day_do_not_continue_each_other_in_a_circle(tmp_path: Path) -> None:
    book = small_book()
    book["policies.csv"][0] |= {"status": "cancelled", "cancellation_effective": "2026-01-01"}
    first, second = book["coverages.csv"]
    second["insured_id"] = first["insured_id"]
    second["continues"] = "CV1"
    assert load(tmp_path, book).status == Run.Status.APPLIED, "a chain of segments is none"
    first["continues"] = "CV2"

    run = load(tmp_path, {"coverages.csv": [first]}, sequence=2, mode="delta")

    assert (run.status, errors(run)) == (Run.Status.REFUSED, [("coverages.csv", 2, "continues", "circle")])


def test_a_segment_is_checked_again_when_the_one_before_it_changes(tmp_path: Path) -> None:
    book = system_book()
    load(tmp_path, book)
    before = book["coverages.csv"][0] | {"expires": "2026-07-01"}
    run = load(tmp_path, {"coverages.csv": [before]}, sequence=2, mode="delta")
    assert [(each.code, each.row) for each in run.findings.all()] == [("continues-date", None)]


def test_a_segment_of_a_policy_that_was_not_rewritten_as_this_one_continues_nothing_here(tmp_path: Path) -> None:
    book = system_book()
    book["policies.csv"][0]["replaced_by"] = ""
    run = load(tmp_path, book)
    assert [each.sentence for each in run.findings.all()] == ["The coverage continues CV2, which is of another policy."]


def test_facts_that_hardly_make_sense_are_warnings(tmp_path: Path) -> None:
    book = small_book()
    book["suspensions.csv"][0]["to"] = "2027-02-01"
    book["prior_limits.csv"][0]["incidents_before"] = "2027-01-01"
    book["prior_limits.csv"].append(book["prior_limits.csv"][0] | {"incidents_before": "2015-07-01"})
    book["fund_enrollments.csv"][0] |= {"effective": "2025-01-01", "expires": "2026-01-01"}
    book["ere_offers.csv"][0] |= {"installment_amount": "2000.00", "finance_charge": "100.00"}

    run = load(tmp_path, book)

    assert run.status == Run.Status.APPLIED
    found = run.findings.values_list("kind", "file", "row", "sentence")
    assert {(kind, file, line): sentence for kind, file, line, sentence in found} == {
        ("warning", "ere_offers.csv", 2): (
            "4 installments of 2000.00 come to 8000.00, but price and finance charge come to 7900.00."
        ),
        ("warning", "fund_enrollments.csv", 2): (
            "The enrollment from 2025-01-01 to 2026-01-01 holds on no day of its coverage, which runs from 2026-01-01 "
            "to 2027-01-01."
        ),
        ("warning", "prior_limits.csv", 2): (
            "The prior limits are for incidents before 2027-01-01, but the coverage ends on 2027-01-01, so its own "
            "limits apply to no incident."
        ),
        ("warning", "prior_limits.csv", 3): (
            "The prior limits are for incidents before 2015-07-01, but the coverage only reaches back to 2015-07-01."
        ),
        ("warning", "suspensions.csv", 2): (
            "The suspension from 2026-05-01 to 2027-02-01 isn't within its coverage, which runs from 2026-01-01 to "
            "2027-01-01."
        ),
    }


def test_a_tail_that_is_waived_is_read_as_granted(tmp_path: Path) -> None:
    book = small_book()
    book["ere_offers.csv"][0]["status"] = "waived"
    load(tmp_path, book)
    assert EreOffer.objects.get().is_in_place
    assert EreOffer.objects.get().status == "granted"
