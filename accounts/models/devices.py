"""Second factors as django-otp devices whose codes are counted, cooled off and switched off alike.

Verification goes through `django_otp.verify_token`, which loads the device under a row lock; what it hands to
`verify_token` here is an `Attempt`, since a text code is bound to the session that asked for it.
"""

from __future__ import annotations

import datetime as dt
import hmac
from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import pyotp
from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django_otp.models import Device
from django_otp.oath import hotp

from accounts import emails
from accounts.events import AccountEvent
from accounts.models.challenges import Challenge
from accounts.models.sessions import Session
from core.crypto import keyed_hash
from core.events import record_event
from core.fields import EncryptedTextField, PublicIdField
from core.refusals import record_refusal
from core.throttle import Limit

NOTICES = Limit("account:wrong_code_notices", settings.CODE_NOTICES_A_DAY, dt.timedelta(days=1))
REFUSED_CODES = "account:refused_codes"


class Outcome(StrEnum):
    """What became of an attempt; the view says it in words."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    # Right for an app whose clock is a few minutes off.
    ANOTHER_TIME = "another_time"
    # Wrong, and the last try that this code had.
    SPENT = "spent"
    EXPIRED = "expired"
    COOLING_OFF = "cooling_off"
    OFF = "off"
    COPIED = "copied"


@dataclass
class Attempt:
    """A code as typed, and the session it was typed in. `outcome` is set by the device that judged it."""

    code: str
    session: Session
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        """Spaces and dashes that people copy along don't count."""
        self.code = "".join(character for character in self.code if character not in " -\u00a0")


AnyDevice = TypeVar("AnyDevice", bound="CodeDevice")


class CodeDeviceQuerySet(models.QuerySet[AnyDevice]):
    """Readings of devices of one kind."""

    def devices_for_user(self, user: models.Model, confirmed: bool | None = None) -> CodeDeviceQuerySet[AnyDevice]:
        """Return a user's devices; what django-otp asks of every kind of device."""
        owned = self.filter(user=user)
        return owned if confirmed is None else owned.filter(confirmed=confirmed)

    def in_set_up(self, session: Session) -> CodeDeviceQuerySet[AnyDevice]:
        """Being set up in this very session; no other session may see or finish it."""
        return self.filter(confirmed=False, set_up_in=session)


