"""The mails of policies, one function for each. A mail holds no name: anyone may have typed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import TextChoices
from django.template.defaultfilters import date as written
from django.urls import reverse
from django.utils.crypto import get_random_string

from core import mail

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models import ChangeRequest, Invitation, RenewalCode, RenewalPart

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


class AccessChange(TextChoices):
    """What a party's administrators are told, as a sentence."""

    INVITED = "invited", "A colleague was invited to get access."
    JOINED = "joined", "A colleague accepted an invitation and has access now."
    WITHDRAWN = "withdrawn", "An invitation was withdrawn."
    CHANGED = "changed", "What a colleague may do was changed."
    ENDED = "ended", "Someone’s access was ended."


def invitation(of: Invitation) -> None:
    """Send the invited colleague a link. The worker draws its token (`delegates.giving.mail_context`)."""
    context = {"invitation": of.public_id, "mailing": of.mailings}
    mail.send("invitation", to=of.email, context=context, key=f"{of.public_id}-{of.mailings}")


def access_changed(user: User, *, what: AccessChange, key: str) -> None:
    """Tell an administrator what happened to the access to their policies."""
    if user.email:
        page = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('policies:access')}"
        mail.send("access_changed", to=user.email, context={"what": what.label, "page": page}, key=key)


def renewal_part(part: RenewalPart, *, of_many: bool = False) -> None:
    """Ask a clinician for their part of a renewal application. The worker draws the link's token
    (`renewals.asking.mail_context`). `of_many`: the whole group is asked."""
    context = {"part": part.public_id, "mailing": part.mailings}
    key = f"{part.public_id}-{part.mailings}"
    mail.send("renewal_part", to=part.email, context=context, key=key, patient=of_many)


def renewal_code(code: RenewalCode) -> None:
    """Send the code of a clinician without a phone on file. The worker draws it (`renewals.opening.mail_context`)."""
    mail.send("renewal_code", to=code.part.email, context={"code": code.public_id}, key=code.public_id)


def contact_email(asked: ChangeRequest, *, old: str, new: str) -> None:
    """Tell the email on file, and the new one, that a request asks for the new one."""
    for address, is_new in ((old, False), (new, True)):
        if address:
            mail.send("contact_email", to=address, context={"is_new": is_new}, key=f"{asked.public_id}:{is_new}")


def leaver_told(to: str, *, effective: dt.date, key: str) -> None:
    """Tell someone that we were asked to end their coverage, and from which day they'd have none."""
    context = {"effective": written(effective, "F j, Y"), "address": settings.PUBLIC_URL.rstrip("/") or "/"}
    mail.send("leaver_told", to=to, context=context, key=key)


def tail_offered(to: str, *, decide_by: dt.date | None, key: str) -> None:
    """Tell someone who left that a tail is offered to them, and until when they can decide."""
    context = {
        "decide_by": written(decide_by, "F j, Y") if decide_by else "",
        "address": settings.PUBLIC_URL.rstrip("/") or "/",
    }
    mail.send("tail_offered", to=to, context=context, key=key)
