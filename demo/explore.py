"""One-click entry: look at the portal as one of four people, second factor included.

The demo users keep their first sign-in without a second factor, so each card on the landing page has an account of its
own: a twin with the same memberships and an authenticator app that the demo holds. Entering is an ordinary sign-in of
that account. The same services check its password and its code, count them, and record them
(docs/decisions/0050-demo-entry.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import pyotp
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import AuthenticatorDevice, Challenge, CodeDevice, Outcome, PhoneDevice, User
from accounts.services import codes, signing_in
from demo.models import DemoMessage
from demo.users import DEMO_PASSWORD, new_user
from policies.models import Membership

APP = "Demo authenticator"


@dataclass(frozen=True, slots=True)
class Role:
    """One card on the landing page. `twin_of` is the demo user whose memberships and groups the account shares."""

    key: str
    label: str
    summary: str
    icon: str
    twin_of: str
    start: str = "home"

    @property
    def username(self) -> str:
        return f"explore-{self.key}"


ROLES = (
    Role("physician", "a physician", "Your own coverage and certificates", "stethoscope", "insured"),
    Role("administrator", "a practice administrator", "Everyone your group insures", "building-2", "policyholder"),
    Role("agent", "an agent", "Your clients, and what’s coming up", "briefcase", "agent"),
    Role("support", "web support", "Locked accounts, events, and data", "headset", "support", start="admin:index"),
)


# The demo users, for a sign-in by password.
ACCOUNTS = (
    ("insured", "A physician in a group practice"),
    ("practitioner", "A physician with a policy of their own"),
    ("policyholder", "The administrator of a group practice"),
    ("agent", "An insurance agent"),
    ("support", "Web support, in admin"),
)


def role_of(key: str) -> Role | None:
    """Return the role of a card, or None."""
    return next((role for role in ROLES if role.key == key), None)


@transaction.atomic
def make_twins() -> None:
    """Create the missing accounts of the cards, and bring their memberships and groups up to date."""
    for role in ROLES:
        model = User.objects.get(username=role.twin_of)
        twin = User.objects.filter(username=role.username).first() or new_user(
            role.username, first_name=model.first_name, last_name=model.last_name, is_staff=model.is_staff
        )
        twin.groups.set(model.groups.all())
        for held in Membership.objects.filter(user=model):
            party = {"insured": held.insured, "policyholder": held.policyholder, "agency": held.agency}
            if not Membership.objects.filter(user=twin, role=held.role, **party).exists():
                Membership.objects.create(user=twin, role=held.role, capabilities=held.capabilities, **party)
        _set_up_app(twin)


def enter(*, request: HttpRequest, role: Role) -> bool:
    """Sign this browser in as the account of a role. False if its sign-in is locked or limited right now."""
    found = signing_in.check_password(request=request, username=role.username, password=DEMO_PASSWORD)
    if not isinstance(found, User) or signing_in.begin_session(request=request, user=found) is None:
        return False
    with transaction.atomic():
        app = _set_up_app(found)
        return codes.verify(device=app, code=_code_at(app, _step()), request=request) is Outcome.ACCEPTED


def _set_up_app(user: User) -> AuthenticatorDevice:
    """Return the account's authenticator with a new seed, so that no earlier visitor has spent its codes."""
    fresh = {"seed": AuthenticatorDevice.new_seed(), "last_step": 0}
    app, _new = AuthenticatorDevice.objects.update_or_create(user=user, name=APP, confirmed=True, defaults=fresh)
    app.switch_on()
    return app


def code_for(device: CodeDevice, challenge: Challenge | None) -> str:
    """Return the code that the owner of a device would have now, or "" while there's none."""
    if isinstance(device, AuthenticatorDevice):
        unspent = [step for step in (_step(), _step() + 1) if step > device.last_step]
        return _code_at(device, unspent[0]) if unspent else ""
    if isinstance(device, PhoneDevice) and challenge is not None:
        kind = DemoMessage.Kind.VOICE if device.is_called else DemoMessage.Kind.SMS
        sent = DemoMessage.objects.filter(kind=kind, to__startswith=device.phone, sent_at__gte=challenge.created_at)
        return sent.order_by("-sent_at", "-id").values_list("code", flat=True).first() or ""
    return ""


def _step() -> int:
    return int(timezone.now().timestamp()) // AuthenticatorDevice.STEP_SECONDS


def _code_at(app: AuthenticatorDevice, step: int) -> str:
    return pyotp.TOTP(app.seed).at(step * AuthenticatorDevice.STEP_SECONDS)
