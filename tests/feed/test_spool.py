"""Text that waits for the database on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feed.load import spool
from feed.load.spool import Spool

FOLDER = Path("/proc/self/fd")


def open_files() -> list[str]:
    """Return the temporary files without a name that this process has open."""
    targets = []
    for entry in FOLDER.iterdir():
        try:
            targets.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return [target for target in targets if target.endswith("(deleted)")]


def test_texts_come_back_in_their_order_while_others_are_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SEGMENT", 10)
    texts = [os.urandom(size) for size in (4, 0, 9, 10, 25, 1, 3)]
    one = Spool()
    waiting = [one.put(text) for text in texts[:4]]
    taken = [one.take(waiting.pop(0))]
    for text in texts[4:]:
        waiting.append(one.put(text))
        taken.append(one.take(waiting.pop(0)))
    taken += [one.take(place) for place in waiting]
    one.close()
    assert taken == texts


@pytest.mark.skipif(not FOLDER.is_dir(), reason="The system doesn't list a process's files.")
def test_what_was_taken_gives_its_room_back_and_the_rest_goes_when_nobody_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool, "SEGMENT", 10)
    before = len(open_files())
    one = Spool()
    places = [one.put(b"0123456789") for _ in range(3)]
    assert len(open_files()) == before + 3
    one.take(places[0])
    one.take(places[1])
    assert len(open_files()) == before + 1
    one.close()
    assert len(open_files()) == before
