"""Files that come in a package: found, compared, judged, and kept in the private storage."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import IO

import pytest
from pytest_django import Settings

from core.storage import private_storage
from feed.load.assets import Assets
from feed.load.loader import execute
from feed.load.run_lock import RunKeeper
from feed.load.staging import Staging
from feed.package.files import FolderPackage, ZipPackage
from policies.models import Document, Policy
from tests.factories import UserFactory
from tests.feed.assets import a_pdf, digest, document, kept_as, load_files, stored, with_documents
from tests.feed.packages import errors, row, small_book, snapshot, warnings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_files")]

ONE, TWO = a_pdf("one"), a_pdf("two", pages=3)
DECLARATIONS = "documents/2026/déclarations.pdf"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the documents that are read from archives; of those in folders, each is read to know the package again."""
    opened: list[str] = []
    as_it_is = ZipPackage.open

    def open_noted(package: ZipPackage, name: str) -> IO[bytes]:
        if name.endswith(".pdf"):
            opened.append(name)
        return as_it_is(package, name)

    monkeypatch.setattr(ZipPackage, "open", open_noted)
    return opened


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "archive"])
def test_documents_are_kept_under_their_digests_and_rows_may_share_one(packages: Path, *, zipped: bool) -> None:
    book = with_documents(
        document("D1", unicodedata.normalize("NFD", DECLARATIONS), term_id="T1"),
        document("D2", DECLARATIONS),
        document("D3", "invoice.pdf", policy_number="", billing_account_id="B1", kind="invoice"),
        document("D4", "copy.pdf", sha256=digest(TWO).upper()),
    )
    run = load_files(packages, book, {DECLARATIONS: ONE, "invoice.pdf": TWO, "copy.pdf": TWO}, zipped=zipped)
    assert (run.status, run.found) == ("applied", "")
    facts = list(Document.objects.order_by("external_id").values_list("path", "file", "sha256", "size", "pages"))
    assert facts == [
        (DECLARATIONS, kept_as(ONE), digest(ONE), len(ONE), 1),
        (DECLARATIONS, kept_as(ONE), digest(ONE), len(ONE), 1),
        ("invoice.pdf", kept_as(TWO), digest(TWO), len(TWO), 3),
        ("copy.pdf", kept_as(TWO), digest(TWO), len(TWO), 3),
    ]
    assert stored() == {kept_as(ONE), kept_as(TWO)}


