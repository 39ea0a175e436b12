"""Stored files in a bucket, over the real protocol: kept once, streamed, linked to for a short while."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from django.core.files.base import ContentFile
from django.http import FileResponse
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from core.buckets import PrivateBucketStorage
from core.downloads import FileChangedError, private_file_response, unchanged_file
from core.storage import keep_once, local_file, private_storage

# What closes a response looks after the database.
pytestmark = pytest.mark.django_db
BUCKET = "files-of-the-portal"
CONTENT = b"%PDF-1.7 in a bucket"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give an empty bucket behind a server on this machine."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=address, **keys).create_bucket(Bucket=BUCKET)
    yield address
    running.stop()


@pytest.fixture
def bucket(server: str, settings: Settings) -> PrivateBucketStorage:
    """Give the private storage as a bucket."""
    options = {
        "bucket_name": BUCKET,
        "location": "portal",
        "endpoint_url": server,
        "region_name": "us-east-1",
        "access_key": "key",
        "secret_key": "secret",
        "encryption": "AES256",
    }
    private = {"BACKEND": "core.buckets.PrivateBucketStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "private": private}
    storage = private_storage()
    assert isinstance(storage, PrivateBucketStorage)
    for name in storage.listdir("documents")[1]:
        storage.delete(f"documents/{name}")
    return storage


def fetched(address: str) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_a_file_is_kept_once_encrypted_and_has_no_lasting_address(bucket: PrivateBucketStorage) -> None:
    for _ in range(2):
        keep_once("documents/a.pdf", ContentFile(CONTENT))
    assert (bucket.listdir("documents")[1], bucket.size("documents/a.pdf")) == (["a.pdf"], len(CONTENT))
    assert bucket.save("documents/a.pdf", ContentFile(b"other")) != "documents/a.pdf", "nothing is replaced"
    assert bucket.bucket.Object("portal/documents/a.pdf").server_side_encryption == "AES256"
    with pytest.raises(ValueError, match="no address"):
        bucket.url("documents/a.pdf")
    keep_once("documents/torn.pdf", ContentFile(CONTENT[:5]))
    keep_once("documents/torn.pdf", ContentFile(CONTENT))
    assert bucket.size("documents/torn.pdf") == len(CONTENT)


def test_we_send_the_bytes_ourselves_where_no_link_is_wanted(bucket: PrivateBucketStorage) -> None:
    bucket.save("documents/b.pdf", ContentFile(CONTENT))
    for facts in ({}, {"sha256": DIGEST}, {"size": len(CONTENT)}):
        response = private_file_response("documents/b.pdf", filename="b.pdf", **facts)  # type: ignore[arg-type]
        assert isinstance(response, FileResponse)
        assert b"".join(response) == CONTENT  # type: ignore[arg-type]
        assert response["Content-Disposition"] == 'attachment; filename="b.pdf"'
        response.close()
    for wrong in ({"sha256": "0" * 64}, {"size": 3}):
        with pytest.raises(FileChangedError):
            private_file_response("documents/b.pdf", filename="b.pdf", **wrong)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        private_file_response("documents/gone.pdf", filename="b.pdf", sha256=DIGEST)


def test_by_setting_a_download_is_sent_to_the_bucket_by_a_link_that_says_the_same(
    bucket: PrivateBucketStorage, settings: Settings
) -> None:
    settings.DOWNLOAD_LINK_SECONDS = 60
    bucket.save("documents/c.pdf", ContentFile(CONTENT))
    response = private_file_response("documents/c.pdf", filename="Policy é.pdf", size=len(CONTENT))
    assert (response.status_code, response["Cache-Control"]) == (302, "private, no-store")
    signed = parse_qs(urlsplit(response["Location"]).query)
    assert signed["X-Amz-Expires"] == ["60"]
    status, headers, content = fetched(response["Location"])
    assert (status, content) == (200, CONTENT)
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == response["Content-Disposition"]
    # What was stored under this digest is compared and sent by us.
    compared = private_file_response("documents/c.pdf", filename="c.pdf", sha256=DIGEST)
    assert b"".join(compared) == CONTENT  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        private_file_response("documents/gone.pdf", filename="c.pdf")


def test_what_needs_a_file_on_this_machine_gets_a_copy_for_as_long_as_it_takes(bucket: PrivateBucketStorage) -> None:
    bucket.save("documents/d.pdf", ContentFile(CONTENT))
    with local_file("documents/d.pdf") as path:
        assert path.read_bytes() == CONTENT
    assert not path.exists()
    with pytest.raises(FileChangedError), unchanged_file("documents/d.pdf", "0" * 64):
        pass
    with pytest.raises(FileNotFoundError), local_file("documents/gone.pdf"):
        pass
