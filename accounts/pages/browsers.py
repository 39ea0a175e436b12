"""What the pages about an account's browsers show: open sessions and remembered devices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from accounts.methods import devices_of, method_of
from accounts.services.remembering import describe_agent
from core.dates import shown_day

if TYPE_CHECKING:
    from accounts.models import CodeDevice, Session, TrustedDevice, User

UNKNOWN_NETWORK = "Not known"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An open session as its owner reads it."""

    public_id: str
    browser: str
    network: str
    started_at: dt.datetime
    last_seen_at: dt.datetime
    verified: str
    is_this: bool = False


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A remembered device as its owner reads it."""

    public_id: str
    label: str
    browser: str
    network: str
    created_at: dt.datetime
    last_used_at: dt.datetime
    expires_at: dt.datetime
    is_this: bool = False

    @property
    def expires_on(self) -> dt.date:
        """Return the last day in the reader's zone."""
        return shown_day(self.expires_at)


def open_sessions(user: User, *, this: Session | None = None) -> list[SessionRow]:
    """Return the sessions that still open something, this one first, then the one seen last. Two queries, and one for
    each kind of method."""
    now = timezone.now()
    names = {device.persistent_id: _method_words(device) for device in devices_of(user)}
    rows = []
    for session in user.sessions.open().select_related("trusted_device", "user").exclude(authenticated_at=None):
        if session.limit_passed(now) is not None:
            continue
        rows.append(
            SessionRow(
                public_id=session.public_id,
                browser=describe_agent(session.agent),
                network=session.ip or UNKNOWN_NETWORK,
                started_at=session.started_at,
                last_seen_at=session.last_seen_at,
                verified=_verified(session, names),
                is_this=this is not None and session.pk == this.pk,
            )
        )
    return sorted(rows, key=lambda row: not row.is_this)


def remembered_devices(user: User, *, this: TrustedDevice | None = None) -> list[DeviceRow]:
    """Return the devices that are spared the code, this one first, then the one used last."""
    rows = [
        DeviceRow(
            public_id=device.public_id,
            label=device.label,
            browser=describe_agent(device.agent),
            network=device.ip or UNKNOWN_NETWORK,
            created_at=device.created_at,
            last_used_at=device.last_used_at,
            expires_at=device.expires_at,
            is_this=this is not None and device.pk == this.pk,
        )
        for device in user.trusted_devices.usable()
    ]
    return sorted(rows, key=lambda row: not row.is_this)


def _method_words(device: CodeDevice) -> str:
    """Return the kind of a method and its name where that says more: a phone's last digits."""
    kind = method_of(device).verbose_name
    return str(kind) if device.name == kind else f"{kind}: {device.name}"


def _verified(session: Session, names: dict[str, str]) -> str:
    """Return how the session proved its second factor."""
    if session.verified_at is not None:
        return names.get(session.verified_by, "A code")
    if session.waits_for_code():
        return "Password only; no code yet"
    return "Remembered device, without a code"
