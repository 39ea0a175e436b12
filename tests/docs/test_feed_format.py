"""docs/feed-format.md describes the files as the loader reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings

from core.feedspec import Column, Kind
from feed.load.table_map import table_maps
from feed.package import archive, records
from feed.package import files as package_files
from feed.package.paths import MAX_NAME
from tests.docs.agreed_columns import AGREED
from tools.feed_format import PAGE, files, with_files


def test_the_pages_files_are_what_the_loader_declares() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_files(page), "run python -m tools.feed_format"


def test_a_column_that_isnt_on_the_page_makes_it_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    first = table_maps()[0]
    monkeypatch.setattr(
        first, "table", replace(first.table, columns=(*first.table.columns, Column("day", Kind.DATE, field=None)))
    )
    page = PAGE.read_text(encoding="utf-8")
    assert page != with_files(page)


def test_the_loader_reads_every_file_that_was_agreed_with_its_columns_and_no_others() -> None:
    declared = {
        table_map.file: {f"{'+' if column.optional else ''}{column.name}" for column in table_map.table.columns}
        for table_map in table_maps()
    }
    agreed = {file: set(columns.split()) for file, columns in AGREED.items()}
    assert {file: declared.get(file) for file in agreed} == agreed


def test_every_column_is_in_the_section_of_its_file_with_a_mark_where_a_file_may_lack_it() -> None:
    _, *sections = files().split("### ")
    lines = {section.split("\n", 1)[0]: section.split("| rule |")[0].splitlines() for section in sections}
    for file, columns in AGREED.items():
        for column in columns.split():
            name = f"| `{column.removeprefix('+')}`{' +' if column.startswith('+') else ''} | "
            assert sum(line.startswith(name) for line in lines[file]) == 1, f"{file} lacks {column}"


def test_every_limit_on_the_page_is_the_one_that_is_enforced() -> None:
    page = PAGE.read_text(encoding="utf-8")
    gib, mib = 1024**3, 1024**2
    limits = [
        (
            "a package, packed and unpacked",
            f"{settings.FEED_MAX_BYTES // gib} GiB and {settings.FEED_MAX_UNPACKED_BYTES // gib} GiB (settings)",
        ),
        ("entries of an archive", f"{archive.MAX_ENTRIES:,}"),
        ("an archive's directory", f"{archive.MAX_DIRECTORY_BYTES // mib} MiB"),
        ("a CSV file", f"{package_files.MAX_CSV_BYTES // gib} GiB"),
        ("a document", f"{package_files.MAX_DOCUMENT_BYTES // mib} MiB"),
        ("an entry of more than 1 MiB, unpacked to packed", f"{package_files.MAX_RATIO} times"),
        ("one row", f"{records.MAX_RECORD:,} characters"),
        ("broken rows of a file, before the rest isn't read", f"{records.MAX_FAULTS}"),
    ]
    assert [f"| {what} | {most} |" for what, most in limits if f"| {what} | {most} |" not in page] == []
    assert f"{settings.FEED_HOLD_NOTICES_FROM} notices or more" in page
    assert f"at most {MAX_NAME} characters, compared in Unicode" in page
