"""Holders on file and standing holders: who sees them (docs/decisions/0120-holders-on-file.md)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User
from credentialing.models import CarrierHolder, Holder, StandingHolder
from tests.book import CoverageFactory, agent_at, days, insured_by
from tests.cast import Cast, make_cast
from tests.factories import UserFactory
from tests.on_file import CarrierHolderFactory, StandingHolderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def standing(cast: Cast) -> dict[str, StandingHolder]:
    """On the group's policy one for everyone, one for Ana, and one for Ben; one on Mia's own; one on a stranger's."""
    group = cast.policy
    return {
        "everyone": StandingHolderFactory.create(policy=group),
        "ana": StandingHolderFactory.create(policy=group, insured=cast.anas.insured),
        "ben": StandingHolderFactory.create(policy=group, insured=cast.bens.insured),
        "mia": StandingHolderFactory.create(policy=cast.mias.term.policy),
        "olga": StandingHolderFactory.create(policy=cast.olgas.term.policy),
    }


def seen_by(user: User, standing: dict[str, StandingHolder]) -> set[str]:
    """Return the names of those that the user sees. Each leads to its holder, and to no other one."""
    seen = set(StandingHolder.objects.visible_to(user))
    assert set(CarrierHolder.objects.visible_to(user)) == {one.holder for one in seen}
    return {name for name, one in standing.items() if one in seen}


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("ana", {"everyone", "ana"}),
        ("ben", {"everyone", "ben"}),
        ("paula", {"everyone", "ana", "ben"}),
        ("adam", {"everyone", "ana", "ben"}),
        ("mia", {"mia"}),
        ("olga", {"olga"}),
        ("support", set()),
    ],
)
def test_insureds_see_their_own_and_managers_those_of_the_policy(
    cast: Cast, standing: dict[str, StandingHolder], who: str, sees: set[str]
) -> None:
    assert seen_by(getattr(cast, who), standing) == sees
    assert not StandingHolder.objects.visible_to(AnonymousUser()).exists()  # type: ignore[arg-type]


def test_an_insured_who_has_left_sees_only_what_named_her(cast: Cast, standing: dict[str, StandingHolder]) -> None:
    cast.anas.expires = days(0)
    cast.anas.save()
    assert seen_by(cast.ana, standing) == {"ana"}


def test_what_is_retired_is_seen_by_nobody(cast: Cast, standing: dict[str, StandingHolder]) -> None:
    standing["ana"].retired_at = timezone.now()
    standing["ana"].save()
    CarrierHolder.objects.filter(pk=standing["everyone"].holder_id).update(retired_at=timezone.now())
    assert seen_by(cast.paula, standing) == {"ben"}
    assert seen_by(cast.ana, standing) == set()


def test_a_user_of_several_roles_sees_the_union(cast: Cast, standing: dict[str, StandingHolder]) -> None:
    insured_by(cast.olga, cast.anas.insured)
    agent_at(cast.ben, cast.agency)
    assert seen_by(cast.olga, standing) == {"everyone", "ana", "olga"}
    assert seen_by(cast.ben, standing) == {"everyone", "ana", "ben"}
    assert seen_by(UserFactory.create(), standing) == set()


def test_an_insureds_papers_go_to_those_that_name_them_and_those_for_everyone(
    cast: Cast, standing: dict[str, StandingHolder]
) -> None:
    elsewhere = CoverageFactory.create(insured=cast.anas.insured)
    for_ana = StandingHolder.objects.for_insured(cast.anas.insured, cast.policy)
    assert set(for_ana) == {standing["everyone"], standing["ana"]}
    assert not StandingHolder.objects.for_insured(cast.anas.insured, elsewhere.term.policy).exists()


def test_a_holder_of_ones_own_finds_the_requirements_on_file(cast: Cast) -> None:
    on_file = CarrierHolderFactory.create(name="Saint Aldhelm Médical Center", address1="1 Abbey Road")
    own = Holder(name="SAINT ALDHELM MEDICAL CENTER", address1="1, Abbey Road")
    own.city, own.state, own.zip = on_file.city, on_file.state, on_file.zip
    assert own.fingerprint_now() == on_file.fingerprint
