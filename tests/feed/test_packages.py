"""Archives of any bytes: opened, or refused with a sentence, never an error of another kind, never in much memory."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feed import watched_folder
from feed.package.archive import MAX_DIRECTORY_BYTES, MAX_ENTRIES
from feed.package.files import READ_ERRORS, PackageError, open_package


def an_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", '{"schema": "portal-feed/1"}')
        archive.writestr("terms.csv", "term_id,status\r\nT1,bound\r\n" * 20)
    return out.getvalue()


ARCHIVE = an_archive()
changes = st.lists(st.tuples(st.integers(0, len(ARCHIVE) - 1), st.integers(0, 255)), max_size=6)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes, st.integers(0, len(ARCHIVE)))
def test_a_damaged_archive_is_read_or_refused(tmp_path: Path, changed: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(ARCHIVE)
    for at, value in changed:
        data[at] = value
    path = tmp_path / "spoiled.zip"
    path.write_bytes(data[:cut] if cut % 7 == 0 else data)
    # A refusal is as good; whatever else is raised fails the test.
    with contextlib.suppress(PackageError), open_package(path) as package:
        for name in package.sizes:
            with contextlib.suppress(*READ_ERRORS), package.open(name) as stream:
                assert len(stream.read()) <= 1_000_000
        package.manifest()


# What an archive says of itself is judged before `zipfile` makes an object of each entry.


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries each archive had that `zipfile` was given to open."""
    found: list[int] = []

    class Watched(zipfile.ZipFile):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            found.append(len(self.filelist))

    monkeypatch.setattr("feed.package.files.zipfile.ZipFile", Watched)
    return found


def entry(name: bytes = b"a") -> bytes:
    """Return a file header of a central directory."""
    return struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, len(name), *[0] * 6) + name


def end(entries: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, size, offset, len(comment)) + comment


def end_64(entries: int, size: int, offset: int, at: int) -> bytes:
    """Return the ZIP64 records at this place, and the end record that points to nothing else."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    return record + locator + end(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(PackageError) as error, open_package(path):
        pass
    return error.value.code


def test_too_many_entries_are_refused_before_any_is_made(tmp_path: Path, opened: list[int]) -> None:
    many = MAX_ENTRIES + 1
    directory = entry() * many
    data = directory + end_64(many, len(directory), 0, len(directory))
    assert (refusal(tmp_path / "many.zip", data), opened) == ("too-large", [])


@pytest.mark.parametrize("claimed", [0, 1, 40_000])
def test_a_false_count_of_entries_does_not_hide_any(claimed: int, tmp_path: Path, opened: list[int]) -> None:
    directory = entry() * 50_000
    data = directory + end(claimed, len(directory), 0)
    assert (refusal(tmp_path / "liar.zip", data), opened) == ("archive", [])


def test_a_directory_that_is_too_long_is_refused_unread(tmp_path: Path, opened: list[int]) -> None:
    path = tmp_path / "long.zip"
    with path.open("wb") as out:
        # A hole on the disk: only what it says of itself is read.
        out.seek(MAX_DIRECTORY_BYTES + 1)
        out.write(end_64(1_000, MAX_DIRECTORY_BYTES + 1, 0, MAX_DIRECTORY_BYTES + 1))
    with pytest.raises(PackageError) as error, open_package(path):
        pass
    assert (error.value.code, opened) == ("too-large", [])


BROKEN = {
    "something in front": b"junk" + ARCHIVE,
    "something behind": ARCHIVE + b"junk",
    "a directory that lies elsewhere": entry() + end(1, len(entry()), 5),
    "a directory that is shorter": entry() + end(1, len(entry()) - 1, 1),
    "entries that reach beyond it": entry(b"abc")[:-2] + end(1, len(entry()), 0),
    "one part of several": entry() + struct.pack("<4s4H2LH", b"PK\x05\x06", 1, 1, 1, 1, len(entry()), 0, 0),
    "ZIP64 records elsewhere": entry() + end_64(1, len(entry()), 0, 3),
    "a ZIP64 locator alone": entry() + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + end(1, len(entry()) + 20, 0),
    "an end record cut off": ARCHIVE[:-1],
    "nothing": b"",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_without_an_archive_s_layout_is_refused_unopened(name: str, tmp_path: Path, opened: list[int]) -> None:
    assert (refusal(tmp_path / "broken.zip", BROKEN[name]), opened) == ("archive", [])


def test_an_archive_with_a_comment_or_in_zip64_is_opened(tmp_path: Path, opened: list[int]) -> None:
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as archive:
        start, names = archive.start_dir, archive.namelist()
    opened.clear()
    at = ARCHIVE.rindex(b"PK\x05\x06")
    for tail in (end(2, at - start, start, b"nightly"), end_64(2, at - start, start, at)):
        path = tmp_path / f"{len(tail)}.zip"
        path.write_bytes(ARCHIVE[:at] + tail)
        with open_package(path) as package:
            assert list(package.sizes) == names
    assert opened == [2, 2]


def test_a_waiting_package_in_the_watched_folder_is_opened_once(tmp_path: Path, opened: list[int]) -> None:
    path = tmp_path / "waits.zip"
    path.write_bytes(ARCHIVE)
    for _ in range(3):
        watched_folder._order(path)
    assert opened == [2]
    os.utime(path, (0, 0))
    watched_folder._order(path)
    assert opened == [2, 2]
