"""Building a packet: what goes in, on what ground, for whom; link and password told once; who sees it."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from core import mail as mails
from core.mail import Mail
from core.models import Event
from credentialing.certificates import limits as certificate_limits
from credentialing.events import PacketEvent
from credentialing.models import Certificate, ClaimsPaper, Holder, Packet, PacketItem, PacketOpening
from credentialing.packets import building, limits, preparing
from policies.models import AgentOfRecord, Coverage
from tests.book import days, delegate_of, holder_of
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized
from tests.credentialing.helpers import a_holder, made
from tests.credentialing.packets.building import a_packet, make_files, new_packet_form, open_packet, type_password
from tests.factories import UserFactory
from tests.reading import words

pytestmark = pytest.mark.django_db
WHOLE = {"history": "on", "release": "on", "timeline": "on"}


def new(coverage):
    return reverse("credentialing:packet-new", args=[coverage.public_id])


def told(response):
    """Return link and password as the page shows them."""
    html = response.content.decode()
    found = [re.search(rf'id="packet-{name}"[^>]*>([^<]+)<', html) for name in ("link", "password")]
    return [each[1] if each else "" for each in found]


def test_one_form_issues_what_is_new_and_tells_link_and_password_once(
    cast, browse, claims, hospital, release, facility
):
    client = browse(cast.ana)
    response = client.post(new(cast.anas), new_packet_form(hospital, **WHOLE))
    link, password = told(response)
    assert link.startswith("http")
    packet = Packet.objects.get()
    assert [item.kind for item in packet.items.all()] == ["certificate", "history", "release", "timeline"]
    assert packet.items.get(kind="certificate").certificate.holder == hospital
    assert packet.items.get(kind="history").claims_paper.authorization is None, "her own; the packet names the release"
    assert packet.items.get(kind="history").authorization == release
    assert response["Cache-Control"] == "no-store"
    page = words(client.get(packet.get_absolute_url()))
    assert password not in page
    assert link not in page
    make_files(packet)
    assert type_password(facility, "/" + link.split("/", 3)[3], password).status_code == 302


def test_the_same_form_twice_is_one_packet_with_a_link_that_works(cast, browse, hospital, facility):
    form = new_packet_form(hospital, timeline="on")
    client = browse(cast.ana)
    first, second = (told(client.post(new(cast.anas), form)) for _ in range(2))
    assert Packet.objects.count() == Certificate.objects.count() == 1
    assert first != second
    assert type_password(facility, "/" + second[0].split("/", 3)[3], second[1]).status_code == 302
    again = client.post(new(cast.anas), form)
    assert again.status_code == 302, "once it was opened, the form tells nothing more"


def test_a_claims_history_needs_a_release_for_this_facility(cast, browse, claims, hospital):
    client = browse(cast.ana)
    response = client.post(new(cast.anas), new_packet_form(hospital, history="on"))
    assert response.status_code == 422
    page = words(response)
    assert "Sign a release for Saint Brendan Medical Center first." in page
    assert not Packet.objects.exists()
    assert not Certificate.objects.exists()
    authorized(cast.ana, cast.anas.insured, holder=a_holder(cast.ana, cast.anas, name="Mercy General"))
    assert client.post(new(cast.anas), new_packet_form(hospital, history="on")).status_code == 422, "another's"
    given = response.context["form"].release_href
    assert f"holder.{hospital.public_id}" in given
    authorized(cast.ana, cast.anas.insured, holder=hospital, years=5)
    assert client.post(new(cast.anas), new_packet_form(hospital, history="on")).status_code == 422, "of fewer years"
    assert client.post(new(cast.anas), new_packet_form(hospital, history="on", years="5")).status_code == 200


def test_a_group_builds_on_the_insureds_authorization_and_the_insured_hears_of_it(cast, browse, claims):
    switch_on(cast.paula)
    facility = a_holder(cast.paula, cast.anas)
    client = browse(cast.paula)
    refused = client.post(new(cast.anas), new_packet_form(facility, history="on"))
    assert refused.status_code == 422
    assert "hasn’t signed a release that covers this." in words(refused)
    cast.paula.memberships.update(capabilities=[])
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    without = client.post(new(cast.anas), new_packet_form(facility, history="on"))
    assert "You have no access to this claims history." in words(without)
    switch_on(cast.paula)
    assert client.post(new(cast.anas), new_packet_form(facility, **WHOLE)).status_code == 200
    packet = Packet.objects.get()
    assert packet.items.get(kind="history").claims_paper.authorization == given
    assert packet.items.get(kind="release").authorization == given
    (sent,) = Mail.objects.filter(name="packet_built")
    assert sent.to == cast.ana.email
    assert "Brendan" not in str(sent.context)


def test_a_solo_practitioner_builds_on_her_own_release_whichever_book_the_facility_is_in(cast, browse, claims):
    facility = a_holder(cast.mia, cast.mias)
    assert facility.policyholder_id, "the practice's book"
    client = browse(cast.mia)
    refused = client.post(new(cast.mias), new_packet_form(facility, history="on"))
    assert "Sign a release for Saint Brendan Medical Center first." in words(refused)
    assert client.get(refused.context["form"].release_href).status_code != 404
    own = Holder.objects.get(insured=cast.mias.insured)
    given = authorized(cast.mia, cast.mias.insured, holder=own)
    assert client.post(new(cast.mias), new_packet_form(facility, **WHOLE)).status_code == 200
    packet = Packet.objects.get()
    assert packet.items.get(kind="history").authorization == given
    assert packet.items.get(kind="history").claims_paper.subject == cast.mias.insured.display_name
    assert not Mail.objects.filter(name="packet_built").exists()


def test_a_clinician_who_manages_her_group_gives_it_no_timeline_of_her_own(cast, browse):
    holder_of(cast.ana, cast.policy.policyholder)
    groups = a_holder(cast.paula, cast.anas)
    response = browse(cast.ana).post(new(cast.anas), new_packet_form(groups, timeline="on"))
    assert response.status_code == 422
    assert "A timeline of your own isn’t for your group." in words(response)
    own = a_holder(cast.ana, cast.anas)
    assert browse(cast.ana).post(new(cast.anas), new_packet_form(own, timeline="on")).status_code == 200


def test_who_builds_for_herself_gets_no_mail_about_it(cast, browse, hospital):
    browse(cast.ana).post(new(cast.anas), new_packet_form(hospital))
    assert not Mail.objects.filter(name="packet_built").exists()


def test_an_agent_builds_for_a_client_and_not_after_the_policy_has_ended(cast, browse):
    facility = a_holder(cast.adam, cast.anas)
    assert browse(cast.adam).post(new(cast.anas), new_packet_form(facility)).status_code == 200
    Coverage.objects.update(expires=days(-1))
    cast.term.__class__.objects.update(expires=days(-1), status="expired")
    cast.policy.__class__.objects.update(status="expired", status_date=days(-1))
    assert browse(cast.adam).get(new(cast.anas)).status_code == 403
    assert browse(cast.ana).get(new(cast.anas)).status_code == 200, "historic members may"


def test_an_existing_certificate_may_go_in_if_it_is_made_out_to_this_facility_or_to_anyone(cast, browse, hospital):
    own = made(cast.anas, cast.ana, hospital)
    concern = made(cast.anas, cast.ana)
    others = made(cast.anas, cast.ana, a_holder(cast.ana, cast.anas, name="Mercy General"))
    groups = made(cast.anas, cast.paula)
    client = browse(cast.ana)
    for certificate, status in ((own, 200), (concern, 200), (others, 422), (groups, 422)):
        form = new_packet_form(hospital, certificate=certificate.public_id)
        assert client.post(new(cast.anas), form).status_code == status, certificate.holder_name
    refused = words(client.post(new(cast.anas), new_packet_form(hospital, certificate=others.public_id)))
    assert "This one is made out to Mercy General. Choose a new one." in refused


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"certificate": "", "timeline": ""}, "Choose at least one paper."),
        ({"holder": ""}, "Choose one from the list."),
        ({"recipient": "new", "name": ""}, "Enter a name."),
        ({"days": "365"}, "Choose from the list."),
        ({"link_to": "nobody"}, "Enter an email address, such as credentialing@hospital.org."),
        ({"link_to": "a@b.org", "password_to": "A@B.org"}, "Enter another address than the link goes to"),
    ],
)
def test_each_fault_has_its_sentence_and_what_was_typed_stays(cast, browse, hospital, fields, sentence):
    response = browse(cast.ana).post(new(cast.anas), new_packet_form(hospital, timeline="on") | fields)
    assert response.status_code == 422
    assert sentence in words(response)
    assert response.context["form"]["purpose"].value() == "privileges"
    assert not Packet.objects.exists()


def test_the_days_have_a_cap(cast, browse, settings):
    settings.PACKET_MOST_DAYS = 10
    offered = browse(cast.ana).get(new(cast.anas)).context["form"].fields["days"].choices
    assert [value for value, _ in offered] == ["7", "10"]


def test_one_user_makes_so_many_packets_an_hour(cast, browse, hospital, monkeypatch):
    monkeypatch.setattr(limits, "BUILD", limits.Limit("test:packets", 1, limits.HOUR))
    client = browse(cast.ana)
    assert client.post(new(cast.anas), new_packet_form(hospital)).status_code == 200
    refused = client.post(new(cast.anas), new_packet_form(hospital))
    assert refused.status_code == 429
    assert "What you entered is still here." in words(refused)
    monkeypatch.setattr(limits, "BUILD", limits.Limit("test:more", 9, limits.HOUR))
    monkeypatch.setattr(certificate_limits, "ISSUE", limits.Limit("test:issue", 0, limits.HOUR))


def mail_of(name):
    (row,) = Mail.objects.filter(name=name).order_by("-pk")[:1]
    return row


def test_link_and_password_go_to_two_addresses_and_no_row_holds_either(cast, browse, hospital, facility):
    form = new_packet_form(hospital, link_to="office@brendan.example", password_to="chief@brendan.example")
    page = browse(cast.ana).post(new(cast.anas), form)
    assert told(page) == ["", ""]
    assert "We’re emailing it to office@brendan.example." in words(page)
    link_mail, password_mail = mail_of("packet_link"), mail_of("packet_password")
    assert (link_mail.to, password_mail.to) == ("office@brendan.example", "chief@brendan.example")
    packet = Packet.objects.get()
    assert link_mail.context == password_mail.context == {"packet": packet.public_id, "generation": 1}
    link, password = mails.complete(link_mail)["address"], mails.complete(password_mail)["password"]
    assert type_password(facility, "/" + link.split("/", 3)[3], password).status_code == 302
    assert password not in str(Mail.objects.values())


def test_a_mail_that_comes_too_late_is_dropped(cast, browse, hospital):
    form = new_packet_form(hospital, link_to="office@brendan.example", password_to="chief@brendan.example")
    browse(cast.ana).post(new(cast.anas), form)
    packet, late = Packet.objects.get(), mail_of("packet_link")
    building.new_link(packet, delivery=building.Delivery(), by=cast.ana)
    assert mails.complete(late) is None, "another link was made since"
    building.new_link(packet, delivery=building.Delivery("office@brendan.example", ""), by=cast.ana)
    building.revoke(packet, by=cast.ana)
    assert mails.complete(mail_of("packet_link")) is None
    with pytest.raises(building.PacketOverError):
        building.new_link(packet, delivery=building.Delivery(), by=cast.ana)


def test_another_link_is_made_on_the_packets_page(cast, browse, packet, facility):
    address = reverse("credentialing:packet-link", args=[packet.packet.public_id])
    response = browse(cast.ana).post(address, {"link_to": "", "password_to": ""})
    link, password = told(response)
    assert open_packet(facility, packet).status_code == 422
    assert type_password(facility, "/" + link.split("/", 3)[3], password).status_code == 302
    wrong = browse(cast.ana).post(address, {"link_to": "nobody"})
    assert wrong.status_code == 422
    assert "Enter an email address" in words(wrong)


def test_who_sees_a_packet(cast, browse, packet):
    def statuses(built):
        people = (cast.ana, cast.paula, cast.adam, cast.ben, cast.mia, cast.olga)
        address = built.packet.get_absolute_url()
        return [browse(user).get(address).status_code for user in people]

    assert statuses(packet) == [200, 404, 404, 404, 404, 404], "what she built for herself is hers"
    groups = a_packet(cast.paula, cast.anas, a_holder(cast.paula, cast.anas), timeline=False)
    assert statuses(groups) == [200, 200, 404, 404, 404, 404], "the insured sees it, too"
    agents = a_packet(cast.adam, cast.anas, a_holder(cast.adam, cast.anas), timeline=False)
    assert statuses(agents) == [200, 404, 200, 404, 404, 404]
    AgentOfRecord.objects.filter(policy=cast.policy).update(ends=days(0))
    assert statuses(agents)[2] == 404
    listed = words(browse(cast.ana).get(reverse("credentialing:packets")))
    assert "Showing 1–3 of 3" in listed or listed.count("Saint Brendan Medical Center") == 3


def test_the_insured_may_revoke_what_the_group_built_and_makes_no_link_for_it(cast, browse):
    built = a_packet(cast.paula, cast.anas, a_holder(cast.paula, cast.anas), timeline=False)
    link = reverse("credentialing:packet-link", args=[built.packet.public_id])
    assert browse(cast.ana).post(link).status_code == 403
    revoke = reverse("credentialing:packet-revoke", args=[built.packet.public_id])
    assert browse(cast.ana).post(revoke).status_code == 302
    assert built.now().revoked_by == cast.ana
    event = Event.objects.get(tag=PacketEvent.REVOKED)
    assert (event.actor_id, event.on_behalf_of_id) == (cast.ana.pk, cast.paula.pk)
    assert "It opens nothing." in words(browse(cast.paula).get(built.packet.get_absolute_url()))


def test_a_delegate_without_the_right_builds_none_and_sees_none(cast, browse):
    delegate = UserFactory()
    delegate_of(cast.paula.memberships.get(), delegate, "issue_certificate")
    built = a_packet(cast.paula, cast.anas, a_holder(cast.paula, cast.anas), timeline=False)
    assert browse(delegate).get(new(cast.anas)).status_code == 403
    assert browse(delegate).get(built.packet.get_absolute_url()).status_code == 404


@pytest.mark.parametrize(
    "act",
    [
        "DELETE FROM credentialing_packet",
        "UPDATE credentialing_packet SET expires_at = now() + interval '9 years'",
        "TRUNCATE credentialing_packet CASCADE",
        "DELETE FROM credentialing_packetitem",
        "UPDATE credentialing_packetitem SET kind = 'release'",
        "UPDATE credentialing_packetitem SET sha256 = repeat('0', 64) WHERE sha256 <> ''",
        "DELETE FROM credentialing_packetopening",
        "UPDATE credentialing_packetopening SET ip = NULL",
        "TRUNCATE credentialing_packetopening CASCADE",
    ],
)
def test_what_was_built_and_who_opened_it_stays_for_good(facility, packet, act):
    open_packet(facility, packet)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(act)
    assert PacketOpening.objects.exists()


def test_a_revoked_packet_stays_revoked(packet):
    building.revoke(packet.packet, by=packet.packet.built_by)
    with pytest.raises(DatabaseError), transaction.atomic():
        Packet.objects.update(revoked_at=None, revoked_by=None)


def test_files_are_made_once_and_a_packet_that_failed_is_tried_again(cast, browse, hospital, release, monkeypatch):
    built = a_packet(cast.ana, cast.anas, hospital, release, made=False)

    def fails(_snapshot):
        raise RuntimeError("no paper")

    real = preparing.timeline_pdf
    monkeypatch.setattr(preparing, "timeline_pdf", fails)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            preparing.prepare(built.packet.pk)
    preparing.prepare(built.packet.pk)
    assert built.now().has_failed
    assert not PacketItem.objects.exclude(sha256="").exists(), "an attempt that fails leaves no half of it"
    monkeypatch.setattr(preparing, "timeline_pdf", real)
    browse(cast.ana).post(reverse("credentialing:packet-retry", args=[built.packet.public_id]))
    preparing.prepare(built.packet.pk)
    assert built.now().status == Packet.Status.READY
    assert PacketItem.objects.exclude(sha256="").count() == 2


def test_a_history_that_waits_for_staff_builds_nothing(cast, browse, claims, hospital, release, monkeypatch):
    from credentialing.claims_history import issuing
    from credentialing.claims_history.snapshot import NotIssuableError

    why = NotIssuableError("The state’s form is missing.")
    monkeypatch.setattr(issuing, "histories", lambda subjects, **_: {one.key: why for one in subjects})
    response = browse(cast.ana).post(new(cast.anas), new_packet_form(hospital, history="on"))
    assert response.status_code == 422
    assert "The state’s form is missing. Ask for the claims history on the page Claims history" in words(response)
    assert not Packet.objects.exists()
    assert not Certificate.objects.exists()
    assert not ClaimsPaper.objects.exists()


def test_an_expired_packet_says_so_to_who_built_it(cast, browse, packet, time_machine):
    time_machine.move_to(timezone.now() + dt.timedelta(days=15))
    assert "Expired It was open until" in words(browse(cast.ana).get(packet.packet.get_absolute_url()))


def test_lists_ask_as_much_for_many_packets_as_for_one(cast, browse, hospital, django_assert_max_num_queries):
    for _ in range(3):
        a_packet(cast.ana, cast.anas, hospital, timeline=False, made=False)
    client = browse(cast.ana)
    client.get(reverse("credentialing:packets"))
    with django_assert_max_num_queries(14):
        client.get(reverse("credentialing:packets"))
