"""Second-factor methods, in the registry of django-two-factor-auth.

We use only its registry. `two_factor` isn't an installed app, and its own method is unregistered, because its forms
register a device that has no table here (docs/decisions). A method knows its devices and its texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from two_factor.plugins.registry import MethodBase, registry

from accounts.models import AuthenticatorDevice, Channel, CodeDevice, Passkey, PhoneDevice, Session, User
from accounts.models.challenges import Delivery
from accounts.navigation import with_query


class Method(MethodBase):
    """What our methods have in common.

    `alone`: whether it may be a user's only method: it works on any computer. One that isn't is a further one
    (docs/decisions/0085-passkeys.md). `asked_first`: whether sign-in may ask for it before the user chooses it.
    """

    alone = True
    asked_first = True
    recommended = False

    def address(self, device: CodeDevice, **query: str) -> str:
        """Return the address where this device is used."""
        return with_query("accounts:verify-device", device.public_id, **query)


class AuthenticatorMethod(Method):
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


class PhoneMethod(Method):
    """A code that we send to a phone. `send` and `send_again` are buttons; `troubles` says how a delivery failed."""

    sends = True
    channel: Channel
    send: str
    send_again: str
    # Why nobody gets a code this way for a while: the portal's own ceiling.
    stopped: str
    late: str
    troubles: Mapping[str, str]

    def get_devices(self, user: User) -> Iterable[PhoneDevice]:
        devices = PhoneDevice.objects.devices_for_user(user, confirmed=True)
        return devices.filter(channel=self.channel).order_by("created_at")

    def recognize_device(self, device: Any) -> bool:
        return isinstance(device, PhoneDevice) and device.channel == self.channel


class TextMethod(PhoneMethod):
    """A code by text message."""

    channel = Channel.TEXT
    code = Channel.TEXT.value
    verbose_name = "Text message"
    icon = "message-square-text"
    summary = "We’ll text a code to your mobile phone. Requires cell service. Message and data rates may apply."
    send = "Text me a code"
    send_again = "Text me a new code"
    stopped = "We can’t text codes right now, because too many were requested."
    late = "Your text is taking longer than usual"
    troubles = {
        Delivery.UNDELIVERED: "The text wasn’t delivered",
        Delivery.UNKNOWN: "We don’t know if the text was sent",
        Delivery.FAILED: "We couldn’t send the text",
        Delivery.EXPIRED: "We couldn’t send the text",
    }

    def get_action(self, device: PhoneDevice) -> str:
        return f"Text a code to the phone ending in {device.last_four}"

    def get_verbose_action(self, device: PhoneDevice) -> str:
        return f"Enter the 6-digit code we texted to the phone ending in {device.last_four}."

    def before(self, device: PhoneDevice) -> str:
        """Say what the button does."""
        return f"We’ll text a code to the phone ending in {device.last_four}."

    def sent(self, device: PhoneDevice) -> str:
        """Say what we did."""
        return f"We texted a {device.digits}-digit code to the phone ending in {device.last_four}."

    def sent_elsewhere(self) -> str:
        """Say why there's no code to enter here although one was sent."""
        return "We texted a code to this phone less than a minute ago, for another page or browser."


