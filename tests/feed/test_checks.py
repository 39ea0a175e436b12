"""Each of the feed's checks has a faulty package that it refuses with the right finding, and nothing is changed."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from feed.load.loader import load_package
from feed.models import Run
from feed.package import records
from policies.models import Coverage
from tests.feed.packages import Book, Package, Rows, errors, load, policy_rows, row, small_book, snapshot, warnings

pytestmark = pytest.mark.django_db

Finding = tuple[str, int | None, str, str]
MANIFEST = "manifest.json"


@pytest.fixture(scope="module")
def small_books_rows() -> list[Rows]:
    """Return what a load of the small book leaves, once a test has loaded it."""
    return []


@pytest.fixture
def loaded(tmp_path_factory: pytest.TempPathFactory, small_books_rows: list[Rows]) -> dict[str, list[tuple[Any, ...]]]:
    """Load the small book as number 1, and return what the portal then holds."""
    if small_books_rows:
        small_books_rows[0].put_back()
    else:
        run = load(tmp_path_factory.mktemp("before"), small_book())
        assert run.status == Run.Status.APPLIED, errors(run)
        small_books_rows.append(Rows())
    return snapshot()


def set_value(file: str, column: str, value: str, at: int = 0) -> Callable[[Book], None]:
    """Return a fault: one value of the book."""

    def change(book: Book) -> None:
        book[file][at][column] = value

    return change


def add_row(file: str, **values: str) -> Callable[[Book], None]:
    """Return a fault: one more row, like the first but for what is given."""

    def change(book: Book) -> None:
        book[file].append(book[file][0] | values)

    return change


def policy_in_two_bound_terms(book: Book) -> None:
    book["terms.csv"].append(
        book["terms.csv"][0] | {"term_id": "T2", "effective": "2026-12-31", "expires": "2027-12-31"}
    )


def the_policy_has_two_spellings(book: Book) -> None:
    book["policies.csv"].append(policy_rows("mpl 1"))


# What is wrong with the book's rows, and what is found: file, row as a spreadsheet shows it, column, code.
BOOK_FAULTS: dict[str, tuple[Callable[[Book], None], Finding]] = {
    # Types.
    "a date that is none": (
        set_value("terms.csv", "effective", "2026-02-30"), ("terms.csv", 2, "effective", "date")),
    "a date in another form": (
        set_value("terms.csv", "effective", "01/01/2026"), ("terms.csv", 2, "effective", "date")),
    "a date without dashes": (
        set_value("terms.csv", "effective", "20260101"), ("terms.csv", 2, "effective", "date")),
    "a year that can't be meant": (
        set_value("terms.csv", "effective", "0026-01-01"), ("terms.csv", 2, "effective", "date")),
    "an amount with a tenth of a cent": (
        set_value("coverages.csv", "premium", "9000.001"), ("coverages.csv", 2, "premium", "money")),
    "an amount that ends with a point": (
        set_value("coverages.csv", "premium", "9000."), ("coverages.csv", 2, "premium", "money")),
    "an amount with a thousands separator": (
        set_value("coverages.csv", "premium", "9,000.00", at=1), ("coverages.csv", 3, "premium", "money")),
    "an amount that no column holds": (
        set_value("coverages.csv", "premium", "12345678901.00"), ("coverages.csv", 2, "premium", "money")),
    "a limit below nothing": (
        set_value("coverages.csv", "limit_per_claim", "-1.00"), ("coverages.csv", 2, "limit_per_claim", "range")),
    "a boolean that is none": (
        set_value("policyholders.csv", "paperless", "yes"), ("policyholders.csv", 2, "paperless", "boolean")),
    "a number that is none": (
        set_value("ere_offers.csv", "installments", "four"), ("ere_offers.csv", 2, "installments", "number")),
    "a number out of range": (
        set_value("ere_offers.csv", "installments", "40000"), ("ere_offers.csv", 2, "installments", "range")),
    "a text longer than its column": (
        set_value("insureds.csv", "last_name", "N" * 201), ("insureds.csv", 2, "last_name", "too-long")),
    "a key longer than any": (
        set_value("companies.csv", "company_id", "C" * 121), ("companies.csv", 2, "company_id", "too-long")),
    "a line break in a name": (
        set_value("insureds.csv", "last_name", "Nú\nñez"), ("insureds.csv", 2, "last_name", "control-character")),
    "an id with a space at its end": (
        set_value("policies.csv", "policyholder_id", "PH1 "), ("policies.csv", 2, "policyholder_id", "form")),
    "a name that turns the direction of writing": (
        set_value("insureds.csv", "last_name", "N\u202efez"), ("insureds.csv", 2, "last_name", "control-character")),
    "a username that nobody could type": (
        set_value("contacts.csv", "username", "rae\u200b"), ("contacts.csv", 2, "username", "form")),
    "an id with a space of no width": (
        set_value("policies.csv", "policyholder_id", "PH\u200b1"),
        ("policies.csv", 2, "policyholder_id", "invisible-character")),
    "an id with a letter that shows nothing": (
        set_value("companies.csv", "company_id", "C\u31641"),
        ("companies.csv", 2, "company_id", "invisible-character")),
    "an id with a space that doesn't break": (
        set_value("policies.csv", "policyholder_id", "PH\u00a01"),
        ("policies.csv", 2, "policyholder_id", "invisible-character")),
    "a policy number that grows when it is folded": (
        set_value("policies.csv", "policy_number", "ß" * 21), ("policies.csv", 2, "policy_number", "too-long")),
    "a policy number of dashes": (
        set_value("policies.csv", "policy_number", "---"), ("policies.csv", 2, "policy_number", "form")),
    "an NPI of nine digits": (
        set_value("insureds.csv", "npi", "012345678"), ("insureds.csv", 2, "npi", "form")),
    "a letter's code that isn't a hash": (
        set_value("ere_offers.csv", "letter_code_sha256", "1234"), ("ere_offers.csv", 2, "letter_code_sha256", "form")),
    # Enumerations.
    "an unknown status": (
        set_value("policies.csv", "status", "Active"), ("policies.csv", 2, "status", "choice")),
    "an unknown service": (
        set_value("companies.csv", "services", "pay;fax"), ("companies.csv", 2, "services", "choice")),
    "an empty service": (
        set_value("companies.csv", "services", "pay;"), ("companies.csv", 2, "services", "choice")),
    "an unknown state": (
        set_value("licenses.csv", "state", "ZZ"), ("licenses.csv", 2, "state", "choice")),
    "an unknown kind of party": (
        set_value("contacts.csv", "party", "insured"), ("contacts.csv", 2, "party", "choice")),
    "an unknown capability": (
        set_value("contacts.csv", "capabilities", "fly"), ("contacts.csv", 2, "capabilities", "choice")),
    # Required values and keys.
    "an empty key": (
        set_value("insureds.csv", "insured_id", "", at=1), ("insureds.csv", 3, "insured_id", "required")),
    "a policy without a status": (
        set_value("policies.csv", "status", ""), ("policies.csv", 2, "status", "required")),
    "an entity without a name": (
        set_value("insureds.csv", "kind", "entity"), ("insureds.csv", 2, "name", "entity-name")),
    "a person without a last name": (
        set_value("insureds.csv", "last_name", ""), ("insureds.csv", 2, "last_name", "person-name")),
    "a duplicate key": (
        add_row("companies.csv", name="Another"), ("companies.csv", 3, "company_id", "key-twice")),
    "a duplicate key of three columns": (
        add_row("licenses.csv", expires="2029-01-01"), ("licenses.csv", 3, "number", "key-twice")),
    "one policy number in two spellings": (
        the_policy_has_two_spellings, ("policies.csv", 3, "policy_number", "key-twice")),
    # References.
    "a policy of no company": (
        set_value("policies.csv", "company_id", "C9"), ("policies.csv", 2, "company_id", "reference")),
    "a policy of no policyholder": (
        set_value("policies.csv", "policyholder_id", "PH9"), ("policies.csv", 2, "policyholder_id", "reference")),
    "a term of no policy": (
        set_value("terms.csv", "policy_number", "MPL-9"), ("terms.csv", 2, "policy_number", "reference")),
    "a coverage of no term": (
        set_value("coverages.csv", "term_id", "T9", at=1), ("coverages.csv", 3, "term_id", "reference")),
    "a coverage of no insured": (
        set_value("coverages.csv", "insured_id", "I9"), ("coverages.csv", 2, "insured_id", "reference")),
    "a license of no insured": (
        set_value("licenses.csv", "insured_id", "I9"), ("licenses.csv", 2, "insured_id", "reference")),
    "an offer for no coverage": (
        set_value("ere_offers.csv", "coverage_id", "CV9"), ("ere_offers.csv", 2, "coverage_id", "reference")),
    "prior coverage of no insured": (
        set_value("prior_coverages.csv", "insured_id", "I9"), ("prior_coverages.csv", 2, "insured_id", "reference")),
    "an agent of record that isn't an agency": (
        set_value("agents_of_record.csv", "agency_id", "A9"), ("agents_of_record.csv", 2, "agency_id", "reference")),
    "an agent of record for no policy": (
        set_value("agents_of_record.csv", "policy_number", "MPL-9"),
        ("agents_of_record.csv", 2, "policy_number", "reference")),
    "a contact of no policyholder": (
        set_value("contacts.csv", "party_id", "A1"), ("contacts.csv", 2, "party_id", "reference")),
    "a policyholder who isn't an insured": (
        set_value("policyholders.csv", "insured_id", "I9"), ("policyholders.csv", 2, "insured_id", "reference")),
    # Business.
    "a term that ends before it begins": (
        set_value("terms.csv", "expires", "2025-12-31"), ("terms.csv", 2, "expires", "period")),
    "a term of no days": (
        set_value("terms.csv", "expires", "2026-01-01"), ("terms.csv", 2, "expires", "period")),
    "a coverage that ends before it begins": (
        set_value("coverages.csv", "expires", "2025-12-31"), ("coverages.csv", 2, "expires", "period")),
    "prior coverage that ends before it begins": (
        set_value("prior_coverages.csv", "expires", "2010-01-01"), ("prior_coverages.csv", 2, "expires", "period")),
    "an appointment that ends before it begins": (
        set_value("agents_of_record.csv", "to", "2025-12-31"), ("agents_of_record.csv", 2, "to", "period")),
    "a limit per claim above the aggregate": (
        set_value("coverages.csv", "limit_per_claim", "3000000.01"), ("coverages.csv", 2, "limit_per_claim", "limits")),
    "claims-made coverage without a retroactive date": (
        set_value("coverages.csv", "retroactive_date", ""),
        ("coverages.csv", 2, "retroactive_date", "retroactive-date")),
    "a retroactive date after the start": (
        set_value("coverages.csv", "retroactive_date", "2026-01-02"),
        ("coverages.csv", 2, "retroactive_date", "retroactive-date")),
    "an insured who isn't born yet": (
        set_value("insureds.csv", "date_of_birth", "2190-01-01"), ("insureds.csv", 2, "date_of_birth", "future")),
    "a contact who isn't born yet": (
        set_value("contacts.csv", "date_of_birth", "2190-01-01"), ("contacts.csv", 2, "date_of_birth", "future")),
    "bound terms that overlap": (
        policy_in_two_bound_terms, ("terms.csv", 3, "effective", "overlap")),
}  # fmt: skip


@pytest.mark.parametrize("name", BOOK_FAULTS)
def test_a_faulty_row_is_found_and_nothing_is_applied(name: str, tmp_path: Path, loaded: Any) -> None:
    change, expected = BOOK_FAULTS[name]
    book = small_book()
    change(book)
    book["companies.csv"][0]["signatory"] = "Imogen Vale"  # a change that would be applied

    run = load(tmp_path / "faulty", book, sequence=2)

    assert run.status == Run.Status.REFUSED
    assert errors(run) == [expected]
    assert run.findings.get(kind="error").sentence.endswith(".")
    assert snapshot() == loaded


def test_broken_references_of_a_first_package_are_found_in_every_file(tmp_path: Path, db: None) -> None:
    book = small_book()
    book["licenses.csv"][0]["insured_id"] = "I9"
    book["policyholders.csv"][0]["insured_id"] = "I9"
    book["coverages.csv"][1]["continues"] = "CV9"

    run = load(tmp_path, book)

    assert (run.status, snapshot()["insureds.csv"]) == (Run.Status.REFUSED, [])
    assert errors(run) == [
        ("coverages.csv", 3, "continues", "reference"),
        ("licenses.csv", 2, "insured_id", "reference"),
        ("policyholders.csv", 2, "insured_id", "reference"),
    ]


def test_a_row_that_stays_the_same_may_not_name_one_that_goes(tmp_path: Path, loaded: Any) -> None:
    book = small_book()
    del book["insureds.csv"][1]

    run = load(tmp_path / "less", book, sequence=2)

    assert errors(run) == [("coverages.csv", 3, "insured_id", "reference")]
    assert snapshot() == loaded


@pytest.mark.parametrize("times", ["as it was", "changed", "new", "back", "back, and as it was"])
def test_a_key_twice_is_found_whatever_the_portal_has_of_it(times: str, tmp_path: Path, db: None) -> None:
    load(tmp_path, small_book())
    file, book = "extras.csv", small_book()
    if times.startswith("back"):
        load(tmp_path, {file: []}, sequence=2)
    if times == "new":
        book[file] += [{**book[file][0], "label": "Cyber"}, {**book[file][0], "label": "Cyber"}]
    else:
        book[file] += [{**book[file][0], "limit": "$1" if times in {"changed", "back"} else book[file][0]["limit"]}]
    before = snapshot()

    run = load(tmp_path, book, sequence=3)

    assert errors(run) == [(file, 4 if times == "new" else 3, "label", "key-twice")]
    assert snapshot() == before


@pytest.mark.parametrize("chunk", [records.CHUNK, 40])
@pytest.mark.parametrize(
    ("ids", "twice"),
    [("AG1 AG2 AG3", []), ("AG1 AG2 AG2", [4]), ("AG2 AG1 AG2", [4]), ("AG1 AG1 AG2", [3]), ("AG1 AG3 AG2", [])],
)
def test_a_key_is_found_twice_wherever_it_is_and_a_file_in_the_order_of_its_keys_is_not_searched(
    ids: str, twice: list[int], chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK", chunk)
    file = "agencies.csv"
    agency = small_book()[file][0]
    with CaptureQueriesContext(connection) as queries:
        run = load(tmp_path, {file: [agency | {"agency_id": one} for one in ids.split()]})
    assert errors(run) == [(file, line, "agency_id", "key-twice") for line in twice]
    searched = any("HAVING count(*) > 1" in query["sql"] for query in queries)
    assert searched == (ids != "AG1 AG2 AG3")


def spoil(file: str, old: bytes, new: bytes) -> Callable[[Package], None]:
    """Return a fault: other bytes in a file, with a manifest that agrees."""
    return lambda package: package.replace(file, old, new)


def manifest_says(**values: Any) -> Callable[[Package], None]:
    """Return a fault: other values in the manifest."""
    return lambda package: package.manifest.update(values)


def manifest_lacks(key: str) -> Callable[[Package], None]:
    """Return a fault: a value missing from the manifest."""

    def change(package: Package) -> None:
        del package.manifest[key]

    return change


def entry_says(**values: Any) -> Callable[[Package], None]:
    """Return a fault: the manifest's entry of one file."""
    return lambda package: package.manifest["files"]["terms.csv"].update(values)


