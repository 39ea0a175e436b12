"""What the demo's users find on their first visit: saved holders and certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import User
from claims.models import Claim
from core.models import Event
from credentialing.claims_history.access import subjects_of
from credentialing.events import CertificateEvent
from credentialing.models import Authorization, Certificate, ClaimsPaper, Holder
from demo.changes import make_change_samples
from demo.claims import make_claims_samples
from demo.data import load_example
from demo.samples import BOOKS, make_samples
from demo.users import make_users
from policies.models import ChangeRequest, ChangeRule


@pytest.fixture
def started(tmp_path: Path, settings: object) -> None:
    """Load the demo's book and its users."""
    settings.DATA_DIR = tmp_path
    load_example(12)
    make_users()


@pytest.mark.django_db
@pytest.mark.usefixtures("started")
def test_each_user_has_saved_holders_and_a_certificate() -> None:
    assert make_samples() == 5

    for name, holders in BOOKS.items():
        user = User.objects.get(username=name)
        assert {holder.name for holder in holders} <= {one.name for one in Holder.objects.visible_to(user)}
        own = Certificate.objects.visible_to(user).filter(issued_by=user)
        assert own.count() == (2 if name == "policyholder" else 1)
        assert {one.kind for one in own} == {Certificate.Kind.COI}
    assert Event.objects.filter(tag=CertificateEvent.ISSUED.value).count() == 5
    assert Certificate.objects.values("coverage__insured").distinct().count() == 5


@pytest.mark.django_db
@pytest.mark.usefixtures("started")
def test_a_second_start_adds_nothing() -> None:
    make_samples()
    before = (Holder.objects.count(), Certificate.objects.count())

    assert make_samples() == 0

    assert (Holder.objects.count(), Certificate.objects.count()) == before


@pytest.mark.django_db
@pytest.mark.usefixtures("started")
def test_each_user_finds_a_claims_history_or_a_loss_run_and_the_group_some_authorizations() -> None:
    make_samples()
    issued = make_claims_samples()

    assert issued == ClaimsPaper.objects.count() >= 6
    for name in ("insured", "practitioner", "policyholder", "agent"):
        assert ClaimsPaper.objects.visible_to(User.objects.get(username=name)).exists(), name
    insured, group = (User.objects.get(username=name) for name in ("insured", "policyholder"))
    assert Authorization.objects.visible_to(insured).count() == 2
    own = ClaimsPaper.objects.get(insured__memberships__user=insured, issued_by=insured)
    assert own.snapshot["claims"] == []
    authorized = [
        one for one in subjects_of(group, Authorization.objects.values_list("insured", flat=True)) if one.is_open
    ]
    assert len(authorized) == 5
    told = ClaimsPaper.objects.filter(issued_by=group, kind="history")
    assert all(paper.authorization for paper in told)
    assert any(paper.snapshot["claims"] for paper in told)
    run = ClaimsPaper.objects.filter(kind="loss_run").first()
    assert run is not None
    assert Claim.objects.filter(policy=run.policy).exists()
    assert make_claims_samples() == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("started")
def test_a_group_and_an_agent_find_change_requests_and_staff_the_rules() -> None:
    assert make_change_samples() == 2
    for name in ("policyholder", "agent"):
        assert ChangeRequest.objects.visible_to(User.objects.get(username=name)).exists(), name
    assert {one.status for one in ChangeRequest.objects.all()} == {"done", "draft", "answered"}
    assert ChangeRule.objects.filter(offered=False).count() == 1
    assert make_change_samples() == 0
