"""The event log: what a line holds, and that nobody can change or remove one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory
from pytest_django import Settings

from core import partitions
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
    assert event.at == datetime(2026, 3, 2, 12, tzinfo=UTC)
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
@pytest.mark.parametrize("partition", ["core_event", "this year", "core_event_default"])
@pytest.mark.parametrize(
    "setting",
    ["", "SET LOCAL pgtrigger.ignore = '{core_event}'", "SET LOCAL session_replication_role = replica"],
    ids=["nothing set", "a trigger library's switch", "the role of a replica"],
)
def test_the_database_refuses_to_change_or_remove_a_line(statement: str, partition: str, setting: str) -> None:
    record_event("test:thing:done")
    with time_machine.travel("2019-05-05 12:00:00+00:00"):
        record_event("test:thing:done")
    table = partitions.partition_name(Event.objects.latest("at").at.year) if partition == "this year" else partition
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{setting}; {statement.format(table=table)}")
    assert Event.objects.filter(tag="test:thing:done").count() == 2


@pytest.mark.django_db
def test_the_orm_is_refused_as_well() -> None:
    event = record_event("test:thing:done")
    event.tag = "test:thing:undone"
    with pytest.raises(DatabaseError, match="UPDATE refused"), transaction.atomic():
        event.save()
    with pytest.raises(DatabaseError, match="DELETE refused"), transaction.atomic():
        event.delete()


@pytest.mark.django_db
def test_a_year_that_is_added_later_refuses_as_well() -> None:
    year = max(partitions.existing_years()) + 1
    partitions.add_year(year)
    with time_machine.travel(f"{year}-06-01 12:00:00+00:00"):
        record_event("test:thing:done")
    for statement in STATEMENTS:
        asked = statement.format(table=partitions.partition_name(year))
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL session_replication_role = replica; {asked}")
    assert Event.objects.filter(tag="test:thing:done").count() == 1


@pytest.fixture
def as_a_role_that_owns_nothing(db: None) -> Iterator[None]:
    """The portal's own role where migrations run as another one: rights on the rows, none on the tables."""
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
def test_the_nightly_task_leaves_the_years_to_the_owner_of_the_log() -> None:
    keep_house()
    with pytest.raises(CommandError, match="Only the owner"):
        call_command("keep_event_log")


@pytest.mark.django_db
def test_the_owner_of_the_log_keeps_its_years_by_a_command() -> None:
    said = StringIO()
    call_command("keep_event_log", stdout=said)
    assert "Years dropped: none." in said.getvalue()


@pytest.mark.django_db
def test_retention_drops_whole_years_and_nothing_younger(settings: Settings) -> None:
    settings.EVENT_RETENTION_YEARS = 5
    year = min(partitions.existing_years()) - 10
    for each in (year, year + 1, year + 2):
        partitions.add_year(each)
        with time_machine.travel(f"{each}-06-01 12:00:00+00:00"):
            record_event("test:thing:done")
    added, dropped = partitions.keep_partitions(datetime(year + 7, 1, 15, tzinfo=UTC))
    assert (added, dropped) == ([year + 7, year + 8], [year, year + 1])
    assert Event.objects.get(tag="test:thing:done").at.year == year + 2
    said = Event.objects.filter(tag="core:event_log:dropped").order_by("pk").values_list("data__year", flat=True)
    assert list(said) == [year, year + 1]


@pytest.mark.django_db
def test_an_event_of_the_last_day_of_a_year_is_kept_for_five_years_to_the_day(settings: Settings) -> None:
    """Five years have one or two leap days: they are more than 5 × 365 days."""
    settings.EVENT_RETENTION_YEARS = 5
    year = min(partitions.existing_years()) - 10
    partitions.add_year(year)
    assert partitions.keep_partitions(datetime(year + 5, 12, 31, 23, 59, tzinfo=UTC))[1] == []
    assert partitions.keep_partitions(datetime(year + 6, 1, 1, tzinfo=UTC))[1] == [year]


@pytest.mark.django_db
def test_the_year_ahead_gets_its_partition_before_it_begins() -> None:
    year = max(partitions.existing_years()) + 5
    assert partitions.keep_partitions(datetime(year, 12, 31, 23, 59, tzinfo=UTC))[0] == [year, year + 1]
    with time_machine.travel(f"{year + 1}-01-01 00:00:00+00:00"):
        record_event("test:thing:done")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM core_event")
        assert cursor.fetchone() == (partitions.partition_name(year + 1),)


@pytest.mark.django_db
def test_the_years_of_the_log_are_those_of_utc_whatever_clock_its_keeper_reads() -> None:
    year = max(partitions.existing_years()) + 5
    new_years_eve = datetime(year, 12, 31, 23, 58, tzinfo=ZoneInfo("America/New_York"))
    assert partitions.keep_partitions(new_years_eve)[0] == [year + 1, year + 2]


@pytest.mark.django_db
def test_a_year_that_came_too_early_stays_in_the_default_partition() -> None:
    year = max(partitions.existing_years()) + 1
    with time_machine.travel(f"{year}-03-01 12:00:00+00:00"):
        record_event("test:thing:done")
    assert partitions.add_year(year) is False
    assert Event.objects.filter(tag="test:thing:done").count() == 1


@pytest.mark.django_db
def test_what_concerns_a_user_is_what_she_did_what_was_done_to_her_and_for_her() -> None:
    user, other = UserFactory.create(), UserFactory.create()
    record_event("test:one:done", by=user)
    record_event("test:two:done", subject=user)
    record_event("test:three:done", by=other, on_behalf_of=user)
    record_event("test:four:done", by=other)
    log = Event.objects.about_user(user.pk)  # type: ignore[attr-defined]
    assert {event.tag for event in log} == {"test:one:done", "test:two:done", "test:three:done"}
