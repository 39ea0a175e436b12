"""The cast of credentialing: Ana and Ben have names that are hard to print."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from credentialing import views
from tests.book import LicenseFactory
from tests.cast import Cast, make_cast
from tests.made_once import made_once


@pytest.fixture(autouse=True)
def _files_of_this_test_and_no_waiting(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs beside most tests: what is issued stays queued until the test renders it."""
    settings.STORAGES = {
        **settings.STORAGES,
        "private": {"BACKEND": "core.storage.PrivateFileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }
    monkeypatch.setattr(views, "WAIT_SECONDS", 0)


@made_once
def make_printable_cast() -> Cast:
    """Make the cast with names that a certificate has to print whole, and Ana's license."""
    cast = make_cast(ana=("Ana María", "Núñez-Đặng"), ben=("Łukasz", "Şahin"))
    LicenseFactory.create(insured=cast.anas.insured, state="NY", number="274881")
    return cast


@pytest.fixture
def cast(db: None) -> Cast:
    return make_printable_cast()