def list_a_file_that_is_missing(package: Package) -> None:
    del package.files["terms.csv"]


def bring_a_file_that_is_not_listed(package: Package) -> None:
    package.manifest["files"].pop("licenses.csv")


def list_a_file_that_nobody_reads(package: Package) -> None:
    package.files["secrets.csv"] = b"a,b\r\n"
    package.list("secrets.csv", rows=0)


def list_a_path(package: Package) -> None:
    package.manifest["files"]["../terms.csv"] = package.manifest["files"].pop("terms.csv")


def empty_a_file(package: Package) -> None:
    package.files["terms.csv"] = b""
    package.list("terms.csv", rows=0)


def too_long_a_row(package: Package) -> None:
    package.replace("companies.csv", b"Larkfield Mutual", b"L" * 140_000)


# What is wrong with the package around the rows, and what is found.
PACKAGE_FAULTS: dict[str, tuple[Callable[[Package], None], Finding]] = {
    # The manifest.
    "another schema": (manifest_says(schema="portal-feed/2"), (MANIFEST, None, "", "schema")),
    "no schema": (manifest_lacks("schema"), (MANIFEST, None, "", "schema")),
    "no source": (manifest_lacks("source"), (MANIFEST, None, "", "manifest")),
    "a source that is a path": (manifest_says(source="../core"), (MANIFEST, None, "", "manifest")),
    "a sequence that is text": (manifest_says(sequence="2"), (MANIFEST, None, "", "manifest")),
    "a sequence that is true": (manifest_says(sequence=True), (MANIFEST, None, "", "manifest")),
    "a sequence below nothing": (manifest_says(sequence=-1), (MANIFEST, None, "", "manifest")),
    "a time without its zone": (manifest_says(as_of="2026-11-20T02:00:00"), (MANIFEST, None, "", "manifest")),
    "a time that is none": (manifest_says(as_of="yesterday"), (MANIFEST, None, "", "manifest")),
    "another mode": (manifest_says(mode="partial"), (MANIFEST, None, "", "manifest")),
    "a key that nobody knows": (manifest_says(comment="hello"), (MANIFEST, None, "", "manifest")),
    "files that are a list": (manifest_says(files=["terms.csv"]), (MANIFEST, None, "", "manifest")),
    "a hash that is none": (entry_says(sha256="abc"), (MANIFEST, None, "", "manifest")),
    "rows that are none": (entry_says(rows="1"), (MANIFEST, None, "", "manifest")),
    "a path outside the package": (list_a_path, (MANIFEST, None, "", "path")),
    # The files against the manifest.
    "another hash": (entry_says(sha256="0" * 64), ("terms.csv", None, "", "sha256")),
    "another number of rows": (entry_says(rows=2), ("terms.csv", None, "", "row-count")),
    "a listed file that is missing": (list_a_file_that_is_missing, ("terms.csv", None, "", "file-missing")),
    "a file that is not listed": (bring_a_file_that_is_not_listed, ("licenses.csv", None, "", "file-not-listed")),
    "a file that the portal doesn't read": (
        list_a_file_that_nobody_reads, ("secrets.csv", None, "", "unknown-file")),
    # The format of the files.
    "an empty file": (empty_a_file, ("terms.csv", 1, "", "no-header")),
    "a missing column": (spoil("terms.csv", b",premium,", b","), ("terms.csv", 1, "premium", "missing-column")),
    "an unknown column": (spoil("terms.csv", b",premium,", b",premium,color,"), ("terms.csv", 1, "", "unknown-column")),
    "a column twice": (
        spoil("terms.csv", b",premium,", b",premium,premium,"), ("terms.csv", 1, "premium", "column-twice")),
    "a column of deltas in a full package": (
        spoil("terms.csv", b",paid_through\r\n", b",paid_through,op\r\n"), ("terms.csv", 1, "", "unknown-column")),
    "a byte order mark": (
        spoil("terms.csv", b"term_id,", b"\xef\xbb\xbfterm_id,"), ("terms.csv", 1, "", "byte-order-mark")),
    "bytes that are not UTF-8": (
        spoil("insureds.csv", "Núñez".encode(), "Núñez".encode("latin-1")),
        ("insureds.csv", 2, "last_name", "encoding")),
    "a NUL": (spoil("insureds.csv", b"Lind", b"Li\0nd"), ("insureds.csv", 3, "last_name", "nul")),
    "a row with a field too many": (spoil("insureds.csv", b"Lind,", b"Lind,,"), ("insureds.csv", 3, "", "field-count")),
    "a quote that isn't closed": (spoil("insureds.csv", b"Bo,", b'"Bo,'), ("insureds.csv", 3, "", "quote")),
    "a bare quote": (spoil("insureds.csv", b"Lind,", b'Li"nd,'), ("insureds.csv", 3, "", "quote")),
    "text behind a closing quote": (spoil("insureds.csv", b"Lind,", b'"Li"nd,'), ("insureds.csv", 3, "", "quote")),
    "a lone carriage return": (spoil("insureds.csv", b"Lind,", b"Li\rnd,"), ("insureds.csv", 3, "", "line-break")),
    "a row that is too long": (too_long_a_row, ("companies.csv", 2, "", "line-too-long")),
}  # fmt: skip


