"""Pages set from pieces are the pages that WeasyPrint lays out whole: the same text, and the same pixels.

`PAPERS=1000 pytest tests/credentialing/test_pieces.py -k alike` compares a thousand (docs/developers/papers.md).
"""

from __future__ import annotations

import gc
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pikepdf
import pypdf
import pytest
from PIL import Image, ImageChops
from weasyprint.formatting_structure import boxes

from core.pdf import Candidate
from core.pdf.boxes import TEXTS, _compact
from core.pdf.fast import PAPERS, FastLayout, Made
from core.pdf.setting import CantSet
from credentialing.certificates import bulk, rendering
from credentialing.models import Certificate
from tests.credentialing.helpers import flat
from tests.credentialing.papers import paper

COMPARED = int(os.environ.get("PAPERS", "12"))
SAME_PIXEL = 8
needs_poppler = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="Poppler reads the pages: install poppler-utils"
)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> FastLayout:
    """Put a layout in place that knows no piece yet."""
    known = rendering.layout
    layout = FastLayout(known().standalone_css(), page=rendering.LETTER)
    monkeypatch.setattr(rendering, "layout", lambda: layout)
    return layout


def certificates(count: int, start: int = 0) -> list[Certificate]:
    """Return so many certificates, without letters."""
    found = (paper(seed) for seed in range(start, start + 10 * count))
    return [next(each for each in found if not each.is_letter) for _ in range(count)]


def whole(certificate: Certificate) -> bytes:
    return rendering.layout().render(rendering.pages_of(certificate)())


def text_of(pdf: bytes, *options: str) -> str:
    command = ["pdftotext", *options, "-", "-"]
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()


def pixels_of(pdf: bytes, page: int = 1) -> Image.Image:
    command = ["pdftoppm", "-r", "100", "-png", "-f", str(page), "-l", str(page), "-singlefile", "-"]
    return Image.open(io.BytesIO(subprocess.run(command, input=pdf, capture_output=True, check=True).stdout))


def assert_same_page(one: bytes, other: bytes, *, page: int = 1) -> None:
    """Compare a page of `one` with the first of `other`."""
    of_one = ("-f", str(page), "-l", str(page))
    assert text_of(one, *of_one) == text_of(other)
    assert text_of(one, "-layout", *of_one) == text_of(other, "-layout")
    mine, others = pixels_of(one, page).convert("RGB"), pixels_of(other).convert("RGB")
    assert mine.size == others.size
    extremes: Any = ImageChops.difference(mine, others).getextrema()
    assert max(high for _, high in extremes) <= SAME_PIXEL


@needs_poppler
def test_pages_of_every_kind_are_alike() -> None:
    fast = 0
    for seed in range(COMPARED):
        certificate = paper(seed)
        made = rendering.made(certificate)
        fast += made.fast
        assert made.fast or certificate.is_letter, seed
        assert_same_page(made.content, whole(certificate))
        with pikepdf.open(io.BytesIO(made.content)) as pdf:
            assert pdf.check_pdf_syntax() == []
    assert fast > COMPARED / 2


@needs_poppler
def test_pages_of_one_file_are_those_of_separate_files() -> None:
    papers = [paper(seed) for seed in range(6)]
    to = io.BytesIO()
    outcome = bulk.single_pdf(papers, to)
    assert outcome.pages == len(papers) + 1
    assert outcome.plain == sum(each.is_letter for each in papers) == 1
    for place, certificate in enumerate(papers):
        assert_same_page(to.getvalue(), whole(certificate), page=place + 2)


def test_the_same_row_gives_the_same_bytes_whatever_was_made_before(fresh: FastLayout) -> None:
    first, second, third = certificates(3)
    made = rendering.certificate_pdf(first)
    for each in (second, third):
        rendering.certificate_pdf(each)
    assert rendering.certificate_pdf(first) == made
    again = FastLayout(fresh.standalone_css(), page=rendering.LETTER)
    for each in (third, second):
        again.make(rendering.pages_of(each))
    assert again.make(rendering.pages_of(first)) == Made(made, pages=1, fast=True)


