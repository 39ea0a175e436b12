"""Administrators of a parent see its children's policies, and no more (docs/spec.md#roles-rows-and-rights)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from policies.models import Coverage, Policy, Policyholder
from policies.pages.home import glance_of
from policies.rights import capabilities
from policies.roles import BASE
from tests.book import CoverageFactory, PolicyholderFactory, delegate_of, holder_of
from tests.factories import UserFactory

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from accounts.models import User
    from tests.cast import Cast


@pytest.fixture
def system(cast: Cast) -> Policyholder:
    """Return a health system whose child is Paula's group; the group has a child of its own."""
    system = PolicyholderFactory.create(name="Larkfield Health")
    Policyholder.objects.filter(pk=cast.policy.policyholder_id).update(parent=system)
    return system


@pytest.fixture
def chief(system: Policyholder) -> User:
    """Return an administrator of the system."""
    return holder_of(UserFactory.create(username="chief"), system).user


def test_an_administrator_of_the_parent_sees_a_childs_policy_whole_and_may_only_see(
    cast: Cast, chief: User, browse: Callable[[User], Client]
) -> None:
    own_and_childrens = list(Policy.objects.visible_to(chief))
    assert own_and_childrens == list(Policy.objects.filter(policyholder=cast.policy.policyholder))
    assert set(Coverage.objects.visible_to(chief)) == set(Coverage.objects.visible_to(cast.paula))
    assert capabilities(chief, cast.policy) == BASE

    client = browse(chief)
    page = client.get(cast.policy.get_absolute_url()).content.decode()
    assert cast.anas.insured.last_name in page
    assert cast.policy.number in client.get("/policies/").content.decode()
    assert cast.policy.number in client.get(f"/policies/?q={cast.policy.number}").content.decode()
    assert [held.status.policy.number for held in glance_of(chief).held] == [p.number for p in own_and_childrens]
    assert client.get(reverse("credentialing:issue", args=[cast.anas.public_id])).status_code == 403


@pytest.mark.parametrize("who", ["member", "delegate", "grandparent", "revoked", "of a child that was retired"])
def test_nobody_else_of_the_system_does(
    cast: Cast, system: Policyholder, chief: User, who: str, browse: Callable[[User], Client]
) -> None:
    user = UserFactory.create()
    if who == "member":
        holder_of(user, system, administrator=False)
    elif who == "delegate":
        delegate_of(chief.memberships.get(), user, "view_documents")
    elif who == "grandparent":
        system.parent = PolicyholderFactory.create()
        system.save()
        holder_of(user, system.parent)
    elif who == "revoked":
        holder_of(user, system).revoke(by=chief, reason="left")
    else:
        holder_of(user, system)
        Policyholder.objects.filter(parent=system).update(retired_at=timezone.now())
    assert not Policy.objects.visible_to(user).exists()
    assert not Coverage.objects.visible_to(user).exists()
    assert capabilities(user, cast.policy) == set()
    assert browse(user).get(cast.policy.get_absolute_url()).status_code == 404


def test_a_child_sees_nothing_of_its_parent_and_the_family_costs_no_further_query(
    cast: Cast, system: Policyholder, chief: User, browse: Callable[[User], Client]
) -> None:
    systems = CoverageFactory.create(term__policy__policyholder=system)
    assert systems.term.policy in Policy.objects.visible_to(chief)
    assert systems.term.policy not in Policy.objects.visible_to(cast.paula)

    def statements(user: User) -> int:
        client = browse(user)
        client.get("/policies/")
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/policies/").status_code == 200
        return len(queries)

    assert statements(chief) == statements(cast.paula)
