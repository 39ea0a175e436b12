"""Reminding owners who wish it, once a quarter, to review the account's activity (S-15)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import emails
from accounts.events import AccountEvent
from accounts.models import Notice, User
from core.dates import carrier_today
from core.events import record_event, subject_label
from core.models import Event

# After a quarter has begun: who asks for the reminder later gets it from the next quarter on, and a portal that was
# down for a week still sends it.
WINDOW = dt.timedelta(days=14)


def quarter_start(day: dt.date) -> dt.date:
    """Return the first day of a day's quarter."""
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def remind() -> int:
    """Mail everyone who is due, once a quarter however often this runs. Return how many."""
    today = carrier_today()
    began = quarter_start(today)
    if today >= began + WINDOW:
        return 0
    return sum(_remind(user_id, began) for user_id in _wishing().values_list("pk", flat=True))


def _wishing() -> QuerySet[User]:
    """Return the accounts in use whose owner wants the reminder, and has confirmed the email."""
    wishing = User.objects.filter(notices__contains=[Notice.ACTIVITY_REVIEW], is_active=True)
    return wishing.exclude(email_confirmed_at=None).exclude(locks__lifted_at=None, locks__isnull=False)


def _remind(user_id: int, began: dt.date) -> bool:
    """Mail one owner, unless that was done this quarter. The row lock puts two runs in a queue."""
    since = dt.datetime.combine(began, dt.time.min, tzinfo=ZoneInfo(settings.TIME_ZONE))
    with transaction.atomic():
        user = _wishing().select_for_update(of=("self",)).filter(pk=user_id).first()
        if user is None:
            return False
        reminded = Event.objects.filter(
            subject_type=subject_label(User), subject_id=str(user.pk), tag=AccountEvent.ACTIVITY_REMINDED, at__gte=since
        )
        if reminded.exists():
            return False
        emails.activity_review(user, key=f"{user.public_id}:{began.isoformat()}")
        record_event(AccountEvent.ACTIVITY_REMINDED, subject=user)
    return True