def test_a_page_is_laid_out_once_and_then_set(fresh: FastLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certificates(1)[0]
    rendering.certificate_pdf(certificate)
    monkeypatch.setattr(fresh, "_laid_out", None)
    certificate.serial = "COI-2026-222222222"
    certificate.snapshot["insured"]["name"] = "Rosa Finch, MD"
    pdf = rendering.certificate_pdf(certificate)
    text = flat(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text())
    assert "COI-2026-222222222" in text
    assert "Rosa Finch, MD" in text


def test_what_a_part_says_below_its_row_and_a_statement_are_set_without_a_new_layout(
    fresh: FastLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certificates(1)[0]
    certificate.snapshot["parts"] = certificate.snapshot["parts"][:1]
    part, standing = certificate.snapshot["parts"][0], certificate.snapshot["standing"]
    part |= {"scope": "limited to one group", "locum": "", "states": "", "suspensions": [], "prior_limits": []}
    standing |= {"cancellation_effective": "2027-01-02", "begins": None}
    rendering.certificate_pdf(certificate)
    monkeypatch.setattr(fresh, "_laid_out", None)
    part["scope"] = "limited to another group"
    standing["cancellation_effective"] = "2027-01-03"
    pdf = rendering.certificate_pdf(certificate)
    monkeypatch.undo()
    text = flat(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text())
    assert "Scope of coverage: Limited to another group" in text
    assert "January 3, 2027" in text
    assert_same_page(pdf, whole(certificate))


@pytest.mark.parametrize("content", ["a <b>b</b>", "<b>b</b> a <b>c</b>", "<i>b</i> a"])
def test_a_field_holds_nothing_but_words_in_b_and_a_text(content: str) -> None:
    layout = FastLayout("html { font-family: 'Portal Sans' }", page=(300, 300))
    page = f"<!DOCTYPE html><html lang='en'><title>t</title><body><p data-band data-field>{content}</p></body></html>"
    with pytest.raises(CantSet, match=r"^field$"):
        layout.compose(lambda: [Candidate(page, pages=1)])


def test_no_page_that_was_laid_out_stays_in_memory(fresh: FastLayout) -> None:
    gc.collect()
    known = {id(each) for each in gc.get_objects() if isinstance(each, boxes.PageBox)}
    for certificate in certificates(3):
        assert rendering.made(certificate).fast
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, boxes.PageBox) and id(each) not in known]


@pytest.mark.skipif(not shutil.which("pdfinfo"), reason="Poppler reads the structure: install poppler-utils")
def test_a_name_of_two_lines_reads_with_a_space_where_the_line_breaks() -> None:
    name = "Regional Medical Center of the Upper Hudson Valley, Office of Medical Staff Services"
    long = "Unbreakable" * 8
    certificate = certificates(1)[0]
    certificate.snapshot["holder"] = {"name": name, "address": [long, "Troy, NY 12180"]}
    made = rendering.made(certificate)
    assert made.fast
    assert_same_page(made.content, whole(certificate))
    command = ["pdfinfo", "-struct-text", "-"]
    read = subprocess.run(command, input=made.content, capture_output=True, check=True).stdout.decode()
    assert f'"{name}"' in read
    assert f'"{long}"' in read


def count(way: str, why: str = "") -> float:
    return PAPERS.labels(way, why)._value.get()


def a_name_of(certificate: Certificate, name: str) -> Certificate:
    certificate.snapshot["insured"]["name"] = name
    return certificate


@pytest.mark.parametrize(
    ("name", "why"),
    [("Ana \u4e2d Finch", ("glyph", "face")), ("Ana\u2011Finch", ("alias",)), ("Ana \u05d0 Finch", ("glyph", "face"))],
    ids=["a glyph that no face has", "a sign that shares its glyph", "from right to left"],
)
def test_what_cant_be_set_is_laid_out_whole_and_counted(name: str, why: tuple[str, ...]) -> None:
    # Some machines have a face for it; none of ours has.
    before = sum(count("plain", each) for each in why)
    certificate = a_name_of(certificates(1)[0], name)
    made = rendering.made(certificate)
    assert not made.fast
    assert made.content == whole(certificate)
    assert sum(count("plain", each) for each in why) == before + 1


def test_a_page_that_is_full_is_set_closer_and_one_that_overflows_goes_on_as_before() -> None:
    certificate = certificates(1)[0]
    long = [f"MPL-{number} (01/24) Title of an endorsement that takes its line" for number in range(12)]
    certificate.snapshot["parts"][0]["endorsements"] = long
    made = rendering.made(certificate)
    assert (made.pages, made.fast) == (1, True)
    assert pypdf.PdfReader(io.BytesIO(made.content)).pages[0].extract_text().count("MPL-") > 12
    certificate.snapshot["parts"][0]["endorsements"] = [f"{each}, {number}" for number in range(8) for each in long]
    before = count("plain", "pages")
    made = rendering.made(certificate)
    assert (made.pages > 1, made.fast) == (True, False)
    assert count("plain", "pages") == before + 1


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<p data-band>a</p><p>outside</p>", "outside"),
        ("<p data-band data-field>a<b>b</b></p>", "field"),
        ("<p data-band style='text-transform: uppercase' data-field>a</p>", "style"),
        ("<p data-band style='opacity: 0.5'>a</p>", "graphics"),
        ("<div data-band style='border-top: 1px solid rgb(0 0 0 / 50%)'>a</div>", "graphics"),
    ],
)
def test_html_that_cant_be_cut_right_is_refused(html: str, why: str) -> None:
    layout = FastLayout("html { font-family: 'Portal Sans' }", page=(300, 300))
    page = f"<!DOCTYPE html><html lang='en'><title>t</title><body>{html}</body></html>"
    with pytest.raises(CantSet, match=f"^{why}$"):
        layout.compose(lambda: [Candidate(page, pages=1)])


