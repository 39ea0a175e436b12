"""The example book: always the same, plausible, clearly synthetic, and taken by the feed."""

from __future__ import annotations

import csv
import datetime as dt
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from django.utils import timezone

from feed.example import cast, write_example_feed
from feed.loading import load_package
from feed.models import Run
from policies.models import AgentOfRecord, Coverage, Insured, Policy, Policyholder
from tests.feed.packages import errors, warnings

TODAY = dt.date(2026, 11, 20)
AS_OF = dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of forty policies."""
    out = tmp_path_factory.mktemp("example") / "forty"
    write_example_feed(out, policies=40, seed=1, today=TODAY, as_of=AS_OF)
    return out


def rows(package: Path, file: str) -> list[dict[str, str]]:
    with (package / file).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def sizes(package: Path) -> Counter[str]:
    """Clinicians of each policy's holder, by the beginning of their ids."""
    return Counter(one["insured_id"][:8] for one in rows(package, "insureds.csv") if one["kind"] == "person")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_arguments_give_the_same_bytes(forty: Path, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "again", policies=40, seed=1, today=TODAY, as_of=AS_OF)
    assert bytes_of(tmp_path / "again") == bytes_of(forty)
    for name in ("a.zip", "b.zip"):
        write_example_feed(tmp_path / name, policies=12, seed=1, today=TODAY, as_of=AS_OF)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert all(info.date_time[0] == 1980 for info in zipfile.ZipFile(tmp_path / "a.zip").infolist())


def test_another_seed_gives_another_book(forty: Path, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "other", policies=40, seed=2, today=TODAY, as_of=AS_OF)
    assert (tmp_path / "other" / "insureds.csv").read_bytes() != (forty / "insureds.csv").read_bytes()


def test_a_book_that_grows_keeps_the_policies_that_it_had(forty: Path, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "more", policies=50, seed=1, today=TODAY, as_of=AS_OF)
    assert rows(tmp_path / "more", "policies.csv")[:40] == rows(forty, "policies.csv")


def test_an_earlier_package_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "book"
    for policies in (14, 12):
        write_example_feed(out, policies=policies, seed=1, today=TODAY, as_of=AS_OF)
    assert len(rows(out, "policies.csv")) == 12


def test_a_book_of_no_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_example_feed(tmp_path / "none", policies=0, seed=1, today=TODAY, as_of=AS_OF)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_forty_policies_show_what_there_is_to_see(seed: int, tmp_path: Path) -> None:
    write_example_feed(tmp_path / "book", policies=40, seed=seed, today=TODAY, as_of=AS_OF)
    book = tmp_path / "book"
    assert {one["status"] for one in rows(book, "policies.csv")} == set(Policy.Status.values)
    terms = Counter(one["status"] for one in rows(book, "terms.csv"))
    assert {"offered", "bound", "accepted", "expired"} <= set(terms)
    assert any(one["status"] == "bound" and one["effective"] > TODAY.isoformat() for one in rows(book, "terms.csv"))
    coverages = rows(book, "coverages.csv")
    assert {one["form"] for one in coverages} == {"claims_made", "occurrence"}
    assert (
        {one["full_prior_acts"] for one in coverages}
        == {one["limits_shared"] for one in coverages}
        == {"true", "false"}
    )
    assert {one["part"] for one in coverages} == {"professional", "entity"}
    assert any(one["fund"] and one["fund_limits"] for one in coverages)
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


def test_a_thousand_policies_hold_a_group_of_five_thousand(tmp_path: Path) -> None:
    write_example_feed(tmp_path / "book", policies=1_000, seed=1, today=TODAY, as_of=AS_OF)
    assert max(sizes(tmp_path / "book").values()) == 5_000
    names = [one["last_name"] for one in rows(tmp_path / "book", "insureds.csv")]
    assert any(len(name) > 25 for name in names)
    assert sum(not name.isascii() for name in names) > 1_000


def test_everybody_in_the_book_is_clearly_invented(forty: Path) -> None:
    for file in ("insureds.csv", "policyholders.csv", "contacts.csv", "agencies.csv"):
        for one in rows(forty, file):
            assert re.fullmatch(r"([a-z0-9.]+@[a-z0-9]+\.example)?", one["email"])
            assert re.fullmatch(r"\(\d{3}\) 555-01\d\d", one["phone"])
    for one in rows(forty, "insureds.csv"):
        assert re.fullmatch(r"(0\d{9})?", one["npi"])
    for one in rows(forty, "companies.csv"):
        assert one["naic_number"].startswith("00")


@pytest.mark.django_db
@pytest.mark.parametrize(("policies", "seed"), [(1, 1), (12, 5), (40, 1), (40, 2), (120, 3)])
def test_the_feed_takes_the_book(policies: int, seed: int, tmp_path: Path) -> None:
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
    as_of = dt.datetime.combine(day, dt.time(2), tzinfo=dt.UTC)
    write_example_feed(tmp_path / "book", policies=40, seed=1, today=day, as_of=as_of)
    assert errors(load_package(tmp_path / "book")) == []


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