@pytest.mark.parametrize("name", PACKAGE_FAULTS)
def test_a_faulty_package_is_found_and_nothing_is_applied(name: str, tmp_path: Path, loaded: Any) -> None:
    spoil_it, expected = PACKAGE_FAULTS[name]
    book = small_book()
    book["companies.csv"][0]["signatory"] = "Imogen Vale"  # a change that would be applied
    package = Package(book, sequence=2)
    spoil_it(package)

    run = load_package(package.write(tmp_path / "faulty"))

    assert run.status == Run.Status.REFUSED
    assert errors(run) == [expected]
    assert snapshot() == loaded


def test_a_blank_row_is_a_finding_with_its_row(tmp_path: Path, loaded: Any) -> None:
    package = Package(small_book(), sequence=2)
    package.files["insureds.csv"] += b"\r\n"
    package.list("insureds.csv", rows=3)

    run = load_package(package.write(tmp_path / "faulty"))

    assert errors(run) == [("insureds.csv", 4, "", "blank-row")]
    assert snapshot() == loaded


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    book = small_book()
    book["coverages.csv"][0]["endorsements"] = "Telemedicine;\nLocum tenens"
    book["coverages.csv"][1]["limit_per_claim"] = "9999999.00"

    run = load(tmp_path, book)

    assert errors(run) == [("coverages.csv", 3, "limit_per_claim", "limits")]


