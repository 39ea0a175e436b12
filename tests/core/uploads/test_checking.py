"""Uploaded files are known by their content, and each that isn't taken has a sentence of its own."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from core.uploads.checking import check
from core.uploads.forms import MOST_FILES, FilesForm
from core.uploads.refusing import RefusedError
from tests.uploads import GOOD, HOSTILE, an_image, uploaded


@pytest.mark.parametrize("name", GOOD)
def test_a_file_is_taken_under_its_own_name_with_the_extension_of_its_content(name: str) -> None:
    content, expected = GOOD[name]
    checked = check(uploaded(name, content))
    assert (checked.filename, checked.size, len(checked.sha256)) == (expected, len(content), 64)
    assert checked.file.read() == content


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_refused_has_its_own_sentence(case: str) -> None:
    name, content, expected = HOSTILE[case]
    with pytest.raises(RefusedError) as refused:
        check(uploaded(name, content))
    sentence = str(refused.value)
    assert expected in sentence
    assert sentence.startswith(f"“{name}”"), "which of several files it is"
    assert sentence.endswith((".", ")"))


def form_of(*files: UploadedFile) -> FilesForm:  # type: ignore[type-arg]  # not generic at run time
    return FilesForm({}, MultiValueDict({"uploads": list(files)}))


def test_one_refused_file_leaves_the_others_accepted() -> None:
    form = form_of(uploaded("a.png", an_image()), uploaded("b.pdf", b"no"), uploaded("c.jpg", an_image("JPEG")))
    assert not form.is_valid()
    assert [checked.filename for checked in form.accepted] == ["a.png", "c.jpg"]
    (sentence,) = form.errors["uploads"]
    assert "“b.pdf”" in sentence


def test_no_file_at_all_is_fine_and_too_many_are_told() -> None:
    assert form_of().is_valid()
    form = form_of(uploaded("a.png", an_image()))
    form.kept = MOST_FILES
    assert not form.is_valid()
    assert form.errors["uploads"] == [f"Up to {MOST_FILES} files can be attached. Remove one to add another."]