class CodeDevice(Device):
    """What every factor with a typed code has in common (docs/security.md#codes).

    Five wrong codes in a row cool the device off for 15 minutes. A hundred (of a call's shorter codes: 20) switch it
    off until staff switch it on: in a row, or within 30 days whatever right ones came between, so that nobody who knows
    the password can go on guessing between two sign-ins of the owner. The owner is told by mail of each cool-off at
    sign-in. What arrives meanwhile is counted but not judged; the first is an event. Success ends the run of failures.
    """

    # The code of the method in the registry.
    METHOD = ""
    # How many digits a code of this method has.
    DIGITS = 6

    public_id = PublicIdField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    consecutive_failures = models.PositiveIntegerField(default=0, editable=False)
    period_failures = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    period_began_at = models.DateTimeField(null=True, blank=True, editable=False)
    cool_off_until = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    # A seed or number in set-up belongs to one session, so that another one that knows the password learns nothing.
    set_up_in = models.ForeignKey(
        Session, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    # The public id of the method that this one takes the place of once it is confirmed.
    replaces = models.CharField(max_length=22, blank=True, default="", db_default="", editable=False)

    class Meta:
        abstract = True

    @property
    def method_code(self) -> str:
        """The code of this device's method in the registry, as events name it."""
        return self.METHOD

    @property
    def digits(self) -> int:
        """How many digits a code of this device has."""
        return self.DIGITS

    @property
    def failures_off(self) -> int:
        """The number of wrong codes that switches this device off."""
        return settings.CODE_FAILURES_OFF

    @property
    def why_off(self) -> str:
        """Why the device is off, where it is."""
        return f"Disabled after {self.failures_off} wrong codes"

    def is_cooling_off(self) -> bool:
        """Whether codes are refused for now."""
        return self.cool_off_until is not None and self.cool_off_until > timezone.now()

    def is_off(self) -> bool:
        """Whether codes are refused until staff switch the method on again."""
        return self.disabled_at is not None

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        """django-otp's question before a code is judged; the reason is an `Outcome`."""
        if self.is_off():
            return False, {"reason": Outcome.OFF}
        if self.is_cooling_off():
            return False, {"reason": Outcome.COOLING_OFF, "locked_until": self.cool_off_until}
        return True, None

    def verify_token(self, token: Attempt) -> bool:
        """Judge an attempt and count it. The caller holds this row's lock (`django_otp.verify_token`)."""
        allowed, why = self.verify_is_allowed()
        if not allowed and why is not None:
            token.outcome = why["reason"]
            record_refusal(AccountEvent.CODE_REFUSED, scope=REFUSED_CODES, key=self.public_id, **self._told(token))
            return False
        token.outcome = self._judge(token)
        if token.outcome is Outcome.ACCEPTED:
            self._count_success()
            self._record(AccountEvent.CODE_ACCEPTED, token)
            return True
        self._count_failure(token)
        return False

    def switch_on(self) -> None:
        """Forget wrong codes: no cool-off, not off (staff, with a reason, or the cool-off's own end)."""
        self.failures = self.consecutive_failures = self.period_failures = 0
        self.period_began_at = self.cool_off_until = self.disabled_at = None
        counters = ["failures", "consecutive_failures", "period_failures", "period_began_at"]
        self.save(update_fields=[*counters, "cool_off_until", "disabled_at"])

    @abstractmethod
    def _judge(self, attempt: Attempt) -> Outcome:
        """Whether the code is right; must spend it when it is."""

    def _count_success(self) -> None:
        self.failures, self.consecutive_failures, self.cool_off_until = 0, 0, None
        self.last_used_at = timezone.now()
        self.save(update_fields=["failures", "consecutive_failures", "cool_off_until", "last_used_at"])

    def _count_failure(self, attempt: Attempt) -> None:
        """One atomic UPDATE counts the failure and sets what follows from it."""
        now = timezone.now()
        last_of_run = Q(failures__gte=settings.CODE_FAILURES - 1)
        in_period = Q(period_began_at__gt=now - settings.CODE_FAILURES_PERIOD)
        last_of_all = Q(consecutive_failures__gte=self.failures_off - 1) | (
            in_period & Q(period_failures__gte=self.failures_off - 1)
        )
        type(self).objects.filter(pk=self.pk).update(
            failures=Case(When(last_of_run, then=Value(0)), default=F("failures") + 1),
            consecutive_failures=F("consecutive_failures") + 1,
            period_failures=Case(When(in_period, then=F("period_failures") + 1), default=Value(1)),
            period_began_at=Case(When(in_period, then=F("period_began_at")), default=Value(now)),
            cool_off_until=Case(
                When(last_of_run, then=Value(now + settings.CODE_COOL_OFF)), default=F("cool_off_until")
            ),
            disabled_at=Case(When(last_of_all, then=Value(now)), default=F("disabled_at")),
        )
        self.refresh_from_db()
        self._record(AccountEvent.CODE_WRONG, attempt)
        if self.is_off():
            self._record(AccountEvent.METHOD_OFF, attempt)
        elif self.is_cooling_off():
            self._record(AccountEvent.CODE_LOCKED, attempt)
        if (self.is_off() or self.is_cooling_off()) and self.confirmed and attempt.session.waits_for_code():
            self._tell_owner()

    def _tell_owner(self) -> None:
        """Mail that somebody had the password and no code; three times a day at most."""
        if NOTICES.hit(str(self.user_id)).allowed:
            key = f"{self.public_id}:{timezone.now().isoformat()}"
            emails.wrong_codes(self.user, off=self.is_off(), key=key)

    def _record(self, tag: AccountEvent, attempt: Attempt) -> None:
        record_event(tag, **self._told(attempt))

    def _told(self, attempt: Attempt) -> dict[str, Any]:
        """Return what an event about an attempt says."""
        return {
            "subject": self.user,
            "by": self.user,
            "device": self.public_id,
            "method": self.method_code,
            "outcome": attempt.outcome,
        }


class AuthenticatorDevice(CodeDevice):
    """An authenticator app: RFC 6238, SHA-1, 30 s, ±1 step (docs/security.md#codes). A time step opens once, the one
    used at enrollment included; the seed is encrypted at rest."""

    METHOD = "authenticator"
    STEP_SECONDS = 30
    # A code so many steps off, five minutes, is wrong all the same, but the page speaks of the phone's clock.
    DRIFT_STEPS = 10

    seed = EncryptedTextField(editable=False)
    last_step = models.BigIntegerField(default=0, editable=False)

    objects = CodeDeviceQuerySet["AuthenticatorDevice"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["set_up_in"], condition=Q(confirmed=False), name="one_authenticator_in_set_up"
            ),
        ]

    @staticmethod
    def new_seed() -> str:
        """160 random bits in base32, as authenticator apps want them."""
        return pyotp.random_base32(32)

    def provisioning_uri(self) -> str:
        """Return what the QR code says: the brand, the username and the seed."""
        return pyotp.TOTP(self.seed).provisioning_uri(
            name=self.user.get_username(), issuer_name=settings.BRAND["portal_name"]
        )

    def _judge(self, attempt: Attempt) -> Outcome:
        """Compare with the three steps around now, each in constant time, and spend the step that fits.

        A code of a step farther off is wrong and counted like any other; only the page's advice differs.
        """
        now_step = int(timezone.now().timestamp()) // self.STEP_SECONDS
        near = range(now_step - 1, now_step + 2)
        far = range(now_step - self.DRIFT_STEPS, now_step + self.DRIFT_STEPS + 1)
        fitting = [step for step in far if self._is_code_of(step, attempt.code)]
        unspent = [step for step in fitting if step in near and step > self.last_step]
        if not unspent:
            adrift = any(step not in near for step in fitting)
            return Outcome.ANOTHER_TIME if adrift else Outcome.WRONG
        self.last_step = unspent[0]
        self.save(update_fields=["last_step"])
        return Outcome.ACCEPTED

    def _is_code_of(self, step: int, code: str) -> bool:
        key = pyotp.TOTP(self.seed).byte_secret()
        return hmac.compare_digest(f"{hotp(key, step, self.DIGITS):0{self.DIGITS}d}".encode(), code.encode())


