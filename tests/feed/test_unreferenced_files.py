"""Stored documents that no row names, and loads that die after storing some: nothing is lost, and nothing stays."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.feedspec import Load
from core.storage import private_storage
from feed.tasks import remove_unreferenced_files
from policies.models import Document
from tests.feed.assets import a_pdf, digest, document, kept_as, load_files, stored, with_documents
from tests.feed.test_concurrency import another_load, in_the_middle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_files")]

ONE, TWO = a_pdf("one"), a_pdf("two")
DAYS_AGO = dt.timedelta(days=2)


def grow_old(*files: bytes, age: dt.timedelta = DAYS_AGO) -> None:
    """Let these files have been stored so long ago."""
    then = (timezone.now() - age).timestamp()
    for data in files:
        os.utime(private_storage().path(kept_as(data)), (then, then))


class DiesError(Exception):
    """What ends a load in the middle."""


def test_files_of_a_load_that_died_are_removed_a_day_later_and_never_from_under_another(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_load: Load) -> None:
        assert stored() == {kept_as(ONE)}
        raise DiesError

    book = with_documents(document("D1", "a.pdf", sha256=digest(ONE)))
    with monkeypatch.context() as while_it_dies:
        in_the_middle(while_it_dies, die)
        with pytest.raises(DiesError):
            load_files(packages, book, {"a.pdf": ONE})
    assert (Document.objects.count(), stored()) == (0, {kept_as(ONE)})
    # By the test's clock; the file system has its own.
    grow_old(ONE, age=dt.timedelta(hours=23))
    assert (remove_unreferenced_files(), stored()) == (0, {kept_as(ONE)})
    grow_old(ONE)
    with another_load():
        assert (remove_unreferenced_files(), stored()) == (0, {kept_as(ONE)})

    removed: list[Any] = []
    with monkeypatch.context() as while_it_loads:
        in_the_middle(while_it_loads, lambda _load: removed.append(remove_unreferenced_files_elsewhere()))
        load_files(packages, book, {"a.pdf": ONE})
    assert removed == [0]
    assert Document.objects.get().file == kept_as(ONE)
    assert (remove_unreferenced_files(), stored()) == (0, {kept_as(ONE)})


def remove_unreferenced_files_elsewhere() -> int:
    """Run the task on a connection of its own, as a worker does."""
    from tests.feed.test_concurrency import in_thread

    thread, results = in_thread(remove_unreferenced_files)
    thread.join()
    assert isinstance(results[0], int)
    return results[0]


def test_a_replaced_file_goes_and_that_of_a_retired_row_stays(packages: Path) -> None:
    rows = [document("D1", "a.pdf"), document("D2", "b.pdf")]
    load_files(packages, with_documents(*rows), {"a.pdf": ONE, "b.pdf": TWO})
    three = a_pdf("three")
    gone = {"documents.csv": [document("D1", "a.pdf"), {**document("D2", ""), "op": "delete"}]}
    load_files(packages, gone, {"a.pdf": three}, sequence=2, mode="delta")
    grow_old(ONE, TWO, three)
    assert remove_unreferenced_files() == 1
    assert stored() == {kept_as(TWO), kept_as(three)}
