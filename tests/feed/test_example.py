"""The example book: always the same, plausible, clearly invented, and accepted by the feed."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections import Counter
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random

import pytest
import time_machine
from django.utils import timezone

from feed.example import cast, write_example_feed
from feed.example.book import LARGE_FROM, LARGE_GROUP, outlines
from feed.example.endorsements import ENDORSEMENTS
from feed.example.members import members_of
from feed.example.practices import LIGHTER
from feed.example.writing import PackageWriter
from feed.load.loader import load_package
from feed.models import Run
from policies.models import AgentOfRecord, Coverage, Insured, Policy, Policyholder
from tests.feed.example_books import AS_OF, TODAY, bytes_of, joined, rows, sizes
from tests.feed.packages import errors, warnings


def test_the_same_arguments_give_the_same_bytes(forty: Path, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "again", policies=40, seed=1, today=TODAY, as_of=AS_OF)
    assert bytes_of(tmp_path / "again") == bytes_of(forty)
    for name in ("a.zip", "b.zip"):
        write_example_feed(tmp_path / name, policies=12, seed=1, today=TODAY, as_of=AS_OF)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert all(info.date_time[0] == 1980 for info in zipfile.ZipFile(tmp_path / "a.zip").infolist())


def test_a_row_is_given_by_its_columns_names_and_no_others(tmp_path: Path) -> None:
    header = {"agents_of_record.csv": ["policy_number", "agency_id", "from", "to"]}
    with PackageWriter(tmp_path, header, source="core", sequence=1, as_of=AS_OF) as package:
        package.add("agents_of_record.csv", from_="2026-01-01", policy_number="MPL-1")
        with pytest.raises(ValueError, match=r"agents_of_record.csv has no column until"):
            package.add("agents_of_record.csv", until="2027-01-01")
    assert package.has("agents_of_record.csv")
    assert not package.has("claims.csv")
    row = {"policy_number": "MPL-1", "agency_id": "", "from": "2026-01-01", "to": ""}
    assert rows(tmp_path, "agents_of_record.csv") == [row]


def test_another_seed_gives_another_book(forty: Path, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "other", policies=40, seed=2, today=TODAY, as_of=AS_OF)
    assert (tmp_path / "other" / "insureds.csv").read_bytes() != (forty / "insureds.csv").read_bytes()


def test_a_larger_book_keeps_the_policies_of_a_smaller_one(forty: Path, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "more", policies=50, seed=1, today=TODAY, as_of=AS_OF)
    assert rows(tmp_path / "more", "policies.csv")[:40] == rows(forty, "policies.csv")


def test_an_earlier_package_is_replaced_completely(tmp_path: Path) -> None:
    out = tmp_path / "book"
    for policies in (14, 12):
        write_example_feed(out, policies=policies, seed=1, today=TODAY, as_of=AS_OF)
    assert len(rows(out, "policies.csv")) == 12


def test_a_book_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_example_feed(tmp_path / "none", policies=0, seed=1, today=TODAY, as_of=AS_OF)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_forty_policies_show_every_situation(seed: int, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "book", policies=40, seed=seed, today=TODAY, as_of=AS_OF)
    book = tmp_path / "book"
    assert {one["status"] for one in rows(book, "policies.csv")} == set(Policy.Status.values)
    terms = Counter(one["status"] for one in rows(book, "terms.csv"))
    assert {"offered", "bound", "accepted", "expired"} <= set(terms)
    assert any(one["status"] == "bound" and one["effective"] > TODAY.isoformat() for one in rows(book, "terms.csv"))
    assert {one["billing"] for one in rows(book, "terms.csv")} == {"direct", "agency", "financed"}
    coverages = rows(book, "coverages.csv")
    assert {one["form"] for one in coverages} == {"claims_made", "occurrence"}
    assert (
        {one["full_prior_acts"] for one in coverages}
        == {one["limits_shared"] for one in coverages}
        == {"true", "false"}
    )
    assert {one["part"] for one in coverages} == {"professional", "entity", "excess", "general"}
    assert rows(book, "fund_enrollments.csv")
    assert min(one["retroactive_date"] for one in coverages if one["retroactive_date"]) < "2005"
    assert any(one["ended_reason"] == "Left the group" for one in coverages)
    assert rows(book, "ere_offers.csv")
    assert rows(book, "prior_coverages.csv")
    assert any(one["to"] for one in rows(book, "agents_of_record.csv"))
    assert any(one["username"] for one in rows(book, "contacts.csv"))
    assert len({one["services"] for one in rows(book, "companies.csv")}) == 3
    assert len({one["state"] for one in rows(book, "policyholders.csv")}) > 3
    assert max(sizes(book).values()) == 60
    assert min(sizes(book).values()) == 1


def test_a_thousand_policies_hold_a_group_of_five_thousand() -> None:
    large = next(islice(outlines(LARGE_FROM, seed=1, agencies=3, today=TODAY), LARGE_GROUP, None))
    small = next(islice(outlines(LARGE_FROM - 1, seed=1, agencies=3, today=TODAY), LARGE_GROUP, None))
    assert (large.clinicians, small.clinicians < 300) == (5_000, True)
    people = [one.person for one in members_of(large, rng=Random(1), today=TODAY) if one.person]  # noqa: S311  # a test
    assert len(people) == 5_000
    assert any(len(one.last) > 25 for one in people)
    assert sum(not one.name.isascii() for one in people) > 1_000


def test_the_premiums_of_the_coverages_make_up_the_premium_of_the_term(three_hundred: Path) -> None:
    sums: dict[str, Decimal] = {}
    for one in rows(three_hundred, "coverages.csv"):
        sums[one["term_id"]] = sums.get(one["term_id"], Decimal(0)) + Decimal(one["premium"])
    premiums = {one["term_id"]: Decimal(one["premium"]) for one in rows(three_hundred, "terms.csv")}
    assert len(sums) > 300
    assert sums == {term: premiums[term] for term in sums}


def test_who_left_the_group_is_not_in_its_next_term(three_hundred: Path) -> None:
    left = {(one["insured_id"], one["number"]): one["expires"] for one in joined(three_hundred)
            if one["ended_reason"] == "Left the group"}  # fmt: skip
    assert left
    for one in joined(three_hundred):
        assert one["effective"] < left.get((one["insured_id"], one["number"]), "9")


def test_endorsements_have_form_numbers_and_fit_the_specialty(three_hundred: Path) -> None:
    known = {one.form: one for one in ENDORSEMENTS}
    codes = {one["coverage_id"]: one["specialty_code"] for one in joined(three_hundred)}
    lighter = {one.code: code for code, one in LIGHTER.items()}
    found = rows(three_hundred, "endorsements.csv")
    for one in found:
        endorsement = known[one["form_number"]]
        fits, code = endorsement.codes.split(), codes[one["coverage_id"]]
        assert not fits or code in fits or lighter[code] in fits
        assert (one["title"], one["on_certificate"]) == (endorsement.title, str(endorsement.shown).lower())
    assert {one["form_number"] for one in found} == set(known)


@pytest.mark.parametrize("today", [TODAY, dt.date(2024, 2, 29), dt.date(2025, 12, 31)])
def test_the_book_tells_its_stories(today: dt.date, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "book", policies=40, seed=1, today=today, as_of=AS_OF)
    policies = {one["policy_number"]: one for one in rows(tmp_path / "book", "policies.csv")}
    terms = rows(tmp_path / "book", "terms.csv")
    covered = joined(tmp_path / "book")
    day = today.isoformat()

    nonrenewed = policies["MPL-100009"]
    term = next(one for one in terms if one["policy_number"] == "MPL-100009" and one["status"] == "bound")
    left = (dt.date.fromisoformat(term["expires"]) - today).days
    assert (nonrenewed["status"], 69 <= left <= 70) == ("nonrenewed", True)
    assert nonrenewed["status_date"] < day
    assert policies["MPL-100004"]["cancellation_effective"] > day

    assert (policies["MPL-100004"]["status_reason"], float(policies["MPL-100004"]["cure_amount"]) > 0) == (
        "Nonpayment of premium",
        True,
    )
    assert policies["MPL-100006"]["status"] == "cancelled"
    declined = [one["status"] for one in terms if one["policy_number"] == "MPL-100014"]
    assert (policies["MPL-100014"]["status"], declined[-1]) == ("active", "declined")

    new, old = policies["MPL-100018"], policies["MPL-100019"]
    assert (old["status"], old["status_reason"]) == ("cancelled", "Rewritten as MPL-100018")
    assert (old["policyholder_id"], old["company_id"]) == (new["policyholder_id"], new["company_id"])
    begins = min(one["effective"] for one in terms if one["policy_number"] == "MPL-100018")
    assert old["cancellation_effective"] == begins < day
    dates = {
        number: {one["insured_id"]: one["retroactive_date"] for one in covered if one["number"] == number}
        for number in ("MPL-100018", "MPL-100019")
    }
    assert {key for key, date in dates["MPL-100018"].items() if date} <= set(dates["MPL-100019"])
    assert all(dates["MPL-100019"][key] in {date, ""} for key, date in dates["MPL-100018"].items() if date)

    nurse = [one for one in covered if one["number"] == "AHP-100020"]
    assert {(one["form"], one["specialty_code"]) for one in nurse} == {("occurrence", "NP1")}
    layers = {
        one["part"] for one in covered if one["number"] == "MPL-100021" and one["effective"] <= day < one["expires"]
    }
    assert layers == {"professional", "excess"}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_retroactive_date_is_the_same_in_every_term(seed: int, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "book", policies=60, seed=seed, today=TODAY, as_of=AS_OF)
    dates: dict[tuple[str, str, str], set[str]] = {}
    for one in joined(tmp_path / "book"):
        dates.setdefault((one["insured_id"], one["number"], one["part"]), set()).add(one["retroactive_date"])
    assert all(len(found) == 1 for found in dates.values())


@pytest.mark.django_db
@pytest.mark.parametrize(("policies", "seed"), [(1, 1), (12, 5), (40, 1), (40, 2), (120, 3)])
def test_the_feed_accepts_the_book(policies: int, seed: int, tmp_path: Path) -> None:
    today = timezone.localdate()
    write_example_feed(tmp_path / "book", policies=policies, seed=seed, today=today, as_of=timezone.now())
    run = load_package(tmp_path / "book")
    assert errors(run) == []
    assert {warning[3] for warning in warnings(run)} <= {"missing"}
    assert (run.status, Policy.objects.count()) == (Run.Status.APPLIED, policies)
    assert load_package(tmp_path / "book").status == Run.Status.UNCHANGED


@pytest.mark.django_db
@pytest.mark.parametrize("day", [dt.date(2024, 2, 29), dt.date(2025, 12, 31), dt.date(2027, 3, 1)])
def test_the_book_can_be_written_for_any_day(day: dt.date, tmp_path: Path) -> None:
    as_of = dt.datetime.combine(day, dt.time(12), tzinfo=dt.UTC)
    with time_machine.travel(as_of, tick=False):
        write_example_feed(tmp_path / "book", policies=40, seed=1, today=day, as_of=as_of)
        run = load_package(tmp_path / "book")
    assert errors(run) == []
    assert {warning[3] for warning in warnings(run)} <= {"missing"}


@pytest.mark.django_db
def test_each_of_the_cast_has_an_active_policy(tmp_path: Path) -> None:
    today = timezone.localdate()
    write_example_feed(tmp_path / "book", policies=40, seed=1, today=today, as_of=timezone.now())
    load_package(tmp_path / "book")
    parts = cast()

    group = Policy.objects.get(policyholder__external_id=parts.policyholder_id)
    assert (group.number, group.status, group.source) == (parts.group_policy_number, "active", parts.source)
    insured = Insured.objects.get(external_id=parts.insured_id)
    in_force = Coverage.objects.filter(
        term__policy=group, term__status="bound", effective__lte=today, expires__gt=today
    )
    assert in_force.filter(insured=insured, form="claims_made", retroactive_date__isnull=False).exists()
    assert in_force.filter(part="professional").count() >= 25
    holder = Policyholder.objects.get(external_id=parts.practitioner_policyholder_id)
    assert (holder.kind, holder.insured.external_id) == ("individual", parts.practitioner_insured_id)  # type: ignore[union-attr]
    solo = holder.policies.get()
    assert (solo.number, solo.status) == (parts.practitioner_policy_number, "active")
    served = AgentOfRecord.objects.today().filter(agency__external_id=parts.agency_id).values("policy_id")
    assert Policy.objects.filter(pk__in=served, status="active").count() >= 10
    assert {group.pk, solo.pk} <= {one["policy_id"] for one in served}
