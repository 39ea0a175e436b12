"""Laying out documents: the faces, and what a document may not do."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest
from fontTools.ttLib import TTFont
from pytest_django import Settings

from core.pdf import Candidate, Layout, fonts, prepare_fonts, unprintable
from core.pdf.fetching import OwnFacesOnly


def test_the_faces_are_made_once_alike_each_time_and_hold_every_accent(settings: Settings, tmp_path: Path) -> None:
    made = prepare_fonts()
    settings.DATA_DIR = tmp_path
    again = prepare_fonts()
    assert again.name == made.name
    names = sorted(path.name for path in again.iterdir())
    assert names == ["PortalSans-400.ttf", "PortalSans-600.ttf", "PortalSerif-400.ttf", "PortalSerif-600.ttf"]
    for name in names:
        assert (again / name).read_bytes() == (made / name).read_bytes()
        with TTFont(again / name) as font:
            assert not {"Source"} & {str(font["name"].getDebugName(number)).split()[0] for number in (1, 4, 6)}
            assert {0x2011, 0x2009, 0x202F, ord("ặ"), ord("Ł"), ord("ñ"), ord("İ"), 0x301} <= set(font.getBestCmap())
    assert [path.name for path in (tmp_path / "fonts").iterdir()] == [again.name], "nothing half-made is left"


def test_two_processes_that_make_the_faces_at_once_end_with_one_folder(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path

    def the_other_is_quicker(face: fonts.Face, target: Path) -> None:
        target.write_bytes(b"mine")
        fonts.fonts_dir().mkdir(exist_ok=True)
        (fonts.fonts_dir() / target.name).write_bytes(b"theirs")

    monkeypatch.setattr(fonts, "_make_subset", the_other_is_quicker)
    folder = prepare_fonts()
    assert {path.read_bytes() for path in folder.iterdir()} == {b"theirs"}
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_no_face_has_is_named() -> None:
    assert unprintable("Núñez Đặng Łukasz O’Brien‑Smith – ½ € №\u2009\u202f\n") == []
    assert unprintable("n\u0303 e\u0301 o\u0323\u0301") == []
    assert unprintable("中 Clinic 🙂 中 א") == ["中", "🙂", "א"]


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/x.png",
        "https://example.com/x.css",
        "file:///etc/hostname",
        "data:text/plain,x",
        "ftp://example.com/",
    ],
)
def test_a_document_fetches_nothing_but_our_faces(address: str) -> None:
    with pytest.raises(ValueError, match="may not fetch"):
        OwnFacesOnly().fetch(address)
    with pytest.raises(ValueError, match="may not fetch"):
        OwnFacesOnly().fetch((prepare_fonts() / ".." / "secret").as_uri())
    face = (prepare_fonts() / "PortalSans-400.ttf").as_uri()
    assert OwnFacesOnly().fetch(face).read()[:4] == b"\x00\x01\x00\x00"


def test_an_image_from_elsewhere_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        pdf = Layout("").render([Candidate("<!DOCTYPE html><img src='http://127.0.0.1:9/x.png'><p>here</p>")])
    assert "here" in pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert "127.0.0.1:9" in caplog.text


def test_the_first_setting_that_keeps_to_its_pages_is_taken_and_later_ones_are_not_made() -> None:
    asked = []

    def settings_of(*sizes: int) -> list[bytes]:
        def settings() -> object:
            for size in sizes:
                asked.append(size)
                yield Candidate(f"<!DOCTYPE html><title>{size}</title><body>" + "<p>line</p>" * size, pages=1)

        return [Layout("").render(settings())]  # type: ignore[arg-type]

    (pdf,) = settings_of(300, 5, 4)
    assert asked == [300, 5]
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1
    asked.clear()
    (pdf,) = settings_of(300, 200)
    assert asked == [300, 200]
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) > 1, "the last one is taken as it comes"
    with pytest.raises(ValueError, match="at least one"):
        Layout("").render([])


WITHOUT_THE_LIBRARY = """
import ctypes, sys
import cffi, django, time_machine

def without(load):
    def loads(self, name, *args, **kwargs):
        if "harfbuzz-subset" in (name or ""):
            raise OSError(name)
        return load(self, name, *args, **kwargs)
    return loads

cffi.FFI.dlopen = without(cffi.FFI.dlopen)
ctypes.CDLL.__init__ = without(ctypes.CDLL.__init__)
django.setup()
from core.pdf import Candidate, Layout
from portal import checks
print(checks.missing_pango(), *[message.id for message in checks.check_subset()], file=sys.stderr)
pdf = Layout(sys.argv[2]).render([Candidate(sys.argv[1])])
with time_machine.travel("2000-01-01"):
    assert Layout(sys.argv[2]).render([Candidate(sys.argv[1])]) == pdf
from weasyprint.text import ffi
assert ffi.harfbuzz_subset is None
sys.stdout.buffer.write(pdf)
"""


def test_without_libharfbuzz_subset_the_same_page_comes_out_and_again_the_same() -> None:
    html = "<!DOCTYPE html><html lang='en'><title>t</title><p>Núñez \u2011 <b>$1,000,000</b></p>"
    css = "p { font-family: 'Portal Serif' } b { font-family: 'Portal Sans' }"

    command = [sys.executable, "-c", WITHOUT_THE_LIBRARY, html, css]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)

    assert done.stderr.decode().split() == ["portal.I001"], "nothing is missing but what an operator is told"
    assert len(done.stdout) < 30_000, "whole faces are 60 kB each"
    made = (done.stdout, Layout(css).render([Candidate(html)]))
    without, here = (pypdf.PdfReader(io.BytesIO(pdf)).pages[0] for pdf in made)
    assert without.extract_text() == here.extract_text()
    assert without.get_contents().get_data() == here.get_contents().get_data()
