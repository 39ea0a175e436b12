"""The files that are made: the faces of the screen, and one style sheet of all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from fontTools.ttLib import TTFont

from core.assets import faces, sheets
from core.assets.storage import HashedStorage

LETTERS_OF_THE_BOOK = "Thảo Łukasz Çelik Núñez-O’Hara Šimůnek"


def test_the_faces_have_every_letter_of_the_book():
    folder = faces.prepare_faces()
    for face in faces.SCREEN:
        known = set()
        for subset in faces.SUBSETS:
            known |= set(TTFont(folder / faces.file_name(face, subset)).getBestCmap())
        assert {ord(letter) for letter in LETTERS_OF_THE_BOOK} <= known


def test_a_first_visit_loads_less_than_45_kilobytes_of_faces():
    folder = faces.prepare_faces()
    assert sum((folder / faces.file_name(face, "latin")).stat().st_size for face in faces.SCREEN) < 45_000


def test_a_face_is_made_once():
    file = next(faces.prepare_faces().iterdir())
    made = file.stat().st_mtime_ns
    assert next(path for path in faces.prepare_faces().iterdir() if path == file).stat().st_mtime_ns == made


def test_the_finder_gives_the_made_files_and_no_others():
    sheet = finders.find(sheets.NAME)
    assert sheet is not None
    for name in re.findall(r'url\("\.\./(fonts/[^"]+)"\)', Path(sheet).read_text()):
        assert finders.find(name)
    assert finders.find("fonts/missing.woff2") is None
    assert finders.find("css/missing.css") is None


def test_the_sheet_has_the_rules_of_every_source():
    text = sheets.prepare_sheet().read_text()
    classes = set(re.findall(r"\.([a-z][\w-]*)", text))
    for source in sheets.sources():
        wanted = re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.DOTALL)
        assert set(re.findall(r"(?m)^\s*\.([a-z][\w-]*)", wanted)) <= classes, source.name


@pytest.mark.parametrize(
    ("css", "shrunk"),
    [
        ("/* why */ .a { color: red; }", ".a{color:red}"),
        (".a :hover, .b > c {\n  margin: 0 auto;\n  padding: 1px;\n}", ".a :hover,.b > c{margin:0 auto;padding:1px}"),
        ('.a { content: "a,  b; /* c */"; }', '.a{content:"a,  b; /* c */"}'),
        (
            "@media (min-width: 720px) { .a { width: calc(1px + 2px); } }",
            "@media (min-width: 720px){.a{width:calc(1px + 2px)}}",
        ),
    ],
)
def test_a_sheet_loses_its_comments_and_idle_space_alone(css, shrunk):
    assert sheets.shrink(css) == shrunk


def test_a_hashed_address_is_looked_up_once():
    storage = HashedStorage()
    storage.hashed_files = {"css/site.css": "css/site.0123.css"}
    assert storage.url("css/site.css") == "/static/css/site.0123.css"
    storage.hashed_files = {}
    assert storage.url("css/site.css") == "/static/css/site.0123.css"