@pytest.mark.parametrize(("many", "policies"), [(1, 0), (500, 1)])
def test_many_documents_are_stored_before_any_row_is_locked(
    many: int, policies: int, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed.load.file_by_file.MANY_DOCUMENTS", many)
    monkeypatch.setattr("feed.load.run_lock.NOTE_EVERY", 0)
    seen: list[int] = []
    told: list[str] = []
    as_it_is, progress = Assets.take, RunKeeper._progress_as_json

    def take(assets: Assets, staging: Staging) -> None:
        if staging.table_map.file == "documents.csv":
            seen.append(Policy.objects.count())
        as_it_is(assets, staging)

    def noted(keeper: RunKeeper) -> str:
        told.append(progress(keeper))
        return told[-1]

    monkeypatch.setattr(Assets, "take", take)
    monkeypatch.setattr(RunKeeper, "_progress_as_json", noted)
    book = with_documents(document("D1", "a.pdf"), document("D2", "b.pdf", sha256=digest(TWO)))
    book["invoices.csv"] = [
        row("invoices.csv", invoice_id="V1", billing_account_id="B1", issued="2026-01-01", due="2026-02-01",
            amount="1.00", document_id="D2")
    ]  # fmt: skip
    run = load_files(packages, book, {"a.pdf": ONE, "b.pdf": TWO})

    assert (run.status, errors(run), seen) == ("applied", [], [policies])
    assert list(run.counts)[-1] == "invoices.csv"
    assert stored() == {kept_as(ONE), kept_as(TWO)}
    assert any("comparing documents: 0 of 1" in one for one in told)
    assert any("storing documents: 1 of 2" in one for one in told)
    book["documents.csv"][0]["policy_number"] = "MPL-9"
    faulty = load_files(packages, book, {"a.pdf": ONE, "b.pdf": ONE}, sequence=2)
    assert errors(faulty) == [("documents.csv", 2, "policy_number", "reference")]
    book["documents.csv"][0]["policy_number"] = "MPL-1"
    book["documents.csv"].append(document("D3", "b.pdf", sha256=digest(TWO)))
    faulty = load_files(packages, book, {"a.pdf": ONE, "b.pdf": ONE}, sequence=2)
    assert errors(faulty) == [("documents.csv", 4, "path", "file-sha256")]


def test_an_unchanged_document_is_not_even_read_if_its_digest_is_given(packages: Path, read: list[str]) -> None:
    given = [document("D1", "a.pdf", sha256=digest(ONE)), document("D2", "b.pdf")]
    files = {"a.pdf": ONE, "b.pdf": TWO}
    load_files(packages, with_documents(*given), files, zipped=True)
    before, kept = snapshot(), stored()
    read.clear()
    run = load_files(packages, with_documents(*given), files, sequence=2, zipped=True)
    assert (run.status, snapshot(), stored()) == ("applied", before, kept)
    assert read == ["b.pdf"]


def test_other_bytes_under_the_same_path_are_another_document(packages: Path) -> None:
    load_files(packages, with_documents(document("D1", "a.pdf")), {"a.pdf": ONE})
    run = load_files(packages, with_documents(document("D1", "a.pdf")), {"a.pdf": TWO}, sequence=2)
    assert run.counts["documents.csv"]["updated"] == 1
    one = Document.objects.get()
    assert (one.file, one.pages, one.size) == (kept_as(TWO), 3, len(TWO))


@pytest.mark.parametrize(
    "path", ["../a.pdf", "/etc/passwd", "documents/./a.pdf", "documents\\a.pdf", "a\x07.pdf", "a" * 201]
)
def test_a_path_that_could_lead_out_of_the_package_is_an_error(packages: Path, path: str) -> None:
    run = load_files(packages, {"documents.csv": [document("D1", path)]}, {"a.pdf": ONE})
    assert ("documents.csv", 2, "path") in [found[:3] for found in errors(run)]
    assert (run.status, Document.objects.count(), stored()) == ("refused", 0, set())


def test_a_row_needs_its_file_in_a_delta_too_and_a_file_needs_its_row(packages: Path) -> None:
    load_files(packages, with_documents(document("D1", "a.pdf")), {"a.pdf": ONE})
    rows = {"documents.csv": [document("D1", "a.pdf", title="New"), document("D2", "policies.csv")]}
    run = load_files(packages, rows, {"b.pdf": TWO}, sequence=2, mode="delta")
    assert errors(run) == [
        ("documents.csv", 2, "path", "file-not-there"),
        ("documents.csv", 3, "path", "file-not-there"),
    ]
    again = load_files(
        packages, {"documents.csv": rows["documents.csv"][:1]}, {"a.pdf": ONE, "b.pdf": TWO}, sequence=2, mode="delta"
    )
    assert (again.status, warnings(again)) == ("applied", [("b.pdf", None, "", "file-unused")])
    assert Document.objects.get().title == "New"


def test_a_file_that_is_not_the_one_of_its_digest_refuses_the_package(packages: Path) -> None:
    book = with_documents(document("D1", "a.pdf", sha256=digest(ONE)), document("D2", "b.pdf", sha256=digest(ONE)))
    run = load_files(packages, book, {"a.pdf": ONE, "b.pdf": TWO})
    assert (run.status, errors(run)) == ("refused", [("documents.csv", 3, "path", "file-sha256")])
    assert Document.objects.count() == 0


def test_a_file_that_no_one_can_open_is_a_warning_each_time_until_it_is_replaced(packages: Path) -> None:
    rows = [document(f"D{number}", f"{number}.pdf") for number in (1, 2, 3)]
    files = {"1.pdf": a_pdf(password="secret"), "2.pdf": ONE[:40], "3.pdf": b"<html>%PDF"}
    run = load_files(packages, with_documents(*rows), files)
    expected = [
        ("documents.csv", 2, "path", "file-encrypted"),
        ("documents.csv", 3, "path", "file-broken"),
        ("documents.csv", 4, "path", "file-broken"),
    ]
    assert (run.status, sorted(warnings(run))) == ("applied", expected)
    documents = Document.objects.order_by("external_id")
    assert [(one.fault, one.file, one.is_available) for one in documents] == [
        ("encrypted", "", False),
        ("broken", "", False),
        ("broken", "", False),
    ]
    assert stored() == set()
    run = load_files(packages, with_documents(*rows), {**files, "1.pdf": ONE}, sequence=2)
    assert sorted(warnings(run)) == expected[1:]
    assert [one.fault for one in documents.all()] == ["", "broken", "broken"]
    assert Document.objects.get(external_id="D1").file == kept_as(ONE)


def test_a_dry_run_judges_documents_and_stores_none(packages: Path) -> None:
    run = load_files(packages, with_documents(document("D1", "a.pdf")), {"a.pdf": b"no PDF"}, dry_run=True)
    assert (run.status, warnings(run)) == ("rehearsed", [("documents.csv", 2, "path", "file-broken")])
    run = load_files(packages, with_documents(document("D1", "a.pdf")), {"a.pdf": ONE}, dry_run=True)
    assert (run.status, run.found, stored(), Document.objects.count()) == ("rehearsed", "", set(), 0)


def test_a_retired_document_keeps_its_file_and_comes_back_with_it(packages: Path, read: list[str]) -> None:
    row = document("D1", "a.pdf", sha256=digest(ONE))
    load_files(packages, with_documents(row), {"a.pdf": ONE}, zipped=True)
    load_files(packages, {"documents.csv": [{**row, "op": "delete"}]}, {}, sequence=2, mode="delta")
    assert Document.objects.get().retired_at is not None
    read.clear()
    load_files(packages, with_documents(row), {"a.pdf": ONE}, sequence=3, zipped=True)
    one = Document.objects.get()
    assert (one.retired_at, one.file, read) == (None, kept_as(ONE), [])


def test_a_document_belongs_to_a_policy_or_an_account_and_its_term_to_its_policy(packages: Path) -> None:
    book = with_documents(document("D1", "a.pdf", policy_number=""))
    run = load_files(packages, book, {"a.pdf": ONE})
    assert errors(run) == [("documents.csv", 2, "policy_number", "belongs-to-none")]
    book = with_documents(document("D1", "a.pdf", policy_number="MPL-2", term_id="T1"))
    book["policies.csv"] = [
        *small_book()["policies.csv"],
        {**small_book()["policies.csv"][0], "policy_number": "MPL-2"},
    ]
    run = load_files(packages, book, {"a.pdf": ONE})
    assert errors(run) == [("documents.csv", 2, "term_id", "term-of-other-policy")]


def test_a_released_package_has_the_documents_that_it_was_held_with(
    packages: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A CRC doesn't stop a person who wants to swap a document.
    monkeypatch.setattr(FolderPackage, "crc", lambda _package, _name: 0)
    settings.FEED_KNOWN_SOURCES = []
    book = with_documents(document("D1", "a.pdf"))
    swapped, same = (
        load_files(packages, book, {"a.pdf": ONE}, source=source) for source in ("somebody", "somebody-else")
    )
    other = a_pdf("eno")
    assert len(other) == len(ONE)
    (Path(swapped.path) / "a.pdf").write_bytes(other)
    for run in (swapped, same):
        assert run.status == "held"
        run.release(by=UserFactory.create(is_staff=True), reason="The new document system, says its owner.")
    run = execute(swapped)
    assert (run.status, run.findings.get(kind="error").code) == ("refused", "changed-since-held")
    assert execute(same).status == "applied"
    assert Document.objects.get().file == kept_as(ONE)


def test_a_torn_file_of_a_machine_that_stopped_is_stored_again(packages: Path) -> None:
    torn = Path(private_storage().path(kept_as(ONE)))
    torn.parent.mkdir(parents=True)
    torn.write_bytes(ONE[:10])
    load_files(packages, with_documents(document("D1", "a.pdf")), {"a.pdf": ONE})
    assert (torn.read_bytes(), stored()) == (ONE, {kept_as(ONE)})
