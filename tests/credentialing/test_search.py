"""The list of coverages finds what people type, and answers whatever they type."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, issued
from tests.reading import words


@pytest.mark.parametrize("typed", ["nunez", "Núñez", "mpl 204", "RIVERBEND"])
def test_a_name_in_any_spelling_or_a_number_finds_its_coverage(
    cast: Cast, browse: Callable[[User], Client], typed: str
) -> None:
    answer = browse(cast.paula).get("/credentialing/", {"q": typed})

    assert answer.status_code == 200
    assert "Núñez" in words(answer)


@pytest.mark.parametrize("typed", ["Hôpital Saint-Aldhelm", "hopital aldhelm", "HOPI", "saint-aldhelm"])
def test_a_holder_in_any_spelling_finds_its_certificate(
    cast: Cast, browse: Callable[[User], Client], typed: str
) -> None:
    issued(cast.coverage, cast.ana, a_holder(cast.ana, cast.coverage, name="Hôpital Saint-Aldhelm"))

    answer = browse(cast.ana).get("/credentialing/certificates/", {"q": typed})

    assert "Showing 1–1 of 1 certificates" in words(answer)


@pytest.mark.parametrize("typed", ["ñ", "—", "Ñ ñ", "łą", "'", "\\", ":*", "!", "& |"])
def test_a_search_without_a_letter_or_digit_of_a_policy_number_is_answered(
    cast: Cast, browse: Callable[[User], Client], typed: str
) -> None:
    for address in ("/credentialing/", "/policies/", "/credentialing/certificates/"):
        assert browse(cast.paula).get(address, {"q": typed}).status_code == 200


def test_certificates_sort_by_day_and_by_insured(cast: Cast, browse: Callable[[User], Client]) -> None:
    first = issued(cast.coverage, cast.ana, a_holder(cast.ana, cast.coverage, name="First Hospital"))
    second = issued(cast.coverage, cast.ana, a_holder(cast.ana, cast.coverage, name="Second Hospital"))
    client = browse(cast.ana)

    def serials(query: str) -> list[str]:
        return [row.serial for row in client.get(f"/credentialing/certificates/{query}").context["page"].rows]

    assert serials("") == [second.serial, first.serial]
    assert serials("?sort=issued") == [first.serial, second.serial]
    assert serials("?sort=insured") == [first.serial, second.serial]
    assert serials("?sort=-insured") == [second.serial, first.serial]
