"""Opening a packet: link and password, what is given out at that moment, and the log that the insured sees."""

from __future__ import annotations

import datetime as dt
import io

import pypdf
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.mail import Mail
from core.models import Event
from core.storage import private_storage
from credentialing.claims_history.authorizing import revoke as revoke_authorization
from credentialing.events import PacketEvent
from credentialing.models import Authorization, Packet, PacketOpening
from credentialing.packets import building, limits, opening
from policies.models import Membership
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized
from tests.credentialing.helpers import a_holder
from tests.credentialing.packets.building import a_packet, make_files, open_packet, type_password
from tests.reading import words

pytestmark = pytest.mark.django_db
CONTENTS = "/packet/contents/"
ALL = "/packet/contents/all/"
NO_LINK = "/packet/link/AAAAAAAAAAAAAAAAAAAAAA/"


def text_of(response) -> list[str]:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]


def test_link_and_password_open_the_papers_and_nothing_else_is_shown_before(facility, packet):
    asked = facility.get(packet.link)
    assert "Núñez" not in words(asked)
    assert "Saint Brendan" not in words(asked)
    assert facility.get(CONTENTS).status_code == 410
    response = open_packet(facility, packet)
    assert response.status_code == 302
    assert response.url == CONTENTS, "the token is in no further address"
    page = words(facility.get(CONTENTS))
    for paper in ("Certificate of insurance", "Claims history", "Signed release", "Coverage timeline"):
        assert paper in page


@pytest.mark.parametrize("spelled", [str.lower, lambda text: text.replace("-", " "), lambda text: f" {text} "])
def test_the_password_is_read_however_it_is_typed(facility, packet, spelled):
    assert open_packet(facility, packet, spelled(packet.password)).status_code == 302


def test_each_file_is_the_one_that_we_issued(facility, packet):
    open_packet(facility, packet)
    for item in packet.packet.items.all():
        response = facility.get(reverse("packet:item", args=[item.public_id]))
        name, _ = item.stored
        with private_storage().open(name) as stored:
            assert b"".join(response.streaming_content) == stored.read()
        assert response["Content-Disposition"].startswith("attachment;")


def test_everything_comes_as_one_tagged_pdf_with_an_outline(facility, packet):
    open_packet(facility, packet)
    response = facility.get(ALL)
    reader = pypdf.PdfReader(io.BytesIO(response.content))
    titles = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert [title.rsplit(" ", 1)[0] for title in titles] == [
        "Certificate of insurance", "Claims history", "Signed", "Coverage",
    ]  # fmt: skip
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    kids = root["/StructTreeRoot"]["/ParentTree"]["/Kids"]
    numbers = [number for kid in kids for number in kid.get_object()["/Nums"][::2]]
    assert sorted(page["/StructParents"] for page in reader.pages) == sorted(set(numbers))[: len(reader.pages)]
    assert len(root["/StructTreeRoot"]["/K"]) == 4
    assert facility.get(ALL).content == response.content, "the same papers give the same file"


def test_nobody_keeps_finds_or_passes_on_the_pages(facility, packet):
    wrong = open_packet(facility, packet, "WRONG")
    open_packet(facility, packet)
    item = reverse("packet:item", args=[packet.item("release").public_id])
    for response in (facility.get(packet.link), wrong, facility.get(CONTENTS), facility.get(item), facility.get(ALL)):
        assert response["Cache-Control"] == "no-store"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert response["Referrer-Policy"] == "strict-origin"


def test_unknown_expired_and_revoked_links_get_one_and_the_same_answer(facility, packet):
    def answer(link, password):
        response = type_password(facility, link, password)
        return response.status_code, words(response).replace(password, "")

    unknown = answer(NO_LINK, packet.password)
    assert unknown[0] == 422
    assert answer(packet.link, "0000-0000-0000") == unknown
    building.revoke(packet.packet, by=packet.packet.built_by)
    assert answer(packet.link, packet.password) == unknown
    assert facility.get(packet.link).status_code == facility.get(NO_LINK).status_code == 200
    assert words(facility.get(packet.link)) == words(facility.get(NO_LINK))


def test_each_try_takes_one_hash_whether_the_link_exists_or_not(facility, packet, monkeypatch):
    judged = []
    real = opening.check_password
    monkeypatch.setattr(opening, "check_password", lambda typed, stored: judged.append(stored) or real(typed, stored))
    type_password(facility, NO_LINK, "X")
    open_packet(facility, packet, "X")
    assert len(judged) == 2
    assert all(judged)
    assert judged[0].split("$")[:3] == judged[1].split("$")[:3], "of the same cost"


def test_an_expired_packet_opens_nothing_and_closes_for_who_has_it_open(facility, packet, time_machine):
    open_packet(facility, packet)
    time_machine.move_to(timezone.now() + dt.timedelta(days=14, minutes=1))
    assert facility.get(CONTENTS).status_code == 410
    assert open_packet(facility, packet).status_code == 422
    assert facility.get(ALL).status_code == 410


