"""What staff change on a membership in admin is marked, so that the carrier's feed doesn't widen it again."""

from __future__ import annotations

import pytest
from django.test import Client

from policies.models import Membership
from tests.book import PolicyholderFactory, holder_of
from tests.factories import UserFactory
from tests.helpers import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def membership() -> Membership:
    return holder_of(UserFactory.create(username="rae"), PolicyholderFactory.create())


@pytest.fixture
def support() -> Client:
    client = Client()
    sign_in(client, UserFactory.create(username="support", is_staff=True, is_superuser=True))
    return client


def change(client: Client, membership: Membership, **fields: str) -> None:
    address = f"/admin/policies/membership/{membership.pk}/change/"
    assert client.post(address, fields).status_code == 302
    membership.refresh_from_db()


def test_a_membership_that_staff_narrow_is_kept_by_hand(support: Client, membership: Membership) -> None:
    change(support, membership)
    assert (membership.administrator, membership.kept_by_hand) == (False, True)


def test_a_membership_that_staff_only_look_at_is_not(support: Client, membership: Membership) -> None:
    change(support, membership, administrator="on")
    assert membership.kept_by_hand is False


def test_a_revocation_says_who_revoked(support: Client, membership: Membership) -> None:
    support.post("/admin/policies/membership/", {"action": "revoke_selected", "_selected_action": [str(membership.pk)]})
    membership.refresh_from_db()
    assert membership.revoked_at is not None
    assert membership.revoked_by is not None
    assert (membership.ended_by, membership.revoked_by.username) == ("person", "support")
