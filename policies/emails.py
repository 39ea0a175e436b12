"""The mails of policies, one function for each. A mail holds no name: anyone may have typed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.template.defaultfilters import date as written
from django.utils.crypto import get_random_string

from core import mail

if TYPE_CHECKING:
    from accounts.models import User

# An agency may have hundreds of terms that end; home lists them all.
LISTED = 25


def renewal_reminder(user: User, ending: Sequence[tuple[str, dt.date]]) -> None:
    """Remind a user of terms whose renewal isn't bound: policy numbers, and the days on which the terms end.

    `RenewalReminder` says that this is the first time; so the key needs only to be new.
    """
    context = {
        "address": settings.PUBLIC_URL.rstrip("/") or "/",
        "policies": [{"number": number, "ends": written(day, "F j, Y")} for number, day in ending[:LISTED]],
        "more": max(0, len(ending) - LISTED),
        "count": len(ending),
    }
    mail.send("renewal_reminder", to=user.email, context=context, key=f"{user.public_id}:{get_random_string(16)}")