def test_the_password_is_asked_again_after_30_minutes(facility, packet, time_machine):
    open_packet(facility, packet)
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=31))
    assert facility.get(CONTENTS).status_code == 410
    assert open_packet(facility, packet).status_code == 302


def test_revoking_closes_at_once_also_for_who_has_it_open(facility, packet):
    open_packet(facility, packet)
    assert building.revoke(packet.packet, by=packet.packet.built_by)
    item = reverse("packet:item", args=[packet.item("certificate").public_id])
    for address in (CONTENTS, ALL, item):
        assert facility.get(address).status_code == 410
    assert not building.revoke(packet.packet, by=packet.packet.built_by), "once"


def test_another_link_stops_the_former_one_at_once(facility, packet):
    open_packet(facility, packet)
    building.new_link(packet.packet, delivery=building.Delivery(), by=packet.packet.built_by)
    assert facility.get(CONTENTS).status_code == 410
    assert open_packet(facility, packet).status_code == 422


def test_only_hashes_of_link_and_password_are_stored(packet):
    row = Packet.objects.filter(pk=packet.packet.pk).values().get()
    token = packet.link.strip("/").split("/")[-1]
    assert len(token) == 22, "128 bits"
    assert token not in str(row)
    assert packet.password.replace("-", "") not in str(row)
    assert row["password_hash"]
    assert len(row["token_hash"]) == 64


def test_the_claims_history_is_given_out_only_while_the_authorization_holds(facility, packet, release, cast):
    open_packet(facility, packet)
    history = reverse("packet:item", args=[packet.item("history").public_id])
    assert facility.get(history).status_code == 200
    revoke_authorization(release, by=cast.ana, side="insured")
    assert facility.get(history).status_code == 404
    assert "Download Claims history" not in words(facility.get(CONTENTS))
    assert "No longer given out" in words(facility.get(CONTENTS))
    given = " ".join(text_of(facility.get(ALL)))
    assert "Claims History" not in given
    assert "Authorization" not in given
    release_item = reverse("packet:item", args=[packet.item("release").public_id])
    assert facility.get(release_item).status_code == 404, "it would say that the insured still agrees"
    certificate = reverse("packet:item", args=[packet.item("certificate").public_id])
    assert facility.get(certificate).status_code == 200, "the rest stays open"


def test_an_authorization_that_has_expired_by_the_opening_gives_no_history(facility, packet, settings):
    settings.AUTHORIZATION_MONTHS = 0
    assert not Authorization.objects.in_effect().exists()
    open_packet(facility, packet)
    history = reverse("packet:item", args=[packet.item("history").public_id])
    assert facility.get(history).status_code == 404
    assert len(text_of(facility.get(ALL))) == 2


def test_each_opening_is_recorded_and_the_insured_sees_it(facility, packet, cast, browse):
    open_packet(facility, packet, "WRONG")
    open_packet(facility, packet)
    facility.get(reverse("packet:item", args=[packet.item("release").public_id]))
    facility.get(ALL)
    facility.head(ALL)
    assert [line.what for line in PacketOpening.objects.order_by("pk")] == ["wrong", "opened", "fetched", "all"]
    page = words(browse(cast.ana).get(packet.packet.get_absolute_url()))
    for said in ("Entered a wrong password", "Opened the packet", "Downloaded Signed release", "127.0.0.1"):
        assert said in page
    history = packet.item("history")
    assert f"Downloaded everything in one PDF: {packet.item('certificate').title}, {history.title}" in page
    tags = set(Event.objects.filter(subject_id=str(packet.packet.pk)).values_list("tag", flat=True))
    assert tags >= {PacketEvent.WRONG_PASSWORD, PacketEvent.OPENED, PacketEvent.FETCHED, PacketEvent.BUILT}


def test_the_password_alone_or_a_forged_link_opens_nothing(facility, packet):
    assert facility.get("/packet/").status_code == 410
    for link in ("", "forged", building.hash_of(packet.link.strip("/").split("/")[-1])):
        assert facility.post("/packet/", {"link": link, "password": packet.password}).status_code == 410


def test_looking_at_the_link_alone_records_and_changes_nothing(facility, packet):
    assert facility.get(packet.link).status_code == 200
    assert not PacketOpening.objects.exists()


def test_after_5_wrong_passwords_a_link_rests_for_15_minutes_even_for_the_right_one(facility, packet, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    for _ in range(5):
        assert open_packet(facility, packet, "0000-0000-0000").status_code == 422
    refused = open_packet(facility, packet)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) in range(895, 902)
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=15, seconds=1))
    assert open_packet(facility, packet).status_code == 302


