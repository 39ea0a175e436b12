"""Stored files: private on disk, whole or not there, sent as attachments of a fixed type."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest
from django.core.files.base import ContentFile, File
from django.http import FileResponse
from pytest_django import Settings

from core.downloads import FileChangedError, attachment_header, file_name_part, private_file_response
from core.storage import PrivateFileSystemStorage


@pytest.fixture
def storage(tmp_path: Path) -> PrivateFileSystemStorage:
    return PrivateFileSystemStorage(location=tmp_path / "files")


def test_a_stored_file_is_the_portals_own_users_alone(storage: PrivateFileSystemStorage, tmp_path: Path) -> None:
    name = storage.save("certificates/2026/a.pdf", ContentFile(b"%PDF-"))
    path = Path(storage.path(name))
    assert path.read_bytes() == b"%PDF-"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [found.name for found in path.parent.iterdir()] == ["a.pdf"], "nothing is left beside it"


def test_a_write_that_breaks_off_leaves_nothing_under_the_name(storage: PrivateFileSystemStorage) -> None:
    class Broken(ContentFile[bytes]):
        def chunks(self, chunk_size: int | None = None):  # type: ignore[no-untyped-def]
            yield b"half"
            raise OSError("the disk is full")

    broken: File[bytes] = Broken(b"x")
    with pytest.raises(OSError, match="full"):
        storage.save("b.pdf", broken)
    assert not storage.exists("b.pdf")
    assert storage.save("b.pdf", ContentFile(b"whole")) == "b.pdf"


def test_a_second_file_of_the_same_name_does_not_replace_the_first(storage: PrivateFileSystemStorage) -> None:
    first = storage.save("c.pdf", ContentFile(b"1"))
    second = storage.save("c.pdf", ContentFile(b"2"))
    assert first != second
    with storage.open(first) as kept:
        assert kept.read() == b"1"


def test_a_private_file_has_no_address(storage: PrivateFileSystemStorage) -> None:
    with pytest.raises(ValueError, match="no address"):
        storage.url("c.pdf")


def test_a_file_is_sent_as_attachment_of_a_fixed_type_and_kept_by_nobody(storage: PrivateFileSystemStorage) -> None:
    name = storage.save("d.pdf", ContentFile(b"<script>not a PDF</script>"))
    response = private_file_response(name, filename="Núñez.pdf", storage=storage)
    assert isinstance(response, FileResponse)
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == "attachment; filename=\"Nunez.pdf\"; filename*=UTF-8''N%C3%BA%C3%B1ez.pdf"
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"".join(response) == b"<script>not a PDF</script>"
    response.file_to_stream.close()
    with pytest.raises(KeyError):
        private_file_response(name, filename="d.html", storage=storage)
    with pytest.raises(FileNotFoundError):
        private_file_response("gone.pdf", filename="gone.pdf", storage=storage)


def test_nginx_sends_the_bytes_where_it_is_in_front(storage: PrivateFileSystemStorage, settings: Settings) -> None:
    settings.ACCEL_REDIRECT_PREFIX = "/_private/"
    storage.save("certificates/2026/ä b.pdf", ContentFile(b"%PDF-"))
    response = private_file_response("certificates/2026/ä b.pdf", filename="e.pdf", storage=storage)
    assert response["X-Accel-Redirect"] == "/_private/certificates/2026/%C3%A4%20b.pdf"
    assert response["Content-Disposition"] == 'attachment; filename="e.pdf"'
    assert response.content == b""  # type: ignore[attr-defined]
    with pytest.raises(FileNotFoundError):
        private_file_response("certificates/2026/none.pdf", filename="e.pdf", storage=storage)


@pytest.mark.parametrize("accelerated", ["", "/_private/"])
def test_with_its_digest_a_file_is_compared_and_sent_by_us(
    storage: PrivateFileSystemStorage, settings: Settings, accelerated: str
) -> None:
    settings.ACCEL_REDIRECT_PREFIX = accelerated
    name = storage.save("f.pdf", ContentFile(b"%PDF-"))
    digest = hashlib.sha256(b"%PDF-").hexdigest()
    response = private_file_response(name, filename="f.pdf", sha256=digest, storage=storage)
    assert b"".join(response) == b"%PDF-"
    assert response["Content-Length"] == "5"
    assert "X-Accel-Redirect" not in response
    Path(storage.path(name)).write_bytes(b"%PDF+")
    with pytest.raises(FileChangedError):
        private_file_response(name, filename="f.pdf", sha256=digest, storage=storage)


@pytest.mark.parametrize(
    ("filename", "plain", "encoded"),
    [
        ("COI Lee.pdf", "COI Lee.pdf", ""),
        ("COI O’Brien – B.pdf", "COI O'Brien - B.pdf", "COI%20O%E2%80%99Brien%20%E2%80%93%20B.pdf"),
        ('a"; x=\r\n\\.pdf', "a ; x= .pdf", "a%22%3B%20x%3D%0D%0A%5C.pdf"),
    ],
)
def test_the_name_of_a_download_is_sent_in_full_and_in_ascii(filename: str, plain: str, encoded: str) -> None:
    full = f"; filename*=UTF-8''{encoded}" if encoded else ""
    assert attachment_header(filename) == f'attachment; filename="{plain}"{full}'


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("C:\\Users", "C Users"),
        (".hidden.", "hidden"),
        ("a\u202egnp.exe\x00\u2028b", "a gnp.exe b"),
        ("Nu\u0301n\u0303ez", "Núñez"),
        ("é" * 50, "é" * 40),
    ],
)
def test_a_part_of_a_files_name_has_no_path_no_controls_and_an_end(text: str, part: str) -> None:
    assert file_name_part(text) == part
