"""The event log: what a line holds, and that nobody can change or remove one."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from core.events import record_event
from core.middleware import acting_in
from core.models import Event
from core.tasks import keep_house
from tests.factories import UserFactory
from tests.helpers import sign_in


@pytest.mark.django_db
def test_a_line_says_who_for_whom_what_when_and_where() -> None:
    staff, customer = UserFactory.create(username="staff"), UserFactory.create(username="customer")
    request = RequestFactory(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Netscape").get("/")
    request.request_id = "abc123"  # type: ignore[attr-defined]
    with time_machine.travel("2026-03-02 12:00:00+00:00", tick=False), acting_in(request):
        event = record_event("test:thing:done", subject=customer, by=staff, on_behalf_of=customer, a=1)
    event.refresh_from_db()
    assert event.tag == "test:thing:done"
    assert (event.actor_id, event.actor_name) == (staff.pk, "staff")
    assert (event.on_behalf_of_id, event.on_behalf_of_name) == (customer.pk, "customer")
    assert (event.subject_type, event.subject_id) == ("accounts.user", str(customer.pk))
    assert (event.ip, event.agent, event.request_id) == ("192.0.2.7", "Netscape", "abc123")
    assert event.at == dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    assert event.data == {"a": 1}


@pytest.mark.django_db
def test_the_signed_in_user_is_the_actor_and_the_session_is_named(client: Client) -> None:
    user = UserFactory.create(is_staff=True, is_superuser=True)
    session = sign_in(client, user)
    client.get(f"/admin/accounts/user/{user.pk}/change/")
    event = Event.objects.get(tag="staff:user:viewed")
    assert (event.actor_id, event.session_id) == (user.pk, session.public_id)
    assert event.request_id


@pytest.mark.parametrize("tag", ["thing", "a:b", "A:b:c", "a:b:c:d", "a b:c:d", ""])
def test_a_tag_of_another_form_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="not a tag"):
        record_event(tag)


STATEMENTS = (
    "UPDATE {table} SET tag = 'x:y:z'",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize(
    "setting",
    ["", "SET LOCAL pgtrigger.ignore = '{core_event}'", "SET LOCAL session_replication_role = replica"],
    ids=["nothing set", "a trigger library's switch", "the role of a replica"],
)
def test_the_database_refuses_to_change_or_remove_a_line(statement: str, setting: str) -> None:
    record_event("test:thing:done")
    with time_machine.travel(timezone.now() - dt.timedelta(days=5 * 365)):
        record_event("test:thing:done")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{setting}; {statement.format(table='core_event')}")
    assert Event.objects.filter(tag="test:thing:done").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("statement", STATEMENTS[::2], ids=["update", "truncate"])
def test_what_is_past_the_retention_can_be_deleted_and_nothing_else_done_to_it(statement: str) -> None:
    with time_machine.travel("2015-05-05 12:00:00+00:00"):
        record_event("test:thing:done")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table="core_event"))
    assert Event.objects.filter(tag="test:thing:done").delete()[0] == 1


@pytest.mark.django_db
def test_a_function_of_the_same_name_does_not_move_the_time_of_the_log() -> None:
    record_event("test:thing:done")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE SCHEMA evil; "
            "CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT timestamptz '2100-01-01'$$;"
            "SET LOCAL search_path = evil, public, pg_catalog; SET LOCAL timezone = 'Etc/GMT+12';"
            "DELETE FROM public.core_event"
        )
    assert Event.objects.filter(tag="test:thing:done").count() == 1


@pytest.mark.django_db
def test_the_orm_is_refused_as_well() -> None:
    event = record_event("test:thing:done")
    event.tag = "test:thing:undone"
    with pytest.raises(DatabaseError, match="UPDATE refused"), transaction.atomic():
        event.save()
    with pytest.raises(DatabaseError, match="DELETE refused"), transaction.atomic():
        event.delete()


@pytest.fixture
def as_a_role_that_owns_nothing(db: None) -> Iterator[None]:
    """Yield the portal's own role where migrations run as another one: rights on the rows, none on the tables."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE portal_app")
        cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO portal_app")
        cursor.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO portal_app")
        cursor.execute("SET LOCAL ROLE portal_app")
        yield
        cursor.execute("RESET ROLE")


@pytest.mark.usefixtures("as_a_role_that_owns_nothing")
@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE core_event",
        "DROP TABLE core_event",
        "ALTER TABLE core_event DISABLE TRIGGER ALL",
        "SET LOCAL session_replication_role = replica",
    ],
)
def test_a_role_that_does_not_own_the_log_can_not_even_take_it_away(statement: str) -> None:
    record_event("test:thing:done")
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.usefixtures("as_a_role_that_owns_nothing")
def test_the_nightly_task_deletes_what_is_past_retention_and_nothing_younger_though_its_role_owns_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.events.BATCH", 2)
    now = timezone.now()
    # Five years have one or two leap days.
    for days in (12 * 366, 9 * 366, 5 * 365 + 3, 5 * 365, 4 * 365):
        with time_machine.travel(now - dt.timedelta(days=days)):
            record_event("test:thing:done")
    settings.EVENT_RETENTION_YEARS = 6
    keep_house()
    assert Event.objects.filter(tag__startswith="test:").count() == 3
    settings.EVENT_RETENTION_YEARS = 5
    keep_house()
    kept = Event.objects.filter(tag__startswith="test:").order_by("at")
    assert [(now - event.at).days // 365 for event in kept] == [5, 4]
    said = Event.objects.filter(tag="core:event_log:deleted").order_by("pk").values_list("data__lines", flat=True)
    assert list(said) == [2, 1]


def test_the_retention_can_only_be_longer_than_five_years() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from portal.settings import EVENT_RETENTION_YEARS as years; print(years)"],
        env={**os.environ, "EVENT_RETENTION_YEARS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "5"


@pytest.mark.django_db
def test_what_concerns_a_user_is_what_she_did_what_was_done_to_her_and_for_her() -> None:
    user, other = UserFactory.create(), UserFactory.create()
    record_event("test:one:done", by=user)
    record_event("test:two:done", subject=user)
    record_event("test:three:done", by=other, on_behalf_of=user)
    record_event("test:four:done", by=other)
    log = Event.objects.about_user(user.pk)  # type: ignore[attr-defined]
    assert {event.tag for event in log} == {"test:one:done", "test:two:done", "test:three:done"}
