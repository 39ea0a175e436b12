"""The ways to prove oneself with a second factor, in the registry of django-two-factor-auth.

Only its registry is used: `two_factor` is no installed app, and its own method is taken out, since the forms that come
with it register a device that has no table here (docs/decisions). A method knows its devices, its forms and its words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from two_factor.plugins.registry import MethodBase, registry

from accounts.models import AuthenticatorDevice, CodeDevice, PhoneDevice, User

if TYPE_CHECKING:
    from django import forms


class AuthenticatorMethod(MethodBase):
    """An authenticator app on a phone or computer."""

    code = AuthenticatorDevice.METHOD
    verbose_name = "Authenticator app"
    icon = "smartphone"
    summary = "An app on your phone shows a new code every 30 seconds. Works without a signal."

    def get_devices(self, user: User) -> Iterable[AuthenticatorDevice]:
        return AuthenticatorDevice.objects.devices_for_user(user, confirmed=True).order_by("created_at")

    def recognize_device(self, device: Any) -> bool:
        return isinstance(device, AuthenticatorDevice)

    def get_token_form_class(self) -> type[forms.Form]:
        from accounts.forms import CodeForm

        return CodeForm

    def get_setup_forms(self, *_args: Any) -> dict[str, type[forms.Form]]:
        from accounts.forms import CodeForm

        return {"code": CodeForm}

    def get_action(self, device: AuthenticatorDevice) -> str:
        return "Use your authenticator app"

    def get_verbose_action(self, device: AuthenticatorDevice) -> str:
        return "Enter the 6-digit code that your authenticator app shows for this account."


class TextMethod(MethodBase):
    """A code by text message."""

    code = PhoneDevice.METHOD
    verbose_name = "Text message"
    icon = "message-square-text"
    summary = "We text a code to your mobile phone. Needs a signal; your carrier's rates apply."

    def get_devices(self, user: User) -> Iterable[PhoneDevice]:
        return PhoneDevice.objects.devices_for_user(user, confirmed=True).order_by("created_at")

    def recognize_device(self, device: Any) -> bool:
        return isinstance(device, PhoneDevice)

    def get_token_form_class(self) -> type[forms.Form]:
        from accounts.forms import CodeForm

        return CodeForm

    def get_setup_forms(self, *_args: Any) -> dict[str, type[forms.Form]]:
        from accounts.forms import CodeForm, PhoneForm

        return {"phone": PhoneForm, "code": CodeForm}

    def get_action(self, device: PhoneDevice) -> str:
        return f"Text a code to the phone ending in {device.last_four}"

    def get_verbose_action(self, device: PhoneDevice) -> str:
        return f"Enter the 6-digit code that we texted to the phone ending in {device.last_four}."


def register_methods() -> None:
    """Called once when the app is ready; calling it again changes nothing."""
    registry.unregister("generator")
    registry.register(AuthenticatorMethod())
    registry.register(TextMethod())


def methods() -> list[Any]:
    """All methods, in the order in which they are offered."""
    return list(registry.get_methods())


def method_of(device: CodeDevice) -> Any:
    """The method that a device belongs to."""
    return registry.method_from_device(device)


def devices_of(user: User) -> list[CodeDevice]:
    """A user's confirmed devices, the one used last first: it is the one that sign-in asks for."""
    devices: list[CodeDevice] = [device for method in methods() for device in method.get_devices(user)]
    return sorted(devices, key=lambda device: device.last_used_at or device.created_at, reverse=True)
