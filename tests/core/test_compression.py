"""What goes out compressed, and what doesn't."""

from __future__ import annotations

import gzip

import pytest
from django.http import FileResponse, HttpResponse
from django.test import RequestFactory

from core.compression import PageCompressionMiddleware


def answer(response, *, accepts="gzip"):
    request = RequestFactory().get("/", headers={"accept-encoding": accepts})
    return PageCompressionMiddleware(lambda _request: response)(request)


def test_a_page_is_compressed_for_a_browser_that_accepts_it():
    sent = answer(HttpResponse("<p>coverage</p>" * 100))
    assert sent.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(sent.content).decode() == "<p>coverage</p>" * 100
    assert "Content-Encoding" not in answer(HttpResponse("<p>coverage</p>" * 100), accepts="").headers


def test_the_length_of_a_page_varies_so_that_it_tells_nothing():
    lengths = {len(answer(HttpResponse("<p>coverage</p>" * 100)).content) for _ in range(40)}
    assert len(lengths) > 5


# Closing a response makes Django look after its connections.
@pytest.mark.django_db
def test_a_download_keeps_its_length_and_its_bytes(tmp_path):
    file = tmp_path / "certificate.pdf"
    file.write_bytes(b"%PDF" + b"0" * 5000)
    sent = answer(FileResponse(file.open("rb")))
    assert "Content-Encoding" not in sent.headers
    assert sent.headers["Content-Length"] == "5004"
    assert b"".join(sent) == file.read_bytes()
    sent.close()


def test_anything_but_a_page_stays_as_it_is():
    assert "Content-Encoding" not in answer(HttpResponse("{}" * 500, content_type="application/json")).headers
