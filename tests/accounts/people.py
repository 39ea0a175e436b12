"""What people do at sign-in, in one line each."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyotp
from django.test import Client
from django.utils import timezone

from accounts.models import AuthenticatorDevice, Challenge, Channel, PhoneDevice, User
from accounts.tasks import send_code
from tests.factories import PASSWORD

SIGN_IN = "/accounts/sign-in/"
PHONE = "+12025550123"
OFFICE = "+12025550177"


def type_password(client: Client, username: str = "ada", password: str = PASSWORD, **more: str) -> Any:
    """Send the sign-in form."""
    return client.post(SIGN_IN, {"username": username, "password": password, **more})


def app_code(device: AuthenticatorDevice, at: dt.datetime | None = None) -> str:
    """Return what the authenticator app shows; an implementation of its own (pyotp) is the phone."""
    return pyotp.TOTP(device.seed).at(at or timezone.now())


def type_code(client: Client, device: AuthenticatorDevice | PhoneDevice, code: str, **more: str) -> Any:
    """Send the code form of a method."""
    return client.post(f"/accounts/verify/{device.public_id}/", {"code": code, **more})


def wrong_code(device: AuthenticatorDevice) -> str:
    """Six digits that the app shows at none of the steps around now."""
    now = timezone.now().timestamp()
    near = {pyotp.TOTP(device.seed).at(int(now) + 30 * step) for step in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in near)


def phone_for(user: User, number: str = PHONE, *, channel: Channel = Channel.TEXT, extension: str = "") -> PhoneDevice:
    """Return a confirmed phone of this user."""
    device = PhoneDevice(user=user)
    device.set_phone(number, channel=channel, extension=extension)
    device.save()
    return device


def deliver_codes() -> None:
    """Send the waiting challenges, as the worker of the queue `codes` does."""
    for challenge_id in Challenge.objects.filter(delivery="queued").values_list("pk", flat=True):
        send_code(challenge_id)


def is_in(client: Client) -> bool:
    """Whether this browser is signed in as a whole: a page that is not public opens."""
    return client.get("/accounts/mfa/setup/done/").status_code == 200
