"""Someone leaves: they're told, and the offer of a tail goes to them, not to the group (B-17)."""

from __future__ import annotations

import pytest

from core.models import Mail
from policies.change_requests.forms import Item
from policies.leaving import telling
from policies.models import ChangeRequest, Company, Insured
from tests.book import days
from tests.cast import Cast
from tests.policies.changes import a_change

pytestmark = pytest.mark.django_db
HOME = "ana@home.example"


def leaver(cast: Cast, **answers: str) -> ChangeRequest:
    given = {"reason": "left", "tail": "person", "forwarding_email": HOME} | answers
    item = Item(answers=given, action="remove", insured=cast.anas.insured, label="Ana Núñez, MD")
    return a_change(
        cast.paula, cast.policy, "remove_insured", items=[item], insured=cast.anas.insured, effective=days(30)
    )


def mailed(name: str) -> list[str]:
    return sorted(Mail.objects.filter(name=name).values_list("to", flat=True))


def offer(cast: Cast) -> dict[str, object]:
    return {
        "coverage": cast.anas.public_id,
        "policy": cast.policy.public_id,
        "decide_by": days(60).isoformat(),
        "run": 1,
    }


def test_the_person_is_told_that_coverage_is_to_end_once(cast: Cast) -> None:
    asked = leaver(cast)

    for _ in range(2):
        telling.submitted({"request": asked.public_id}, key="k")

    assert mailed("leaver_told") == sorted([HOME, cast.ana.email])
    assert "Ana" not in str(Mail.objects.filter(name="leaver_told").first().context)


def test_the_offer_goes_to_the_person_and_not_to_the_group(cast: Cast) -> None:
    leaver(cast)

    for _ in range(2):
        telling.offered(offer(cast), key="k")

    assert mailed("tail_offered") == sorted([HOME, cast.ana.email])


@pytest.mark.parametrize("why", ["died", "withdrawn", "other insured", "service off"])
def test_nobody_is_written_to_without_need(cast: Cast, why: str) -> None:
    asked = leaver(cast, **({"reason": "died"} if why == "died" else {}))
    if why == "withdrawn":
        ChangeRequest.objects.update(status="withdrawn")
    if why == "service off":
        Company.objects.update(services=[])
    payload = offer(cast) | ({"coverage": cast.bens.public_id} if why == "other insured" else {})

    telling.offered(payload, key="k")
    if why == "died":
        telling.submitted({"request": asked.public_id}, key="k")

    assert mailed("tail_offered") == []
    assert mailed("leaver_told") == []


def test_without_account_and_address_it_goes_to_the_email_on_file(cast: Cast) -> None:
    cast.ana.memberships.get().revoke(by=cast.support, reason="left")
    Insured.objects.filter(pk=cast.anas.insured_id).update(email="ana@clinic.example")
    leaver(cast, forwarding_email="")

    telling.offered(offer(cast), key="k")

    assert mailed("tail_offered") == ["ana@clinic.example"]