class Channel(models.TextChoices):
    """How a code gets to a phone. Also the code of the method in the registry."""

    TEXT = "text", "Text message"
    VOICE = "voice", "Phone call"


class PhoneDevice(CodeDevice):
    """A phone that gets codes by text message or by call. The number is encrypted; its keyed hash is what limits count
    under, whatever the channel, and its last four digits are what pages show.

    Texts and calls to one number are two devices. `extension` is for calls: what is dialed after the answer.
    """

    channel = models.CharField(
        max_length=5, choices=Channel, default=Channel.TEXT, db_default=Channel.TEXT, editable=False
    )
    phone = EncryptedTextField(editable=False)
    extension = EncryptedTextField(editable=False, blank=True, default="")
    phone_hash = models.CharField(max_length=64, editable=False, db_index=True)
    last_four = models.CharField(max_length=4, editable=False)

    objects = CodeDeviceQuerySet["PhoneDevice"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "phone_hash", "channel"], condition=Q(confirmed=True), name="a_phone_once_per_user"
            ),
            models.UniqueConstraint(fields=["set_up_in"], condition=Q(confirmed=False), name="one_phone_in_set_up"),
        ]

    @property
    def method_code(self) -> str:
        return self.channel

    @property
    def digits(self) -> int:
        return settings.CODE_DIGITS[self.channel]

    @property
    def failures_off(self) -> int:
        """A call's five digits are guessed ten times as easily (docs/decisions/0082-codes-by-call.md)."""
        return settings.VOICE_FAILURES_OFF if self.is_called else settings.CODE_FAILURES_OFF

    @property
    def code_life(self) -> dt.timedelta:
        """How long a code lives."""
        return settings.VOICE_CODE_LIFE if self.is_called else settings.TEXT_CODE_LIFE

    @property
    def code_tries(self) -> int | None:
        """How many wrong tries void a code, or None if only the device's own limits apply."""
        return settings.VOICE_CODE_TRIES if self.is_called else None

    @property
    def is_called(self) -> bool:
        """Whether codes come by call."""
        return self.channel == Channel.VOICE

    def set_phone(self, number: str, *, channel: Channel = Channel.TEXT, extension: str = "") -> None:
        """Take a number in E.164 form, "+12025550123", and for calls an extension. Saved by the caller."""
        self.phone, self.channel, self.extension = number, channel, extension
        self.phone_hash = keyed_hash("phone", number)
        self.last_four = number[-4:]
        shown = f"ending in {self.last_four}{', with extension' if extension else ''}"
        self.name = f"Call to phone {shown}" if self.is_called else f"Phone {shown}"

    def latest_challenge(self, session: Session) -> Challenge | None:
        """Return the code that this session asked for last, whatever became of it."""
        return self.challenges.filter(session=session).order_by("-created_at").first()

    def _judge(self, attempt: Attempt) -> Outcome:
        """Compare with the open code of this very session, and spend it when it fits."""
        challenge = self.challenges.select_for_update().filter(session=attempt.session).usable().first()
        if challenge is None:
            gone = self.challenges.filter(session=attempt.session, used_at=None, voided_at=None).exists()
            return Outcome.EXPIRED if gone else Outcome.WRONG
        if not challenge.accepts(attempt.code):
            return Outcome.SPENT if challenge.count_wrong() else Outcome.WRONG
        challenge.used_at = timezone.now()
        challenge.save(update_fields=["used_at"])
        return Outcome.ACCEPTED
