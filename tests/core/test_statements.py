"""Statements that are written once give what their querysets give, with the values of each call."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Count, F

from accounts.models import AuthenticatorDevice, Session, User
from core.statements import Joined, prepared
from tests.factories import UserFactory
from tests.helpers import authenticator_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models.query import QuerySet
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

WRITTEN: list[str] = []


@prepared(names=ArrayField(models.TextField()), joined=models.DateTimeField())
def by_name(*, names: list[str], joined: dt.datetime, staff: bool) -> QuerySet[User]:
    WRITTEN.append("by_name")
    found = User.objects.filter(username__any=names, date_joined__gt=joined, is_staff=staff)
    return found.annotate(devices=Count("authenticatordevice"), key=F("username_key")).order_by("username")


@prepared(user=models.BigIntegerField())
def devices(*, user: int) -> QuerySet[AuthenticatorDevice]:
    return AuthenticatorDevice.objects.filter(user_id=user).select_related("user").only("seed", "user__username")


@prepared(user=models.BigIntegerField())
def names(*, user: int) -> QuerySet[User, tuple[str, int]]:
    return User.objects.filter(pk=user).values_list("username", "security_epoch")


@prepared()
def none() -> QuerySet[User]:
    return User.objects.none()


LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def test_a_prepared_queryset_gives_the_rows_of_the_queryset_for_the_values_of_each_call() -> None:
    for name in ("ada", "ben", "cyd"):
        UserFactory.create(username=name)
    authenticator_for(User.objects.get(username="ada"))
    for values in (
        {"names": ["ada", "ben"], "joined": LONG_AGO, "staff": False},
        {"names": ["cyd"], "joined": LONG_AGO, "staff": False},
        {"names": [], "joined": LONG_AGO, "staff": False},
        {"names": ["ada"], "joined": dt.datetime(2999, 1, 1, tzinfo=dt.UTC), "staff": False},
        {"names": ["ada"], "joined": LONG_AGO, "staff": True},
    ):
        asked, plain = by_name(**values), list(by_name.queryset(**values))
        assert [vars(row) | {"_state": 0} for row in asked] == [vars(row) | {"_state": 0} for row in plain]
    assert [row.devices for row in by_name(names=["ada", "ben"], joined=LONG_AGO, staff=False)] == [1, 0]


def test_the_sql_is_written_once_for_each_shape() -> None:
    by_name(names=[], joined=LONG_AGO, staff=False)
    by_name(names=[], joined=LONG_AGO, staff=True)
    WRITTEN.clear()
    by_name(names=["ada"], joined=LONG_AGO, staff=False)
    by_name(names=["ben", "cyd"], joined=LONG_AGO, staff=True)
    assert WRITTEN == []


def test_fields_are_decrypted_and_deferred_as_in_the_queryset(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    device = authenticator_for(UserFactory.create(username="ada"))
    with django_assert_num_queries(1):
        (found,) = devices(user=device.user_id)
        assert (found.seed, found.user.username) == (device.seed, "ada")
    assert "last_step" in found.get_deferred_fields()
    assert found.last_step == 0


def test_values_come_as_the_queryset_gives_them() -> None:
    ada = UserFactory.create(username="ada")
    assert names(user=ada.pk) == [("ada", 1)]


@prepared(lambda shape: shape["staff"], user=models.BigIntegerField())
def of_kind(*, user: int, staff: bool) -> QuerySet[User]:
    return User.objects.filter(pk=user, is_staff=staff)


def test_a_statement_is_planned_once_for_all_values_or_each_time_by_its_own() -> None:
    for user in range(9):
        assert of_kind(user=user, staff=False) == of_kind(user=user, staff=True) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans, statement LIKE '%%NOT%%' FROM pg_prepared_statements "
            "WHERE statement LIKE %s",
            ['%"is_staff" AND "accounts_user"."id" = %'],
        )
        ((once, each_time, is_of_others),) = cursor.fetchall()
    # PostgreSQL alone would plan the first five by their values, and go on so in a large table.
    assert (once, each_time, is_of_others) == (8, 0, True)


def test_a_queryset_of_nothing_asks_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert none() == []


def test_an_answer_is_never_kept() -> None:
    ada = UserFactory.create(username="ada")
    assert names(user=ada.pk) == [("ada", 1)]
    ada.bump_epoch()
    assert names(user=ada.pk) == [("ada", 2)]


@pytest.mark.django_db(transaction=True)
def test_threads_ask_by_their_own_connections() -> None:
    ada = UserFactory.create(username="ada")
    names(user=ada.pk)
    seen: list[Any] = []

    def note(execute: Callable[..., Any], *rest: Any) -> Any:
        seen.append(threading.get_ident())
        return execute(*rest)

    def ask() -> None:
        try:
            with connection.execute_wrapper(note):
                seen.append(names(user=ada.pk))
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [thread.ident, [("ada", 1)]]


def test_a_joined_row_is_none_where_the_join_finds_nothing() -> None:
    row = Session.objects.create(key_hash="k")
    statement = Joined(
        """
        SELECT {session}, {user} FROM accounts_session AS "session"
        LEFT JOIN accounts_user AS "user" ON "user".id = "session".user_id WHERE "session".key_hash = %s
        """,
        session=Session,
        user=User,
    )
    assert statement.first("k") == {"session": row, "user": None}
    assert statement.first("another") is None
