"""A certificate goes to its holder by email from its page (S-36)."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pypdf
import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core.models import Event, Mail
from core.storage import private_storage
from core.tasks import requeue_lost
from core.throttle import Limit
from credentialing.batches import running
from credentialing.certificates.limits import TooManyError
from credentialing.events import DeliveryEvent
from credentialing.models import Batch, Certificate, Delivery
from credentialing.sending import limits, mailing, services
from credentialing.tasks import send_delivery
from tests.cast import Cast
from tests.credentialing.batches_helpers import a_batch
from tests.credentialing.helpers import issued
from tests.credentialing.sending.helpers import HOSPITAL, asked, bounced, form, sent
from tests.on_file import CarrierHolderFactory
from tests.reading import words

pytestmark = pytest.mark.django_db
Browse = Callable[[AbstractBaseUser], Client]
State = Delivery.Status


def address_of(certificate: Certificate) -> str:
    return reverse("credentialing:send", args=[certificate.public_id])


def test_the_page_shows_the_email_before_it_is_sent(cast: Cast, certificate: Certificate, browse: Browse) -> None:
    client = browse(cast.paula)
    assert "Email this certificate" in words(client.get(certificate.get_absolute_url()))
    asks = client.get(address_of(certificate))
    assert "Nothing is sent before you’ve seen it." in words(asks)
    review = client.post(address_of(certificate), form(confirmed=""))
    shown = words(review)
    for part in (HOSPITAL, cast.paula.email, "Riverbend Medical Group sent it to you", "You entered this address"):
        assert part in shown
    assert not Delivery.objects.exists()
    assert mail.outbox == []


def test_the_holder_gets_the_file_and_a_link_to_verify_it(cast: Cast, certificate: Certificate, browse: Browse) -> None:
    response = browse(cast.paula).post(address_of(certificate), form())
    assert response["Location"] == f"{certificate.get_absolute_url()}#deliveries"
    delivery = Delivery.objects.get()
    send_delivery(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.sent_by) == (State.HANDED_OVER, cast.paula)
    (message,) = mail.outbox
    assert message.to == [HOSPITAL]
    assert message.reply_to == [cast.paula.email]
    assert message.subject == "Certificate of insurance for Ana María Núñez-Đặng, MD"
    ((name, content, kind),) = message.attachments
    assert certificate.serial in name
    assert kind == "application/pdf"
    with private_storage().open(certificate.file) as stored:
        assert stored.read() == content
    assert certificate.serial in pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text()
    assert reverse("verify:mailed", args=[delivery.public_id]) in message.body
    assert Event.objects.filter(tag=DeliveryEvent.ASKED, actor_id=cast.paula.pk).count() == 1
    assert Event.objects.filter(tag=DeliveryEvent.HANDED_OVER).count() == 1
    page = words(browse(cast.paula).get(certificate.get_absolute_url()))
    assert f"{HOSPITAL} Sent" in page
    assert "We don’t learn whether it arrived." in page


def test_the_words_promise_nothing_and_leave_the_policy_alone(cast: Cast, certificate: Certificate) -> None:
    sent(certificate, cast.paula)
    body = str(mail.outbox[0].body)
    assert "for information only, gives you no rights, and doesn’t amend, extend, or alter any policy" in body
    assert "We don’t promise to tell you of later changes." in body
    for word in ("proof", "guarantee", "in force", "additional insured", certificate.policy_number):
        assert word not in body


def test_the_address_on_file_is_offered(cast: Cast, certificate: Certificate, browse: Browse) -> None:
    CarrierHolderFactory.create(fingerprint=certificate.holder.fingerprint, email="Staff.Office@brendan.example")
    client = browse(cast.paula)
    assert 'value="staff.office@brendan.example"' in client.get(address_of(certificate)).content.decode()
    review = client.post(address_of(certificate), form("staff.office@brendan.example", confirmed=""))
    assert "You entered this address" not in words(review)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Enter the holder’s email address."),
        ("credentialing", "Enter an email address like credentialing@hospital.org."),
        ("a@b.example\nBcc: c@d.example", "Enter an email address like credentialing@hospital.org."),
        ("a@b.example, c@d.example", "Enter an email address like credentialing@hospital.org."),
    ],
)
def test_what_isnt_one_address_is_refused_and_kept(
    cast: Cast, certificate: Certificate, browse: Browse, typed: str, says: str
) -> None:
    response = browse(cast.paula).post(address_of(certificate), form(typed))
    assert response.status_code == 422
    assert says in words(response)
    assert typed.partition("\n")[0] in response.content.decode()
    assert not Delivery.objects.exists()


def test_the_same_form_twice_sends_once_and_another_one_says_so(
    cast: Cast, certificate: Certificate, browse: Browse
) -> None:
    client, once = browse(cast.paula), form()
    client.post(address_of(certificate), once)
    client.post(address_of(certificate), once)
    assert Delivery.objects.count() == 1
    review = client.post(address_of(certificate), form(confirmed=""))
    assert "Sending again sends a second copy." in words(review)
    client.post(address_of(certificate), form())
    assert Delivery.objects.count() == 2


def test_only_the_party_that_issued_sends(cast: Cast, certificate: Certificate, browse: Browse) -> None:
    statuses = {
        who: browse(getattr(cast, who)).post(address_of(certificate), form()).status_code
        for who in ("ana", "adam", "ben", "olga")
    }
    assert statuses == {"ana": 403, "adam": 403, "ben": 404, "olga": 404}
    assert not Delivery.objects.exists()


def test_what_became_of_it_is_seen_by_the_party_alone(cast: Cast, certificate: Certificate, browse: Browse) -> None:
    delivery = sent(certificate, cast.paula)
    assert list(Delivery.objects.visible_to(cast.paula)) == [delivery]
    for other in (cast.ana, cast.adam, cast.olga):
        assert not Delivery.objects.visible_to(other).exists()
    assert HOSPITAL not in browse(cast.ana).get(certificate.get_absolute_url()).content.decode()


def test_a_file_that_nobody_needed_yet_is_made_for_the_mail(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.paula)
    Certificate.objects.filter(pk=certificate.pk).update(status=Certificate.Status.UNFILED)
    sent(certificate, cast.paula)
    certificate.refresh_from_db()
    assert certificate.is_ready
    assert len(mail.outbox[0].attachments) == 1


def test_a_changed_file_goes_to_nobody(cast: Cast, certificate: Certificate) -> None:
    with private_storage().open(certificate.file, "ab") as stored:
        stored.write(b"%")
    delivery = asked(certificate, cast.paula)
    with pytest.raises(mailing.NoFileError):
        mailing.deliver(delivery.pk)
    assert mail.outbox == []


def test_a_mail_server_that_is_down_delays_it_and_then_its_sender_is_told(
    cast: Cast, certificate: Certificate, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_backend: Any, _messages: Any) -> int:
        raise SMTPServerDisconnected("away")

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    delivery = asked(certificate, cast.paula)
    for _ in range(Delivery.MAX_ATTEMPTS):
        Delivery.objects.filter(pk=delivery.pk).update(enqueued_at=timezone.now() - dt.timedelta(hours=1))
        with pytest.raises(SMTPServerDisconnected):
            mailing.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_error) == (State.FAILED, "SMTPServerDisconnected")
    assert Mail.objects.get(name="delivery_undelivered").to == cast.paula.email
    assert Event.objects.filter(tag=DeliveryEvent.FAILED, on_behalf_of_id=cast.paula.pk).count() == 1
    client = browse(cast.paula)
    assert "Not sent" in words(client.get(certificate.get_absolute_url()))
    monkeypatch.undo()
    client.post(reverse("credentialing:delivery-retry", args=[certificate.public_id, delivery.public_id]))
    mailing.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == State.HANDED_OVER
    assert Event.objects.filter(tag=DeliveryEvent.RETRIED, actor_id=cast.paula.pk).count() == 1


@pytest.mark.parametrize(("code", "status"), [(550, State.BOUNCED), (451, State.QUEUED)])
def test_an_address_that_the_server_refuses_for_good_is_not_tried_again(
    cast: Cast, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, code: int, status: str
) -> None:
    def refuses(_backend: Any, _messages: Any) -> int:
        raise SMTPRecipientsRefused({HOSPITAL: (code, b"no")})

    monkeypatch.setattr(EmailBackend, "send_messages", refuses)
    delivery = asked(certificate, cast.paula)
    if status == State.QUEUED:
        with pytest.raises(SMTPRecipientsRefused):
            mailing.deliver(delivery.pk)
    else:
        mailing.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == status
    assert Mail.objects.filter(name="delivery_undelivered").exists() == (status == State.BOUNCED)


def test_a_wrong_address_is_corrected_and_the_page_says_so(
    cast: Cast, certificate: Certificate, browse: Browse
) -> None:
    wrong, client = bounced(certificate, cast.paula), browse(cast.paula)
    page = client.get(certificate.get_absolute_url())
    assert "Returned" in words(page)
    assert "Correct the address" in words(page)
    corrects = f"{address_of(certificate)}?corrects={wrong.public_id}"
    assert "The email came back" in words(client.get(corrects))
    again = client.post(corrects, form(HOSPITAL))
    assert again.status_code == 422
    assert "Mail to this address came back. Ask the holder for another address." in words(again)
    client.post(corrects, form("office@brendan.example"))
    right = Delivery.objects.get(corrects=wrong)
    assert right.to == "office@brendan.example"
    assert not Delivery.objects.undelivered().exists()
    corrected = words(client.get(certificate.get_absolute_url()))
    assert "We sent it to office@brendan.example." in corrected
    assert "Correct the address" not in corrected


def test_nobody_mails_strangers_through_the_portal(
    cast: Cast, certificate: Certificate, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NEW_ADDRESSES", Limit("new", 2, dt.timedelta(days=1)))
    client = browse(cast.paula)
    for number in range(2):
        assert client.post(address_of(certificate), form(f"office{number}@brendan.example")).status_code == 302
    refused = client.post(address_of(certificate), form("office3@brendan.example"))
    assert refused.status_code == 429
    assert "You’ve sent to 2 new addresses within a day." in words(refused)
    assert "office3@brendan.example" in refused.content.decode()
    # What is on file, and where the party sent before, is still open.
    CarrierHolderFactory.create(fingerprint=certificate.holder.fingerprint, email=HOSPITAL)
    assert client.post(address_of(certificate), form(HOSPITAL)).status_code == 302
    sent(certificate, cast.paula, "records@brendan.example")
    assert client.post(address_of(certificate), form("records@brendan.example")).status_code == 302


def test_a_user_sends_so_many_a_day(
    cast: Cast, certificate: Certificate, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EMAILS", Limit("all", 1, dt.timedelta(days=1)))
    client = browse(cast.paula)
    assert client.post(address_of(certificate), form()).status_code == 302
    refused = client.post(address_of(certificate), form())
    assert refused.status_code == 429
    assert "You’ve sent 1 emails within a day." in words(refused)
    # What was refused takes no place among the new addresses.
    assert limits.NEW_ADDRESSES.peek(str(cast.paula.pk)).count == 1


def test_many_at_once_are_one_statement_and_one_mail_for_each_address(
    cast: Cast, certificate: Certificate, django_assert_max_num_queries: Any
) -> None:
    bens = issued(cast.bens, cast.paula)
    wanted = [
        services.Asked(one, to, "A hospital", key=f"{one.serial}:{to}", by=cast.paula, bundle="b")
        for one in (certificate, bens)
        for to in (HOSPITAL, "other@hospital.example")
    ]
    with django_assert_max_num_queries(8):
        assert services.send_many(asked=wanted) == 4
    assert services.send_many(asked=wanted) == 0
    Delivery.objects.update(enqueued_at=timezone.now() - dt.timedelta(minutes=1))
    requeue_lost()
    for delivery in Delivery.objects.order_by("pk"):
        mailing.deliver(delivery.pk)
    assert [(message.to, len(message.attachments)) for message in mail.outbox] == [
        ([HOSPITAL], 2),
        (["other@hospital.example"], 2),
    ]
    assert mail.outbox[0].subject == "2 certificates of insurance"
    assert set(Delivery.objects.values_list("status", flat=True)) == {State.HANDED_OVER}


def test_what_nobody_asked_for_does_not_go_where_mail_came_back(cast: Cast, certificate: Certificate) -> None:
    bounced(certificate, cast.paula)
    by_itself = services.Asked(certificate, HOSPITAL, "A hospital", key="renewal:1", purpose=Delivery.Purpose.RENEWAL)
    services.send_many(asked=[by_itself])
    row = Delivery.objects.get(key="renewal:1")
    assert (row.status, row.bounce) == (State.BOUNCED, Delivery.Bounce.EARLIER)
    sent_since = asked(certificate, cast.paula)
    mailing.deliver(sent_since.pk)
    assert services.addresses_that_bounced([HOSPITAL]) == set()


def test_a_new_address_is_kept_for_the_holder_where_the_user_wants_it(
    cast: Cast, certificate: Certificate, browse: Browse
) -> None:
    client, holder = browse(cast.paula), certificate.holder
    assert "Keep this address for the holder" in words(client.get(address_of(certificate)))
    client.post(address_of(certificate), form("once@brendan.example"))
    holder.refresh_from_db()
    assert holder.email == ""
    review = client.post(address_of(certificate), form(confirmed="", keep="on"))
    assert 'name="keep" value="on"' in review.content.decode()
    client.post(address_of(certificate), form(keep="on"))
    holder.refresh_from_db()
    assert holder.email == HOSPITAL
    assert f'value="{HOSPITAL}"' in client.get(address_of(certificate)).content.decode()
    # What is kept is changed on the holder's own page, or where it came back.
    client.post(address_of(certificate), form("other@brendan.example", keep="on"))
    holder.refresh_from_db()
    assert holder.email == HOSPITAL
    wrong = bounced(certificate, cast.paula)
    client.post(f"{address_of(certificate)}?corrects={wrong.public_id}", form("right@brendan.example", keep="on"))
    holder.refresh_from_db()
    assert holder.email == "right@brendan.example"


def test_what_isnt_an_address_in_the_feed_stays_in_sight(cast: Cast, certificate: Certificate) -> None:
    services.send_many(
        asked=[services.Asked(certificate, "n/a", "A hospital", key="k", purpose=Delivery.Purpose.RENEWAL)]
    )
    assert Delivery.objects.undelivered().get().bounce == Delivery.Bounce.INVALID


def test_lists_say_what_became_of_each_certificate(cast: Cast, certificate: Certificate, browse: Browse) -> None:
    batch = a_batch(cast.paula, [cast.anas, cast.bens])
    item = batch.items.get(coverage=cast.anas)
    item.certificate, item.status = certificate, item.Status.ISSUED
    item.save()
    bounced(certificate, cast.paula, "old@brendan.example")
    sent(certificate, cast.paula)
    client = browse(cast.paula)
    lines = words(client.get(reverse("credentialing:batch-items", args=[batch.public_id])))
    assert f"{certificate.serial} {HOSPITAL} Sent" in lines
    assert "old@brendan.example" not in lines
    assert f"{HOSPITAL} · Sent" in words(client.get(certificate.holder.get_absolute_url()))


def test_batches_of_a_day_email_so_many(cast: Cast, certificate: Certificate, settings: Settings) -> None:
    settings.BATCH_EMAILS_A_DAY = 3
    sent(certificate, cast.paula)
    limits.check_batch(cast.paula, 2)
    with pytest.raises(TooManyError, match="You have 2 left, and this one has 3"):
        limits.check_batch(cast.paula, 3)
    limits.check_batch(cast.ana, 3)
    batch = a_batch(cast.paula, [cast.anas, cast.bens], delivery=Batch.Delivery.EMAIL)
    settings.BATCH_EMAILS_A_DAY = 2
    with pytest.raises(TooManyError):
        running.start(batch, by=cast.paula)
    batch.refresh_from_db()
    assert batch.is_draft
    settings.BATCH_EMAILS_A_DAY = 3
    assert running.start(batch, by=cast.paula)
