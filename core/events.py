"""The one way into the event log. Each app keeps its tags in an enumeration in its own `events.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import TextChoices

from core.models import Event
from core.origin import current_origin
from core.sentences import Kind, Sentence
from core.setwise import insert_sql
from core.uploads.events import SENTENCES as OF_UPLOADS
from core.uploads.events import UploadEvent

# Its tags belong to core's, too.
__all__ = ["LogEvent", "StaffEvent", "UploadEvent", "record_event", "record_many", "record_many_sql", "subject_label"]


class LogEvent(TextChoices):
    """What becomes of the log itself."""

    LINES_DELETED = "core:event_log:deleted", "Lines of the event log deleted, past retention"


class StaffEvent(TextChoices):
    """What staff look at and do in admin, whatever the kind of row (docs/security.md#audit)."""

    LIST_VIEWED = "staff:list:viewed", "List looked at by staff"
    LIST_REFUSED = "staff:list:refused", "List refused: asked for a column that it doesn't offer"
    CHOICES_VIEWED = "staff:choices:viewed", "Rows to choose from looked at by staff"
    ROW_VIEWED = "staff:row:viewed", "Looked at by staff"
    ROW_ADDED = "staff:row:added", "Added by staff"
    ROW_CHANGED = "staff:row:changed", "Changed by staff"
    ROW_DELETED = "staff:row:deleted", "Deleted by staff"
    HISTORY_VIEWED = "staff:history:viewed", "History of a row read by staff"
    GROUP_SET = "staff:group:set", "Rights of a group of staff set by its command"
    GROUP_RETIRED = "staff:group:retired", "Group of staff removed by its command"
    ACTION_RUN = "staff:action:run", "Action on chosen rows run by staff"


# What an account's activity says of each (S-15).
SENTENCES: dict[str, Sentence] = {
    LogEvent.LINES_DELETED: Sentence(Kind.SUPPORT, "We deleted lines of the log that are past retention."),
    StaffEvent.LIST_VIEWED: Sentence(Kind.SUPPORT, "{who} looked at a list."),
    StaffEvent.LIST_REFUSED: Sentence(Kind.SUPPORT, "{who} asked a list for what it doesn’t offer."),
    StaffEvent.CHOICES_VIEWED: Sentence(Kind.SUPPORT, "{who} looked for a row to choose in a form."),
    StaffEvent.ROW_VIEWED: Sentence(Kind.SUPPORT, "{who} looked at one of your records."),
    StaffEvent.ROW_ADDED: Sentence(Kind.SUPPORT, "{who} added a record of yours."),
    StaffEvent.ROW_CHANGED: Sentence(Kind.SUPPORT, "{who} changed one of your records."),
    StaffEvent.ROW_DELETED: Sentence(Kind.SUPPORT, "{who} deleted one of your records."),
    StaffEvent.HISTORY_VIEWED: Sentence(Kind.SUPPORT, "{who} looked at the history of one of your records."),
    StaffEvent.GROUP_SET: Sentence(Kind.SUPPORT, "The rights of a staff group were set."),
    StaffEvent.GROUP_RETIRED: Sentence(Kind.SUPPORT, "A staff group was removed."),
    StaffEvent.ACTION_RUN: Sentence(Kind.SUPPORT, "{who} ran an action on records."),
    **OF_UPLOADS,
}


# Lines that one statement deletes at most.
BATCH = 10_000
# By the database's clock and in UTC, as its trigger counts.
DELETE_OLD = """
    DELETE FROM core_event WHERE id IN (
        SELECT id FROM core_event
        WHERE (at AT TIME ZONE 'UTC') < (now() AT TIME ZONE 'UTC') - make_interval(years => %(years)s)
        ORDER BY at LIMIT %(batch)s
    )
"""
TAG = re.compile(r"[a-z][a-z_]*:[a-z][a-z_]*:[a-z][a-z_]*")


def subject_label(subject: models.Model | type[models.Model]) -> str:
    """Return how the log names a kind of thing, "accounts.user" for example."""
    return str(subject._meta.label_lower)


def _name(person: models.Model | None) -> str:
    username = getattr(person, "get_username", None)
    return str(username())[:150] if callable(username) else ""


def record_event(
    tag: str,
    /,
    *,
    subject: models.Model | None = None,
    by: models.Model | None = None,
    on_behalf_of: models.Model | None = None,
    **data: Any,
) -> Event:
    """Add one line to the log (docs/security.md#audit) in the current transaction.

    tag: "source:subject:action" from an app's enumeration. subject: what it was done to. by: who did it, the signed-in
    user of the current request unless given. on_behalf_of: whose business it was. data: JSON that explains the line,
    without codes, passwords, numbers, or dates of birth. Raises ValueError on a tag of another form.
    """
    event = _event(tag, subject=subject, by=by, on_behalf_of=on_behalf_of, data=data)
    event.save(force_insert=True)
    return event


def record_many(tag: str, /, lines: Iterable[tuple[models.Model, models.Model | None, Mapping[str, Any]]]) -> None:
    """Add one line for each subject, the user it is on behalf of, and its data. Otherwise as `record_event`."""
    Event.objects.bulk_create(
        _event(tag, subject=subject, by=None, on_behalf_of=user, data=data) for subject, user, data in lines
    )


def record_many_sql(found: str, *, subject: type[models.Model]) -> str:
    """Return an INSERT that adds one line for each row of the query `found`; nobody acts in it.

    `found` has the columns `subject_id`, `on_behalf_of_id`, `on_behalf_of_name`, and `data`. The statement takes the
    parameters `now` and `tag`, and whatever `found` takes.
    """
    columns = {
        "at": "%(now)s",
        "tag": "%(tag)s",
        "subject_type": f"'{subject_label(subject)}'",
        "subject_id": "found.subject_id::text",
        "on_behalf_of_id": "found.on_behalf_of_id",
        "on_behalf_of_name": "found.on_behalf_of_name",
        "data": "found.data",
    }
    return insert_sql(Event, columns, found)


def _event(
    tag: str,
    *,
    subject: models.Model | None,
    by: models.Model | None,
    on_behalf_of: models.Model | None,
    data: Mapping[str, Any],
) -> Event:
    if not TAG.fullmatch(str(tag)):
        raise ValueError(f"'{tag}' is not a tag of the form source:subject:action.")
    origin = current_origin()
    actor = by if by is not None else origin.user
    return Event(
        tag=str(tag),
        actor_id=actor.pk if actor is not None else None,
        actor_name=_name(actor),
        on_behalf_of_id=on_behalf_of.pk if on_behalf_of is not None else None,
        on_behalf_of_name=_name(on_behalf_of),
        subject_type=subject_label(subject) if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        ip=origin.ip,
        agent=origin.agent,
        request_id=origin.request_id,
        session_id=origin.session_id,
        data=dict(data),
    )


def forget_old() -> int:
    """Delete the lines that are past `settings.EVENT_RETENTION_YEARS`, batch by batch, and return how many.

    The database refuses to delete anything younger than five years. What must be kept for good isn't kept in the log:
    certificates and signatures are rows and files of their own.
    """
    deleted = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(DELETE_OLD, {"years": settings.EVENT_RETENTION_YEARS, "batch": BATCH})
            found = cursor.rowcount
            if found:
                record_event(LogEvent.LINES_DELETED, lines=found)
        deleted += found
        if found < BATCH:
            return deleted
