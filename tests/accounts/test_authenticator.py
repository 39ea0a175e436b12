"""Codes of the authenticator app, and what wrong codes lead to."""

from __future__ import annotations

import datetime as dt

import pyotp
import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts.models import AuthenticatorDevice, User
from core.models import Event
from tests.accounts.people import app_code, is_in, type_code, type_password, wrong_code
from tests.helpers import give_password_only

NOON = "2026-03-02 12:00:10+00:00"


def test_a_code_opens_once(ada: User, adas_app: AuthenticatorDevice) -> None:
    first, second = Client(), Client()
    give_password_only(first, ada)
    give_password_only(second, ada)
    code = app_code(adas_app)
    assert type_code(first, adas_app, code).status_code == 302
    assert type_code(second, adas_app, code).status_code == 422
    assert is_in(first)
    assert not is_in(second)


@pytest.mark.parametrize(("seconds", "status"), [(-60, 422), (-30, 302), (0, 302), (30, 302), (60, 422)])
def test_one_step_to_either_side_is_accepted_and_no_more(
    client: Client, ada: User, adas_app: AuthenticatorDevice, seconds: int, status: int
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, ada)
        shown = app_code(adas_app)
        clock.shift(dt.timedelta(seconds=seconds))
        assert type_code(client, adas_app, shown).status_code == status


def test_a_code_older_than_the_one_used_last_is_spent_too(ada: User, adas_app: AuthenticatorDevice) -> None:
    with time_machine.travel(NOON, tick=False):
        browser = Client()
        give_password_only(browser, ada)
        generator = pyotp.TOTP(adas_app.seed)
        now, before = generator.at(1772452810), generator.at(1772452810 - 30)
        assert type_code(browser, adas_app, now).status_code == 302
        assert type_code(browser, adas_app, before).status_code == 422


def test_spaces_in_a_code_do_not_count(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    give_password_only(client, ada)
    code = app_code(adas_app)
    assert type_code(client, adas_app, f" {code[:3]} {code[3:]}").status_code == 302


def test_codes_with_leading_zeros_are_accepted(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    moment = next(at for at in range(1772452800, 1772552800, 30) if pyotp.TOTP(adas_app.seed).at(at)[0] == "0")
    with time_machine.travel(moment, tick=False):
        give_password_only(client, ada)
        assert type_code(client, adas_app, app_code(adas_app)).status_code == 302


def test_the_seed_is_encrypted_at_rest(adas_app: AuthenticatorDevice) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT seed FROM accounts_authenticatordevice WHERE id = %s", [adas_app.pk])
        (stored,) = cursor.fetchone()
    assert adas_app.seed not in stored
    assert len(adas_app.seed) == 32


@pytest.mark.parametrize("typed", ["12345", "1234567", "abcdef", "١٢٣٤٥٦", ""])
def test_what_isnt_a_code_is_refused_and_not_counted(
    client: Client, ada: User, adas_app: AuthenticatorDevice, typed: str
) -> None:
    give_password_only(client, ada)
    answer = type_code(client, adas_app, typed)
    assert answer.status_code == 422
    adas_app.refresh_from_db()
    assert adas_app.failures == 0


def test_five_wrong_codes_start_a_cool_off_of_15_minutes(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for left in (4, 3, 2):
            give_password_only(client, ada)
            answer = type_code(client, adas_app, wrong_code(adas_app))
            assert answer.status_code == 422
            assert f"You have {left} attempts left" in answer.content.decode()
        assert "You have 1 attempt left" in type_code(client, adas_app, wrong_code(adas_app)).content.decode()
        refused = type_code(client, adas_app, wrong_code(adas_app))
        assert refused.status_code == 429
        assert 'data-countdown="900"' in refused.content.decode()
        assert type_code(client, adas_app, app_code(adas_app)).status_code == 429
        clock.shift(dt.timedelta(minutes=15, seconds=1))
        give_password_only(client, ada)
        assert type_code(client, adas_app, app_code(adas_app)).status_code == 302
    tags = list(Event.objects.order_by("id").values_list("tag", flat=True))
    assert tags.count("account:code:wrong") == 5
    assert tags.count("account:code:locked") == 1
    assert tags.count("account:code:refused") == 1


def test_the_cool_off_is_not_extended_by_more_tries(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    with time_machine.travel(NOON, tick=False):
        give_password_only(client, ada)
        for _ in range(5):
            type_code(client, adas_app, wrong_code(adas_app))
        adas_app.refresh_from_db()
        end = adas_app.cool_off_until
        type_code(client, adas_app, wrong_code(adas_app))
        adas_app.refresh_from_db()
        assert adas_app.cool_off_until == end


def test_a_right_code_forgets_the_wrong_ones(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    give_password_only(client, ada)
    for _ in range(4):
        type_code(client, adas_app, wrong_code(adas_app))
    type_code(client, adas_app, app_code(adas_app))
    adas_app.refresh_from_db()
    assert (adas_app.failures, adas_app.consecutive_failures) == (0, 0)


def test_a_hundred_wrong_codes_in_a_row_switch_the_method_off(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    AuthenticatorDevice.objects.filter(pk=adas_app.pk).update(consecutive_failures=98)
    give_password_only(client, ada)
    assert type_code(client, adas_app, wrong_code(adas_app)).status_code == 422
    off = type_code(client, adas_app, wrong_code(adas_app))
    assert off.status_code == 429
    assert "disabled" in off.content.decode()
    assert type_code(client, adas_app, app_code(adas_app)).status_code == 429
    assert not is_in(client)
    assert Event.objects.filter(tag="account:method:off", subject_id=str(ada.pk)).exists()


def test_the_cool_off_of_one_method_leaves_the_others_open(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    spare = AuthenticatorDevice.objects.create(user=ada, name="Spare", seed=AuthenticatorDevice.new_seed())
    type_password(client)
    for _ in range(5):
        type_code(client, adas_app, wrong_code(adas_app))
    page = type_code(client, adas_app, wrong_code(adas_app)).content.decode()
    assert "Use a different method" in page
    ways = client.get("/accounts/verify/ways/").content.decode()
    assert spare.public_id in ways
    assert "Locked until" in ways
    assert type_code(client, spare, app_code(spare)).status_code == 302


def test_another_users_method_is_not_found(client: Client, ada: User, tess: User) -> None:
    theirs = AuthenticatorDevice.objects.create(user=tess, name="App", seed=AuthenticatorDevice.new_seed())
    AuthenticatorDevice.objects.create(user=ada, name="App", seed=AuthenticatorDevice.new_seed())
    give_password_only(client, ada)
    assert type_code(client, theirs, app_code(theirs)).status_code == 404
    assert client.get("/accounts/verify/nothing-of-the-kind/").status_code == 404