def add_to_archive(name: str, data: bytes = b"x") -> Callable[[zipfile.ZipFile], None]:
    return lambda archive: archive.writestr(name, data)


def add_a_link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("terms_link.csv")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, "/etc/passwd")


def add_twice(archive: zipfile.ZipFile) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("terms.csv", b"other")


def add_another_compression(archive: zipfile.ZipFile) -> None:
    archive.writestr("more.csv", b"x" * 100, compress_type=zipfile.ZIP_LZMA)


ARCHIVE_FAULTS: dict[str, tuple[Callable[[zipfile.ZipFile], None], str]] = {
    "a path to the parent folder": (add_to_archive("../evil.csv"), "path"),
    "an absolute path": (add_to_archive("/etc/evil.csv"), "path"),
    "a path with backslashes": (add_to_archive("..\\evil.csv"), "path"),
    "a path to the parent folder in the middle": (add_to_archive("documents/../../evil.pdf"), "path"),
    "a folder outside": (add_to_archive("../evil/"), "path"),
    "a step that leads nowhere": (add_to_archive("documents//a.pdf"), "path"),
    "a name that is too long": (add_to_archive("documents/" + "n" * 191), "path"),
    "a name with a line break": (add_to_archive("documents/a\n.pdf"), "path"),
    "a link": (add_a_link, "path"),
    "a file twice": (add_twice, "archive"),
    "another compression": (add_another_compression, "archive"),
}


