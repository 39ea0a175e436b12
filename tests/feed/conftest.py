"""Fixtures of the feed's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feed.example import write_example_feed
from tests.feed.example_books import AS_OF, TODAY


@pytest.fixture
def own_files(settings: Any, tmp_path: Path) -> None:
    """Let a test begin with an empty private storage."""
    private = {**settings.STORAGES["private"], "OPTIONS": {"location": str(tmp_path / "private")}}
    settings.STORAGES = {**settings.STORAGES, "private": private}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Return an empty folder for packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an example book of forty policies."""
    out = tmp_path_factory.mktemp("example") / "forty"
    write_example_feed(out, policies=40, seed=1, today=TODAY, as_of=AS_OF)
    return out


@pytest.fixture(scope="session")
def three_hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an example book in which every state and kind of practice occurs."""
    out = tmp_path_factory.mktemp("example") / "three-hundred"
    write_example_feed(out, policies=300, seed=4, today=TODAY, as_of=AS_OF)
    return out