def test_one_network_tries_20_wrong_passwords_an_hour_over_all_links(facility, packet):
    for number in range(20):
        assert type_password(facility, f"/packet/link/{number:022d}/", "X").status_code == 422
    assert open_packet(facility, packet).status_code == 429
    assert Event.objects.filter(tag=PacketEvent.LIMITED).count() == 1


def test_everyone_together_has_a_ceiling_and_staff_hear_of_it_once(facility, packet, monkeypatch, settings):
    settings.STAFF_ALERT_EMAILS = ["ops@portal.example"]
    monkeypatch.setattr(limits, "EVERYONE", limits.Limit("packet:everyone", 2, limits.HOUR))
    found = [
        type_password(Client(REMOTE_ADDR=f"203.{number}.0.9"), f"/packet/link/{number:022d}/", "X").status_code
        for number in range(4)
    ]
    assert found == [422, 422, 429, 429]
    assert Mail.objects.filter(name="staff_alert", context__subject__startswith="No more tries").count() == 1


def test_right_passwords_use_up_no_tries(facility, packet):
    for _ in range(25):
        assert open_packet(facility, packet).status_code == 302


def test_downloads_of_one_network_are_bounded(facility, packet, monkeypatch):
    monkeypatch.setattr(limits, "DOWNLOADS", limits.Limit("test:downloads", 2, limits.HOUR))
    open_packet(facility, packet)
    address = reverse("packet:item", args=[packet.item("release").public_id])
    assert [facility.get(address).status_code for _ in range(3)] == [200, 200, 429]


def test_a_paper_of_another_packet_isnt_given_out(facility, packet, cast):
    other = a_packet(cast.ben, cast.bens, a_holder(cast.ben, cast.bens))
    open_packet(facility, packet)
    for item in other.packet.items.all():
        assert facility.get(reverse("packet:item", args=[item.public_id])).status_code == 404


def test_a_packet_closes_when_the_access_of_who_built_it_ends(facility, packet, cast):
    open_packet(facility, packet)
    cast.ana.memberships.get().revoke(by=cast.paula, reason="mistaken identity")
    assert facility.get(CONTENTS).status_code == 410
    assert open_packet(facility, packet).status_code == 422


def test_a_packet_closes_while_its_builders_account_is_locked(facility, packet, cast):
    open_packet(facility, packet)
    cast.ana.locks.create(reason="somebody else signed in")
    assert facility.get(CONTENTS).status_code == 410


def test_who_left_the_group_keeps_her_packet(facility, packet, cast):
    open_packet(facility, packet)
    from policies.models import Coverage
    from tests.book import days

    Coverage.objects.filter(pk=cast.anas.pk).update(expires=days(-1))
    assert facility.get(CONTENTS).status_code == 200


def test_a_file_that_was_changed_is_not_given_out_and_staff_are_told(facility, packet, settings, mailoutbox):
    settings.STAFF_ALERT_EMAILS = ["ops@portal.example"]
    open_packet(facility, packet)
    item = packet.item("timeline")
    path = private_storage().path(item.file)
    with open(path, "ab") as stored:  # noqa: PTH123
        stored.write(b"more")
    for address in (reverse("packet:item", args=[item.public_id]), ALL):
        assert facility.get(address).status_code == 503
    assert Event.objects.filter(tag=PacketEvent.FILE_BROKEN).count() == 1


def test_papers_in_preparation_say_so_and_come_later(facility, cast, hospital, release):
    built = a_packet(cast.ana, cast.anas, hospital, release, made=False)
    open_packet(facility, built)
    assert "In preparation" in words(facility.get(CONTENTS))
    assert facility.get(reverse("packet:item", args=[built.item("release").public_id])).status_code == 404
    assert facility.get(ALL).status_code == 404
    assert not PacketOpening.objects.exclude(what="opened").exists()
    make_files(built.packet)
    assert facility.get(ALL).status_code == 200


def test_closing_forgets_the_packet_in_this_browser(facility, packet):
    open_packet(facility, packet)
    assert "Packet closed" in words(facility.post("/packet/contents/close/"))
    assert facility.get(CONTENTS).status_code == 410


def test_a_groups_packet_without_authorization_rests_on_the_carriers_rule_at_opening(facility, cast, claims, settings):
    company = cast.policy.company
    settings.CLAIMS_HISTORY_WITHOUT_AUTHORIZATION = [company.external_id]
    switch_on(cast.paula)
    Membership.objects.filter(user=cast.paula).update(capabilities=["view_claims_history"])
    holder = a_holder(cast.paula, cast.anas)
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    built = a_packet(cast.paula, cast.anas, holder, given)
    item = built.item("history")
    assert item.authorization == given
    open_packet(facility, built)
    address = reverse("packet:item", args=[item.public_id])
    assert facility.get(address).status_code == 200
    revoke_authorization(given, by=cast.ana, side="insured")
    assert facility.get(address).status_code == 404, "it was built on the authorization"