class VoiceMethod(PhoneMethod):
    """A code by call, for mobile, office, and home phones."""

    channel = Channel.VOICE
    code = Channel.VOICE.value
    verbose_name = "Phone call"
    icon = "phone"
    summary = "We’ll call any phone, including an office phone with an extension, and read you a code."
    send = "Call me with a code"
    send_again = "Call me with a new code"
    stopped = "We can’t call with codes right now, because too many were requested."
    late = "Your call is taking longer than usual"
    troubles = {
        Delivery.UNDELIVERED: "The call wasn’t answered",
        Delivery.UNKNOWN: "We don’t know if the call was placed",
        Delivery.FAILED: "We couldn’t place the call",
        Delivery.EXPIRED: "We couldn’t place the call",
    }

    def get_action(self, device: PhoneDevice) -> str:
        return f"Call the phone ending in {_shown(device)}"

    def get_verbose_action(self, device: PhoneDevice) -> str:
        return f"Answer the phone ending in {_shown(device)}, and enter the 5-digit code that we read to you."

    def before(self, device: PhoneDevice) -> str:
        """Say what the button does."""
        return f"We’ll call the phone ending in {_shown(device)} and read you a code."

    def sent(self, device: PhoneDevice) -> str:
        """Say what we did."""
        return (
            f"We’re calling the phone ending in {_shown(device)}. "
            f"Write down the {device.digits}-digit code that we read to you. You’ll hear it twice."
        )

    def sent_elsewhere(self) -> str:
        """Say why there's no code to enter here although one was sent."""
        return "We called this phone less than a minute ago, for another page or browser."


def _shown(device: PhoneDevice) -> str:
    return f"{device.last_four}, with its extension" if device.extension else device.last_four


class PasskeyMethod(Method):
    """A passkey: fingerprint, face, or PIN on the user's own device."""

    code = Passkey.METHOD
    verbose_name = "Passkey"
    icon = "fingerprint-pattern"
    alone = False
    summary = (
        "Use your fingerprint, face, or PIN on a phone or computer, or a security key. No code to type, and "
        "nothing that a fake site could steal."
    )

    def get_devices(self, user: User) -> Iterable[Passkey]:
        return Passkey.objects.devices_for_user(user, confirmed=True).order_by("created_at")

    def recognize_device(self, device: Any) -> bool:
        return isinstance(device, Passkey)

    def get_action(self, device: Passkey) -> str:
        return "Use your passkey"

    def address(self, device: CodeDevice, **query: str) -> str:
        """Return the one page of all passkeys: the browser knows which of them it has."""
        return with_query("accounts:verify-passkey", **query)

    def get_verbose_action(self, device: Passkey) -> str:
        return "Your browser will ask for your fingerprint, face, or PIN."


def register_methods() -> None:
    """Register our methods. Called when the app is ready; safe to repeat."""
    registry.unregister("generator")
    registry.register(AuthenticatorMethod())
    registry.register(TextMethod())
    registry.register(VoiceMethod())
    registry.register(PasskeyMethod())


def methods() -> list[Any]:
    """Return all methods in the order we offer them."""
    return list(registry.get_methods())


def method_of(device: CodeDevice) -> Any:
    """Return the method of a device."""
    return registry.method_from_device(device)


def devices_of(user: User) -> list[CodeDevice]:
    """Return a user's confirmed devices: the one the user wants to be asked for first, then the one used last."""
    devices: list[CodeDevice] = [device for method in methods() for device in method.get_devices(user)]
    devices.sort(key=lambda device: device.last_used_at or device.created_at, reverse=True)
    return sorted(
        devices,
        key=lambda device: (device.public_id != user.default_method, not method_of(device).asked_first),
    )


def first_of(devices: list[CodeDevice], session: Session | None = None) -> CodeDevice:
    """Return the device to ask for first: the one that this session was verified with, since its user chose it and has
    it here; else the first of `devices_of` that accepts codes; else the first."""
    ready = [device for device in devices if not device.is_off() and not device.is_cooling_off()]
    for device in ready:
        if session is not None and device.persistent_id == session.verified_by and method_of(device).asked_first:
            return device
    return (ready or devices)[0]


def may_go(device: CodeDevice, devices: list[CodeDevice]) -> bool:
    """Whether a user with these devices may remove this one: another one stays that works by itself on any computer."""
    return any(other != device and method_of(other).alone and not other.is_off() for other in devices)


def would_do(kept: Iterable[CodeDevice], devices: Iterable[CodeDevice]) -> bool:
    """Whether a user with these devices may be left with those that are kept: one of them works by itself on any
    computer. A user who has none such keeps any."""
    needed = [device for device in devices if method_of(device).alone] or list(devices)
    return bool(set(needed) & set(kept))
