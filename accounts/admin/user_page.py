"""The sections of an account's page in admin that accounts themselves have (`core.staff_sections`)."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse

from accounts.admin.user_acts import END_SESSIONS, READ_EVENTS, UNLOCK, line_of, may_activate, may_reset
from accounts.guards import user_of
from accounts.methods import devices_of, method_of
from accounts.models import CodeDevice, User
from accounts.pages.browsers import open_sessions, remembered_devices
from accounts.services import locks
from core.models import Event
from core.staff_sections import StaffAction, StaffSection

# Of the log's newest lines.
RECENT = 10


def _may(request: HttpRequest, user: User, permission: str) -> bool:
    """Whether this member of staff has the right, and the account is theirs to serve."""
    return request.user.has_perm(permission) and user.is_served_by(user_of(request))


def _act(name: str, user: User, label: str, *, grave: bool = False) -> StaffAction:
    return StaffAction(label, reverse(f"admin:accounts_user_{name}", args=[user.pk]), grave)


def person(request: HttpRequest, user: User) -> StaffSection:
    """Return whom the account belongs to."""
    confirmed = "" if not user.email else "confirmed" if user.email_confirmed_at else "not confirmed"
    email = f"{user.email} ({confirmed})" if user.email else "None: an operator makes its links"
    return StaffSection(
        "Person",
        "person",
        order=5,
        columns=("Name", "Email", "Phone", "Last sign-in", "Account since"),
        rows=[(user.get_full_name(), email, user.phone or "None", user.last_login or "Never", user.date_joined)],
    )


def sign_in(request: HttpRequest, user: User) -> StaffSection:
    """Return what keeps the account out, why, and until when; and what staff may do about it."""
    obstacles = locks.obstacles_of(user)
    locked = user.locks.filter(lifted_at=None).exists()
    state = "This user can sign in." if user.has_usable_password() else "The account has no password yet."
    actions = []
    if _may(request, user, UNLOCK):
        if obstacles:
            actions.append(_act("unlock", user, "Unlock…"))
        if may_activate(user):
            actions.append(_act("activation", user, "Send a link to choose one…"))
        if may_reset(user):
            actions.append(_act("reset", user, "Send a password link…"))
        if not locked:
            actions.append(_act("lock", user, "Lock…", grave=True))
    return StaffSection(
        "Sign-in",
        "sign-in-state",
        order=10,
        columns=("Locked", "Why", "Until"),
        rows=[(each.what, each.why, each.until or "unlocked by staff") for each in obstacles],
        empty=state,
        actions=tuple(actions),
    )


def factors(request: HttpRequest, user: User) -> StaffSection:
    """Return the second factors, without any secret."""
    return StaffSection(
        "Second factors",
        "second-factors",
        order=20,
        columns=("Method", "Name", "Added", "Last used", "State"),
        rows=[
            (method_of(each).verbose_name, each.name, each.created_at, each.last_used_at or "Never", _state(each))
            for each in devices_of(user)
        ],
        empty="No second factor yet. The user sets one up at the next sign-in.",
    )


def _state(device: CodeDevice) -> str:
    if device.is_off():
        return device.why_off
    return "Locked for a while" if device.is_cooling_off() else "Works"


def sessions(request: HttpRequest, user: User) -> StaffSection | None:
    """Return the open sessions, for staff who may end them."""
    if not request.user.has_perm(END_SESSIONS):
        return None
    rows = open_sessions(user)
    return StaffSection(
        "Open sessions",
        "open-sessions",
        order=30,
        columns=("Browser", "Network", "Started", "Last seen", "Verified"),
        rows=[(each.browser, each.network, each.started_at, each.last_seen_at, each.verified) for each in rows],
        empty="No session is open.",
        actions=(_act("end-sessions", user, "End all sessions…"),) if _may(request, user, END_SESSIONS) else (),
    )


def devices(request: HttpRequest, user: User) -> StaffSection | None:
    """Return the remembered devices, for staff who may revoke them."""
    if not request.user.has_perm(END_SESSIONS):
        return None
    rows = remembered_devices(user)
    may = bool(rows) and _may(request, user, END_SESSIONS)
    return StaffSection(
        "Remembered devices",
        "remembered-devices",
        order=40,
        columns=("Name", "Network", "First used", "Last used", "Until"),
        rows=[(each.label, each.network, each.created_at, each.last_used_at, each.expires_at) for each in rows],
        empty="No device is remembered.",
        actions=(_act("revoke-devices", user, "Revoke all devices…"),) if may else (),
    )


def recent(request: HttpRequest, user: User) -> StaffSection | None:
    """Return the newest events, for staff who may read the log."""
    if not request.user.has_perm(READ_EVENTS):
        return None
    events = cast("Any", Event.objects).about_user(user.pk)[:RECENT]
    rows = []
    for line in map(line_of, events):
        event = line["event"]
        rows.append((event.at, line["what"], event.actor_name or "–", event.ip or "–", line["browser"] or "–"))
    return StaffSection(
        "Recent events",
        "recent-events",
        order=90,
        columns=("When", "What", "Who", "From", "Browser"),
        rows=rows,
        empty="Nothing yet.",
        actions=(_act("events", user, "Event log"),),
    )
