"""Holders, certificate forms, claims, and seminars from a package: every column arrives, every rule is kept, and a
package that would send notices in numbers waits."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from claims.models import Claim
from core.models import OutboxMessage
from credentialing.holders.standing import arrangements_of
from credentialing.models import CarrierHolder, CertificateForm, StandingHolder
from feed.models import Run
from policies.models import Company, Coverage, Policy
from seminars.models import Attendance, PremiumCredit, Seminar
from tests.book import insured_by
from tests.credentialing.holders import a_standing_holder
from tests.factories import UserFactory
from tests.feed.packages import Book, Row, columns, errors, load, paper, policy_rows, small_book, warnings

pytestmark = pytest.mark.django_db


def changed(file: str, at: int = 0, **values: str) -> Row:
    """Return a row of the small book with other values."""
    return paper()[file][at] | values


def test_every_value_arrives(tmp_path: Path) -> None:
    assert load(tmp_path, small_book()).status == Run.Status.APPLIED

    holder = CarrierHolder.objects.get()
    assert str(holder) == "Saint Aldhelm Médical Center, Albany, NY 12208"
    assert (holder.email, holder.minimum_per_claim, holder.minimum_aggregate) == (
        "staff@aldhelm.example", Decimal(1_000_000), Decimal(3_000_000),
    )  # fmt: skip
    assert (holder.separate_limits, holder.tail_required, holder.days_ahead) == (True, False, 30)
    assert (holder.search_name, len(holder.fingerprint)) == ("saint aldhelm medical center", 64)
    everyone, anas = StandingHolder.objects.order_by("external_id")
    assert (everyone.external_id, everyone.insured, everyone.renewals, everyone.notices) == (
        "H1|MPL1|", None, True, True,
    )  # fmt: skip
    assert (anas.external_id, str(anas.insured), anas.claims_history) == ("H1|MPL1|I1", "Ana Núñez, MD", True)
    form = CertificateForm.objects.get()
    assert (form.external_id, str(form), form.expires) == ("C1||certificate|2026-06-01", "LM-COI-10 (06-26)", None)
    claim = Claim.objects.get()
    assert (claim.external_id, claim.number, claim.kind, claim.status) == ("CL-1|I1", "CL-1", "suit", "open")
    assert (claim.policy, claim.incident_date, claim.report_date) == (
        Policy.objects.get(), dt.date(2021, 3, 4), dt.date(2022, 5, 6),
    )  # fmt: skip
    assert (claim.indemnity_paid, claim.expense_paid, claim.reserve) == (
        Decimal(0), Decimal("1200.50"), Decimal(90_000),
    )  # fmt: skip
    assert (claim.handler, claim.next_date, claim.next_event) == ("Rosalind Peake", dt.date(2027, 2, 1), "Deposition")
    seminar = Seminar.objects.get()
    assert (seminar.starts, seminar.ends) == (
        dt.datetime(2026, 3, 12, 22, tzinfo=dt.UTC), dt.datetime(2026, 3, 13, tzinfo=dt.UTC),
    )  # fmt: skip
    assert (seminar.timezone, seminar.seats, seminar.cme_credits, seminar.programs, seminar.credit_eligible) == (
        "America/New_York", 40, Decimal(2), ["physicians", "allied"], True,
    )  # fmt: skip
    assert [(one.name, one.completed, one.cme_credits) for one in Attendance.objects.order_by("external_id")] == [
        ("Ana Núñez, MD", dt.date(2026, 3, 12), 2),
        ("Noor Aziz", None, None),
    ]
    credit = PremiumCredit.objects.get()
    assert (credit.external_id, credit.percent, credit.granted) == ("I1|T1", Decimal("3.5"), dt.date(2026, 4, 1))


def test_a_standing_holder_for_everyone_is_retired_by_a_key_with_an_empty_part_and_comes_back(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    everyone = StandingHolder.objects.get(insured=None)
    name = "standing_holders.csv"
    key = dict.fromkeys(columns(name), "") | {"holder_id": "H1", "policy_number": "MPL 1", "op": "delete"}

    run = load(tmp_path, {name: [key]}, sequence=2, mode="delta")
    assert (run.status, run.total("retired")) == (Run.Status.APPLIED, 1), errors(run)
    assert not StandingHolder.objects.not_retired().filter(insured=None).exists()

    run = load(tmp_path, {name: paper()[name]}, sequence=3, mode="delta")
    assert (run.total("unretired"), run.total("unchanged")) == (1, 1)
    assert StandingHolder.objects.not_retired().get(insured=None) == everyone


def test_a_load_touches_neither_what_customers_chose_nor_what_staff_ended(tmp_path: Path) -> None:
    """Renewed by a full package that says otherwise of both holders."""
    load(tmp_path, small_book())
    anas = StandingHolder.objects.exclude(insured=None).get()
    coverage = Coverage.objects.filter(term__policy=anas.policy, insured=anas.insured).first()
    assert coverage is not None
    ana = insured_by(UserFactory.create(), coverage.insured).user
    chosen = a_standing_holder(ana, coverage, insured=coverage.insured)
    staff = UserFactory.create(is_staff=True)
    StandingHolder.objects.filter(pk=anas.pk).update(ended_at=timezone.now(), ended_by=staff)

    book = small_book()
    name = "standing_holders.csv"
    book[name] = [row | {"renewals": "false", "claims_history": "false"} for row in book[name]]
    run = load(tmp_path, book, sequence=2)
    assert run.status == Run.Status.APPLIED, errors(run)
    anas.refresh_from_db()
    assert (anas.claims_history, anas.ended_by) == (False, staff)
    chosen.refresh_from_db()
    assert (chosen.ended_at, chosen.renewals, chosen.notices) == (None, True, True)
    keys = {one.key for one in arrangements_of([anas.policy_id])}
    assert keys == {f"own:{chosen.public_id}", f"feed:{StandingHolder.objects.get(insured=None).public_id}"}


def test_columns_of_this_edition_may_be_left_out(tmp_path: Path) -> None:
    book = small_book()
    for file, new in (
        ("companies.csv", ("signature", "period_wording", "pending_cancellation", "says_cancelled")),
        ("holders.csv", ("minimum_per_claim", "minimum_aggregate", "separate_limits", "tail_required", "days_ahead")),
        ("claims.csv", ("stage", "handler", "handler_phone", "counsel", "next_date", "next_event")),
    ):
        for one in book[file]:
            for column in new:
                one.pop(column)
    run = load(tmp_path, book)
    assert run.status == Run.Status.APPLIED, errors(run)
    assert (CarrierHolder.objects.get().separate_limits, Claim.objects.get().stage) == (False, "")
    # What an empty value means holds for a column that isn't there, too.
    assert Company.objects.get().pending_cancellation == Company.PendingCancellation.STATE


# What is wrong with a row, and what is found: file, its column, code. Each row is added to the small book.
FORM_FAULTS: list[tuple[str, Row, str, str]] = [
    ("holders.csv", changed("holders.csv", holder_id="H2", name=""), "name", "required"),
    ("holders.csv", changed("holders.csv", holder_id="H3", days_ahead="400"), "days_ahead", "range"),
    ("standing_holders.csv", changed("standing_holders.csv", notices="yes"), "notices", "boolean"),
    ("certificate_forms.csv", changed("certificate_forms.csv", state="ZZ"), "state", "choice"),
    ("certificate_forms.csv", changed("certificate_forms.csv", kind="coi"), "kind", "choice"),
    ("claims.csv", changed("claims.csv", claim_number="CL-2", kind="lawsuit"), "kind", "choice"),
    ("claims.csv", changed("claims.csv", claim_number="CL-3", report_date=""), "report_date", "required"),
    ("claims.csv", changed("claims.csv", claim_number="CL-4", reserve="-1.00"), "reserve", "range"),
    ("claims.csv", changed("claims.csv", claim_number="CL-5", indemnity_paid="-0.01"), "indemnity_paid", "range"),
    ("claims.csv", changed("claims.csv", claim_number="CL-6", expense_paid="-5"), "expense_paid", "range"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S2", timezone="America/Gotham"), "timezone", "form"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S3", starts="2026-02-30T18:00"), "starts", "form"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S4", ends="6 p.m."), "ends", "form"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S5", url="javascript:alert(1)"), "url", "form"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S6", cme_credits="two"), "cme_credits", "number"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S7", programs="physicians;surgeons"), "programs", "choice"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S8", seats="-1"), "seats", "range"),
    ("attendance.csv", changed("attendance.csv", attendance_id="AT3", completed="March"), "completed", "date"),
    ("premium_credits.csv", changed("premium_credits.csv", insured_id="I2", percent="101"), "percent", "range"),
]
RULE_FAULTS: list[tuple[str, Row, str, str]] = [
    (
        "certificate_forms.csv",
        changed("certificate_forms.csv", state="TX", expires="2026-06-01"),
        "expires",
        "period",
    ),
    (
        "claims.csv",
        changed("claims.csv", claim_number="CL-2", status="closed", closed_date="2022-05-05"),
        "closed_date",
        "closed-before-reported",
    ),
    ("claims.csv", changed("claims.csv", claim_number="CL-3", report_date="2290-01-01"), "report_date", "future"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S2", ends="2026-03-12T18:00"), "ends", "period"),
    ("attendance.csv", changed("attendance.csv", attendance_id="AT3", completed="2290-01-01"), "completed", "future"),
]
WARNED: list[tuple[str, Row, str, str]] = [
    (
        "holders.csv",
        changed("holders.csv", holder_id="H2", email="", minimum_per_claim="5000000"),
        "minimum_per_claim",
        "minimums",
    ),
    ("holders.csv", changed("holders.csv", holder_id="H3", email=""), "email", "missing"),
    ("certificate_forms.csv", changed("certificate_forms.csv", state="TX", edition=""), "edition", "missing"),
    ("claims.csv", changed("claims.csv", claim_number="CL-2", status="closed"), "closed_date", "closed-date"),
    (
        "claims.csv",
        changed("claims.csv", claim_number="CL-3", closed_date="2023-01-01"),
        "closed_date",
        "open-and-closed",
    ),
    (
        "claims.csv",
        changed("claims.csv", claim_number="CL-4", report_date="2021-03-03"),
        "report_date",
        "reported-before-incident",
    ),
    ("claims.csv", changed("claims.csv", claim_number="CL-5", policy_number=""), "policy_number", "missing"),
    ("seminars.csv", changed("seminars.csv", seminar_id="S2", starts="", ends=""), "starts", "live-start"),
    (
        "attendance.csv",
        changed("attendance.csv", attendance_id="AT3", insured_id="", participant="Noor Aziz", policy_number=""),
        "policy_number",
        "no-policy",
    ),
]


def with_rows(faults: list[tuple[str, Row, str, str]]) -> tuple[Book, set[tuple[str, int, str, str]]]:
    """Return the small book with these rows added, and what should be found, with the rows as a spreadsheet shows
    them."""
    book, expected = small_book(), set()
    for file, row, column, code in faults:
        book[file].append(row)
        expected.add((file, len(book[file]) + 1, column, code))
    return book, expected


@pytest.mark.parametrize("faults", [FORM_FAULTS, RULE_FAULTS], ids=["form", "rules"])
def test_each_faulty_row_is_found_and_nothing_is_applied(
    faults: list[tuple[str, Row, str, str]], tmp_path: Path
) -> None:
    book, expected = with_rows(faults)
    run = load(tmp_path, book)
    assert run.status == Run.Status.REFUSED
    assert set(errors(run)) == expected
    assert not Claim.objects.exists()


def test_rows_that_name_nobody_or_no_zone_are_refused(tmp_path: Path) -> None:
    book, expected = with_rows(
        [
            ("seminars.csv", changed("seminars.csv", seminar_id="S2", timezone="", ends=""), "timezone", "no-timezone"),
            ("attendance.csv", changed("attendance.csv", attendance_id="AT3", insured_id=""), "participant", "nobody"),
        ]
    )
    run = load(tmp_path, book)
    assert set(errors(run)) == expected
    assert run.findings.get(code="no-timezone").sentence == (
        "starts, 2026-03-12T18:00, has no offset, and the seminar has no timezone."
    )


def test_rows_must_name_what_is_there(tmp_path: Path) -> None:
    nobody = {"insured_id": "I9"}
    book, expected = with_rows(
        [
            ("standing_holders.csv", changed("standing_holders.csv", **nobody), "insured_id", "reference"),
            ("certificate_forms.csv", changed("certificate_forms.csv", company_id="C9"), "company_id", "reference"),
            ("claims.csv", changed("claims.csv", policy_number="MPL-9", insured_id="I2"), "policy_number", "reference"),
            (
                "attendance.csv",
                changed("attendance.csv", attendance_id="A", seminar_id="S9"),
                "seminar_id",
                "reference",
            ),
            ("premium_credits.csv", changed("premium_credits.csv", term_id="T9"), "term_id", "reference"),
        ]
    )
    assert set(errors(load(tmp_path, book))) == expected


def test_what_may_be_right_is_applied_with_a_warning(tmp_path: Path) -> None:
    book, expected = with_rows(WARNED)
    # The first row of these is warned of for its email, too.
    expected.add(("holders.csv", 3, "email", "missing"))
    run = load(tmp_path, book)
    assert run.status == Run.Status.APPLIED, errors(run)
    assert {found for found in warnings(run) if found[0] in paper()} == expected
    assert (Claim.objects.count(), Seminar.objects.count()) == (5, 2)


# Notices to third parties.


@pytest.fixture
def telling(tmp_path: Path, settings: Settings) -> Path:
    """Load the small book, with a standing holder that wants notices of Bo alone; from two notices on, we hold."""
    settings.FEED_HOLD_NOTICES_FROM = 2
    settings.FEED_CANCEL_SHARE = Decimal(1)
    book = small_book()
    book["standing_holders.csv"].append(changed("standing_holders.csv", insured_id="I2", notices="true"))
    assert load(tmp_path, book).status == Run.Status.APPLIED
    return tmp_path


@pytest.mark.parametrize("status", ["cancelled", "pending_cancellation"])
def test_a_cancellation_that_would_tell_several_holders_waits_for_a_person(status: str, telling: Path) -> None:
    cancelled = policy_rows("MPL-1", status=status, cancellation_effective="2026-12-01")

    run = load(telling, {"policies.csv": [cancelled]}, sequence=2, mode="delta")

    assert run.status == Run.Status.HELD
    assert run.difference["reasons"] == ["2 notices would be sent to standing holders. 2 or more need a review."]
    assert run.difference["examples"][0]["keys"] == ["H1 about MPL1", "H1 about MPL1"]
    assert (Policy.objects.get().status, OutboxMessage.objects.count()) == ("active", 0)


@pytest.mark.parametrize(("insured", "held"), [(0, False), (1, True)], ids=["ana", "bo"])
def test_changed_limits_tell_only_holders_of_that_insured(insured: int, held: bool, telling: Path) -> None:
    changed_limits = small_book()["coverages.csv"][insured] | {"limit_aggregate": "4000000.00"}
    run = load(telling, {"coverages.csv": [changed_limits]}, sequence=2, mode="delta")
    # Ana's standing holder doesn't want notices, Bo's does; the one for everyone hears of both.
    assert (run.status == Run.Status.HELD) is held, errors(run)


def test_limits_that_change_by_a_new_segment_tell_the_holders_of_its_insured(telling: Path) -> None:
    before = small_book()["coverages.csv"][1]
    first = before | {"expires": "2026-07-01"}
    second = before | {
        "coverage_id": "CV3", "effective": "2026-07-01", "limit_aggregate": "4000000.00", "continues": "CV2",
    }  # fmt: skip
    run = load(telling, {"coverages.csv": [first, second]}, sequence=2, mode="delta")
    assert run.difference["reasons"] == ["2 notices would be sent to standing holders. 2 or more need a review."]


def test_nonrenewal_is_between_us_and_the_policyholder(telling: Path) -> None:
    run = load(telling, {"policies.csv": [policy_rows("MPL-1", status="nonrenewed")]}, sequence=2, mode="delta")
    assert (run.status, Policy.objects.get().status) == (Run.Status.APPLIED, "nonrenewed")


def test_a_package_that_changes_no_policy_tells_nobody(telling: Path) -> None:
    run = load(telling, {"claims.csv": [changed("claims.csv", stage="Mediation")]}, sequence=2, mode="delta")
    assert (run.status, Claim.objects.get().stage) == (Run.Status.APPLIED, "Mediation")
