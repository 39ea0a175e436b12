"""What happened to an account, in plain sentences, for its owner (S-15)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from accounts.models import User
from accounts.services.remembering import describe_agent
from core.events import subject_label
from core.models import Event
from core.sentences import label_of, sentences, tags_of
from core.spreadsheets import text_cell

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Lines of one export; the newest ones.
MOST_EXPORTED = 10_000
# What a line is made from.
SHOWN = ("at", "tag", "actor_id", "on_behalf_of_id", "subject_type", "subject_id", "ip", "agent", "data")
COLUMNS = ("When", "What happened", "By", "Network", "Browser")


@dataclass(frozen=True, slots=True)
class By:
    """Who acted, as the column says it and as a sentence begins."""

    label: str
    who: str
    # Whether the reader may know the network and the browser: their own, or a stranger's at their account's door.
    is_shown: bool = False


YOU = By("You", "You", is_shown=True)
SUPPORT = By("Web support", "Web support")
SYSTEM = By("Our system", "We")
OTHER = By("Another user", "Another user")
STRANGER = By("Not signed in", "Someone", is_shown=True)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the activity."""

    at: dt.datetime
    sentence: str
    by: str
    network: str
    browser: str


def events_of(
    user: User, *, kind: str = "", first: dt.date | None = None, last: dt.date | None = None
) -> QuerySet[Event]:
    """Return the events that name the account, narrowed to a kind and to days in the reader's zone."""
    found = Event.objects.about_user(user.pk)
    if kind:
        found = found.filter(tag__in=tags_of(kind))
    if first is not None:
        found = found.filter(at__gte=_start_of(first))
    if last is not None:
        found = found.filter(at__lt=_start_of(last + dt.timedelta(days=1)))
    return found


def lines_of(user: User, events: Sequence[Event]) -> list[Line]:
    """Return events as their owner reads them. One query, for who else acted."""
    staff = staff_among(event.actor_id for event in events if event.actor_id not in {user.pk, None})
    return [_line(event, _by(event, user, staff), to_reader=_is_about(event, user)) for event in events]


def staff_among(actor_ids: Iterable[int | None]) -> set[int]:
    """Return which of these people are staff."""
    wanted = {pk for pk in actor_ids if pk is not None}
    if not wanted:
        return set()
    return {person.pk for person in User.objects.filter(pk__in=wanted) if person.is_of_staff}


def _by(event: Event, user: User, staff: set[int]) -> By:
    if event.actor_id == user.pk:
        return YOU
    if event.actor_id is None:
        return STRANGER if event.ip or event.agent else SYSTEM
    # What only staff do is web support's, even where the person has left since.
    return SUPPORT if event.actor_id in staff or event.tag.startswith("staff:") else OTHER


def _is_about(event: Event, user: User) -> bool:
    """Whether it happened to this account, or for it. What its owner did for another one doesn't."""
    is_subject = (event.subject_type, event.subject_id) == (subject_label(User), str(user.pk))
    return is_subject or event.on_behalf_of_id == user.pk


def _line(event: Event, by: By, *, to_reader: bool) -> Line:
    browser = describe_agent(event.agent) if by.is_shown and event.agent else ""
    sentence = sentences().get(event.tag)
    if sentence is None:
        said = "Something was recorded that this page has no words for yet. Web support can explain it."
    else:
        text = sentence.by_reader(to_reader=to_reader, label=label_of(event.tag)) if by is YOU else ""
        said = sentence.say(who=by.who, browser=f" from {browser}" if browser else "", data=event.data, text=text)
    return Line(event.at, said, by.label, (event.ip or "") if by.is_shown else "", browser)


def _start_of(day: dt.date) -> dt.datetime:
    """Return the first moment of a day in the reader's zone."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def export(lines: Iterable[Line]) -> str:
    """Return lines as CSV, times in the reader's zone with their offset. No cell starts a formula."""
    text, zone = io.StringIO(), timezone.get_current_timezone()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in lines:
        when = line.at.astimezone(zone).isoformat(sep=" ", timespec="seconds")
        writer.writerow([when, *map(text_cell, (line.sentence, line.by, line.network, line.browser))])
    return text.getvalue()
