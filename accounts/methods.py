"""Second-factor methods, in the registry of django-two-factor-auth.

We use only its registry. `two_factor` isn't an installed app, and its own method is unregistered, because its forms
register a device that has no table here (docs/decisions). A method knows its devices and its texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from two_factor.plugins.registry import MethodBase, registry

from accounts.models import AuthenticatorDevice, Channel, CodeDevice, PhoneDevice, User


class AuthenticatorMethod(MethodBase):
    """An authenticator app on a phone or computer."""

    code = AuthenticatorDevice.METHOD
    verbose_name = "Authenticator app"
    icon = "smartphone"
    summary = (
        "Google Authenticator, Microsoft Authenticator, 1Password, or another app shows a new code every 30 seconds. "
        "Works without cell service."
    )
    recommended = True

    def get_devices(self, user: User) -> Iterable[AuthenticatorDevice]:
        return AuthenticatorDevice.objects.devices_for_user(user, confirmed=True).order_by("created_at")

    def recognize_device(self, device: Any) -> bool:
        return isinstance(device, AuthenticatorDevice)

    def get_action(self, device: AuthenticatorDevice) -> str:
        return "Use your authenticator app"

    def get_verbose_action(self, device: AuthenticatorDevice) -> str:
        return "Enter the 6-digit code from your authenticator app."


class TextMethod(MethodBase):
    """A code by text message."""

    code = Channel.TEXT.value
    verbose_name = "Text message"
    icon = "message-square-text"
    recommended = False
    summary = "We’ll text a code to your mobile phone. Requires cell service. Message and data rates may apply."

    def get_devices(self, user: User) -> Iterable[PhoneDevice]:
        return PhoneDevice.objects.devices_for_user(user, confirmed=True).order_by("created_at")

    def recognize_device(self, device: Any) -> bool:
        return isinstance(device, PhoneDevice)

    def get_action(self, device: PhoneDevice) -> str:
        return f"Text a code to the phone ending in {device.last_four}"

    def get_verbose_action(self, device: PhoneDevice) -> str:
        return f"Enter the 6-digit code we texted to the phone ending in {device.last_four}."


def register_methods() -> None:
    """Register our methods. Called when the app is ready; safe to repeat."""
    registry.unregister("generator")
    registry.register(AuthenticatorMethod())
    registry.register(TextMethod())


def methods() -> list[Any]:
    """Return all methods in the order we offer them."""
    return list(registry.get_methods())


def method_of(device: CodeDevice) -> Any:
    """Return the method of a device."""
    return registry.method_from_device(device)


def devices_of(user: User) -> list[CodeDevice]:
    """Return a user's confirmed devices, last used first. Sign-in asks for the first one."""
    devices: list[CodeDevice] = [device for method in methods() for device in method.get_devices(user)]
    return sorted(devices, key=lambda device: device.last_used_at or device.created_at, reverse=True)
