"""Files that stay unread because they are the ones that were applied last, and what makes the load read them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from feed.load import unread
from feed.load.context import LoadContext
from feed.load.reading import FileReader, Part
from feed.load.table_map import table_maps
from feed.load.unread import may_stay_unread
from feed.models import Run
from feed.package.files import Package as OpenPackage
from policies.models import Extra, Term
from tests.feed.packages import Book, Package, errors, load, load_package, small_book, snapshot, warnings

pytestmark = pytest.mark.django_db

# Their hooks or checks look at rows that are as they were, they name documents, or the portal changes their rows.
ALWAYS_READ = {
    "companies.csv",
    "contacts.csv",
    "policies.csv",
    "transactions.csv",
    "installments.csv",
    "payments.csv",
    "allocations.csv",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the files that are read from now on; a test clears it between two loads."""
    found: set[str] = set()
    parts = FileReader.parts

    def noted(self: FileReader, package: OpenPackage) -> Iterator[Part]:
        found.add(self.table_map.file)
        return parts(self, package)

    monkeypatch.setattr(FileReader, "parts", noted)
    return found


@pytest.fixture
def before(tmp_path: Path, read: set[str]) -> Book:
    """Load the small book, and return it."""
    load(tmp_path, small_book())
    read.clear()
    return small_book()


def test_files_whose_rows_follow_from_more_than_the_file_are_always_read() -> None:
    by_file = {table_map.file: table_map for table_map in table_maps()}
    assert set(by_file) - may_stay_unread(by_file) == ALWAYS_READ | {"documents.csv", "requests.csv"}


def test_a_file_that_is_the_same_is_not_read_and_counts_as_unchanged(
    tmp_path: Path, before: Book, read: set[str]
) -> None:
    rows = snapshot()

    run = load(tmp_path, before, sequence=2)

    assert (run.status, read) == (Run.Status.APPLIED, ALWAYS_READ)
    assert run.counts["coverages.csv"] == {
        "rows": 2, "inserted": 0, "updated": 0, "unretired": 0, "unchanged": 2, "retired": 0, "before": 2,
    }  # fmt: skip
    assert snapshot() == rows


def test_a_changed_file_is_read_and_those_that_name_its_rows_are_not(
    tmp_path: Path, before: Book, read: set[str]
) -> None:
    before["insureds.csv"][0]["phone"] = "555-0100"

    run = load(tmp_path, before, sequence=2)

    assert (run.total("updated"), read) == (1, ALWAYS_READ | {"insureds.csv"})


def test_a_file_is_read_if_a_row_that_it_may_name_has_gone(tmp_path: Path, before: Book, read: set[str]) -> None:
    before["agencies.csv"].append({**before["agencies.csv"][0], "agency_id": "A2"})
    load(tmp_path, before, sequence=2)
    read.clear()
    del before["agencies.csv"][1]

    assert load(tmp_path, before, sequence=3).status == Run.Status.APPLIED
    assert read == ALWAYS_READ | {"agencies.csv", "agents_of_record.csv"}


def test_a_row_that_went_with_a_package_without_the_file_is_missed(tmp_path: Path, before: Book) -> None:
    del before["insureds.csv"][1]
    load(tmp_path, {"insureds.csv": before["insureds.csv"]}, sequence=2)

    run = load(tmp_path, before, sequence=3)

    assert errors(run) == [("coverages.csv", 3, "insured_id", "reference")]


def test_what_a_delta_changed_meanwhile_is_changed_back(tmp_path: Path, before: Book) -> None:
    delta = {"terms.csv": [{**before["terms.csv"][0], "premium": "1.00"}]}
    load(tmp_path, delta, sequence=2, mode="delta")

    assert load(tmp_path, before, sequence=3).total("updated") == 1
    assert str(Term.objects.get().premium) == "18000.00"


def test_a_file_with_a_warning_is_read_and_warned_of_again(tmp_path: Path, before: Book, read: set[str]) -> None:
    before["agencies.csv"][0]["email"] = ""
    load(tmp_path, before, sequence=2)
    read.clear()

    run = load(tmp_path, before, sequence=3)

    assert warnings(run) == [("agencies.csv", 2, "email", "missing")]
    assert read == ALWAYS_READ | {"agencies.csv"}


@pytest.mark.parametrize("code", ["sha256", "row-count"])
def test_the_manifest_s_word_is_not_enough(code: str, tmp_path: Path, before: Book) -> None:
    package = Package(before, sequence=2)
    if code == "sha256":
        package.files["extras.csv"] += b"CV2,Cyber,$1\r\n"
    else:
        package.list("extras.csv", rows=2)

    run = load_package(package.write(tmp_path / "false"))

    assert (run.status, code in {found[3] for found in errors(run)}) == (Run.Status.REFUSED, True)


def test_every_file_is_read_once_by_another_version_of_the_portal(
    tmp_path: Path, before: Book, read: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "_code", lambda: b"another")

    load(tmp_path, before, sequence=2)
    assert read == set(before)
    read.clear()
    load(tmp_path, before, sequence=3)
    assert read == ALWAYS_READ


def test_a_file_is_read_where_the_portal_has_another_number_of_rows(
    tmp_path: Path, before: Book, read: set[str]
) -> None:
    Extra.objects.update(retired_at=timezone.now())

    assert load(tmp_path, before, sequence=2).counts["extras.csv"]["unretired"] == 1
    assert read == ALWAYS_READ | {"extras.csv"}


def test_a_hook_that_looks_at_unread_rows_is_told() -> None:
    context = LoadContext.__new__(LoadContext)
    context.unread = {"terms.csv"}
    with pytest.raises(RuntimeError, match="every_row"):
        context.staged("terms.csv")