@pytest.mark.parametrize("name", ARCHIVE_FAULTS)
def test_an_archive_that_reaches_outside_is_refused(name: str, tmp_path: Path, loaded: Any) -> None:
    change, code = ARCHIVE_FAULTS[name]
    run = load_package(Package(small_book(), sequence=2).zip(tmp_path / "faulty.zip", change))

    assert run.status == Run.Status.REFUSED
    assert [error[3] for error in errors(run)] == [code]
    assert snapshot() == loaded
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faulty.zip"]


def test_an_archive_that_unpacks_to_too_much_is_refused_unread(tmp_path: Path, settings: Settings, loaded: Any) -> None:
    settings.FEED_MAX_UNPACKED_BYTES = 900_000
    package = Package(small_book(), sequence=2)
    package.files["bomb.csv"] = b"0" * 950_000
    path = package.zip(tmp_path / "bomb.zip")
    assert path.stat().st_size < 20_000

    run = load_package(path)

    assert errors(run) == [("", None, "", "too-large")]
    assert snapshot() == loaded


def test_an_entry_with_an_implausible_compression_ratio_is_refused(tmp_path: Path, loaded: Any) -> None:
    package = Package(small_book(), sequence=2)
    package.files["bomb.csv"] = b"0" * 5_000_000
    run = load_package(package.zip(tmp_path / "bomb.zip"))
    assert errors(run) == [("bomb.csv", None, "", "too-large")]
    assert run.findings.get().sentence == "'bomb.csv' unpacks to more than 200 times its packed size."


