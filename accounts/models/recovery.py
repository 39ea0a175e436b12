"""Getting back in: forgotten passwords and usernames, recovery codes, and resets of the second factor by staff
(docs/security.md#recovery)."""

from __future__ import annotations

import datetime as dt
import hmac
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.devices import Attempt, CodeDevice, CodeDeviceQuerySet, Outcome
from accounts.models.links import AccountLink
from core import easy_codes
from core.alerts import alert_staff
from core.crypto import keyed_hash
from core.fields import EncryptedTextField, PublicIdField
from core.work import Work

# Symbols of a typed reset code, and of a recovery code: 40 and 60 random bits.
RESET_SYMBOLS = 8
RECOVERY_SYMBOLS = 12


class RecoveryRequest(Work):
    """Something that an anonymous person asked for. The request stores what was typed and looks nothing up, so that it
    costs the same whether an account exists (docs/security.md#enumeration). The worker looks it up, mails the owner,
    and erases what was typed."""

    class Status(models.TextChoices):
        """What became of it; none of them tells the person who asked anything."""

        QUEUED = "queued", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    # About ten minutes for a database or queue that is down: someone is waiting.
    MAX_ATTEMPTS = 6
    PAUSE = dt.timedelta(seconds=10)

    public_id = PublicIdField()
    typed = EncryptedTextField(blank=True, default="", editable=False)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.public_id}"

    def finish(self) -> None:
        """Mark it as done and erase what was typed."""
        self.status, self.typed = self.Status.DONE, ""
        self.save(update_fields=["status", "typed"])

    def given_up(self) -> None:
        """Erase what was typed, and tell staff. Nobody retries it: the person asks again."""
        type(self).objects.filter(pk=self.pk).update(typed="")
        alert_staff(
            "A request for a forgotten password or username could not be handled",
            f"The {self._meta.verbose_name} {self.pk} was tried {self.attempts} times; the last error was "
            f"{self.last_error}. The person who asked got no email.",
        )


class PasswordReset(RecoveryRequest):
    """A forgotten password: the link that was mailed for it, if any, and the code that may be typed instead, in the
    browser that asked.

    `password_mark`: the link and the code work only while the account has the password it had (docs/security.md#links).
    """

    TASK = "accounts.tasks.send_password_reset"

    link = models.OneToOneField(AccountLink, on_delete=models.SET_NULL, null=True, editable=False, related_name="reset")
    code_hash = models.CharField(max_length=64, blank=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    code_used_at = models.DateTimeField(null=True, editable=False)
    password_mark = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="password_reset_queued"),
            models.Index(fields=["created_at"], name="password_reset_created"),
        ]

    @staticmethod
    def mark_of(password_hash: str) -> str:
        """Return a keyed hash of a password's hash."""
        return keyed_hash("password-reset-mark", password_hash)

    def draw_code(self) -> str:
        """Draw a code, keep its keyed hash, and return it. An earlier code stops working."""
        code = easy_codes.draw(RESET_SYMBOLS)
        self.code_hash = self._hash(code)
        self.save(update_fields=["code_hash"])
        return code

    def count_try(self) -> bool:
        """Count one more typed code in one statement. Return False where too many were wrong or one was right."""
        tried = (
            type(self)
            .objects.filter(pk=self.pk, code_used_at=None, failures__lt=settings.RESET_CODE_TRIES)
            .update(failures=F("failures") + 1)
        )
        return bool(tried)

    def accepts(self, code: str) -> bool:
        """Compare in constant time. A request without a code compares too, and accepts nothing."""
        typed = self._hash(easy_codes.normalize(code))
        return hmac.compare_digest(self.code_hash or "-" * len(typed), typed)

    def _hash(self, code: str) -> str:
        return keyed_hash("password-reset", f"{self.public_id}:{code}")


class UsernameReminder(RecoveryRequest):
    """A forgotten username. `typed` holds the policy number and identity, encrypted, without the date of birth, which
    is kept as its keyed hash until the worker has compared it."""

    TASK = "accounts.tasks.send_username"

    born_hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["enqueued_at"], condition=Q(status="queued"), name="username_reminder_queued"),
            models.Index(fields=["created_at"], name="username_reminder_created"),
        ]

    def finish(self) -> None:
        """Erase the hash of the date of birth, too."""
        self.born_hash = ""
        self.save(update_fields=["born_hash"])
        super().finish()

    def given_up(self) -> None:
        """Erase the hash of the date of birth, too."""
        super().given_up()
        type(self).objects.filter(pk=self.pk).update(born_hash="")


