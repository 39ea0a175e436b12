"""Recovery codes: ten, shown once, each good for one sign-in, and never a factor of their own."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from django.contrib import auth
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, RecoveryCode, RecoverySet, Session, User
from accounts.services import enrollment, locks, recovery_codes
from accounts.tasks import void_factorless_passwords
from core import easy_codes
from core.models import Event, Mail
from tests.accounts.mails import link_in, mail_out, newest
from tests.accounts.people import app_code, is_in, type_code, type_password
from tests.helpers import at_once, authenticator_for, give_password_only, sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db

PAGE, TYPE, USED = "/accounts/recovery-codes/", "/accounts/verify/recovery/", "/accounts/recovery-codes/used/"
CODE = re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def make(browser: Client, drawn: int = 0) -> Any:
    return browser.post(PAGE, {"drawn": drawn})


def codes_of(user: User) -> list[str]:
    """Return a new set of codes, as the owner keeps them."""
    authenticator_for(user)
    made = RecoverySet.objects.filter(user=user).first()
    codes = recovery_codes.draw(user=user, drawn=made.drawn if made else 0)
    assert codes is not None
    Mail.objects.all().delete()
    return codes


def type_recovery(browser: Client, code: str) -> Any:
    return browser.post(TYPE, {"code": code})


def wrong(codes: list[str]) -> str:
    return next(code for code in ("0000-0000-0000", "1111-1111-1111") if code not in codes)


def test_ada_makes_ten_codes_that_are_shown_once(client: Client, ada: User) -> None:
    sign_in(client, ada)
    assert "no recovery codes yet" in words(client.get(PAGE))
    shown = CODE.findall(re.sub(r"<pre[^>]*>", "\n", make(client).content.decode()).replace("</pre>", "\n"))
    assert len(set(shown)) == 10
    again = client.get(PAGE)
    assert "10 unused codes" in words(again)
    assert not CODE.search(words(again))
    assert Event.objects.get(tag="account:recovery_codes:drawn").data["codes"] == 10


def test_the_page_is_marked_as_one_of_sign_in_methods_in_the_accounts_navigation(client: Client, ada: User) -> None:
    sign_in(client, ada)
    page = client.get(PAGE).content.decode()
    navigation = page.partition('<nav class="account-nav"')[2].partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)" aria-current="([^"]+)"', navigation) == [("/accounts/methods/", "true")]


def test_a_code_has_60_random_bits_and_only_its_keyed_hash_is_kept(ada: User) -> None:
    codes = codes_of(ada)
    assert len(easy_codes.SYMBOLS) ** len(easy_codes.normalize(codes[0])) >= 2**60
    stored = f"{RecoveryCode.objects.values()}{Event.objects.values()}{Mail.objects.values()}{Session.objects.values()}"
    for code in codes:
        assert code not in stored
        assert easy_codes.normalize(code) not in stored
    assert all(len(row.code_hash) == 64 for row in RecoveryCode.objects.all())


def test_the_file_to_download_holds_the_codes_and_is_stored_nowhere(client: Client, ada: User) -> None:
    sign_in(client, ada)
    page = make(client).content.decode()
    (address,) = re.findall(r'href="data:text/plain;charset=utf-8,([^"]+)" download="recovery-codes.txt"', page)
    assert len(CODE.findall(unquote(address).replace("\r", ""))) == 10


def test_a_form_sent_twice_voids_no_codes_that_were_shown(client: Client, ada: User) -> None:
    sign_in(client, ada)
    assert make(client).status_code == 200
    hashes = set(RecoveryCode.objects.values_list("code_hash", flat=True))
    second = make(client)
    assert second.status_code == 409
    assert "made a moment ago" in words(second)
    assert set(RecoveryCode.objects.values_list("code_hash", flat=True)) == hashes
    assert make(client, drawn=1).status_code == 200


@pytest.mark.parametrize("drawn", ["", "x", "-1", "9" * 30, "١"])
def test_a_form_with_nonsense_makes_no_codes(client: Client, ada: User, drawn: str) -> None:
    sign_in(client, ada)
    assert client.post(PAGE, {"drawn": drawn}).status_code == 409
    assert not RecoveryCode.objects.exists()


def test_making_codes_asks_for_a_fresh_code_and_tells_the_owner(client: Client, ada: User) -> None:
    sign_in(client, ada, verified_at=timezone.now() - dt.timedelta(minutes=21))
    assert make(client)["Location"].startswith("/accounts/verify/")
    assert not RecoverySet.objects.exists()
    sign_in(client, ada)
    make(client)
    mail_out()
    assert "New recovery codes were made" in newest("New recovery codes were made")


def test_a_code_signs_ada_in_once_and_the_page_leads_to_a_new_method(client: Client, ada: User) -> None:
    codes = codes_of(ada)
    type_password(client)
    assert "Lost your phone?" in words(client.get(f"/accounts/verify/{authenticator_for(ada).public_id}/"))
    answer = type_recovery(client, f" {codes[0].lower()} ")
    assert answer["Location"] == USED
    page = client.get(USED)
    assert "9 unused codes left" in words(page)
    assert "/accounts/mfa/setup/" in page.content.decode()
    assert client.get("/accounts/mfa/setup/").status_code == 200
    assert is_in(client)
    thief = Client()
    type_password(thief)
    assert type_recovery(thief, codes[0]).status_code == 422
    assert not is_in(thief)
    assert type_recovery(thief, codes[1]).status_code == 302


def test_letters_that_read_like_digits_count_as_digits(client: Client, ada: User) -> None:
    codes_of(ada)
    device = RecoverySet.objects.get()
    RecoveryCode.objects.filter(pk=RecoveryCode.objects.latest("pk").pk).update(code_hash=device._hash("0101ABCD2345"))
    give_password_only(client, ada)
    assert type_recovery(client, "oIol-abcd-2345").status_code == 302


def test_using_one_is_mailed_with_the_number_left_and_a_lock_link(client: Client, ada: User) -> None:
    codes = codes_of(ada)
    give_password_only(client, ada)
    type_recovery(client, codes[0])
    mail_out()
    (message,) = mail.outbox
    assert message.to == [ada.email]
    assert "9 codes are left" in str(message.body)
    assert link_in(str(message.body))
    for word in (ada.username, ada.first_name, ada.last_name, codes[0]):
        assert word not in str(message.body)
    tags = list(Event.objects.filter(subject_id=str(ada.pk)).values_list("tag", flat=True))
    assert "account:session:started" in tags


def test_new_codes_void_the_old_ones(client: Client, ada: User) -> None:
    old = codes_of(ada)
    new = codes_of(ada)
    give_password_only(client, ada)
    assert type_recovery(client, old[0]).status_code == 422
    assert type_recovery(client, new[0]).status_code == 302


def test_five_wrong_codes_start_a_cool_off_that_refuses_the_right_one(ada: User) -> None:
    codes = codes_of(ada)
    with time_machine.travel("2026-03-02 12:00:00+00:00", tick=False) as clock:
        browser = Client()
        give_password_only(browser, ada)
        statuses = [type_recovery(browser, wrong(codes)).status_code for _ in range(5)]
        assert statuses == [422] * 4 + [429]
        assert type_recovery(browser, codes[0]).status_code == 429
        clock.shift(dt.timedelta(minutes=15, seconds=1))
        give_password_only(browser, ada)
        assert type_recovery(browser, codes[0]).status_code == 302
    tags = list(Event.objects.filter(data__method="recovery").order_by("id").values_list("tag", flat=True))
    assert tags.count("account:code:wrong") == 5
    assert {"account:code:locked", "account:code:refused", "account:code:accepted"} <= set(tags)
    assert Mail.objects.filter(name="wrong_codes").count() == 1


def test_a_hundred_wrong_codes_switch_them_off_until_staff_unlock(client: Client, ada: User, stan: User) -> None:
    codes = codes_of(ada)
    RecoverySet.objects.update(consecutive_failures=99)
    give_password_only(client, ada)
    type_recovery(client, wrong(codes))
    assert type_recovery(client, codes[0]).status_code == 429
    assert [each.what for each in locks.obstacles_of(ada)] == ["Recovery codes"]
    locks.unlock(user=ada, by=stan, reason="verified by phone")
    assert type_recovery(client, codes[0]).status_code == 302


@pytest.mark.parametrize("typed", ["", "1234", "K7QM-2XWD-9RT!", "K7QM-2XWD-9RTTT"])
def test_what_cannot_be_a_code_is_refused_and_not_counted(client: Client, ada: User, typed: str) -> None:
    codes_of(ada)
    give_password_only(client, ada)
    assert type_recovery(client, typed).status_code == 422
    assert RecoverySet.objects.get().failures == 0


def test_another_users_code_opens_nothing(client: Client, ada: User, nell: User) -> None:
    adas, _nells = codes_of(ada), codes_of(nell)
    give_password_only(client, nell)
    assert type_recovery(client, adas[0]).status_code == 422


def test_without_codes_the_page_says_whom_to_call(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    give_password_only(client, ada)
    page = client.get(TYPE)
    assert "no unused recovery codes" in words(page)
    assert "Call web support" in words(page)
    assert type_recovery(client, "0000-0000-0000").status_code == 422
    assert not is_in(client)


def test_recovery_codes_alone_are_no_factor(client: Client, ada: User, stan: User) -> None:
    codes = codes_of(ada)
    enrollment.remove(device=authenticator_for(ada), by=stan)
    # They go with the last factor; and even a set that is left stands in for nothing.
    assert not RecoverySet.objects.exists()
    RecoverySet.objects.create(user=ada, name="Recovery codes", drawn=1).draw()
    assert type_password(client)["Location"] == "/accounts/mfa/setup/"
    assert client.get(TYPE)["Location"] == "/accounts/mfa/setup/"
    assert type_recovery(client, codes[0])["Location"] == "/accounts/mfa/setup/"
    assert client.get("/accounts/mfa/setup/").status_code == 200
    User.objects.update(factorless_since=timezone.now() - dt.timedelta(days=8), password_changed_at=timezone.now())
    User.objects.filter(pk=ada.pk).update(password_changed_at=timezone.now() - dt.timedelta(days=8))
    void_factorless_passwords()
    assert not User.objects.get(pk=ada.pk).has_usable_password()


def test_nobody_without_a_factor_makes_codes(ada: User) -> None:
    assert recovery_codes.draw(user=ada, drawn=0) is None
    assert not RecoverySet.objects.exists()


def test_unlocking_a_locked_account_voids_the_codes_since_an_intruder_may_have_them(ada: User, stan: User) -> None:
    codes_of(ada)
    app = authenticator_for(ada)
    locks.lock(user=ada, by=stan, reason="laptop stolen")
    locks.unlock(user=ada, by=stan, reason="verified by phone", kept={app.public_id: True})
    assert not RecoverySet.objects.exists()


def test_a_session_opened_by_a_code_is_whole_and_fresh_and_ends_with_the_codes(client: Client, ada: User) -> None:
    codes = codes_of(ada)
    give_password_only(client, ada)
    type_recovery(client, codes[0])
    session = Session.objects.open().get(user=ada)
    assert session.has_fresh_code()
    assert session.verified_by == RecoverySet.objects.get().persistent_id
    assert client.get(PAGE).status_code == 200
    assert auth.get_user(client).pk == ada.pk
    RecoverySet.objects.all().delete()
    assert not is_in(client)


def test_the_codes_are_offered_when_the_first_method_is_ready(client: Client, nell: User) -> None:
    type_password(client, "nell")
    client.post("/accounts/mfa/setup/", {"method": "authenticator"})
    device = AuthenticatorDevice.objects.get()
    client.post("/accounts/mfa/setup/authenticator/", {"code": app_code(device)})
    done = client.get("/accounts/mfa/setup/done/")
    assert PAGE in done.content.decode()
    assert "Get recovery codes" in words(done)
    assert make(client).status_code == 200


def test_a_step_up_takes_a_recovery_code(client: Client, ada: User) -> None:
    codes = codes_of(ada)
    sign_in(client, ada, verified_at=timezone.now() - dt.timedelta(minutes=21))
    assert client.get(PAGE).status_code == 302
    assert client.post(TYPE, {"code": codes[0], "next": PAGE})["Location"] == PAGE
    assert client.get(PAGE).status_code == 200


def test_the_app_still_works_after_a_recovery_code(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    codes = codes_of(ada)
    give_password_only(client, ada)
    type_recovery(client, codes[0])
    other = Client()
    assert type_password(other)["Location"] == f"/accounts/verify/{adas_app.public_id}/"
    assert type_code(other, adas_app, app_code(adas_app)).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_one_code_8_times_at_once_opens_one_session(ada: User) -> None:
    codes = codes_of(ada)
    clients = [Client() for _ in range(8)]
    for client in clients:
        give_password_only(client, ada)
    statuses = at_once(*[lambda c=c: type_recovery(c, codes[0]).status_code for c in clients])
    assert statuses.count(302) == 1
    assert sum(is_in(client) for client in clients) == 1
    assert RecoveryCode.objects.exclude(used_at=None).count() == 1
    assert Mail.objects.filter(name="recovery_code_used").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_sets_made_at_once_one_is_shown_and_it_works(ada: User) -> None:
    browsers = [Client(), Client()]
    for browser in browsers:
        sign_in(browser, ada)
    answers = at_once(*[lambda b=b: make(b) for b in browsers])
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    shown = next(answer.content.decode() for answer in answers if answer.status_code == 200)
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", shown)
    assert found is not None
    browser = Client()
    give_password_only(browser, ada)
    assert type_recovery(browser, found.group()).status_code == 302