def test_a_file_other_than_csv_may_be_as_large_as_a_document(
    tmp_path: Path, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed.package.files.MAX_DOCUMENT_BYTES", 10_000)
    package = Package(small_book(), sequence=2)
    package.files["scan.pdf"] = os.urandom(10_001)
    for path in (package.zip(tmp_path / "large.zip"), package.write(tmp_path / "large")):
        assert errors(load_package(path)) == [("scan.pdf", None, "", "too-large")]


def test_an_archive_that_is_too_large_is_not_even_opened(tmp_path: Path, loaded: Any, settings: Settings) -> None:
    settings.FEED_MAX_BYTES = 1_000
    run = load_package(Package(small_book(), sequence=2).zip(tmp_path / "large.zip"))
    assert errors(run) == [("", None, "", "too-large")]


def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path, loaded: Any) -> None:
    package = Package(small_book(), sequence=2)
    package.files["terms.csv"] += b"x" * 10_000
    package.list("terms.csv")
    path = package.zip(tmp_path / "liar.zip")
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("terms.csv").file_size
    data = path.read_bytes().replace(size.to_bytes(4, "little"), (size - 10_000).to_bytes(4, "little"))
    path.write_bytes(data)

    run = load_package(path)

    assert run.status == Run.Status.REFUSED
    assert ("terms.csv", None, "", "unreadable") in errors(run)
    assert snapshot() == loaded


def test_a_damaged_archive_is_refused(tmp_path: Path, loaded: Any) -> None:
    path = Package(small_book(), sequence=2).zip(tmp_path / "damaged.zip")
    data = bytearray(path.read_bytes())
    data[60:100] = bytes(40)
    path.write_bytes(data)

    run = load_package(path)

    assert run.status == Run.Status.REFUSED
    assert snapshot() == loaded


def test_an_archive_whose_manifest_is_damaged_is_refused(tmp_path: Path, db: None) -> None:
    path = Package(small_book()).zip(tmp_path / "damaged.zip")
    data = path.read_bytes()
    at = data.index(b"manifest.json")
    path.write_bytes(data[:at] + b"manifest.jsoX" + data[at + 13 :])
    assert errors(load_package(path)) == [(MANIFEST, None, "", "unreadable")]