@pytest.mark.parametrize(
    ("shown", "space", "compact"),
    [
        (b"[<00110012>-21<>-22.25<0013>0<0014>0] TJ", b"", rb"[(\x00\x11\x00\x12)-43.25(\x00\x13\x00\x14)] TJ"),
        (b"[<00110003>5<0012>7<0013>] TJ", b"0003", rb"[(\x00\x11\x00\x03)] TJ|[5(\x00\x12)7(\x00\x13)] TJ"),
        (b"[<00110003>] TJ", b"0003", rb"[(\x00\x11\x00\x03)] TJ"),
        (b"[<03000311>] TJ", b"0003", rb"[(\x03\x00\x03\x11)] TJ"),
    ],
    ids=["one number between glyphs", "the last word by itself", "a space at the end", "a space that isn't one"],
)
def test_a_text_is_shown_in_few_bytes_and_its_last_word_by_itself(shown: bytes, space: bytes, compact: bytes) -> None:
    found = TEXTS.fullmatch(shown)
    assert found
    expected = compact.decode("unicode_escape").encode("latin-1").replace(b"|", b"\n")
    assert _compact(found, space=space) == expected


def kids(node: Any) -> list[Any]:
    """Return what an element holds: an array of it, or the only one."""
    found = node.get("/K", [])
    return list(found) if isinstance(found, (pikepdf.Array, list)) else [found]


def elements(node: Any) -> Iterator[Any]:
    """Yield an element of the structure and all below it."""
    yield node
    for kid in kids(node):
        if isinstance(kid, pikepdf.Dictionary):
            yield from elements(kid)


def test_pages_are_tagged_for_screen_readers_and_say_so() -> None:
    certificate = certificates(1)[0]
    with pikepdf.open(io.BytesIO(rendering.certificate_pdf(certificate))) as pdf:
        root = pdf.Root
        assert root.MarkInfo.Marked
        assert root.ViewerPreferences.DisplayDocTitle
        assert str(root.Lang) == "en-US"
        with pdf.open_metadata() as metadata:
            assert metadata["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
            assert metadata["dc:title"] == f"Certificate of Insurance {certificate.serial}"
        assert str(pdf.docinfo.Title) == f"Certificate of Insurance {certificate.serial}"
        page = pdf.pages[0]
        assert page.Tabs == "/S"
        nums = root.StructTreeRoot.ParentTree.Nums
        assert nums[0] == page.StructParents
        tags = [str(each.S) for each in elements(root.StructTreeRoot.K[0])]
        assert {"/Document", "/H1", "/H2", "/Table", "/TH", "/TD", "/P", "/L", "/LI"} <= set(tags)
        found = {kid for each in elements(root.StructTreeRoot.K[0]) for kid in kids(each) if isinstance(kid, int)}
        begun = pikepdf.parse_content_stream(page)
        marked = {int(instruction.operands[1].MCID) for instruction in begun if str(instruction.operator) == "BDC"}
        assert found == marked == set(range(len(nums[1]))), "all that is read is in the structure"
        for number, element in enumerate(nums[1]):
            assert number in kids(element), "each piece of content knows its element"
        open_marks = 0
        for instruction in begun:
            operator = str(instruction.operator)
            open_marks += {"BDC": 1, "BMC": 1, "EMC": -1}.get(operator, 0)
            if operator in {"Tj", "TJ"}:
                assert open_marks > 0, "nothing is drawn that is neither read nor marked as decoration"


def test_a_file_stays_small_with_letters_of_many_languages() -> None:
    for name in ("Rosa Finch, MD", "Nguyễn Thị Ánh Đặng, MD", "Łukasz Şahin"):
        pdf = rendering.certificate_pdf(a_name_of(certificates(1)[0], name))
        assert len(pdf) < 50_000
        text = flat(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text())
        assert name in text
