"""A user's sign-in methods: the page that lists them, and the ways to choose from at sign-in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from accounts.methods import Method, devices_of, first_of, may_go, method_of
from accounts.models import CodeDevice, Passkey, PhoneDevice, User


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One method. `detail`: what kind it is, and of a phone that has another name which one. `added`: the day in the
    reader's zone. `may_go`: whether it may be removed."""

    device: CodeDevice
    method: Method
    detail: str
    added: dt.date
    is_chosen: bool
    may_go: bool

    @property
    def replace_label(self) -> str:
        """What setting it up again is called, "" where a new one is simply added."""
        if isinstance(self.device, Passkey):
            return ""
        return "Change number" if self.method.code in {"text", "voice"} else "Set up again"


@dataclass(frozen=True, slots=True)
class MethodsPage:
    """All methods of a user, the one that sign-in asks for first on top."""

    rows: list[MethodRow]

    @property
    def devices(self) -> list[CodeDevice]:
        return [row.device for row in self.rows]

    @property
    def is_alone(self) -> bool:
        """Whether only one of them works by itself, so that the user should add a backup."""
        return sum(row.method.alone for row in self.rows) < 2


def methods_page(user: User) -> MethodsPage:
    """Return what the page shows."""
    devices = devices_of(user)
    return MethodsPage([_row(device, devices, user) for device in devices])


def _row(device: CodeDevice, devices: list[CodeDevice], user: User) -> MethodRow:
    return MethodRow(
        device=device,
        method=method_of(device),
        detail=_detail(device),
        added=timezone.localtime(device.created_at).date(),
        is_chosen=device.public_id == user.default_method,
        may_go=may_go(device, devices),
    )


def _detail(device: CodeDevice) -> str:
    kind = str(method_of(device).verbose_name)
    if isinstance(device, Passkey):
        return f"{kind}, synced to your other devices" if device.is_synced() else f"{kind}, on one device"
    if isinstance(device, PhoneDevice) and device.last_four not in device.name:
        return f"{kind} to the phone ending in {device.last_four}"
    return kind


@dataclass(frozen=True, slots=True)
class Way:
    """A way to verify: its action in words, where it leads, and the device that says whether it can be used now.
    `names`: of passkeys, which the browser chooses from."""

    device: CodeDevice
    method: Method
    action: str
    href: str
    names: str = ""


def ways_of(user: User, **query: str) -> list[Way]:
    """Return a user's ways to verify, in the order of `devices_of`. All passkeys are one way."""
    devices = devices_of(user)
    passkeys: list[CodeDevice] = [device for device in devices if isinstance(device, Passkey)]
    shown = first_of(passkeys) if passkeys else None
    names = ", ".join(device.name for device in passkeys)
    return [
        Way(
            device=device,
            method=method_of(device),
            action=method_of(device).get_action(device),
            href=method_of(device).address(device, **query),
            names=names if device == shown else "",
        )
        for device in devices
        if device == shown or device not in passkeys
    ]