def test_undecodable_names_are_shown_anyway(tmp_path: Path, db: None) -> None:
    folder = Package(small_book()).write(tmp_path / "package")
    (Path(os.fsdecode(os.fsencode(folder) + b"/odd-\xff.csv"))).write_bytes(b"x")
    assert errors(load_package(folder)) == [("odd-\ufffd.csv", None, "", "path")]


@pytest.mark.parametrize("key", ["\\ud800", "\\u0000", "x" * 5_000])
def test_any_value_in_a_manifest_can_be_shown(key: str, tmp_path: Path, db: None) -> None:
    folder = Package(small_book()).write(tmp_path / "package")
    (folder / "manifest.json").write_text(f'{{"schema": "{key}", "{key}": 1, "{key}": 2}}')
    run = load_package(folder)
    assert errors(run) == [(MANIFEST, None, "", "manifest")]
    assert len(run.findings.get().sentence) < 200


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all", os.urandom(5_000)])
def test_a_file_that_is_not_an_archive_is_refused(content: bytes, tmp_path: Path, db: None) -> None:
    (tmp_path / "junk.zip").write_bytes(content)
    run = load_package(tmp_path / "junk.zip")
    assert (run.status, errors(run)) == (Run.Status.REFUSED, [("", None, "", "archive")])


def test_a_missing_package_is_refused(tmp_path: Path, db: None) -> None:
    run = load_package(tmp_path / "nowhere.zip")
    assert errors(run) == [("", None, "", "unreadable")]


def test_a_package_without_a_manifest_is_refused(tmp_path: Path, db: None) -> None:
    folder = Package(small_book()).write(tmp_path / "package")
    (folder / "manifest.json").unlink()
    assert errors(load_package(folder)) == [("", None, "", "no-manifest")]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"x"', '{"schema": "portal-feed/1", "schema": "portal-feed/1"}', "[" * 100_000, "\xff"],
)
def test_a_manifest_that_is_not_an_object_is_refused(text: str, tmp_path: Path, db: None) -> None:
    folder = Package(small_book()).write(tmp_path / "package")
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    assert errors(load_package(folder))[0][0] == MANIFEST


def test_a_folder_with_a_link_is_refused(tmp_path: Path, loaded: Any) -> None:
    package = Package(small_book(), sequence=2)
    secret = tmp_path / "secret.csv"
    secret.write_bytes(package.files.pop("terms.csv"))
    folder = package.write(tmp_path / "package")
    (folder / "terms.csv").symlink_to(secret)

    run = load_package(folder)

    assert errors(run) == [("terms.csv", None, "", "path")]
    assert snapshot() == loaded


def test_a_folder_with_a_pipe_is_refused_without_opening_it(tmp_path: Path, db: None) -> None:
    folder = Package(small_book()).write(tmp_path / "package")
    os.mkfifo(folder / "more.csv")
    assert errors(load_package(folder)) == [("more.csv", None, "", "path")]


