"""What holds when it all happens at once: real threads on real PostgreSQL."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest
from django.contrib import auth
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, Challenge, PhoneDevice, Session, User
from core.models import Event, Throttle
from tests.accounts.gateways import Text
from tests.accounts.people import (
    SIGN_IN,
    app_code,
    deliver_codes,
    is_in,
    phone_for,
    type_code,
    type_password,
    wrong_code,
)
from tests.accounts.soft_authenticator import HOST, ORIGIN, SoftAuthenticator
from tests.factories import PASSWORD, UserFactory, users
from tests.helpers import at_once, authenticator_for, give_password_only, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def browsers_of(user: User, count: int) -> list[Client]:
    """Browsers that have all given the password."""
    clients = [Client() for _ in range(count)]
    for client in clients:
        give_password_only(client, user)
    return clients


def same_browser(client: Client, count: int) -> list[Client]:
    """One browser that sends several requests at once: clients with one cookie."""
    copies = [Client() for _ in range(count)]
    for copy in copies:
        copy.cookies["session"] = client.cookies["session"].value
    return copies


def count_tags(user: User) -> dict[str, int]:
    tags = list(Event.objects.filter(subject_id=str(user.pk)).values_list("tag", flat=True))
    return {tag: tags.count(tag) for tag in set(tags)}


def test_of_8_wrong_authenticator_codes_at_once_5_are_judged_and_3_refused() -> None:
    ada = UserFactory.create()
    app = authenticator_for(ada)
    code = wrong_code(app)
    statuses = at_once(*[lambda c=c: type_code(c, app, code).status_code for c in browsers_of(ada, 8)])
    assert sorted(statuses) == [422] * 4 + [429] * 4
    assert count_tags(ada) == {"account:code:wrong": 5, "account:code:refused": 1, "account:code:locked": 1}
    assert Throttle.objects.get(scope="account:refused_codes").refused == 3
    app.refresh_from_db()
    assert app.consecutive_failures == 5
    assert app.is_cooling_off()


def test_of_8_wrong_text_codes_at_once_5_are_judged_and_3_refused(texts: list[Text]) -> None:
    tess = UserFactory.create()
    phone = phone_for(tess)
    (hers,) = browsers_of(tess, 1)
    hers.post(f"/accounts/verify/{phone.public_id}/send/")
    deliver_codes()
    wrong = "000000" if texts[0].code != "000000" else "111111"
    statuses = at_once(*[lambda c=c: type_code(c, phone, wrong).status_code for c in same_browser(hers, 8)])
    assert sorted(statuses) == [422] * 4 + [429] * 4
    tags = count_tags(tess)
    assert (tags["account:code:wrong"], tags["account:code:refused"]) == (5, 1)
    assert Throttle.objects.get(scope="account:refused_codes").refused == 3
    assert type_code(hers, phone, texts[0].code).status_code == 429


def test_one_authenticator_code_8_times_at_once_opens_one_session() -> None:
    ada = UserFactory.create()
    app = authenticator_for(ada)
    clients = browsers_of(ada, 8)
    code = app_code(app)
    statuses = at_once(*[lambda c=c: type_code(c, app, code).status_code for c in clients])
    assert statuses.count(302) == 1
    assert sum(is_in(client) for client in clients) == 1
    assert Session.objects.exclude(verified_at=None).count() == 1


def test_one_text_code_8_times_at_once_opens_one_session(texts: list[Text]) -> None:
    tess = UserFactory.create()
    phone = phone_for(tess)
    (hers,) = browsers_of(tess, 1)
    hers.post(f"/accounts/verify/{phone.public_id}/send/")
    deliver_codes()
    clients = same_browser(hers, 8)
    answers = at_once(*[lambda c=c: type_code(c, phone, texts[0].code) for c in clients])
    # The right code changes the session's key: a request that comes after it is sent to sign in.
    led_on = [answer for answer in answers if answer.status_code == 302 and SIGN_IN not in answer["Location"]]
    assert len(led_on) == 1
    assert sum(is_in(client) for client in clients) == 1
    tags = count_tags(tess)
    assert (tags["account:code:accepted"], tags["account:session:started"]) == (1, 1)


def test_20_wishes_for_a_code_at_once_send_one(texts: list[Text]) -> None:
    tess = UserFactory.create()
    phone = phone_for(tess)
    clients = browsers_of(tess, 20)
    send = f"/accounts/verify/{phone.public_id}/send/"
    statuses = at_once(*[lambda c=c: c.post(send).status_code for c in clients])
    assert statuses.count(302) == 1
    deliver_codes()
    assert len(texts) == 1
    assert Challenge.objects.count() == 1


def test_two_workers_with_the_same_challenge_send_one_message(texts: list[Text]) -> None:
    tess = UserFactory.create()
    phone = phone_for(tess)
    (hers,) = browsers_of(tess, 1)
    hers.post(f"/accounts/verify/{phone.public_id}/send/")

    def work() -> int:
        deliver_codes()
        return 0

    at_once(work, work, work)
    assert len(texts) == 1


@dataclass
class Judging:
    """How many passwords were really compared, and how many at the same moment."""

    right: int = 0
    wrong: int = 0
    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Judging:
    """Watches the comparing of passwords, and makes it last long enough for all tries to meet."""
    seen = Judging()
    authenticate = auth.authenticate

    def watch(request: HttpRequest, **typed: str) -> object:
        with seen.lock:
            seen.now += 1
            seen.most = max(seen.most, seen.now)
        time.sleep(0.2)
        user = authenticate(request, **typed)
        with seen.lock:
            seen.now -= 1
            seen.right, seen.wrong = seen.right + (user is not None), seen.wrong + (user is None)
        return user

    monkeypatch.setattr(auth, "authenticate", watch)
    return seen


def sign_in_at_once(*tries: tuple[str, str], **more: str) -> list[int]:
    """Return the form's answers when these usernames and passwords are sent at the same moment, each by its own
    browser."""
    return sorted(at_once(*[lambda t=t: type_password(Client(**more), *t).status_code for t in tries]))


def test_of_8_wrong_passwords_at_once_5_are_judged_and_3_refused(judging: Judging) -> None:
    ada = UserFactory.create()
    assert sign_in_at_once(*[(ada.username, "wrong-wrong-wrong")] * 8) == [422] * 4 + [429] * 4
    assert judging.wrong == 5
    tags = count_tags(ada)
    assert (tags["account:password:wrong"], tags["account:password:refused"]) == (5, 1)
    assert Throttle.objects.get(scope="account:password").refused == 3


def test_8_right_passwords_at_once_all_pass_since_a_double_click_isnt_an_attack(judging: Judging) -> None:
    ada = UserFactory.create()
    assert sign_in_at_once(*[(ada.username, PASSWORD)] * 8) == [302] * 8
    assert judging.most <= 5
    assert count_tags(ada) == {"account:password:accepted": 8}


def test_3_right_passwords_at_once_pass_after_4_wrong_ones(judging: Judging) -> None:
    ada = UserFactory.create()
    for _ in range(4):
        type_password(Client(), ada.username, "wrong-wrong-wrong")
    assert sign_in_at_once(*[(ada.username, PASSWORD)] * 3) == [302] * 3
    assert (judging.wrong, judging.right) == (4, 3)


def test_right_and_wrong_passwords_at_once_judge_no_more_than_5_wrong_ones_in_a_row(judging: Judging) -> None:
    ada, bob = UserFactory.create(), UserFactory.create()
    wrong = [(ada.username, "wrong-wrong-wrong")] * 9
    right = [(bob.username, PASSWORD)] * 3
    assert sign_in_at_once(*wrong, *right).count(302) == 3
    assert (judging.wrong, judging.right) == (5, 3)


def test_of_30_wrong_passwords_at_once_from_one_address_10_are_judged(judging: Judging) -> None:
    guesses = [(f"guess{number}", "wrong-wrong-wrong") for number in range(30)]
    assert sign_in_at_once(*guesses) == [422] * 10 + [429] * 20
    assert judging.wrong == 10
    assert Event.objects.filter(tag="account:network:refused").count() == 1


def test_a_hospital_of_14_people_signs_in_at_once_from_one_address(judging: Judging) -> None:
    people = [(user.username, PASSWORD) for user in users(14)]
    assert sign_in_at_once(*people) == [302] * 14
    assert judging.most <= 10


def test_two_set_ups_ended_at_once_from_passwords_alone_leave_one_method() -> None:
    nell = UserFactory.create()
    clients = browsers_of(nell, 2)
    codes: list[str] = []
    for client in clients:
        client.post("/accounts/mfa/setup/", {"method": "authenticator"})
    for client in clients:
        session = Session.objects.get(key_hash=_key_hash(client))
        codes.append(app_code(AuthenticatorDevice.objects.get(set_up_in=session)))
    locations = ["", ""]

    def finish(position: int) -> int:
        answer = clients[position].post("/accounts/mfa/setup/authenticator/", {"code": codes[position]})
        locations[position] = answer["Location"]
        return answer.status_code

    at_once(lambda: finish(0), lambda: finish(1))
    assert AuthenticatorDevice.objects.filter(confirmed=True).count() == 1
    # The second finds either that it may no longer set one up, or that its setup is gone, and then asks for a code.
    pages = [client.get(place, follow=True) for client, place in zip(clients, locations, strict=True)]
    assert sorted(page.request["PATH_INFO"].split("/")[2] for page in pages) == ["mfa", "verify"]
    assert sum(is_in(client) for client in clients) == 1


def _key_hash(client: Client) -> str:
    from accounts.models.sessions import hash_token

    return hash_token(client.cookies["session"].value)


def test_two_first_codes_for_one_number_at_once_confirm_it_once(texts: list[Text]) -> None:
    nell = UserFactory.create()
    (hers,) = browsers_of(nell, 1)
    hers.post("/accounts/mfa/setup/text/", {"phone": "2025550123"})
    deliver_codes()
    clients = same_browser(hers, 4)
    statuses = at_once(
        *[lambda c=c: c.post("/accounts/mfa/setup/code/", {"code": texts[0].code}).status_code for c in clients]
    )
    assert set(statuses) <= {302, 422}
    assert PhoneDevice.objects.filter(user=nell, confirmed=True).count() == 1
    assert sum(is_in(client) for client in clients) == 1


def test_one_passkey_answer_8_times_at_once_is_judged_once(settings: Settings) -> None:
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS, settings.OTP_WEBAUTHN_RP_ID = [ORIGIN], HOST
    ada = UserFactory.create()
    authenticator_for(ada)
    # A synced passkey has no counter, so that nothing but the challenge keeps an answer from counting twice.
    authenticator = SoftAuthenticator(counts=False)
    owner, browser = Client(), Client()
    sign_in(owner, ada)
    page = "/accounts/mfa/setup/passkey/"
    made = authenticator.make(owner.post(f"{page}options/").json())
    assert owner.post(page, {"answer": made, "name": "Laptop"}).status_code == 302
    give_password_only(browser, ada)
    answer = authenticator.sign(browser.post("/accounts/verify/passkey/options/").json())
    at_once(
        *[
            lambda c=c: c.post("/accounts/verify/passkey/", {"answer": answer}).status_code
            for c in same_browser(browser, 8)
        ]
    )
    assert count_tags(ada)["account:passkey:accepted"] == 1
    assert count_tags(ada)["account:session:started"] == 1


def test_of_two_methods_removed_at_once_one_stays() -> None:
    ada = UserFactory.create()
    devices = [authenticator_for(ada), phone_for(ada)]
    clients = [Client(), Client()]
    for client in clients:
        sign_in(client, ada)
    at_once(
        *[
            lambda c=c, d=d: c.post(f"/accounts/methods/{d.public_id}/remove/").status_code
            for c, d in zip(clients, devices, strict=True)
        ]
    )
    assert AuthenticatorDevice.objects.count() + PhoneDevice.objects.count() == 1
