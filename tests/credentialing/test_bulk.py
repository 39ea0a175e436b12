"""Many certificates at once: each exactly once, in order, under names that people can read."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentialing.certificates import bulk
from credentialing.certificates.names import file_name, sort_name
from credentialing.models import Certificate
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, flat, issued
from tests.credentialing.papers import paper


@pytest.fixture
def three(cast: Cast) -> list[Certificate]:
    """Two of Ana, to a holder and to whom it may concern, and one of Ben."""
    holder = a_holder(cast.ana, cast.coverage, name="Mercy Hospital / East: “Wing”")
    return [
        issued(cast.coverage, cast.ana, holder),
        issued(cast.bens, cast.ben),
        issued(cast.coverage, cast.ana),
    ]


def test_a_zip_holds_each_certificate_once_under_a_name_that_sorts(three: list[Certificate]) -> None:
    done: list[int] = []
    to = io.BytesIO()
    outcome = bulk.zip_of(iter(three), to, on_progress=done.append)
    with zipfile.ZipFile(to) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        texts = [flat(pypdf.PdfReader(io.BytesIO(archive.read(name))).pages[0].extract_text()) for name in names]
    assert names[0].startswith("Nunez-Dang, Ana Maria - ")
    assert names[0].endswith(f" - Mercy Hospital East “Wing” - {three[0].serial}.pdf".replace("“", "").replace("”", ""))
    assert [one.serial in text for one, text in zip(three, texts, strict=True)] == [True] * 3
    assert done == [1, 2, 3]
    assert outcome.certificates == 3


def test_a_single_pdf_holds_each_certificate_once_in_order(three: list[Certificate]) -> None:
    done: list[int] = []
    to = io.BytesIO()
    outcome = bulk.single_pdf(iter(three), to, on_progress=done.append)
    reader = pypdf.PdfReader(to)
    texts = [flat(page.extract_text()) for page in reader.pages]
    places = [
        next(i for i, text in enumerate(texts) if "Verification code" in text and c.serial in text) for c in three
    ]
    assert places == sorted(places)
    assert len(texts) == outcome.pages
    assert (done, outcome.certificates) == ([1, 2, 3], 3)


@pytest.mark.parametrize(
    ("name", "last", "sorted_as"),
    [
        ("Ana M. Núñez Jr., MD", "Núñez", "Núñez, Ana M. Jr."),
        ("Lee Ann Lee, DO", "Lee", "Lee, Lee Ann"),
        ("Hudson Surgical Group, PC", "", "Hudson Surgical Group, PC"),
        ("Cher", "Cher", "Cher"),
    ],
)
def test_an_insured_is_listed_by_last_name(name: str, last: str, sorted_as: str) -> None:
    assert sort_name({"insured": {"name": name, "last_name": last}}) == sorted_as


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("Łukasz Şahin, MD", "Lukasz Sahin, MD - "),
        ('..\\../a:b*?"<>|c', "a b c - "),
        ("CON.pdf", "_CON.pdf - "),
        ("中", "A-1 - "),
        ("x" * 300, "x" * 48 + " - "),
    ],
)
def test_a_name_is_safe_on_every_system_and_ends_with_the_serial_number(name: str, begins: str) -> None:
    snapshot: dict[str, Any] = {"insured": {"name": name}, "policy": {"number": "A-1"}, "holder": {"name": "h" * 300}}
    found = file_name(Certificate(snapshot=snapshot, serial="COI-2026-7KQ4M2XDW"))
    assert found.startswith(begins)
    assert found.endswith(" - COI-2026-7KQ4M2XDW.pdf")
    assert len(found) < 200
    assert found.isascii()
    assert not set('\\/:*?"<>|') & set(found)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_any_mix_comes_exactly_once_each_in_order_in_both_files(seeds: list[int]) -> None:
    """The same insured may come several times, letters among them; each certificate has a serial of its own."""
    papers = [paper(seed) for seed in seeds]
    for number, certificate in enumerate(papers):
        certificate.serial = f"COI-2026-{number:09}"
    to = io.BytesIO()
    bulk.single_pdf(iter(papers), to)
    texts = [flat(page.extract_text()) for page in pypdf.PdfReader(to).pages]
    first = ["".join(re.findall(r"Serial number (\S+)", text)) for text in texts]
    assert [serial for serial in first if serial] == [certificate.serial for certificate in papers]
    to = io.BytesIO()
    bulk.zip_of(iter(papers), to)
    with zipfile.ZipFile(to) as archive:
        assert archive.namelist() == [file_name(certificate) for certificate in papers]
        for name, certificate in zip(archive.namelist(), papers, strict=True):
            pages = pypdf.PdfReader(io.BytesIO(archive.read(name))).pages
            assert f"Serial number {certificate.serial}" in flat(pages[0].extract_text())
