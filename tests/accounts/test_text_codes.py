"""Codes by text message: one open code, its limits, its delivery, and what becomes of it when something fails."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Challenge, PhoneDevice, User
from accounts.models.challenges import Delivery
from accounts.tasks import expire_challenges, send_code
from core.models import Event, Throttle
from tests.accounts.gateways import Text
from tests.accounts.people import PHONE, deliver_codes, is_in, phone_for, type_code, type_password
from tests.factories import UserFactory
from tests.helpers import give_password_only

NOON = "2026-03-02 12:00:00+00:00"


def ask(client: Client, device: PhoneDevice) -> int:
    """Press 'Text me a code'; the status of the answer."""
    return client.post(f"/accounts/verify/{device.public_id}/send/").status_code


def test_the_right_password_sends_a_code_and_the_code_signs_tess_in(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    assert type_password(client, "tess")["Location"] == f"/accounts/verify/{tess_phone.public_id}/"
    deliver_codes()
    (text,) = texts
    assert text.to == PHONE
    assert text.body.startswith("Larkfield Mutual: your sign-in code is ")
    assert "We will never ask for it" in text.body
    page = client.get(f"/accounts/verify/{tess_phone.public_id}/").content.decode()
    assert "phone ending in 0123" in page
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert type_code(client, tess_phone, text.code)["Location"] == "/"
    assert is_in(client)


def test_the_request_only_stores_a_row_and_enqueues_its_id(
    client: Client,
    tess: User,
    tess_phone: PhoneDevice,
    texts: list[Text],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    enqueued: list[tuple[object, ...]] = []
    monkeypatch.setattr("celery.Celery.send_task", lambda self, name, args, **_kwargs: enqueued.append((name, *args)))
    with django_capture_on_commit_callbacks(execute=True):
        type_password(client, "tess")
    challenge = Challenge.objects.get()
    assert enqueued == [("accounts.tasks.send_code", challenge.pk)]
    assert send_code.app.conf.task_routes[send_code.name] == {"queue": "codes"}
    assert (challenge.delivery, challenge.code_hash) == (Delivery.QUEUED, "")
    assert texts == []


def test_only_a_keyed_hash_of_the_code_is_kept(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    give_password_only(client, tess)
    ask(client, tess_phone)
    deliver_codes()
    challenge = Challenge.objects.get()
    assert len(challenge.code_hash) == 64
    assert texts[0].code not in str(challenge.__dict__)


def test_codes_keep_their_leading_zeros(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.models.challenges.secrets.randbelow", lambda _limit: 42)
    give_password_only(client, tess)
    ask(client, tess_phone)
    deliver_codes()
    assert texts[0].code == "000042"
    assert type_code(client, tess_phone, "000042").status_code == 302


def test_a_code_does_not_work_in_another_browser(tess: User, tess_phone: PhoneDevice, texts: list[Text]) -> None:
    hers, thief = Client(), Client()
    give_password_only(hers, tess)
    give_password_only(thief, tess)
    ask(hers, tess_phone)
    deliver_codes()
    assert type_code(thief, tess_phone, texts[0].code).status_code == 422
    assert type_code(hers, tess_phone, texts[0].code).status_code == 302
    assert not is_in(thief)


def test_a_code_works_once(client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]) -> None:
    give_password_only(client, tess)
    ask(client, tess_phone)
    deliver_codes()
    assert type_code(client, tess_phone, texts[0].code).status_code == 302
    assert type_code(client, tess_phone, texts[0].code).status_code == 422


def test_a_code_expires_after_ten_minutes(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, tess)
        ask(client, tess_phone)
        deliver_codes()
        clock.shift(dt.timedelta(minutes=9, seconds=59))
        page = client.get(f"/accounts/verify/{tess_phone.public_id}/").content.decode()
        assert "expires at 7:10 a.m. EST" in page
        session = Challenge.objects.get().session
        type(session).objects.update(authenticated_at=timezone.now())
        clock.shift(dt.timedelta(seconds=1))
        answer = type_code(client, tess_phone, texts[0].code)
    assert answer.status_code == 422
    assert "That code has expired" in answer.content.decode()


def test_a_new_code_voids_the_old_one_and_keeps_the_failures(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, tess)
        ask(client, tess_phone)
        deliver_codes()
        type_code(client, tess_phone, "000000" if texts[0].code != "000000" else "111111")
        clock.shift(dt.timedelta(seconds=60))
        assert ask(client, tess_phone) == 302
        deliver_codes()
        tess_phone.refresh_from_db()
        assert tess_phone.failures == 1
        assert Challenge.objects.open().count() == 1
        old, new = texts
        if old.code != new.code:
            assert type_code(client, tess_phone, old.code).status_code == 422
        assert type_code(client, tess_phone, new.code).status_code == 302


def test_another_code_can_be_asked_for_after_60_seconds(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, tess)
        assert ask(client, tess_phone) == 302
        deliver_codes()
        clock.shift(dt.timedelta(seconds=59))
        refused = client.post(f"/accounts/verify/{tess_phone.public_id}/send/")
        assert refused.status_code == 429
        assert "less than a minute ago" in refused.content.decode()
        clock.shift(dt.timedelta(seconds=1))
        assert ask(client, tess_phone) == 302


def test_a_user_gets_five_codes_in_15_minutes(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(5):
            give_password_only(client, tess)
            assert ask(client, tess_phone) == 302
            deliver_codes()
            clock.shift(dt.timedelta(seconds=61))
        give_password_only(client, tess)
        refused = client.post(f"/accounts/verify/{tess_phone.public_id}/send/")
        assert refused.status_code == 429
        assert "You’ve requested too many codes. You can request a new code at 7:15 a.m. EST." in (
            refused.content.decode()
        )
        assert len(texts) == 5
        clock.shift(dt.timedelta(minutes=10))
        give_password_only(client, tess)
        assert ask(client, tess_phone) == 302
    assert Event.objects.filter(tag="account:code:limited").count() == 1


def test_a_number_gets_ten_codes_in_five_minutes_no_matter_who_asks(texts: list[Text], db: None) -> None:
    with time_machine.travel(NOON, tick=False):
        statuses = []
        for number in range(11):
            user = UserFactory.create()
            browser = Client(REMOTE_ADDR=f"198.51.100.{number}")
            give_password_only(browser, user)
            statuses.append(ask(browser, phone_for(user)))
    assert statuses == [302] * 10 + [429]


def test_a_network_gets_25_codes_in_five_minutes(texts: list[Text], db: None) -> None:
    with time_machine.travel(NOON, tick=False):
        statuses = []
        for number in range(26):
            user = UserFactory.create()
            browser = Client()
            give_password_only(browser, user)
            statuses.append(ask(browser, phone_for(user, f"+120255501{number:02d}")))
    assert statuses == [302] * 25 + [429]


def test_a_refused_wish_counts_toward_no_limit(tess: User, tess_phone: PhoneDevice, texts: list[Text]) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        browser = Client()
        give_password_only(browser, tess)
        ask(browser, tess_phone)
        deliver_codes()
        for _ in range(10):
            assert ask(browser, tess_phone) == 429
        clock.shift(dt.timedelta(seconds=60))
        assert ask(browser, tess_phone) == 302


def test_many_refused_wishes_and_codes_are_one_event_each(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False):
        give_password_only(client, tess)
        ask(client, tess_phone)
        for _ in range(30):
            assert ask(client, tess_phone) == 429
        for _ in range(35):
            type_code(client, tess_phone, "000000")
    about_tess = Event.objects.filter(subject_id=str(tess.pk))
    assert about_tess.filter(tag="account:code:limited").count() == 1
    assert about_tess.filter(tag="account:code:refused").count() == 1
    counted = dict(Throttle.objects.filter(refused__gt=0).values_list("scope", "refused"))
    assert counted == {"account:codes_refused": 30, "account:refused_codes": 30}


def test_no_code_is_sent_while_the_method_cools_off(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    give_password_only(client, tess)
    ask(client, tess_phone)
    deliver_codes()
    wrong = "000000" if texts[0].code != "000000" else "111111"
    for _ in range(5):
        type_code(client, tess_phone, wrong)
    assert type_code(client, tess_phone, texts[0].code).status_code == 429
    assert ask(client, tess_phone) == 429
    assert len(texts) == 1


def test_a_task_that_comes_twice_sends_once(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    give_password_only(client, tess)
    ask(client, tess_phone)
    challenge = Challenge.objects.get()
    send_code(challenge.pk)
    send_code(challenge.pk)
    assert len(texts) == 1
    challenge.refresh_from_db()
    assert challenge.delivery == Delivery.SENT


def test_a_redelivered_task_that_finds_sending_says_unknown_and_a_new_code_is_offered_at_once(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    give_password_only(client, tess)
    ask(client, tess_phone)
    # The worker died after marking the row and before the gateway answered.
    Challenge.objects.update(delivery=Delivery.SENDING, sending_at=timezone.now())
    send_code(Challenge.objects.get().pk)
    assert texts == []
    assert Challenge.objects.get().delivery == Delivery.UNKNOWN
    page = client.get(f"/accounts/verify/{tess_phone.public_id}/").content.decode()
    assert "We can&#x27;t tell whether the message went out" in page or "We don’t know if the text was sent" in page
    assert ask(client, tess_phone) == 302


def test_no_code_is_sent_after_its_time(client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, tess)
        ask(client, tess_phone)
        clock.shift(dt.timedelta(minutes=10))
        deliver_codes()
    assert texts == []
    assert Challenge.objects.get().delivery == Delivery.EXPIRED


def test_a_voided_code_is_not_sent(client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, tess)
        ask(client, tess_phone)
        clock.shift(dt.timedelta(seconds=61))
        ask(client, tess_phone)
        deliver_codes()
    assert [text.reference for text in texts] == [Challenge.objects.open().get().public_id]


def test_a_message_that_the_provider_refuses_is_shown_as_not_sent(
    client: Client, tess: User, tess_phone: PhoneDevice, settings: Settings
) -> None:
    settings.SMS_GATEWAY = "tests.accounts.gateways.RefusingGateway"
    give_password_only(client, tess)
    ask(client, tess_phone)
    deliver_codes()
    challenge = Challenge.objects.get()
    assert (challenge.delivery, challenge.error) == (Delivery.FAILED, "twilio-21211")
    page = client.get(f"/accounts/verify/{tess_phone.public_id}/")
    assert "We couldn’t send the text" in page.content.decode()
    assert ask(client, tess_phone) == 302
    assert not is_in(client)


def test_a_provider_that_does_not_answer_leaves_the_message_unknown(
    client: Client, tess: User, tess_phone: PhoneDevice, settings: Settings
) -> None:
    settings.SMS_GATEWAY = "tests.accounts.gateways.SilentGateway"
    give_password_only(client, tess)
    ask(client, tess_phone)
    deliver_codes()
    assert Challenge.objects.get().delivery == Delivery.UNKNOWN


def test_a_message_stuck_in_sending_becomes_unknown(client: Client, tess: User, tess_phone: PhoneDevice) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, tess)
        ask(client, tess_phone)
        Challenge.objects.update(delivery=Delivery.SENDING, sending_at=timezone.now())
        expire_challenges()
        assert Challenge.objects.get().delivery == Delivery.SENDING
        clock.shift(dt.timedelta(seconds=60))
        expire_challenges()
    assert Challenge.objects.get().delivery == Delivery.UNKNOWN


def test_a_challenge_whose_task_got_lost_is_enqueued_again(
    client: Client, tess: User, tess_phone: PhoneDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueued: list[int] = []
    monkeypatch.setattr("accounts.tasks.enqueue", lambda _task, pk: enqueued.append(pk))
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, tess)
        ask(client, tess_phone)
        expire_challenges()
        assert enqueued == []
        clock.shift(dt.timedelta(seconds=15))
        expire_challenges()
        assert enqueued == [Challenge.objects.get().pk]
        clock.shift(dt.timedelta(minutes=10))
        expire_challenges()
    assert len(enqueued) == 1
    assert Challenge.objects.get().delivery == Delivery.EXPIRED


def test_the_status_of_the_message_is_asked_for_without_keeping_the_session_alive(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        session = give_password_only(client, tess)
        ask(client, tess_phone)
        deliver_codes()
        session.refresh_from_db()
        seen = session.last_seen_at
        clock.shift(dt.timedelta(minutes=2))
        fragment = client.get(f"/accounts/verify/{tess_phone.public_id}/status/").content.decode()
        session.refresh_from_db()
    assert "Code sent. It may take a moment" in fragment
    assert 'hx-trigger="every 3s"' in fragment
    assert session.last_seen_at == seen


def test_the_way_used_last_is_asked_for_first(client: Client, tess: User, texts: list[Text]) -> None:
    old, new = phone_for(tess), phone_for(tess, "+12025550199")
    PhoneDevice.objects.filter(pk=new.pk).update(last_used_at=timezone.now())
    assert type_password(client, "tess")["Location"] == f"/accounts/verify/{new.public_id}/"
    deliver_codes()
    assert [text.to for text in texts] == ["+12025550199"]
    ways = client.get("/accounts/verify/ways/").content.decode()
    assert "Text a code to the phone ending in 0123" in ways
    assert client.get(f"/accounts/verify/{old.public_id}/").status_code == 200


def test_looking_at_a_page_sends_nothing(client: Client, tess: User, tess_phone: PhoneDevice) -> None:
    give_password_only(client, tess)
    page = client.get(f"/accounts/verify/{tess_phone.public_id}/")
    client.get("/accounts/verify/")
    assert "Text me a code" in page.content.decode()
    assert not Challenge.objects.exists()
