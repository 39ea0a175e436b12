"""Fixtures of the feed's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


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