# Warnings are applied and shown.
WARNINGS: dict[str, tuple[Callable[[Book], None], Finding]] = {
    "a ZIP of four digits": (set_value("insureds.csv", "zip", "1220"), ("insureds.csv", 2, "zip", "zip")),
    "a contact's ZIP": (set_value("contacts.csv", "zip", "12207-1"), ("contacts.csv", 2, "zip", "zip")),
    "an insured without email": (set_value("insureds.csv", "email", ""), ("insureds.csv", 2, "email", "missing")),
    "a holder without email": (
        set_value("policyholders.csv", "email", ""), ("policyholders.csv", 2, "email", "missing")),
    "an email that is none": (set_value("insureds.csv", "email", "call her"), ("insureds.csv", 2, "email", "email")),
    "an email with a space of no width": (
        set_value("insureds.csv", "email", "ana@g.exa\u200bmple"), ("insureds.csv", 2, "email", "email")),
    "a cancellation to come without its date": (
        set_value("policies.csv", "status", "pending_cancellation"),
        ("policies.csv", 2, "cancellation_effective", "cancellation-date")),
    "an organization that is an insured": (
        set_value("policyholders.csv", "insured_id", "I1"),
        ("policyholders.csv", 2, "insured_id", "insured-of-organization")),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_is_applied_and_shown(name: str, tmp_path: Path, loaded: Any) -> None:
    change, expected = WARNINGS[name]
    book = small_book()
    change(book)

    run = load(tmp_path / "warned", book, sequence=2)

    assert run.status == Run.Status.APPLIED
    assert (errors(run), warnings(run)) == ([], [expected])
    assert snapshot() != loaded


def test_the_small_book_has_no_findings(tmp_path: Path, db: None) -> None:
    run = load(tmp_path, small_book())
    assert (errors(run), warnings(run)) == ([], [])


def test_a_finding_never_repeats_a_date_of_birth(tmp_path: Path, db: None) -> None:
    book = small_book()
    book["insureds.csv"][0]["date_of_birth"] = "2190-01-17"
    book["insureds.csv"][1]["date_of_birth"] = "03/17/1970"

    run = load(tmp_path, book)

    assert run.errors == 2
    told = " ".join(run.findings.values_list("sentence", flat=True))
    assert not any(part in told for part in ("2190", "1970", "03/17"))


def test_of_a_problem_in_every_row_a_thousand_are_stored_and_all_are_counted(tmp_path: Path, db: None) -> None:
    book = small_book()
    book["licenses.csv"] = [
        row("licenses.csv", insured_id="I1", state="NY", number=f"{number}", expires="soon") for number in range(1_005)
    ]

    run = load(tmp_path, book)

    assert len(errors(run)) == 1_000
    assert run.finding_counts == [
        {"file": "licenses.csv", "code": "date", "kind": "error", "found": 1_005, "kept": 1_000}
    ]


def test_a_thousand_and_more_missing_references_are_counted_too(tmp_path: Path, db: None) -> None:
    book = small_book()
    book["licenses.csv"] = [
        row("licenses.csv", insured_id=f"X{number}", state="NY", number="1") for number in range(1_005)
    ]

    run = load(tmp_path, book)

    assert (run.errors, len(errors(run))) == (1_005, 1_000)


def test_a_file_that_is_not_csv_is_not_read_to_the_end(tmp_path: Path, db: None) -> None:
    package = Package(small_book())
    package.files["terms.csv"] += b'a "bare" quote\r\n' * 5_000
    package.manifest["files"]["terms.csv"] = {
        "rows": 5_001,
        "sha256": hashlib.sha256(package.files["terms.csv"]).hexdigest(),
    }

    run = load_package(package.write(tmp_path / "package"))

    assert Counter(error[3] for error in errors(run)) == {"quote": 100, "not-read": 1}


def test_later_checks_are_skipped_after_a_schema_error(tmp_path: Path, db: None) -> None:
    book = small_book()
    book["insureds.csv"][0]["kind"] = "robot"
    book["coverages.csv"][0]["insured_id"] = "I9"

    assert errors(load(tmp_path, book)) == [("insureds.csv", 2, "kind", "choice")]


# What a finding says: what is wrong with this row.


@pytest.mark.parametrize(
    ("file", "column", "value", "sentence"),
    [
        ("insureds.csv", "last_name", "", "Person has no last name."),
        ("insureds.csv", "kind", "entity", "Entity has no name."),
        ("terms.csv", "billing", "cash", "billing must be direct, agency, or financed, not ‘cash’."),
        ("terms.csv", "effective", "soon", "effective must be a date such as ‘2026-11-20’, not ‘soon’."),
        ("policies.csv", "company_id", "C9", "company_id ‘C9’ isn't in companies.csv."),
        (
            "coverages.csv",
            "limit_per_claim",
            "5000000.00",
            "The limit per claim, 5000000.00, is higher than the aggregate limit, 3000000.00.",
        ),
        (
            "coverages.csv",
            "retroactive_date",
            "",
            (
                "Claims-made coverage needs full prior acts or a retroactive date on or before its start on 2026-01-01;"
                " its retroactive date is empty."
            ),
        ),
    ],
)
def test_a_finding_says_what_is_wrong_with_its_row(
    file: str, column: str, value: str, sentence: str, tmp_path: Path, db: None
) -> None:
    book = small_book()
    book[file][0][column] = value
    assert [found.sentence for found in load(tmp_path, book).findings.filter(row=2)] == [sentence]


def test_money_may_have_no_one_or_two_decimals(tmp_path: Path, db: None) -> None:
    book = small_book()
    book["coverages.csv"].append(book["coverages.csv"][0] | {"coverage_id": "CV3"})
    for coverage, premium in zip(book["coverages.csv"], ("9000", "9000.5", "9000.50"), strict=True):
        coverage["premium"] = premium
    assert errors(load(tmp_path, book)) == []
    amounts = Coverage.objects.order_by("external_id").values_list("premium", flat=True)
    assert list(map(str, amounts)) == ["9000.00", "9000.50", "9000.50"]
    for coverage in book["coverages.csv"]:
        coverage["premium"] = str(Decimal(coverage["premium"]).quantize(Decimal("0.01")))
    again = load(tmp_path, book, sequence=2)
    assert again.total("unchanged") == again.total("rows")
