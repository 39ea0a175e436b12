"""The example book leaves nothing of the format out: every file, every column, and every word of every enumeration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from core.feedspec import Column, Kind
from feed.example import write_example_feed
from feed.load.table_map import table_maps
from tests.feed.example_books import AS_OF, TODAY, rows

# Echoes of what was made in the portal, and columns that files of their own have superseded.
LEFT_EMPTY = {
    ("payments.csv", "portal_payment_id"),
    ("coverages.csv", "endorsements"),
    ("coverages.csv", "fund"),
    ("coverages.csv", "fund_limits"),
}
# Enumerations that no book needs in full: places, rights of contacts, and the older word for a tail that is granted.
OPEN = {"state", "capabilities"}
OLDER = {"waived"}


def write(out: Path, policies: int, *, seed: int = 1, today: dt.date = TODAY) -> Path:
    write_example_feed(out, policies=policies, seed=seed, today=today, as_of=AS_OF)
    return out


def values(package: Path, file: str) -> dict[str, set[str]]:
    """Return the values of each column of a file."""
    found = rows(package, file)
    return {name: {one[name] for one in found} for name in found[0]} if found else {}


def declared() -> Iterator[tuple[str, tuple[Column, ...]]]:
    for table_map in table_maps():
        if table_map.file != "requests.csv":
            yield table_map.file, table_map.table.columns


@pytest.mark.parametrize("seed", [1, 2])
def test_forty_policies_have_every_file_and_something_in_every_column(seed: int, tmp_path: Path) -> None:
    book = write(tmp_path / "book", 40, seed=seed)
    empty = set()
    for file, columns in declared():
        found = values(book, file)
        empty |= {(file, one.name) for one in columns if not found.get(one.name, set()) - {""}}
    assert empty == LEFT_EMPTY
    assert not (book / "requests.csv").exists()


def test_two_hundred_policies_have_every_word_of_every_enumeration(tmp_path: Path) -> None:
    book = write(tmp_path / "book", 200)
    missing = {}
    for file, columns in declared():
        found = values(book, file)
        for one in columns:
            if one.kind in {Kind.CHOICE, Kind.LIST} and one.name not in OPEN:
                words = {word for value in found[one.name] for word in value.split(";")}
                if left := set(one.choices) - words - OLDER:
                    missing[file, one.name] = left
    assert missing == {}


def test_documents_are_whole_pdfs_that_name_their_policy_and_most_policies_share_one(tmp_path: Path) -> None:
    book = write(tmp_path / "book", 120)
    named = rows(book, "documents.csv")
    assert {one["kind"] for one in named if "MPL-100000" in one["path"]} >= {
        "policy", "declarations", "invoice", "application", "renewal_application", "notice",
    }  # fmt: skip
    paths = {one["path"] for one in named}
    assert paths == {str(path.relative_to(book)) for path in (book / "documents").rglob("*.pdf")}
    for path in paths:
        with pikepdf.open(BytesIO((book / path).read_bytes())) as document:
            content = b"".join(page.Contents.read_bytes() for page in document.pages)
            assert document.check_pdf_syntax() == []
            assert (path.split("/")[1].encode() in content) != ("specimens" in path)
    beyond = {one["path"] for one in named if one["policy_number"][4:] >= "100040"}
    assert beyond < {path for path in paths if "specimens" in path}
    assert len(named) > 2 * len(paths)


def test_a_book_never_names_a_real_patient_address_or_number(tmp_path: Path) -> None:
    book = write(tmp_path / "book", 40)
    for file in ("holders.csv", "claims.csv"):
        phones = values(book, file)["phone" if file == "holders.csv" else "handler_phone"]
        assert all(phone[5:].startswith(" 555-01") for phone in phones), phones
    assert all(".example" in one for one in values(book, "holders.csv")["email"])
    assert all(".example/" in one for one in values(book, "seminars.csv")["url"] if one)
