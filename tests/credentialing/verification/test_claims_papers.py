"""Claims histories and loss runs have codes, too: the page says that they are ours, and whom to ask."""

from __future__ import annotations

import pytest
from django.test import Client

from core.models import Event
from credentialing.events import VerificationEvent
from credentialing.models import ClaimsPaper
from credentialing.verification import limits
from tests.cast import Cast
from tests.credentialing.claims_history.papers import issued
from tests.credentialing.claims_history.papers import made as made_history


@pytest.fixture
def history(cast: Cast) -> ClaimsPaper:
    return made_history(issued(cast.ana, cast.anas.insured).papers[0])


def test_a_claims_history_is_ours_and_what_it_says_is_told_by_a_person(history: ClaimsPaper, stranger: Client) -> None:
    code = history.verification_code.replace("-", "")
    for response in (
        stranger.get(f"/verify/{code}/"),
        stranger.post("/verify/file/", {"sha256": history.sha256}),
    ):
        text = response.content.decode()
        assert response.status_code == 200
        assert "We issued this paper" in text
        assert history.serial in text
        assert "Núñez" not in text
    found = Event.objects.filter(tag=VerificationEvent.ANSWERED, subject_id=str(history.pk))
    assert found.count() == 2
    assert limits.TRIES.peek("127.0.0.1").count == 0


def test_its_serial_number_exists(history: ClaimsPaper, stranger: Client) -> None:
    response = stranger.post("/verify/", {"code": history.serial})
    assert "We issued a paper with serial number" in response.content.decode()
