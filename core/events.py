"""The one way into the event log. Each app keeps its tags in an enumeration of its own `events.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import TextChoices
from django.http import HttpRequest

from core.clients import client_ip, user_agent
from core.models import Event


class LogEvent(TextChoices):
    """What becomes of the log itself."""

    YEARS_DROPPED = "core:event_log:dropped", "Years of the event log dropped, past retention"


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


TAG = re.compile(r"[a-z][a-z_]*:[a-z][a-z_]*:[a-z][a-z_]*")


def subject_label(subject: models.Model) -> str:
    """How the log names a kind of thing: "accounts.user"."""
    return str(subject._meta.label_lower)


def _name(person: models.Model | None) -> str:
    username = getattr(person, "get_username", None)
    return str(username())[:150] if callable(username) else ""


def record_event(
    tag: str,
    *,
    actor: models.Model | None = None,
    subject: models.Model | None = None,
    on_behalf_of: models.Model | None = None,
    request: HttpRequest | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Add one line to the log (docs/security.md#audit) in the current transaction.

    tag: "source:subject:action" from an app's enumeration. actor: who did it; without one, the request's signed-in
    user. subject: what it was done to. on_behalf_of: whose business it was. data: JSON that explains the line, without
    codes, passwords, numbers or dates of birth. Raises ValueError on a tag of another form.
    """
    if not TAG.fullmatch(str(tag)):
        raise ValueError(f"'{tag}' is not a tag of the form source:subject:action.")
    where: dict[str, Any] = {}
    if request is not None:
        user = getattr(request, "user", None)
        if actor is None and user is not None and user.is_authenticated:
            actor = user
        where = {
            "ip": client_ip(request),
            "agent": user_agent(request),
            "request_id": str(getattr(request, "request_id", ""))[:64],
            "session_id": getattr(getattr(request, "session", None), "public_id", ""),
        }
    return Event.objects.create(
        tag=str(tag),
        actor_id=actor.pk if actor is not None else None,
        actor_name=_name(actor),
        on_behalf_of_id=on_behalf_of.pk if on_behalf_of is not None else None,
        on_behalf_of_name=_name(on_behalf_of),
        subject_type=subject_label(subject) if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        data=dict(data or {}),
        **where,
    )
