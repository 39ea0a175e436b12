"""Staff look at the portal as a customer sees it (B-11; docs/security.md#view-as).

The session keeps only which look is open. `request.user` stays the member of staff, who acts in every event; pages
take rows, rights, and menu from `accounts.guards.subject_of`. `accounts.looking` keeps such a request from changing
anything.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import session_of, store_of, user_of
from accounts.models import Look, LookEnd, Session, User
from core.areas import hook
from core.events import record_event

HELD = "look"
PERMISSION = "accounts.view_as_user"


class MayNotLookError(PermissionDenied):
    """Why staff may not look at this account, in a sentence."""


def refusal(*, staff: User, subject: User) -> str:
    """Return why this member of staff may not look at the portal as the subject, or an empty string.

    Staff who are customers too don't look at their own parties: whether they share one, the hook `accounts.share_rows`
    says.
    """
    if not (staff.is_active and staff.is_of_staff and staff.has_perm(PERMISSION)):
        return "Your groups don’t include viewing the portal as a customer."
    if subject.pk == staff.pk or subject.is_of_staff:
        return "This is a staff account. You can view the portal only as a customer."
    if not subject.is_active:
        return "This account is deactivated, so its owner sees nothing."
    share_rows = hook("accounts.share_rows")
    if share_rows is not None and share_rows(staff, subject):
        return "You’re a customer with this person. Ask a colleague to look."
    return ""


def start(*, request: HttpRequest, subject: User, reason: str) -> Look:
    """Begin a look in this session. Raises MayNotLookError; a look that is open already has to end first."""
    staff = user_of(request)
    with transaction.atomic():
        session = Session.objects.select_for_update().get(pk=session_of(request).pk)
        why = refusal(staff=staff, subject=subject)
        if not why and session.looks.filter(ended_at=None).exists():
            why = "You’re viewing the portal as a customer already. End that first."
        if why:
            raise MayNotLookError(why)
        now = timezone.now()
        look = Look.objects.create(
            session=session,
            staff=staff,
            subject=subject,
            reason=reason,
            started_at=now,
            ends_at=now + settings.VIEW_AS_LIFE,
        )
        _record(AccountEvent.LOOK_STARTED, look, reason=reason, until=look.ends_at.isoformat())
    request.session[HELD] = look.public_id
    return look


def held(*, request: HttpRequest) -> Look | None:
    """Return this session's look that nobody has ended, whether it may go on or not. No query where there is none."""
    public_id = request.session.get(HELD)
    row = store_of(request).row
    if not public_id or row is None or not request.user.is_authenticated:
        return None
    held_now = Look.objects.select_related("subject").filter(session=row, staff=request.user.pk, ended_at=None)
    return held_now.filter(public_id=public_id).first()


def over(look: Look, *, staff: User) -> LookEnd | None:
    """Return why the look may not go on, or None: rights and memberships may have changed since it began."""
    if timezone.now() >= look.ends_at:
        return LookEnd.TIME
    return LookEnd.NOT_ALLOWED if refusal(staff=staff, subject=look.subject) else None


def current(*, request: HttpRequest) -> Look | None:
    """Return the look by which this request sees the portal."""
    look = held(request=request)
    return None if look is None or over(look, staff=user_of(request)) else look


def record_page(look: Look, *, page: str, path: str) -> None:
    """Record that the staff member opened this page, before it's shown. Not its query: that holds names."""
    _record(AccountEvent.LOOK_PAGE, look, page=page, path=path[:300])


def end(look: Look, why: LookEnd) -> None:
    """End a look and record it. Ending one that is over changes nothing."""
    with transaction.atomic():
        ended = Look.objects.filter(pk=look.pk, ended_at=None).update(ended_at=timezone.now(), end_reason=why)
        if ended:
            _record(AccountEvent.LOOK_ENDED, look, why=why)


def end_of_session(session: Session) -> None:
    """End the look of a session that ends."""
    for look in session.looks.filter(ended_at=None).select_related("staff", "subject"):
        end(look, LookEnd.SESSION)


def end_overdue() -> int:
    """End the looks whose time is up, or whose session is over without a sign-out; return how many."""
    is_open = Look.objects.filter(ended_at=None).select_related("staff", "subject", "session")
    found = 0
    for look in is_open.iterator():
        if look.session is None or look.session.ended_at is not None:
            end(look, LookEnd.SESSION)
        elif timezone.now() >= look.ends_at:
            end(look, LookEnd.TIME)
        else:
            continue
        found += 1
    return found


def _record(tag: AccountEvent, look: Look, **data: str) -> None:
    record_event(tag, subject=look.subject, by=look.staff, on_behalf_of=look.subject, look=look.public_id, **data)
