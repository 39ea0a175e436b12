"""Stored files: under names that say nothing, encrypted where they must be, and only ever downloaded."""

from __future__ import annotations

import hashlib
import io
import secrets

import pytest
from django.core.files.base import ContentFile, File
from django.http import Http404
from django.test import RequestFactory

from accounts.models import User
from core.downloads import FileChangedError
from core.models import Upload
from core.storage import private_storage
from core.uploads import sealing
from core.uploads.checking import check
from core.uploads.serving import upload_response
from core.uploads.storing import pieces_of, store
from tests.feed.assets import a_pdf
from tests.uploads import a_heic, an_image, an_office_file, uploaded

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("size", [0, 1, sealing.PIECE - 1, sealing.PIECE, sealing.PIECE + 1, 3 * sealing.PIECE])
def test_what_is_sealed_opens_again_and_nothing_of_it_shows(size: int) -> None:
    key, content = sealing.new_key(), secrets.token_bytes(size)
    closed = b"".join(sealing.sealed(io.BytesIO(content), key))
    assert b"".join(sealing.unsealed(io.BytesIO(closed), key)) == content
    assert size < 16 or content[:16] not in closed


def test_a_sealed_file_that_was_cut_reordered_altered_or_opened_with_another_key_doesnt_open() -> None:
    key, whole = sealing.new_key(), sealing.PIECE + sealing.TAG
    closed = b"".join(sealing.sealed(io.BytesIO(secrets.token_bytes(3 * sealing.PIECE)), key))
    first, second, third = closed[:whole], closed[whole : 2 * whole], closed[2 * whole :]
    for altered in (first + second, second + first + third, closed[:-1], bytes([closed[0] ^ 1]) + closed[1:]):
        with pytest.raises(FileChangedError):
            list(sealing.unsealed(io.BytesIO(altered), key))
    with pytest.raises(FileChangedError):
        list(sealing.unsealed(io.BytesIO(closed), sealing.new_key()))


def stored(ada: User, content: bytes, *, name: str = "Jane Roe.pdf", sealed: bool = True) -> Upload:
    return store(check(uploaded(name, content)), by=ada, sealed=sealed)


def test_a_sealed_upload_is_unreadable_in_storage_and_in_the_table(ada: User) -> None:
    upload = stored(ada, content := a_pdf())
    with private_storage().open(upload.stored_as) as file:
        in_storage = file.read()
    assert b"%PDF" not in in_storage
    assert len(in_storage) == len(content) + sealing.TAG
    (row,) = Upload.objects.raw("SELECT *, name || file_key AS hidden FROM core_upload")
    assert "Jane" not in row.hidden
    assert "Jane" not in upload.stored_as
    assert b"".join(pieces_of(upload)) == content
    assert upload.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.pdf", a_pdf(), "application/pdf"),
        ("a.jpg", an_image("JPEG"), "image/jpeg"),
        ("a.png", an_image(), "image/png"),
        ("a.heic", a_heic(), "image/heic"),
        ("a.docx", an_office_file(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
    ids=["pdf", "jpg", "png", "heic", "docx"],
)
def test_a_download_is_an_attachment_of_a_fixed_type(
    ada: User, rf: RequestFactory, name: str, content: bytes, content_type: str, sealed: bool
) -> None:
    response = upload_response(rf.get("/"), stored(ada, content, name=name, sealed=sealed))
    assert b"".join(response.streaming_content) == content  # type: ignore[attr-defined]
    response.close()
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-store"
    assert response["Content-Length"] == str(len(content))


@pytest.mark.parametrize("status", [Upload.Status.QUEUED, Upload.Status.INFECTED, Upload.Status.FAILED])
def test_what_isnt_ready_isnt_served(ada: User, rf: RequestFactory, status: str) -> None:
    upload = stored(ada, a_pdf())
    upload.status = status
    response = upload_response(rf.get("/"), upload)
    assert response.status_code == 409
    assert "Content-Disposition" not in response


def test_a_file_that_is_gone_is_not_found(ada: User, rf: RequestFactory) -> None:
    for sealed in (True, False):
        upload = stored(ada, a_pdf(), sealed=sealed)
        private_storage().delete(upload.stored_as)
        with pytest.raises(Http404):
            upload_response(rf.get("/"), upload)


@pytest.mark.django_db(transaction=True)
def test_a_discarded_upload_leaves_no_file(ada: User) -> None:
    upload = stored(ada, a_pdf())
    upload.discard()
    assert not Upload.objects.exists()
    assert not private_storage().exists(upload.stored_as)


def test_a_row_that_cant_be_stored_leaves_no_file(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    save = private_storage().save

    def noting(_self: object, name: str, content: File[bytes]) -> str:
        kept.append(save(name, content))
        return kept[-1]

    monkeypatch.setattr(type(private_storage()), "save", noting)
    ada.pk = None
    with pytest.raises(ValueError, match="unsaved"):
        stored(ada, a_pdf())
    assert kept
    assert not private_storage().exists(kept[0])


def test_a_bucket_reads_a_sealed_file_in_bites_of_any_size(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = io.BytesIO()

    def as_buckets_do(_self: object, name: str, content: ContentFile[bytes]) -> str:
        while bite := content.read(100_003):
            taken.write(bite)
        return name

    monkeypatch.setattr(type(private_storage()), "save", as_buckets_do)
    content = an_image() + b""
    upload = stored(ada, content, name="a.png")
    assert b"".join(sealing.unsealed(io.BytesIO(taken.getvalue()), upload.file_key)) == content
