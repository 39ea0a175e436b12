"""Choosing standing holders: who may, for whom, what each gets, and its end (B-03)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from credentialing.holders import arranging
from credentialing.models import Holder, OwnStandingHolder
from policies.models import Membership, Term
from policies.roles import Capability
from tests.book import CoverageFactory, InsuredFactory, TermFactory, days
from tests.cast import Browse, Cast
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder
from tests.credentialing.holders import a_standing_holder
from tests.reading import words

SWITCHES = {"renewals": "on", "notices": "on"}


def new(holder: Holder) -> str:
    return reverse("credentialing:standing-holder-new", args=[holder.public_id])


def one(standing: OwnStandingHolder, name: str = "standing-holder") -> str:
    return reverse(f"credentialing:{name}", args=[standing.public_id])


def test_the_policyholder_chooses_a_holder_for_everyone(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.paula, cast.anas)
    paula = browse(cast.paula)
    sent = {"policy": cast.policy.public_id, "whom": "everyone", **SWITCHES}
    assert paula.post(new(holder), sent).status_code == 302
    standing = OwnStandingHolder.objects.get()
    assert (standing.policy, standing.insured, standing.created_by) == (cast.policy, None, cast.paula)
    assert (standing.renewals, standing.notices, standing.claims_history) == (True, True, False)
    assert "Everyone on MPL-204-118832" in words(paula.get(holder.get_absolute_url()))
    # The same form once more is the same row.
    paula.post(new(holder), sent | {"notices": ""})
    standing.refresh_from_db()
    assert (standing.notices, OwnStandingHolder.objects.count()) == (False, 1)


def test_one_insured_is_found_by_name_and_chosen_where_several_have_it(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.adam, cast.anas)
    adam = browse(cast.adam)
    sent = {"policy": cast.policy.public_id, "whom": "one", **SWITCHES}
    assert "Enter a name." in words(adam.post(new(holder), sent))
    assert "Nobody of this name is covered on" in words(adam.post(new(holder), sent | {"insured": "Elsewhere"}))
    second = InsuredFactory.create(first_name="Ana", last_name="Nunez")
    CoverageFactory.create(term=cast.term, insured=second)
    answer = adam.post(new(holder), sent | {"insured": "nunez"})
    assert answer.status_code == 422
    assert "Several people have this name. Choose one." in words(answer)
    adam.post(new(holder), sent | {"insured": "nunez", "chosen": second.public_id})
    assert OwnStandingHolder.objects.get().insured == second


def test_an_insured_chooses_for_herself_and_for_nobody_else(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.ana, cast.anas)
    ana = browse(cast.ana)
    assert "Whose certificates?" not in words(ana.get(new(holder)))
    ana.post(new(holder), {"policy": cast.policy.public_id, "whom": "everyone", "claims_history": "on"})
    standing = OwnStandingHolder.objects.get()
    assert standing.insured == cast.anas.insured
    assert (standing.renewals, standing.claims_history) == (False, True)
    for other in (cast.ben, cast.paula, cast.adam, cast.olga):
        browser = browse(other)
        for name in ("standing-holder", "standing-holder-end"):
            assert browser.post(one(standing, name), SWITCHES).status_code == 404
    standing.refresh_from_db()
    assert standing.ended_at is None


def test_claims_histories_are_offered_to_those_who_may_have_them(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.paula, cast.anas)
    sent = {"policy": cast.policy.public_id, "whom": "everyone", "renewals": "on", "claims_history": "on"}
    browse(cast.paula).post(new(holder), sent)
    assert not OwnStandingHolder.objects.get().claims_history
    Membership.objects.filter(user=cast.paula).update(capabilities=[Capability.VIEW_CLAIMS_HISTORY])
    browse(cast.paula).post(new(holder), sent)
    assert OwnStandingHolder.objects.get().claims_history


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"policy": ""}, "Choose a policy."),
        ({"policy": "x" * 22}, "Choose a policy from the list."),
        ({"whom": "nobody"}, "Choose from the list."),
        ({"renewals": "", "notices": ""}, "Choose at least one"),
        ({"whom": "one", "insured": "\0"}, "Null characters"),
        ({"whom": "one", "insured": "!!"}, "Nobody of this name"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    cast: Cast, browse: Browse, wrong: dict[str, str], sentence: str
) -> None:
    term = TermFactory.create(policy__policyholder=cast.policy.policyholder, policy__number="MPL-204-2")
    assert Term.objects.filter(pk=term.pk, expires__gt=days(0)).exists()
    answer = browse(cast.paula).post(
        new(a_holder(cast.paula, cast.anas)), {"policy": cast.policy.public_id, "whom": "everyone", **SWITCHES, **wrong}
    )
    assert (answer.status_code, sentence in words(answer)) == (422, True)
    assert not OwnStandingHolder.objects.exists()


def test_another_partys_policy_cant_be_chosen(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.paula, cast.anas)
    stranger = cast.mias.term.policy
    browse(cast.paula).post(new(holder), {"policy": stranger.public_id, "whom": "everyone", **SWITCHES})
    assert not OwnStandingHolder.objects.exists()


def test_of_a_large_book_the_policy_number_is_typed(
    cast: Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arranging, "MOST_POLICIES", 0)
    holder = a_holder(cast.adam, cast.anas)
    adam = browse(cast.adam)
    sent = {"whom": "everyone", **SWITCHES}
    refused = adam.post(new(holder), sent | {"policy": cast.mias.term.policy.number})
    assert "None of your policies in force has this number." in words(refused)
    assert adam.post(new(holder), sent | {"policy": "mpl204 118832"}).status_code == 302
    assert OwnStandingHolder.objects.get().policy == cast.policy


def test_what_it_gets_is_changed_and_ended_by_its_party(cast: Cast, browse: Browse) -> None:
    standing = a_standing_holder(cast.paula, cast.anas, claims_history=True)
    paula = browse(cast.paula)
    assert paula.post(one(standing), {"notices": "on"}).status_code == 302
    standing.refresh_from_db()
    # What the page doesn't offer stays.
    assert (standing.renewals, standing.notices, standing.claims_history) == (False, True, True)
    assert paula.post(one(standing), {}).status_code == 422
    assert paula.post(one(standing, "standing-holder-end")).status_code == 302
    standing.refresh_from_db()
    assert standing.ended_by == cast.paula
    assert paula.get(one(standing)).status_code == 404
    assert not arranging.end(standing, by=cast.paula)


def test_the_right_is_needed_not_only_the_sight(cast: Cast, browse: Browse) -> None:
    standing = a_standing_holder(cast.paula, cast.anas)
    Membership.objects.filter(user=cast.paula).update(named_only=True, capabilities=[Capability.VIEW_COVERAGE])
    assert browse(cast.paula).post(one(standing), SWITCHES).status_code == 403
    refused = browse(cast.paula).post(
        new(standing.holder), {"policy": cast.policy.public_id, "whom": "everyone", **SWITCHES}
    )
    assert "You can’t choose standing holders for this policy." in words(refused)


def test_a_standing_holder_appears_beneath_its_insureds_and_finds_them(cast: Cast, browse: Browse) -> None:
    a_standing_holder(cast.paula, cast.bens, insured=cast.bens.insured)
    paula = browse(cast.paula)
    home = reverse("credentialing:home")
    assert "Saint Brendan Medical Center" in words(paula.get(home, {"group": "insured"}))
    found = words(paula.get(home, {"q": "brendan"}))
    assert "Şahin" in found
    assert "Núñez" not in found
    assert "Saint Brendan" not in words(browse(cast.adam).get(home, {"group": "insured"}))
    assert "Şahin" not in words(browse(cast.adam).get(home, {"q": "brendan"}))


@pytest.mark.django_db(transaction=True)
def test_two_forms_at_once_make_one_standing_holder() -> None:
    cast = make_printable_cast()
    holder = a_holder(cast.paula, cast.anas)
    membership: Any = arranging.membership_for(holder, cast.paula)
    made: list[bool] = []
    barrier = threading.Barrier(4)

    def run() -> None:
        barrier.wait(30)
        _, is_new = arranging.arrange(
            holder=holder,
            policy=cast.policy,
            insured=None,
            switches={"renewals": True, "notices": True},
            by=cast.paula,
            membership=membership,
        )
        made.append(is_new)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(made) == [False, False, False, True]
    assert OwnStandingHolder.objects.count() == 1
