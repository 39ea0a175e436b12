"""Letters with codes for registrations (S-06), printed by staff.

A code is drawn when its letter is printed, goes into the PDF, and is kept as a keyed hash. Nothing else holds it, the
PDF isn't stored, and printing again voids the earlier letter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import Registration, User
from accounts.registrants import person_on_file
from core.dates import carrier_today
from core.events import record_event
from core.pdf import Candidate, Layout

PRINTABLE = (Registration.Status.LETTER, Registration.Status.POSTED)
# One print is laid out while staff wait.
MOST = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """What one letter says of its reader."""

    name: str
    address: tuple[str, ...]
    code: str


def print_letters(*, registrations: Iterable[Registration], by: User) -> bytes | None:
    """Draw a code for each registration that waits for its letter, and return the letters as a PDF; None where none of
    them can be printed (any more). A person without a mailing address on file gets none."""
    keys = [registration.pk for registration in registrations]
    with transaction.atomic():
        waiting = Registration.objects.filter(pk__in=keys, status__in=PRINTABLE).order_by("pk")
        letters = [letter for each in waiting.select_for_update(of=("self",)) if (letter := _letter(each, by))]
        return _lay_out(letters) if letters else None


def _letter(registration: Registration, by: User) -> Letter | None:
    person = person_on_file(registration.parties)
    if person is None or not person.address:
        return None
    code = registration.draw_code(until=_midnight_after(_last_day()))
    record_event(AccountEvent.REGISTRATION_PRINTED, subject=registration, by=by)
    return Letter(person.name, person.address, code)


def _last_day() -> dt.date:
    """Return the day to whose end a code printed today works: a reader can't know a time of day."""
    return carrier_today() + settings.REGISTRATION_CODE_LIFE


def _midnight_after(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=timezone.get_default_timezone())


def _lay_out(letters: list[Letter]) -> bytes:
    context = {
        "letters": letters,
        "today": carrier_today(),
        "until": _last_day(),
        "address": f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:register-code')}",
        "brand": settings.BRAND,
        "support": settings.SUPPORT["web"],
    }
    return _layout().render([Candidate(render_to_string("accounts/pdf/letters.html", context))])


@cache
def _layout() -> Layout:
    """Return the layout of letters, its style sheet parsed once per process."""
    return Layout(render_to_string("accounts/pdf/letter.css"))
