"""How often anyone may verify: wrong ones by network, right ones by network, and all of them together."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client

from core.models import Event, Mail
from core.throttle import Limit
from credentialing.events import VerificationEvent
from credentialing.models import Certificate
from credentialing.verification import limits
from tests.credentialing.verification.test_answer import address

WRONG = "/verify/22223333444455556666/"


def small(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    limit: Limit = getattr(limits, name)
    monkeypatch.setattr(limits, name, Limit(limit.scope, times, limit.window))


def test_a_network_tries_20_times_an_hour_and_no_more(db: None, stranger: Client) -> None:
    assert [stranger.get(WRONG).status_code for _ in range(22)] == [404] * 20 + [429] * 2
    refused = stranger.get(WRONG)
    assert int(refused["Retry-After"]) > 0
    assert refused["Cache-Control"] == "no-store"
    assert Event.objects.filter(tag=VerificationEvent.LIMITED).count() == 1
    assert Client(REMOTE_ADDR="203.0.113.9").get(WRONG).status_code == 404, "another network"


def test_codes_serial_numbers_and_files_count_together(
    db: None, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, "TRIES", 3)
    assert stranger.get(WRONG).status_code == 404
    assert stranger.post("/verify/", {"code": "COI-2026-222222222"}).status_code == 200
    assert stranger.post("/verify/file/", {"sha256": "0" * 64}).status_code == 404
    for response in (
        stranger.get(WRONG),
        stranger.post("/verify/", {"code": "COI-2026-222222222"}),
        stranger.post("/verify/file/", {"sha256": "0" * 64}),
        stranger.post(f"{WRONG}receipt/"),
    ):
        assert response.status_code == 429


def test_a_right_code_is_refused_as_well_once_a_network_has_no_tries_left(
    certificate: Certificate, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, "TRIES", 2)
    stranger.get(WRONG)
    stranger.get(WRONG)
    assert stranger.get(address(certificate)).status_code == 429


def test_right_codes_use_up_no_tries_but_have_a_limit_of_their_own(
    certificate: Certificate, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, "TRIES", 2)
    small(monkeypatch, "ANSWERS", 5)
    assert [stranger.get(address(certificate)).status_code for _ in range(6)] == [200] * 5 + [429]


def test_networks_of_one_owner_share_a_wider_limit(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, "WIDE_TRIES", 3)
    statuses = [Client(REMOTE_ADDR=f"2001:db8:1:{n}::1").get(WRONG).status_code for n in range(5)]
    assert statuses == [404] * 3 + [429] * 2


def test_everyone_together_has_a_ceiling_and_staff_hear_of_it_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, "CEILING", 3)
    statuses = [Client(REMOTE_ADDR=f"203.{n}.113.9").get(WRONG).status_code for n in range(6)]
    assert statuses == [404] * 3 + [429] * 3
    assert Mail.objects.count() == 1
    assert Event.objects.filter(tag=VerificationEvent.CEILING_REACHED).count() == 1
    assert limits.usage() == (3, 3)


@pytest.mark.django_db(transaction=True)
def test_of_many_wrong_codes_at_once_no_more_are_judged_than_the_limit_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, "TRIES", 3)
    statuses: list[int] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        statuses.append(Client().get(WRONG).status_code)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [404] * 3 + [429] * 5
