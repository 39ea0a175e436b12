"""The cast of credentialing: Ana and Ben are insured by the Riverbend group's policy, Paula represents the group, Adam
is its agent, Olga is insured elsewhere. Everybody in it is synthetic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from credentialing import views
from feed.models import Source
from policies.models import Agency, Coverage, Policy
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    LicenseFactory,
    PolicyFactory,
    PolicyholderFactory,
    TermFactory,
    agent_at,
    holder_of,
    insured_by,
)
from tests.factories import UserFactory
from tests.helpers import sign_in


@dataclass
class Cast:
    """Who and what the tests speak of."""

    policy: Policy
    coverage: Coverage
    bens: Coverage
    agency: Agency
    ana: User
    ben: User
    paula: User
    adam: User
    olga: User
    olgas: Coverage


@pytest.fixture(autouse=True)
def _files_of_this_test_and_no_waiting(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs beside most tests: what is issued stays queued until the test renders it."""
    settings.STORAGES = {
        **settings.STORAGES,
        "private": {"BACKEND": "core.storage.PrivateFileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}},
    }
    monkeypatch.setattr(views, "WAIT_SECONDS", 0)


def make_fresh() -> None:
    """The carrier's data is of two hours ago."""
    now = timezone.now()
    Source.objects.create(name="core", sequence=1, as_of=now - dt.timedelta(hours=2), applied_at=now)


def make_cast() -> Cast:
    """The people, the group's policy with two insureds, and a stranger's policy."""
    make_fresh()
    group = PolicyholderFactory.create(name="Riverbend Medical Group")
    policy = PolicyFactory.create(number="MPL-204-118832", policyholder=group)
    term = TermFactory.create(policy=policy)
    ana = InsuredFactory.create(first_name="Ana María", last_name="Núñez-Đặng")
    ben = InsuredFactory.create(first_name="Łukasz", last_name="Şahin")
    agency = AgencyFactory.create(name="Harborlight Insurance Agency", phone="(860) 555-0133")
    AgentOfRecordFactory.create(policy=policy, agency=agency)
    LicenseFactory.create(insured=ana, state="NY", number="274881")
    olga = InsuredFactory.create(first_name="Olga", last_name="Elsewhere")
    olgas = CoverageFactory.create(insured=olga)
    users = {name: UserFactory.create(username=name) for name in ("ana", "ben", "paula", "adam", "olga")}
    insured_by(users["ana"], ana)
    insured_by(users["ben"], ben)
    insured_by(users["olga"], olga)
    holder_of(users["paula"], group)
    agent_at(users["adam"], agency)
    return Cast(
        policy=policy,
        coverage=CoverageFactory.create(term=term, insured=ana),
        bens=CoverageFactory.create(term=term, insured=ben),
        agency=agency,
        olgas=olgas,
        **users,
    )


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def browse(client: Client) -> Callable[[User], Client]:
    """Sign a user in; returns the test client that is then hers."""

    def as_user(user: User) -> Client:
        sign_in(client, user)
        return client

    return as_user
