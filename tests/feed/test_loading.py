"""What a load does to the portal's tables: insert, update, leave alone, retire, bring back; and when it may."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from core.crypto import keyed_hash
from core.models import Event
from feed.load import loader, read_ahead, spool
from feed.load import table_map as specification
from feed.load.loader import load_package
from feed.load.reading import FileReader
from feed.load.table_map import TableMap, ordered, table_maps
from feed.models import Run, Source
from policies.models import (
    AgentOfRecord,
    Company,
    Contact,
    Coverage,
    EreOffer,
    Insured,
    License,
    Policy,
    Policyholder,
    PriorCoverage,
    Term,
)
from policies.models.base import FeedRow
from tests.feed.packages import (
    AS_OF,
    Book,
    Package,
    book_of,
    errors,
    load,
    policy_rows,
    row,
    small_book,
    snapshot,
    warnings,
)

pytestmark = pytest.mark.django_db


def only(book: Book, *files: str) -> Book:
    """Return the book without its other files."""
    return {file: book[file] for file in files}


def op(values: dict[str, str], operation: str = "delete") -> dict[str, str]:
    """Return a row of a delta with its operation."""
    return {**values, "op": operation}


# Every column arrives.


def test_every_table_holds_what_the_files_say(tmp_path: Path) -> None:
    run = load(tmp_path, small_book())

    assert run.status == Run.Status.APPLIED
    assert {file: counts["inserted"] for file, counts in run.counts.items()} == {
        file: len(rows) for file, rows in small_book().items()
    }
    policy = Policy.objects.get()
    assert (policy.source, policy.external_id, policy.number, policy.number_normalized) == (
        "core",
        "MPL1",
        "MPL-1",
        "MPL1",
    )
    assert (policy.company.name, policy.policyholder.name) == ("Larkfield Mutual", "Riverbend Médical, P.C.")
    assert (policy.status, policy.program, policy.status_date) == ("active", "physicians", dt.date(2026, 1, 1))
    assert len(policy.public_id) == 22
    assert Company.objects.get().services == ["pay", "ere"]
    holder = Policyholder.objects.get()
    assert (holder.paperless, holder.search_name, holder.insured) == (True, "riverbend medical p c", None)
    ana = Insured.objects.get(external_id="I1")
    assert (ana.display_name, ana.search_name) == ("Ana Núñez, MD", "ana nunez")
    assert Insured.objects.filter(search="nunez").get() == ana
    license_ = License.objects.get()
    assert (license_.external_id, license_.insured, license_.expires) == ("I1|NY|200001", ana, dt.date(2028, 1, 31))
    contact = Contact.objects.get()
    assert (contact.policyholder, contact.agency, contact.role) == (holder, None, "administrator")
    agent = AgentOfRecord.objects.get()
    assert (agent.policy, agent.starts, agent.ends) == (policy, dt.date(2026, 1, 1), None)
    assert agent.external_id == "MPL1|A1|2026-01-01"
    term = Term.objects.get()
    assert (term.policy, str(term.premium), term.quick_renew) == (policy, "18000.00", False)
    coverage = Coverage.objects.get(external_id="CV1")
    assert (coverage.term, coverage.insured, str(coverage.limit_aggregate)) == (term, ana, "3000000.00")
    assert coverage.retroactive_date == dt.date(2015, 7, 1)
    offer = EreOffer.objects.get()
    assert (offer.coverage.external_id, offer.installments, offer.starts) == ("CV2", 4, None)
    assert PriorCoverage.objects.get().external_id == "I1|Old Colony|2010-07-01"


def test_only_the_keyed_hash_of_a_date_of_birth_reaches_the_database(tmp_path: Path) -> None:
    with CaptureQueriesContext(connection) as queries:
        load(tmp_path, small_book())

    assert Insured.objects.get(external_id="I1").date_of_birth_hash == keyed_hash("date_of_birth", "1970-02-03")
    assert Contact.objects.get().date_of_birth_hash == ""
    assert not any("1970-02-03" in query["sql"] for query in queries)


def test_an_empty_value_is_none_and_an_empty_deductible_nothing(tmp_path: Path) -> None:
    book = small_book()
    book["coverages.csv"][0] |= {"premium": "", "deductible": "", "limits_shared": "", "specialty": ""}
    load(tmp_path, book)
    coverage = Coverage.objects.get(external_id="CV1")
    assert (coverage.premium, str(coverage.deductible)) == (None, "0.00")
    assert (coverage.limits_shared, coverage.specialty) == (False, "")


def test_text_keeps_its_commas_quotes_line_breaks_and_accents(tmp_path: Path) -> None:
    book = small_book()
    name = 'Núñez, "Ana" & Þórsdóttir \\N, Ltd.\u00a0–\u3000株'
    book["companies.csv"][0]["name"] = name
    book["coverages.csv"][0]["endorsements"] = 'Telemedicine;\r\n"Locum", tenens\tand\n\\.'
    load(tmp_path, book)
    assert Company.objects.get().name == name
    assert Coverage.objects.get(external_id="CV1").endorsement_text == 'Telemedicine;\r\n"Locum", tenens\tand\n\\.'


@pytest.mark.parametrize(("ahead", "segment"), [(1, 1), (read_ahead.AHEAD, 2000), (read_ahead.AHEAD, spool.SEGMENT)])
def test_a_large_package_is_read_ahead_in_a_thread_and_loads_as_a_small_one_does(
    ahead: int, segment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.FEED_KNOWN_SOURCES = [*settings.FEED_KNOWN_SOURCES, "another"]
    read_in: set[str] = set()
    parts = FileReader.parts

    def in_which_thread(self: FileReader, package: Any) -> Any:
        read_in.add(threading.current_thread().name)
        return parts(self, package)

    monkeypatch.setattr(FileReader, "parts", in_which_thread)
    small = load(tmp_path, small_book())
    assert read_in == {threading.main_thread().name}
    read_in.clear()

    monkeypatch.setattr(read_ahead, "SMALL", 0)
    monkeypatch.setattr(read_ahead, "AHEAD", ahead)
    monkeypatch.setattr(spool, "SEGMENT", segment)
    large = load(tmp_path, small_book(), source="another")
    assert read_in == {"feed-read-ahead"}
    assert (large.status, large.counts) == (small.status, small.counts)

    faulty = small_book()
    faulty["terms.csv"][0]["expires"] = "soon"
    run = load(tmp_path, faulty, source="third")
    assert (run.status, [one.code for one in run.findings.all()]) == (Run.Status.REFUSED, ["date"])
    assert threading.active_count() == 1


def test_columns_may_be_in_any_order(tmp_path: Path) -> None:
    package = Package(small_book())
    header, data = package.files["licenses.csv"].split(b"\r\n")[:2]
    package.files["licenses.csv"] = b"\n".join(b",".join(line.split(b",")[::-1]) for line in (header, data))
    package.list("licenses.csv")
    assert load_package(package.write(tmp_path / "package")).status == Run.Status.APPLIED
    assert License.objects.get().external_id == "I1|NY|200001"


def test_a_key_of_several_columns_keeps_them_apart(tmp_path: Path) -> None:
    book = small_book()
    book["insureds.csv"] += [book["insureds.csv"][0] | {"insured_id": "I1|NY"}]
    book["licenses.csv"] = [
        row("licenses.csv", insured_id="I1|NY", state="NY", number="5"),
        row("licenses.csv", insured_id="I1", state="NY", number="NY|5"),
    ]
    run = load(tmp_path, book)
    assert (errors(run), License.objects.count()) == ([], 2)


def test_an_archive_loads_as_its_folder_does(tmp_path: Path) -> None:
    package = Package(small_book())
    run = load_package(package.zip(tmp_path / "package.zip"))
    assert run.status == Run.Status.APPLIED
    assert load_package(package.write(tmp_path / "package")).status == Run.Status.UNCHANGED


# Again, and in sequence.


def test_the_same_package_again_changes_nothing(tmp_path: Path) -> None:
    package = Package(small_book()).write(tmp_path / "package")
    load_package(package)
    before = snapshot()

    run = load_package(package)

    assert (run.status, run.counts, snapshot()) == (Run.Status.UNCHANGED, {}, before)


def test_the_same_package_damaged_since_is_refused(tmp_path: Path) -> None:
    folder = Package(small_book()).write(tmp_path / "package")
    load_package(folder)
    (folder / "terms.csv").write_bytes(b"junk")

    run = load_package(folder)

    assert (run.status, errors(run)) == (Run.Status.REFUSED, [("terms.csv", None, "", "sha256")])


def test_the_same_rows_under_the_next_number_touch_no_row(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    before = snapshot()

    run = load(tmp_path, small_book(), sequence=2, as_of=AS_OF + dt.timedelta(days=1))

    assert run.status == Run.Status.APPLIED
    rows = sum(map(len, small_book().values()))
    assert (run.total("unchanged"), run.total("inserted"), run.total("updated")) == (rows, 0, 0)
    assert snapshot() == before
    source = Source.objects.get()
    assert (source.sequence, source.as_of) == (2, AS_OF + dt.timedelta(days=1))


def test_a_release_that_stores_more_makes_the_same_package_new_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Package(small_book()).write(tmp_path / "package")
    load_package(folder)
    monkeypatch.setattr(loader, "fingerprint", lambda found: "another")
    assert load_package(folder).status == Run.Status.APPLIED
    assert load_package(folder).status == Run.Status.UNCHANGED


def test_a_changed_row_is_updated_and_the_others_are_left_alone(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    before = Insured.objects.get(external_id="I2").updated_at
    book = small_book()
    book["insureds.csv"][0]["email"] = "ana.nunez@group.example"

    run = load(tmp_path, book, sequence=2)

    assert (run.total("updated"), run.counts["insureds.csv"]["unchanged"]) == (1, 1)
    assert Insured.objects.get(external_id="I1").email == "ana.nunez@group.example"
    assert Insured.objects.get(external_id="I2").updated_at == before


def test_a_changed_reference_is_followed(tmp_path: Path) -> None:
    book = small_book()
    book["policyholders.csv"].append(book["policyholders.csv"][0] | {"policyholder_id": "PH2"})
    load(tmp_path, book)
    book["policies.csv"][0]["policyholder_id"] = "PH2"

    run = load(tmp_path, book, sequence=2)

    assert run.total("updated") == 1
    assert Policy.objects.get().policyholder.external_id == "PH2"


def test_a_value_that_became_empty_is_emptied(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    book = small_book()
    book["terms.csv"][0] |= {"premium": "", "payment_plan": ""}
    load(tmp_path, book, sequence=2)
    term = Term.objects.get()
    assert (term.premium, term.payment_plan) == (None, "")


SEQUENCES = {
    "a lower sequence": ({"sequence": 4}, "sequence-lower"),
    "the same sequence with other content": ({"sequence": 5}, "sequence-reused"),
    "a delta that leaves one out": ({"sequence": 7, "mode": "delta"}, "sequence-gap"),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_wrong_sequence_is_refused(name: str, tmp_path: Path) -> None:
    load(tmp_path, small_book(), sequence=5)
    before = snapshot()
    book = small_book()
    book["companies.csv"][0]["name"] = "Changed"
    options, code = SEQUENCES[name]

    run = load(tmp_path, book, **options)

    assert (run.status, [error[3] for error in errors(run)]) == (Run.Status.REFUSED, [code])
    assert snapshot() == before


def test_a_delta_before_any_full_package_is_refused(tmp_path: Path) -> None:
    run = load(tmp_path, small_book(), mode="delta")
    assert [error[3] for error in errors(run)] == ["delta-first"]


def test_a_full_package_may_skip_numbers(tmp_path: Path) -> None:
    load(tmp_path, small_book(), sequence=5)
    assert load(tmp_path, small_book(), sequence=50).status == Run.Status.APPLIED


def test_a_number_whose_package_was_refused_is_free_for_the_corrected_one(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    faulty = small_book()
    faulty["terms.csv"][0]["expires"] = "2020-01-01"
    assert load(tmp_path, faulty, sequence=2).status == Run.Status.REFUSED
    assert load(tmp_path, small_book(), sequence=2).status == Run.Status.APPLIED


def test_a_package_as_of_an_earlier_time_is_applied_with_a_warning(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    run = load(tmp_path, small_book(), sequence=2, as_of=AS_OF - dt.timedelta(days=1))
    assert (run.status, [warning[3] for warning in warnings(run)]) == (Run.Status.APPLIED, ["as-of-older"])


def test_a_package_from_the_future_is_applied_with_a_warning_and_counts_as_of_now(tmp_path: Path) -> None:
    run = load(tmp_path, small_book(), as_of=timezone.now() + dt.timedelta(days=2))
    assert [warning[3] for warning in warnings(run)] == ["as-of-future"]
    assert Source.objects.get().as_of <= timezone.now(), "otherwise nobody would hear that the feed has stopped"


def test_a_package_without_files_is_applied_with_a_warning(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    run = load(tmp_path, {}, sequence=2, mode="delta")
    assert (run.status, warnings(run)) == (Run.Status.APPLIED, [("manifest.json", None, "", "no-files")])


# Retire, bring back, leave out.


def test_a_row_missing_from_a_full_package_is_retired_and_kept(tmp_path: Path, no_guard: None) -> None:
    load(tmp_path, small_book())
    public_id = Coverage.objects.get(external_id="CV2").public_id
    book = small_book()
    del book["coverages.csv"][1], book["ere_offers.csv"][0]

    run = load(tmp_path, book, sequence=2)

    assert (run.status, run.total("retired")) == (Run.Status.APPLIED, 2)
    gone = Coverage.objects.get(external_id="CV2")
    assert gone.retired_at is not None
    assert gone.public_id == public_id
    assert list(Coverage.objects.not_retired().values_list("external_id", flat=True)) == ["CV1"]


def test_a_row_that_reappears_is_the_same_row_again(tmp_path: Path, no_guard: None) -> None:
    load(tmp_path, small_book())
    before = Coverage.objects.get(external_id="CV2")
    less = small_book()
    del less["coverages.csv"][1], less["ere_offers.csv"][0]
    load(tmp_path, less, sequence=2)
    book = small_book()
    book["coverages.csv"][1]["premium"] = "1.00"

    run = load(tmp_path, book, sequence=3)

    assert (run.total("unretired"), run.total("updated"), run.total("inserted")) == (2, 0, 0)
    after = Coverage.objects.get(external_id="CV2")
    assert (after.pk, after.public_id, after.retired_at) == (before.pk, before.public_id, None)
    assert str(after.premium) == "1.00"


def test_rows_of_an_absent_file_are_left_alone(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    before = snapshot()

    run = load(tmp_path, only(small_book(), "companies.csv", "insureds.csv"), sequence=2)

    assert run.status == Run.Status.APPLIED
    assert snapshot() == before


def test_a_package_without_files_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    before = snapshot()
    assert load(tmp_path, {}, sequence=2, as_of=AS_OF + dt.timedelta(days=1)).status == Run.Status.APPLIED
    assert (snapshot(), Source.objects.get().sequence) == (before, 2)


def test_a_retired_row_that_others_still_refer_to_is_a_warning(tmp_path: Path, no_guard: None) -> None:
    load(tmp_path, small_book())
    book = small_book()
    del book["insureds.csv"][1]

    run = load(tmp_path, only(book, "insureds.csv"), sequence=2)

    assert run.status == Run.Status.APPLIED
    assert warnings(run) == [("insureds.csv", None, "", "retired-in-use")]
    assert run.findings.get().sentence == ("1 row of coverages.csv still refers to 1 row that this package retires.")


def test_a_reference_to_a_retired_row_of_an_absent_file_is_refused(tmp_path: Path, no_guard: None) -> None:
    load(tmp_path, small_book())
    book = small_book()
    del book["insureds.csv"][1]
    load(tmp_path, only(book, "insureds.csv"), sequence=2)

    run = load(tmp_path, only(small_book(), "coverages.csv"), sequence=3)

    assert errors(run) == [("coverages.csv", 3, "insured_id", "reference")]


def test_a_reference_may_name_a_row_of_an_absent_file(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    book = only(small_book(), "licenses.csv")
    book["licenses.csv"].append(row("licenses.csv", insured_id="I2", state="CT", number="7"))
    assert load(tmp_path, book, sequence=2).counts["licenses.csv"]["inserted"] == 1


# Deltas.


def test_a_delta_inserts_updates_and_deletes(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    coverage = small_book()["coverages.csv"][1]
    delta = {
        "coverages.csv": [
            op({"coverage_id": "CV1"} | dict.fromkeys(set(coverage) - {"coverage_id"}, "")),
            op(coverage | {"premium": "5.00"}, ""),
            op(coverage | {"coverage_id": "CV3", "insured_id": "I1"}, "upsert"),
        ]
    }

    run = load(tmp_path, delta, sequence=2, mode="delta")

    assert errors(run) == []
    counts = run.counts["coverages.csv"]
    assert (counts["inserted"], counts["updated"], counts["retired"], counts["unchanged"]) == (1, 1, 1, 0)
    assert sorted(Coverage.objects.not_retired().values_list("external_id", flat=True)) == ["CV2", "CV3"]


def test_a_delta_without_the_column_op_only_adds_and_changes(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    run = load(tmp_path, {"policies.csv": [policy_rows("MPL-2")]}, sequence=2, mode="delta")
    assert (run.total("inserted"), run.total("retired")) == (1, 0)
    assert Policy.objects.not_retired().count() == 2


def test_a_delta_that_deletes_an_unknown_row_is_applied_with_a_warning(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    run = load(tmp_path, {"policies.csv": [op(policy_rows("MPL-9"))]}, sequence=2, mode="delta")
    assert (run.status, warnings(run)) == (
        Run.Status.APPLIED, [("policies.csv", 2, "policy_number", "delete-unknown")],
    )  # fmt: skip


def test_a_delta_may_not_refer_to_a_row_it_deletes(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    book = small_book()
    delta = {"insureds.csv": [op(book["insureds.csv"][0])], "licenses.csv": book["licenses.csv"]}
    run = load(tmp_path, delta, sequence=2, mode="delta")
    assert errors(run) == [("licenses.csv", 2, "insured_id", "reference")]


def test_an_unknown_operation_is_refused(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    run = load(tmp_path, {"policies.csv": [op(policy_rows("MPL-2"), "erase")]}, sequence=2, mode="delta")
    assert errors(run) == [("policies.csv", 2, "op", "choice")]


def test_a_delta_s_term_may_not_overlap_one_that_the_portal_holds(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    term = small_book()["terms.csv"][0] | {"term_id": "T2", "effective": "2026-06-01", "expires": "2027-06-01"}

    run = load(tmp_path, {"terms.csv": [term]}, sequence=2, mode="delta")

    assert errors(run) == [("terms.csv", 2, "effective", "overlap")]
    assert "T2" in run.findings.get(kind="error").sentence


def test_terms_that_meet_or_are_not_bound_do_not_overlap(tmp_path: Path) -> None:
    book = small_book()
    first = book["terms.csv"][0]
    book["terms.csv"] += [
        first | {"term_id": "T2", "effective": "2027-01-01", "expires": "2028-01-01"},
        first | {"term_id": "T3", "effective": "2026-06-01", "status": "cancelled"},
    ]
    assert errors(load(tmp_path, book)) == []


# Sources, numbers.


def test_the_same_policy_number_in_two_sources_stays_two_policies(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    other = small_book()
    other["companies.csv"][0]["name"] = "Another Company"

    run = load(tmp_path, other, source="legacy")

    assert run.status == Run.Status.APPLIED
    names = Policy.objects.filter(number="MPL-1").order_by("source").values_list("source", "company__name")
    assert list(names) == [("core", "Larkfield Mutual"), ("legacy", "Another Company")]


def test_a_full_package_retires_rows_of_its_own_source_only(tmp_path: Path, no_guard: None) -> None:
    load(tmp_path, small_book())
    load(tmp_path, small_book(), source="legacy")
    load(tmp_path, {"licenses.csv": []}, sequence=2, source="legacy")
    assert list(License.objects.not_retired().values_list("source", flat=True)) == ["core"]


def test_a_reference_never_reaches_into_another_source(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    book = only(small_book(), "companies.csv", "policies.csv")
    assert errors(load(tmp_path, book, source="legacy")) == [("policies.csv", 2, "policyholder_id", "reference")]


def test_a_policy_is_the_same_however_its_number_is_written(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    before = Policy.objects.get()
    book = small_book()
    book["policies.csv"][0]["policy_number"] = "mpl 1"
    book["terms.csv"][0]["policy_number"] = "Mpl1"

    run = load(tmp_path, book, sequence=2)

    after = Policy.objects.get()
    assert (run.total("updated"), run.total("retired"), after.pk, after.number) == (1, 0, before.pk, "mpl 1")


# Dry run, figures, the log.


def test_a_dry_run_shows_counts_and_findings_and_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path, small_book())
    before = snapshot()
    book = small_book()
    book["insureds.csv"][0] |= {"email": "", "phone": "(518) 555-0100"}

    run = load(tmp_path, book, sequence=2, dry_run=True)

    assert (run.status, run.dry_run) == (Run.Status.REHEARSED, True)
    assert (run.counts["insureds.csv"]["updated"], warnings(run)[0][3]) == (1, "missing")
    assert (snapshot(), Source.objects.get().sequence) == (before, 1)


def test_a_dry_run_of_a_faulty_package_is_refused_as_the_load_would_be(tmp_path: Path) -> None:
    book = small_book()
    book["terms.csv"][0]["policy_number"] = "MPL-9"
    run = load(tmp_path, book, dry_run=True)
    assert (run.status, run.errors) == (Run.Status.REFUSED, 1)


def test_a_run_has_its_package_its_times_and_its_outcome(tmp_path: Path) -> None:
    run = load(tmp_path, small_book())
    run.refresh_from_db()
    assert (run.source, run.sequence, run.mode, run.as_of) == ("core", 1, "full", AS_OF)
    assert len(run.digest) == 64
    assert (run.attempts, run.phase, run.name) == (1, "", "package0")
    assert {"stage", "check", "apply"} <= set(run.timings)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.finished_at >= run.started_at >= run.created_at
    event = Event.objects.get(tag="feed:package:applied")
    assert (event.subject_id, event.data["sequence"]) == (str(run.pk), 1)


def test_a_row_the_database_refuses_fails_the_run_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, small_book())
    before = snapshot()
    coverages = next(table_map for table_map in table_maps() if table_map.file == "coverages.csv")
    lax = TableMap(replace(coverages.table, checks=()))
    monkeypatch.setattr(
        loader, "table_maps", lambda: tuple(lax if table_map is coverages else table_map for table_map in table_maps())
    )
    book = small_book()
    book["coverages.csv"][0]["limit_per_claim"] = "9000000.00"

    run = load(tmp_path, book, sequence=2)

    assert run.status == Run.Status.FAILED
    assert "policies_coverage_limits" in run.outcome
    assert snapshot() == before


def test_what_the_portal_learned_later_is_kept_and_what_it_learned_before_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, small_book())
    holders = next(table_map for table_map in table_maps() if table_map.file == "policyholders.csv")
    # No field of these files is the portal's to learn yet; the row's own time stands in for when it was learned.
    learning = TableMap(replace(holders.table, learned={"paperless": "created_at"}))
    monkeypatch.setattr(
        loader,
        "table_maps",
        lambda: tuple(learning if table_map is holders else table_map for table_map in table_maps()),
    )
    book = small_book()
    book["policyholders.csv"][0] |= {"paperless": "false", "phone": "(518) 555-0123"}
    Policyholder.objects.update(created_at=AS_OF + dt.timedelta(hours=1))

    load(tmp_path, book, sequence=2, as_of=AS_OF)
    holder = Policyholder.objects.get()
    assert (holder.paperless, holder.phone) == (True, "(518) 555-0123")

    load(tmp_path, book, sequence=3, as_of=AS_OF + dt.timedelta(hours=2))
    assert Policyholder.objects.get().paperless is False


def test_a_book_with_only_policies_can_grow(tmp_path: Path) -> None:
    load(tmp_path, book_of(30))
    assert Policy.objects.not_retired().count() == 30


# The declarations.


def test_every_declared_table_fits_its_model() -> None:
    for table_map in table_maps():
        assert issubclass(table_map.model, FeedRow)
        assert table_map.targets
        assert isinstance(table_map.insert_defaults("s.id"), dict)
        for check in table_map.table.checks:
            assert check.column in {column.name for column in table_map.table.columns}


def test_tables_come_after_the_tables_they_refer_to() -> None:
    files = [table_map.file for table_map in ordered(list(reversed(table_maps())))]
    for table_map in table_maps():
        for reference in table_map.table.references:
            assert files.index(reference.file) <= files.index(table_map.file), "a table may refer to itself"


def test_a_declaration_that_is_stored_differently_has_another_fingerprint() -> None:
    found = list(table_maps())
    changed = TableMap(replace(found[0].table, columns=found[0].table.columns[:-1]))
    assert specification.fingerprint([changed, *found[1:]]) != specification.fingerprint(found)


def test_the_settings_name_the_shares_that_pass(settings: Settings) -> None:
    assert (str(settings.FEED_RETIRE_SHARE), str(settings.FEED_CANCEL_SHARE)) == ("0.05", "0.01")


@pytest.fixture
def no_guard(settings: Settings) -> Any:
    """Small books lose large shares; the guard has tests of its own."""
    settings.FEED_RETIRE_SHARE = settings.FEED_CANCEL_SHARE = 1