class RecoverySet(CodeDevice):
    """A user's recovery codes: ten, shown once, each good for one sign-in (docs/security.md#codes).

    It is a device like the others, with their counters and cool-off, but never a factor of its own: an account that has
    nothing else sets up a factor after its password. `drawn` counts the sets, so that a form that was sent twice
    doesn't void the codes that its first answer showed.
    """

    METHOD = "recovery"

    drawn = models.PositiveIntegerField(default=0, editable=False)
    drawn_at = models.DateTimeField(null=True, editable=False)

    objects = CodeDeviceQuerySet["RecoverySet"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user"], name="one_recovery_set_per_user")]

    def draw(self) -> list[str]:
        """Void the codes and return new ones. The caller holds this row's lock."""
        codes = [easy_codes.draw(RECOVERY_SYMBOLS) for _ in range(settings.RECOVERY_CODES)]
        self.codes.all().delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(set=self, code_hash=self._hash(code)) for code in codes)
        self.drawn, self.drawn_at = self.drawn + 1, timezone.now()
        self.save(update_fields=["drawn", "drawn_at"])
        return codes

    def left(self) -> int:
        """Return how many codes are unused."""
        return self.codes.filter(used_at=None).count()

    def _judge(self, attempt: Attempt) -> Outcome:
        """Compare with every unused code, each in constant time, and spend the one that fits."""
        typed = self._hash(easy_codes.normalize(attempt.code))
        unused = self.codes.select_for_update().filter(used_at=None)
        fitting = [code for code in unused if hmac.compare_digest(code.code_hash, typed)]
        if not fitting:
            return Outcome.WRONG
        fitting[0].used_at = timezone.now()
        fitting[0].save(update_fields=["used_at"])
        return Outcome.ACCEPTED

    def _hash(self, code: str) -> str:
        return keyed_hash("recovery-code", f"{self.public_id}:{code}")


class RecoveryCode(models.Model):
    """One recovery code, as a keyed hash."""

    set = models.ForeignKey(RecoverySet, on_delete=models.CASCADE, related_name="codes")
    code_hash = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["set", "code_hash"], name="a_recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class FactorResetQuerySet(models.QuerySet["FactorReset"]):
    def open(self) -> Self:
        """Keep those that wait for a second person or for the end of the delay."""
        return self.filter(status__in=OPEN)

    def due(self) -> Self:
        """Keep those whose delay is over."""
        return self.filter(status=FactorReset.Status.WAITING, due_at__lte=timezone.now())


class FactorReset(models.Model):
    """Staff remove the second factors of an account whose owner lost them (docs/security.md#factor-reset).

    One person asks, and either another one approves, or the first has called the owner back at the number on file.
    Then every address is told, and after a delay the factors go, unless the owner stops it.
    """

    class Status(models.TextChoices):
        ASKED = "asked", "Waiting for a second person"
        WAITING = "waiting", "In the delay"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped by the owner"
        CANCELLED = "cancelled", "Cancelled by staff"
        LAPSED = "lapsed", "Nobody approved it"

    class Way(models.TextChoices):
        TWO_PERSONS = "two_persons", "A second person approves"
        CALL_BACK = "call_back", "I called the owner back at the number on file"

    public_id = PublicIdField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="factor_resets")
    status = models.CharField(max_length=12, choices=Status, default=Status.ASKED)
    way = models.CharField("how it was confirmed", max_length=12, choices=Way)
    reason = models.CharField(max_length=300)
    called = models.CharField("number called ends in", max_length=4, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField("takes effect", null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    end_reason = models.CharField(max_length=300, blank=True)

    objects = FactorResetQuerySet.as_manager()

    class Meta:
        verbose_name = "reset of second factors"
        verbose_name_plural = "resets of second factors"
        ordering = ("-asked_at",)
        permissions = [("reset_factors", "Can ask for and approve resets of the second factor")]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(status__in=["asked", "waiting"]), name="one_open_factor_reset"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("asked_by")), name="factor_reset_by_two_persons"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["waiting", "done"])
                | Q(way="two_persons", approved_by__isnull=False, due_at__isnull=False)
                | (Q(way="call_back", due_at__isnull=False) & ~Q(called="")),
                name="factor_reset_confirmed",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(status="waiting"), name="factor_reset_due")]

    def __str__(self) -> str:
        return f"Reset of {self.user}’s second factor"

    @property
    def is_open(self) -> bool:
        """Whether it may still take effect."""
        return self.status in OPEN

    def end(self, status: Status, *, by: Any = None, reason: str = "") -> None:
        """End it. The caller holds the row's lock and has seen that it is open."""
        self.status, self.ended_at, self.ended_by, self.end_reason = status, timezone.now(), by, reason
        self.save(update_fields=["status", "ended_at", "ended_by", "end_reason"])


OPEN = (FactorReset.Status.ASKED, FactorReset.Status.WAITING)
