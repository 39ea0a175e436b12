"""The one statement that says who is there gives what five querysets would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.test import Client

from accounts.models import AuthenticatorDevice, PhoneDevice, RecoverySet, Session, TrustedDevice, User
from accounts.sessions import WHO
from core.models import Event
from tests.accounts.people import app_code, type_code, type_password
from tests.helpers import authenticator_for, give_password_only, sign_in

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings


KINDS: dict[str, Any] = {"authenticator": AuthenticatorDevice, "phone": PhoneDevice, "recovery": RecoverySet}


def same(one: models.Model | None, other: models.Model | None) -> bool:
    """Whether both are the same row with the same columns, none of them left out."""
    if one is None or other is None:
        return one is other
    return type(one) is type(other) and columns(one) == columns(other)


def columns(row: models.Model) -> dict[str, Any]:
    assert not row.get_deferred_fields()
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def is_which(found: models.Model | None, stored: models.Model | None) -> bool:
    """Whether both are the same method, of which only what says that was read."""
    if found is None or stored is None:
        return found is stored
    read = {field.attname for field in found._meta.concrete_fields} - found.get_deferred_fields()
    assert read == {"id", "user_id", "confirmed"}
    return type(found) is type(stored) and all(getattr(found, name) == getattr(stored, name) for name in read)


def held_to_the_querysets(session: Session) -> dict[str, Any]:
    found = WHO.first(session.key_hash)
    assert found is not None
    stored = Session.objects.get(pk=session.pk)
    assert same(found["session"], stored)
    assert same(found["user"], User.objects.filter(sessions=stored).first())
    assert same(found["remembered"], TrustedDevice.objects.filter(sessions=stored).first())
    for name, model in KINDS.items():
        verified_by = [device for device in model.objects.all() if device.persistent_id == stored.verified_by]
        assert is_which(found[name], next(iter(verified_by), None))
    return found


def test_a_session_verified_by_an_authenticator(ada: User, tess: User, client: Client) -> None:
    authenticator_for(tess)
    found = held_to_the_querysets(sign_in(client, ada))
    assert (found["authenticator"].user_id, found["phone"]) == (ada.pk, None)


def test_a_methods_secret_is_read_only_where_it_is_asked_for(
    ada: User, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    device = WHO.first(sign_in(client, ada).key_hash)
    assert device is not None
    with django_assert_num_queries(1):
        seed = device["authenticator"].seed
    assert seed == AuthenticatorDevice.objects.get(user=ada).seed


def test_a_session_verified_by_a_phone(tess: User, tess_phone: PhoneDevice, client: Client) -> None:
    session = sign_in(client, tess)
    session.verified_by = tess_phone.persistent_id
    session.save()
    found = held_to_the_querysets(session)
    assert (found["phone"].phone, found["authenticator"]) == (tess_phone.phone, None)


def test_a_session_verified_by_a_recovery_code(ada: User, client: Client) -> None:
    session = sign_in(client, ada)
    codes = RecoverySet.objects.create(user=ada, name="Recovery codes")
    session.verified_by = codes.persistent_id
    session.save()
    found = held_to_the_querysets(session)
    assert (found["recovery"], found["authenticator"]) == (codes, None)


def test_a_session_of_a_remembered_device(ada: User, adas_app: AuthenticatorDevice) -> None:
    browser = Client()
    type_password(browser)
    type_code(browser, adas_app, app_code(adas_app), remember="on")
    browser.post("/accounts/sign-out/")
    type_password(browser)
    found = held_to_the_querysets(Session.objects.get(ended_at=None))
    assert found["remembered"] == TrustedDevice.objects.get()


def test_a_session_without_a_code_and_one_without_a_user(ada: User, client: Client) -> None:
    assert held_to_the_querysets(give_password_only(client, ada))["user"] == ada
    assert held_to_the_querysets(Session.objects.create(key_hash="nobody's"))["user"] is None
    assert WHO.first("no such session") is None


def test_a_device_of_another_user_verifies_nobody(ada: User, tess: User, client: Client) -> None:
    session = sign_in(client, ada)
    session.verified_by = authenticator_for(tess).persistent_id
    session.save()
    assert client.get("/policies/").status_code == 302


def test_a_page_asks_once_who_is_there_and_once_what_the_user_may_reach(
    ada: User, client: Client, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.FEED_AS_OF_SECONDS = 60
    sign_in(client, ada)
    client.get("/nowhere/")
    with django_assert_num_queries(2) as asked:
        assert client.get("/nowhere/").status_code == 404
    assert "accounts_session" in asked[0]["sql"]


def test_an_ended_session_and_an_inactive_user_are_out_at_once(ada: User, client: Client) -> None:
    session = sign_in(client, ada)
    assert client.get("/policies/").status_code == 200
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get("/policies/").status_code == 302
    User.objects.filter(pk=ada.pk).update(is_active=True)
    assert client.get("/policies/").status_code == 200
    Session.objects.filter(pk=session.pk).end("signed_out")
    assert client.get("/policies/").status_code == 302
    assert not Event.objects.filter(tag="account:code:accepted").exists()
