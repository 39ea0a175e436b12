"""Several PDFs as one: pages as they were, outline, links, layers, and tags of all; what can't be opened left out."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pikepdf
import pypdf
import pytest
from django.utils import timezone
from pikepdf import Array, Dictionary, Name, String

from core.pdf import Candidate, Layout, combining
from core.pdf.combining import Added, Combiner
from core.pdf.signing import Sealer, _file_signer, _make_own
from tests.feed.assets import a_pdf

if TYPE_CHECKING:
    from collections.abc import Callable

GO_TO = "/GoTo"


@pytest.fixture(scope="module")
def papers() -> list[bytes]:
    layout = Layout("h1 { font: 400 20pt 'Portal Sans' }")
    page = "<!DOCTYPE html><html lang='en'><title>{0}</title><body><h1>{0}</h1><p>Text of {0}</p></body></html>"
    return [layout.render([Candidate(page.format(name))]) for name in ("First", "Second")]


@pytest.fixture
def combined(tmp_path: Path) -> Callable[..., bytes]:
    """Combine files given as bytes; `faults` takes what was left out."""

    def combine(*files: bytes, faults: list[str] | None = None) -> bytes:
        to = io.BytesIO()
        with Combiner(to, title="All (of them)") as combiner:
            for number, content in enumerate(files, start=1):
                path = tmp_path / f"{number}.pdf"
                path.write_bytes(content)
                added = combiner.add(path, title=f"File {number}")
                assert added == Added(pages=added.pages) or faults is not None
                if faults is not None:
                    faults.append(added.fault)
            combiner.close()
        with pikepdf.open(io.BytesIO(to.getvalue())) as pdf:
            assert pdf.check_pdf_syntax() == [] if hasattr(pdf, "check_pdf_syntax") else not pdf.check()
        return to.getvalue()

    return combine


def made(change: Callable[[pikepdf.Pdf], None], *, pages: int = 3) -> bytes:
    """Return a PDF of empty pages, changed."""
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(a_pdf(pages=pages))) as pdf:
        change(pdf)
        pdf.save(written)
    return written.getvalue()


def link(to: Any) -> Dictionary:
    return Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=Dictionary(S=Name(GO_TO), D=to))


def test_pages_come_in_order_with_an_outline_and_the_tags_of_all(combined, papers):
    whole = combined(*papers)
    reader = pypdf.PdfReader(io.BytesIO(whole))
    assert [page.extract_text().split()[0] for page in reader.pages] == ["First", "Second"]
    entries = [entry for entry in reader.outline if not isinstance(entry, list)]
    assert [(entry.title, reader.get_destination_page_number(entry)) for entry in entries] == [
        ("File 1", 0),
        ("File 2", 1),
    ]
    root = reader.trailer["/Root"]
    assert (root["/Lang"], reader.metadata.title) == ("en-US", "All (of them)")
    tree = root["/StructTreeRoot"]
    numbers = [each for kid in tree["/ParentTree"]["/Kids"] for each in kid.get_object()["/Nums"]]
    assert numbers[::2] == sorted(numbers[::2])
    entries = dict(zip(numbers[::2], numbers[1::2], strict=True))
    assert tree["/ParentTreeNextKey"] > max(entries)
    for page in reader.pages:
        elements = entries[page["/StructParents"]].get_object()
        owners = {element.get_object().raw_get("/Pg").idnum for element in elements if element.get_object()}
        assert owners == {page.indirect_reference.idnum}, "each entry speaks of its own page"
    assert [kid.get_object()["/P"].get_object() == tree.get_object() for kid in tree["/K"]] == [True, True]
    for whole_file in tree["/K"]:
        inner = whole_file.get_object()["/K"]
        assert all(kid.get_object()["/P"].get_object() == whole_file.get_object() for kid in inner)
    assert combined(*papers) == whole


def test_a_signature_is_left_out_whole(combined, papers, tmp_path):
    _make_own(tmp_path)
    seal = Sealer(_file_signer(tmp_path / "key.pem", tmp_path / "certificate.pem", ""))
    signed = seal.sign(papers[0], at=timezone.now())
    reader = pypdf.PdfReader(io.BytesIO(combined(signed, papers[1])))
    assert "/AcroForm" not in reader.trailer["/Root"]
    assert not any(page.get("/Annots") for page in reader.pages)
    assert len(reader.pages) == 2


def test_one_paper_without_tags_leaves_the_whole_untagged(combined, papers):
    root = pypdf.PdfReader(io.BytesIO(combined(papers[0], a_pdf(), papers[1]))).trailer["/Root"]
    assert "/MarkInfo" not in root, "it doesn't claim what isn't so"
    assert "/StructTreeRoot" not in root


def test_a_page_keeps_its_boxes_its_bytes_and_what_it_inherits(combined):
    content = b"BT /F1 12 Tf (As it was) Tj ET"

    def change(pdf: pikepdf.Pdf) -> None:
        pdf.pages[1].obj.Contents = pdf.make_stream(content)
        pdf.pages[1].obj.CropBox = [10, 20, 300, 400]
        pdf.Root.Pages.Rotate = 90

    reader = pypdf.PdfReader(io.BytesIO(combined(a_pdf(), made(change))))
    page = reader.pages[2]
    assert (page.rotation, [int(side) for side in page.cropbox]) == (90, [10, 20, 300, 400])
    assert page.get_contents().get_data() == content
    assert reader.pages[0].rotation == 0


def test_links_lead_where_they_led_by_page_and_by_name_whatever_the_other_files_call_theirs(combined):
    def change(pdf: pikepdf.Pdf) -> None:
        first, second, third = (page.obj for page in pdf.pages)
        names = pikepdf.NameTree.new(pdf)
        names["end"] = Array([third, Name.Fit])
        pdf.Root.Names = Dictionary(Dests=names.obj)
        pdf.Root.Dests = Dictionary(old=Dictionary(D=Array([second, Name.Fit])))
        first.Annots = Array(
            [link(Array([third, Name.Fit])), link(String("end")), link(Name.old), link(String("nowhere"))]
        )

    reader = pypdf.PdfReader(io.BytesIO(combined(made(change), made(change))))
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages)}
    for start in (0, 3):
        notes = [note.get_object()["/A"] for note in reader.pages[start]["/Annots"]]
        leads = [numbers[note["/D"][0].indirect_reference.idnum] for note in notes if "/D" in note]
        assert leads == [start + 2, start + 2, start + 1]
        assert "/D" not in notes[3]


def test_a_files_own_outline_is_below_its_entry(combined):
    def change(pdf: pikepdf.Pdf) -> None:
        with pdf.open_outline() as outline:
            outline.root += [pikepdf.OutlineItem("Limits", 1), pikepdf.OutlineItem("Endorsements", 2)]

    reader = pypdf.PdfReader(io.BytesIO(combined(a_pdf(), made(change))))
    first, second, inner = reader.outline
    assert (first.title, second.title) == ("File 1", "File 2")
    assert [(each.title, reader.get_destination_page_number(each)) for each in inner] == [
        ("Limits", 2),
        ("Endorsements", 3),
    ]


def test_what_is_filled_into_a_form_stays_visible_and_the_form_goes(combined):
    def change(pdf: pikepdf.Pdf) -> None:
        said: dict[str, Any] = {
            "T": String("name"),
            "V": String("Ana"),
            "DA": String("/Helv 12 Tf 0 g"),
            "Rect": [10, 10, 200, 40],
        }
        field = pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, **said))
        pdf.pages[0].obj.Annots = Array([field])
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        resources = Dictionary(Font=Dictionary(Helv=font))
        pdf.Root.AcroForm = Dictionary(Fields=Array([field]), NeedAppearances=True, DR=resources)

    reader = pypdf.PdfReader(io.BytesIO(combined(made(change))))
    (widget,) = reader.pages[0]["/Annots"]
    assert b"Ana" in widget.get_object()["/AP"]["/N"].get_data()
    assert "/AcroForm" not in reader.trailer["/Root"]


def test_layers_that_are_hidden_stay_hidden(combined):
    def change(pdf: pikepdf.Pdf) -> None:
        layers = [pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(name))) for name in ("seen", "unseen")]
        setting = Dictionary(BaseState=Name.OFF, ON=Array(layers[:1]))
        pdf.Root.OCProperties = Dictionary(OCGs=Array(layers), D=setting)

    layers = pypdf.PdfReader(io.BytesIO(combined(a_pdf(), made(change)))).trailer["/Root"]["/OCProperties"]
    assert [each.get_object()["/Name"] for each in layers["/OCGs"]] == ["seen", "unseen"]
    assert [each.get_object()["/Name"] for each in layers["/D"]["/OFF"]] == ["unseen"]


def test_a_wrong_count_in_one_file_does_not_move_the_pages_of_the_others(combined):
    def change(pdf: pikepdf.Pdf) -> None:
        pages = pdf.Root.Pages
        inner = pdf.make_indirect(Dictionary(Type=Name.Pages, Parent=pages, Count=99, Kids=Array(list(pages.Kids))))
        for kid in inner.Kids:
            kid.Parent = inner
        pages.Kids, pages.Count = Array([inner]), 7

    with pikepdf.open(io.BytesIO(combined(made(change), a_pdf()))) as pdf:
        assert (pdf.Root.Pages.Count, len(pdf.pages)) == (4, 4)
        assert pdf.Root.Pages.Kids[0].Kids[0].Count == 3


def test_files_that_cannot_be_taken_are_named_and_the_others_come(combined, monkeypatch):
    faults: list[str] = []
    locked = io.BytesIO()
    with pikepdf.open(io.BytesIO(a_pdf(pages=2))) as pdf:
        forbidden = pikepdf.Permissions(modify_assembly=False)
        pdf.save(locked, encryption=pikepdf.Encryption(owner="own", user="", allow=forbidden))
    allowed = io.BytesIO()
    with pikepdf.open(io.BytesIO(a_pdf(pages=2))) as pdf:
        permitted = pikepdf.Permissions(modify_assembly=True)
        pdf.save(allowed, encryption=pikepdf.Encryption(owner="own", user="", allow=permitted))
    whole = combined(
        a_pdf(), a_pdf(password="x"), b"%PDF-1.7\nno more", b"MZ", locked.getvalue(), allowed.getvalue(),
        faults=faults,
    )  # fmt: skip
    assert faults == ["", "encrypted", "broken", "broken", "protected", ""]
    reader = pypdf.PdfReader(io.BytesIO(whole))
    assert [entry.title for entry in reader.outline] == ["File 1", "File 6"]
    assert (len(reader.pages), reader.is_encrypted) == (3, False)


def test_a_file_that_ends_the_program_is_left_out_and_the_next_one_comes(combined, monkeypatch, tmp_path):
    program = tmp_path / "unwell.py"
    real = combining.PROGRAM.read_text()
    program.write_text(
        real.replace(
            "        asked = json", '        if "2.pdf" in line:\n            sys.exit(9)\n        asked = json'
        )
    )
    monkeypatch.setattr(combining, "PROGRAM", program)
    faults: list[str] = []
    assert len(pypdf.PdfReader(io.BytesIO(combined(a_pdf(), a_pdf(), a_pdf(), faults=faults))).pages) == 2
    assert faults == ["", "broken", ""]


def test_nothing_can_be_combined_of_nothing(combined):
    with pytest.raises(ValueError, match="no file"):
        combined(b"MZ", faults=[])


def test_a_stream_larger_than_what_is_read_at_once_comes_byte_for_byte(combined, monkeypatch):
    monkeypatch.setattr(combining, "CHUNK", 1000)
    content = os.urandom(20_000)

    def change(pdf: pikepdf.Pdf) -> None:
        words = pdf.make_indirect(Dictionary(Long=String("5 0 R ( \\ \n" * 400)))
        pdf.pages[0].obj.PieceInfo = Dictionary(Bytes=pdf.make_stream(content), Words=words)

    reader = pypdf.PdfReader(io.BytesIO(combined(a_pdf(), made(change))))
    info = reader.pages[1]["/PieceInfo"]
    assert info["/Bytes"].get_data() == content
    assert info["/Words"]["/Long"] == "5 0 R ( \\ \n" * 400
