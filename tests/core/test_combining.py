"""Several PDFs as one: pages, outline, and structure of all; signatures of none."""

from __future__ import annotations

import io
import warnings

import pypdf
import pytest
from django.utils import timezone

from core.pdf import Candidate, Layout
from core.pdf.combining import combined
from core.pdf.signing import Sealer, _file_signer, _make_own


@pytest.fixture(scope="module")
def papers() -> list[bytes]:
    layout = Layout("h1 { font: 400 20pt 'Portal Sans' }")
    page = "<!DOCTYPE html><html lang='en'><title>{0}</title><body><h1>{0}</h1><p>Text of {0}</p></body></html>"
    return [layout.render([Candidate(page.format(name))]) for name in ("First", "Second")]


def test_pages_come_in_order_with_an_outline_and_the_tags_of_all(papers):
    whole = combined(zip(("One", "Two"), papers, strict=True), title="Both")
    reader = pypdf.PdfReader(io.BytesIO(whole))
    assert [page.extract_text().split()[0] for page in reader.pages] == ["First", "Second"]
    assert [(entry.title, reader.get_destination_page_number(entry)) for entry in reader.outline] == [
        ("One", 0),
        ("Two", 1),
    ]
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en-US"
    tree = root["/StructTreeRoot"]
    numbers = tree["/ParentTree"]["/Nums"]
    for place, page in enumerate(reader.pages):
        assert page["/StructParents"] == numbers[place * 2]
        elements = numbers[place * 2 + 1].get_object()
        owners = {element.get_object().raw_get("/Pg").idnum for element in elements}
        assert owners == {page.indirect_reference.idnum}, "each entry speaks of its own page"
    assert [kid.get_object()["/P"].get_object() == tree.get_object() for kid in tree["/K"]] == [True, True]
    assert combined(zip(("One", "Two"), papers, strict=True), title="Both") == whole


def test_a_signature_is_left_out_whole(papers, tmp_path):
    _make_own(tmp_path)
    seal = Sealer(_file_signer(tmp_path / "key.pem", tmp_path / "certificate.pem", ""))
    signed = seal.sign(papers[0], at=timezone.now())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = combined([("One", signed), ("Two", papers[1])], title="Both")
    reader = pypdf.PdfReader(io.BytesIO(whole))
    assert "/AcroForm" not in reader.trailer["/Root"]
    assert not any(page.get("/Annots") for page in reader.pages)
    assert len(reader.pages) == 2


def test_one_paper_without_tags_leaves_the_whole_untagged(papers):
    plain = io.BytesIO()
    writer = pypdf.PdfWriter()
    writer.add_blank_page(612, 792)
    writer.write(plain)
    reader = pypdf.PdfReader(io.BytesIO(combined([("One", papers[0]), ("Two", plain.getvalue())], title="Both")))
    assert "/MarkInfo" not in reader.trailer["/Root"], "it doesn't claim what isn't so"
