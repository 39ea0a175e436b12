"""What seminars put into a user's calendar: those in which they have a seat (B-12)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from core.calendars import MOST_ENTRIES, CalendarEntry
from policies.rights import reach_with
from policies.roles import Capability
from seminars.models import Attendance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import User

# Of a seminar whose end the carrier doesn't say.
USUAL_LENGTH = dt.timedelta(hours=1)


def entries(user: User, since: dt.date, until: dt.date) -> Iterator[CalendarEntry]:
    """Yield the seminars at a time in which the user, as an insured, has a seat."""
    own = reach_with(user, Capability.VIEW_SEMINAR_ACTIVITY).insured_ids
    if not own:
        return
    seats = Attendance.objects.not_retired().seats().filter(insured_id__any=own, seminar__retired_at=None)
    at_a_time = seats.filter(seminar__starts__date__range=(since, until)).select_related("seminar")
    for seat in at_a_time.order_by("seminar__starts", "id")[:MOST_ENTRIES]:
        seminar = seat.seminar
        yield CalendarEntry(
            f"seminar-{seat.public_id}",
            seminar.title,
            seminar.starts.astimezone(dt.UTC),
            (seminar.ends or seminar.starts + USUAL_LENGTH).astimezone(dt.UTC),
            place=seminar.location,
        )


PROVIDERS = [entries]
