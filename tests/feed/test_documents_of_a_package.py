"""Documents of a package: entries in folders, read by their paths, and never anything outside the package."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from feed.load.loader import load_package
from feed.models import Run
from feed.package.files import PackageError, open_package
from feed.package.paths import MAX_NAME, UnsafePathError, safe_path
from tests.feed.packages import Package, errors, small_book, warnings

PDF = b"%PDF-1.7"
PATH = "documents/2026/déclarations 1.pdf"
Written = Callable[[Package, Path], Path]
WAYS: dict[str, Written] = {
    "a folder": lambda package, below: package.write(below / "package"),
    "an archive": lambda package, below: package.zip(below / "package.zip"),
}


@pytest.fixture(params=WAYS)
def written(request: pytest.FixtureRequest) -> Written:
    return WAYS[request.param]


def with_documents(*paths: str) -> Package:
    package = Package(small_book())
    package.files |= dict.fromkeys(paths, PDF)
    return package


def test_documents_are_read_by_their_paths(tmp_path: Path, written: Written) -> None:
    with open_package(written(with_documents(PATH, "b.pdf", "more/terms.csv"), tmp_path)) as package:
        assert package.documents() == ["b.pdf", PATH, "more/terms.csv"]
        assert package.sizes[PATH] == len(PDF)
        with package.open(PATH) as stream:
            assert stream.read() == PDF
        for outside in ("documents/missing.pdf", "../package/b.pdf", "/etc/passwd", "documents"):
            with pytest.raises(KeyError):
                package.open(outside)


def test_names_are_compared_in_one_form_of_unicode(tmp_path: Path, written: Written) -> None:
    with open_package(written(with_documents(unicodedata.normalize("NFD", PATH)), tmp_path)) as package:
        assert package.documents() == [PATH]
        with package.open(PATH) as stream:
            assert stream.read() == PDF


def test_two_names_that_look_the_same_are_refused(tmp_path: Path, written: Written) -> None:
    package = with_documents(PATH, unicodedata.normalize("NFD", PATH))
    with pytest.raises(PackageError) as error, open_package(written(package, tmp_path)):
        pass
    assert (error.value.code, error.value.file) == ("archive", PATH)


def test_a_document_that_nothing_names_is_a_warning(tmp_path: Path, written: Written, db: None) -> None:
    run = load_package(written(with_documents("documents/a.pdf", "notes.txt", "extra.csv"), tmp_path))
    assert (run.status, errors(run)) == (Run.Status.APPLIED, [])
    assert warnings(run) == [
        (name, None, "", "file-unused") for name in ("documents/a.pdf", "extra.csv", "notes.txt")
    ]  # fmt: skip


def test_of_many_files_that_do_not_belong_there_the_first_are_named(
    tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed.load.package_checks.MOST_NAMED", 1)
    package = with_documents("a.txt", "b.txt", "c.txt")
    run = load_package(package.write(tmp_path / "unused"))
    assert warnings(run) == [("a.txt", None, "", "file-unused"), ("manifest.json", None, "", "file-unused")]
    assert run.findings.last().sentence == "Nothing names 2 more files of the package."  # type: ignore[union-attr]  # there is one
    for name in ("x.csv", "y.csv"):
        package.list(name)
    run = load_package(package.write(tmp_path / "unknown"))
    assert errors(run) == [("manifest.json", None, "", "unknown-file"), ("x.csv", None, "", "unknown-file")]


def test_a_link_in_a_folder_of_the_package_is_refused(tmp_path: Path) -> None:
    folder = with_documents("documents/a.pdf").write(tmp_path / "package")
    (folder / "documents" / "b.pdf").symlink_to("/etc/passwd")
    (folder / "more").symlink_to("/etc")
    with pytest.raises(PackageError, match="is a link"), open_package(folder):
        pass


def test_a_folder_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = with_documents("documents/a.pdf").write(tmp_path / "package")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pdf").write_bytes(b"secret")
    with open_package(folder) as package:
        (folder / "documents").rename(tmp_path / "moved")
        (folder / "documents").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="documents"):
            package.open("documents/a.pdf")


def test_a_document_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed.package.files.MAX_DOCUMENT_BYTES", 9_999)
    package = with_documents()
    package.files["a/b.pdf"] = bytes(10_000)
    with pytest.raises(PackageError) as error, open_package(written(package, tmp_path)):
        pass
    assert (error.value.code, error.value.file) == ("too-large", "a/b.pdf")


def test_files_in_folders_count_toward_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = with_documents("a/1.pdf", "a/2.pdf", "a/b/3.pdf").write(tmp_path / "package")
    monkeypatch.setattr("feed.package.files.MAX_ENTRIES", len(small_book()) + 5)
    with pytest.raises(PackageError) as error, open_package(folder):
        pass
    assert error.value.code == "too-large"


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a/./b", "a/", "a\\b", "a\0b", "a\nb", "a\udcffb", "a" * 201],
)
def test_a_path_that_could_lead_elsewhere_has_no_place_in_a_package(name: str) -> None:
    with pytest.raises(UnsafePathError):
        safe_path(name)


def test_the_longest_name_is_stored_with_its_finding(tmp_path: Path, db: None) -> None:
    name = f"documents/{'n' * (MAX_NAME - 10)}"
    assert warnings(load_package(with_documents(name).zip(tmp_path / "p.zip"))) == [(name, None, "", "file-unused")]


def test_another_document_is_other_content_however_the_package_is_packed(tmp_path: Path, db: None) -> None:
    package = with_documents("documents/a.pdf")
    assert load_package(package.write(tmp_path / "first")).status == Run.Status.APPLIED
    assert load_package(package.zip(tmp_path / "same.zip")).status == Run.Status.UNCHANGED
    package.files["documents/a.pdf"] = PDF.replace(b"1.7", b"1.8")
    for run in (load_package(package.write(tmp_path / "other")), load_package(package.zip(tmp_path / "other.zip"))):
        assert (run.status, errors(run)) == (Run.Status.REFUSED, [("manifest.json", None, "", "sequence-reused")])
