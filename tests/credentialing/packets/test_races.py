"""Packets when it all happens at once: real threads on real PostgreSQL."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from credentialing.claims_history.authorizing import revoke as revoke_authorization
from credentialing.models import Certificate, Packet, PacketOpening
from credentialing.packets import building, opening
from tests.cast import Cast, browser_of
from tests.credentialing.claims_history.papers import authorized
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder
from tests.credentialing.packets.building import Built, a_packet, new_packet_form, open_packet
from tests.helpers import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_printable_cast()


@pytest.fixture
def packet(cast: Cast) -> Built:
    hospital = a_holder(cast.ana, cast.anas)
    return a_packet(cast.ana, cast.anas, hospital, authorized(cast.ana, cast.anas.insured, holder=hospital))


def in_thread(work: object) -> tuple[threading.Thread, list[object]]:
    """Start `work` in a thread with a connection of its own; return the thread and where its result will be."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(work())  # type: ignore[operator]
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def test_two_openings_at_once_are_two_lines(packet: Built) -> None:
    statuses = at_once(*[lambda: open_packet(Client(), packet).status_code for _ in range(4)])
    assert statuses == [302] * 4
    assert PacketOpening.objects.filter(what="opened").count() == 4


def test_of_8_wrong_passwords_at_once_no_more_than_5_are_judged(packet: Built) -> None:
    statuses = at_once(*[lambda: open_packet(Client(), packet, "0000-0000-0000").status_code for _ in range(8)])
    assert sorted(statuses) == [422] * 5 + [429] * 3
    assert PacketOpening.objects.filter(what="wrong").count() == 5
    assert open_packet(Client(), packet).status_code == 429


def test_a_packet_revoked_during_an_opening_gives_nothing_after(packet: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password was judged, and then the packet is revoked before the opening takes its lock."""
    real, judged, revoked = opening._locked, threading.Event(), threading.Event()

    def late(*args: object, **kwargs: object) -> object:
        judged.set()
        revoked.wait(10)
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "_locked", late)
    thread, found = in_thread(lambda: open_packet(Client(), packet).status_code)
    assert judged.wait(20)
    assert building.revoke(packet.packet, by=packet.packet.built_by)
    revoked.set()
    thread.join()
    assert found == [422]
    assert not PacketOpening.objects.filter(what="opened").exists()


def test_revoking_waits_for_an_opening_that_has_the_lock(packet: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    real, has_lock, goes_on = opening._record, threading.Event(), threading.Event()

    def slow(*args: object, **kwargs: object) -> None:
        has_lock.set()
        goes_on.wait(10)
        real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "_record", slow)
    opened, status = in_thread(lambda: open_packet(Client(), packet).status_code)
    assert has_lock.wait(20)
    ending, ended = in_thread(lambda: building.revoke(packet.packet, by=packet.packet.built_by))
    ending.join(0.5)
    assert ending.is_alive(), "it waits"
    goes_on.set()
    opened.join()
    ending.join()
    assert (status, ended) == ([302], [True])
    line, row = PacketOpening.objects.get(), Packet.objects.get()
    assert row.revoked_at is not None
    assert line.at < row.revoked_at, "what was opened came before"


def test_revoking_the_authorization_waits_for_a_download_of_the_history(
    packet: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    open_packet(client, packet)
    real, has_lock, goes_on = opening._record, threading.Event(), threading.Event()

    def slow(*args: object, **kwargs: object) -> None:
        has_lock.set()
        goes_on.wait(10)
        real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "_record", slow)
    item = packet.item("history")
    address = reverse("packet:item", args=[item.public_id])
    fetching, status = in_thread(lambda: client.get(address).status_code)
    assert has_lock.wait(20)
    by = packet.packet.built_by
    ending, ended = in_thread(lambda: revoke_authorization(item.authorization, by=by, side="insured"))
    ending.join(0.5)
    assert ending.is_alive(), "it waits"
    goes_on.set()
    fetching.join()
    ending.join()
    assert (status, ended) == ([200], [True])
    monkeypatch.setattr(opening, "_record", real)
    assert client.get(address).status_code == 404


def test_the_same_form_at_once_is_one_packet_with_one_link_that_works(cast: Cast) -> None:
    hospital = a_holder(cast.ana, cast.anas)
    form = new_packet_form(hospital, idempotency_key=str(uuid.uuid4()), timeline="on")
    address = reverse("credentialing:packet-new", args=[cast.anas.public_id])
    browsers = [browser_of(cast.ana) for _ in range(3)]
    statuses = at_once(*[lambda c=c: c.post(address, form).status_code for c in browsers])
    assert statuses == [200] * 3
    assert Packet.objects.get().generation == 3
    assert Certificate.objects.count() == 1


def test_another_link_drawn_during_an_opening_stops_the_former(packet: Built) -> None:
    request = RequestFactory().get("/")
    request.session = {}  # type: ignore[assignment]
    found = packet.now()
    building.new_link(found, delivery=building.Delivery(), by=found.built_by)
    assert opening.fetch(request, packet.packet, packet.item("release").public_id) is None, "of the former generation"
