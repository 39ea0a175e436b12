"""Who knows a password and has no code: the owner is told, and the guessing ends."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, User
from accounts.services import enrollment
from accounts.tasks import void_factorless_passwords
from core.mail import deliver
from core.models import Event, Mail
from tests.accounts.people import app_code, is_in, type_code, type_password, wrong_code
from tests.factories import UserFactory
from tests.helpers import give_password_only, sign_in

NOON = "2026-03-02 12:00:00+00:00"


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def mail_out() -> None:
    """Do what the worker does."""
    for each in Mail.objects.filter(status="queued"):
        deliver(each.pk)


def guess(user: User, app: AuthenticatorDevice, times: int = 5) -> None:
    """Codes by somebody who knows the password, in a browser of their own."""
    thief = Client()
    give_password_only(thief, user)
    for _ in range(times):
        type_code(thief, app, wrong_code(app))


def test_the_owner_is_told_about_5_wrong_codes_after_the_right_password(
    ada: User, adas_app: AuthenticatorDevice
) -> None:
    guess(ada, adas_app, times=4)
    assert not Mail.objects.exists()
    guess(ada, adas_app, times=3)
    mail_out()
    (message,) = mail.outbox
    assert message.to == [ada.email]
    assert "Someone knows your password" in message.subject
    assert "15 minutes" in str(message.body)
    for word in (ada.username, ada.first_name, ada.last_name):
        assert word not in str(message.body)


def test_the_owner_is_not_told_about_own_slips_in_a_session_that_is_whole(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in(client, ada)
    for _ in range(5):
        type_code(client, adas_app, wrong_code(adas_app))
    assert not Mail.objects.exists()


def test_the_owner_is_told_three_times_a_day_at_most(ada: User, adas_app: AuthenticatorDevice) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(6):
            guess(ada, adas_app)
            clock.shift(dt.timedelta(minutes=16))
    assert Mail.objects.filter(name="wrong_codes").count() == 3


def test_guessing_between_the_owners_sign_ins_ends_after_100_codes_in_30_days(
    ada: User, adas_app: AuthenticatorDevice
) -> None:
    owner = Client()
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(19):
            guess(ada, adas_app)
            clock.shift(dt.timedelta(hours=12))
            give_password_only(owner, ada)
            assert type_code(owner, adas_app, app_code(adas_app)).status_code == 302
        guess(ada, adas_app)
        adas_app.refresh_from_db()
        assert adas_app.consecutive_failures == 5
        assert adas_app.is_off()
    assert Event.objects.filter(tag="account:method:off", subject_id=str(ada.pk)).count() == 1
    Mail.objects.exclude(pk=Mail.objects.latest("id").pk).delete()
    mail_out()
    assert "switched off" in str(mail.outbox[-1].body)
    adas_app.switch_on()
    adas_app.refresh_from_db()
    assert (adas_app.period_failures, adas_app.is_off()) == (0, False)


def test_slips_of_many_months_switch_nothing_off(ada: User, adas_app: AuthenticatorDevice) -> None:
    AuthenticatorDevice.objects.update(period_failures=99, period_began_at=timezone.now() - dt.timedelta(days=30))
    guess(ada, adas_app, times=1)
    adas_app.refresh_from_db()
    assert (adas_app.period_failures, adas_app.is_off()) == (1, False)


def test_removing_a_method_ends_every_session_and_asks_for_a_fresh_password(
    client: Client, ada: User, adas_app: AuthenticatorDevice, stan: User
) -> None:
    half, whole = Client(), client
    give_password_only(half, ada)
    sign_in(whole, ada)
    enrollment.remove(device=adas_app, by=stan)
    for browser in (half, whole):
        answer = browser.post("/accounts/mfa/setup/", {"method": "authenticator"})
        assert answer["Location"].startswith("/accounts/sign-in/")
    ada.refresh_from_db()
    assert ada.security_epoch == 2
    assert ada.factorless_since is not None
    assert type_password(Client())["Location"] == "/accounts/mfa/setup/"


def old(user: User, days: int = 7) -> None:
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now() - dt.timedelta(days=days))


def has_password(user: User) -> bool:
    return User.objects.get(pk=user.pk).has_usable_password()


def test_a_password_without_a_factor_is_void_after_7_days(client: Client, nell: User) -> None:
    old(nell, days=6)
    void_factorless_passwords()
    assert has_password(nell)
    give_password_only(client, nell)
    old(nell)
    void_factorless_passwords()
    assert not has_password(nell)
    assert not is_in(client)
    assert Event.objects.get(tag="account:password:voided").data == {"because": "no second factor"}


def test_a_password_beside_a_factor_stays_however_old(ada: User, adas_app: AuthenticatorDevice, stan: User) -> None:
    old(ada, days=700)
    void_factorless_passwords()
    assert has_password(ada)
    enrollment.remove(device=adas_app, by=stan)
    void_factorless_passwords()
    assert has_password(ada)
    User.objects.filter(pk=ada.pk).update(factorless_since=timezone.now() - dt.timedelta(days=7))
    void_factorless_passwords()
    assert not has_password(ada)


def test_an_account_without_a_password_is_left_alone(db: None) -> None:
    user = UserFactory.create(password="!", password_changed_at=timezone.now() - dt.timedelta(days=700))
    void_factorless_passwords()
    assert not Event.objects.filter(subject_id=str(user.pk)).exists()
