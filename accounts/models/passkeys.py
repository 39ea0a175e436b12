"""Passkeys: a key pair that a phone, computer, or security key keeps, and opens by fingerprint, face, or PIN (S-19).

The row is django-otp-webauthn's credential; counting, cool-offs, and events are those of every other method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from webauthn import base64url_to_bytes, verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException

from accounts import emails
from accounts.events import AccountEvent
from accounts.models.devices import REFUSED_CODES, Attempt, CodeDevice, CodeDeviceQuerySet, Outcome
from accounts.models.sessions import EndReason, Session
from accounts.models.users import User
from core.events import record_event
from core.refusals import record_refusal

# isort: split
# It asks for the user model while it is imported.
from django_otp_webauthn.models import AbstractWebAuthnCredential, as_credential_descriptors

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

# What reading an answer that nobody's browser made may raise, besides the library's own errors.
UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


# What the log says instead of a code.
OWN_TAGS = {
    AccountEvent.CODE_ACCEPTED: AccountEvent.PASSKEY_ACCEPTED,
    AccountEvent.CODE_WRONG: AccountEvent.PASSKEY_WRONG,
}


@dataclass
class SignedAnswer(Attempt):
    """What a browser gave back for a challenge of ours. An empty challenge: none was open, or it had expired.
    Nobody types a code."""

    answer: dict[str, Any] = field(default_factory=dict)
    challenge: str = ""


class Passkey(CodeDevice, AbstractWebAuthnCredential):
    """A passkey. Its secret never leaves the owner's device; this row has the public key (docs/security.md#passkeys).

    A signature counts as a code if it answers a challenge of this very session, was made for this site, and the
    owner's device has checked fingerprint, face, or PIN. A counter that did not grow shows that there may be a copy:
    the passkey is switched off, and what it opened is closed.
    """

    METHOD = "passkey"

    objects = CodeDeviceQuerySet["Passkey"].as_manager()

    class Meta:
        verbose_name = "passkey"

    @classmethod
    def get_credential_descriptors_for_user(cls, user: User) -> list[PublicKeyCredentialDescriptor]:
        """Return what tells a browser which passkeys this user has: those that may be used, last used first."""
        usable = cls.objects.devices_for_user(user, confirmed=True).filter(disabled_at=None)
        ordered = usable.order_by(models.F("last_used_at").desc(nulls_last=True))
        descriptors: list[PublicKeyCredentialDescriptor] = as_credential_descriptors(ordered)
        return descriptors

    @property
    def why_off(self) -> str:
        return "Disabled: there may be a copy, or too many wrong answers"

    def is_synced(self) -> bool:
        """Whether the owner's other devices get it too, by a password manager or an account with the maker."""
        return bool(self.backup_eligible)

    def _judge(self, attempt: Attempt) -> Outcome:
        if not isinstance(attempt, SignedAnswer):
            return Outcome.WRONG
        if not attempt.challenge:
            return Outcome.EXPIRED
        try:
            self._check(attempt, counter=self.sign_count)
        except UNREADABLE:
            return Outcome.COPIED if self._fits_but_for_the_counter(attempt) else Outcome.WRONG
        return Outcome.ACCEPTED

    def _check(self, attempt: SignedAnswer, *, counter: int) -> None:
        """Verify the signature over this session's challenge and note the counter. Raises one of `UNREADABLE`."""
        verified = verify_authentication_response(
            credential=attempt.answer,
            expected_challenge=base64url_to_bytes(attempt.challenge),
            expected_rp_id=settings.OTP_WEBAUTHN_RP_ID,
            expected_origin=settings.OTP_WEBAUTHN_ALLOWED_ORIGINS,
            credential_public_key=bytes(self.public_key),
            credential_current_sign_count=counter,
            require_user_verification=True,
        )
        if verified.credential_id != bytes(self.credential_id):
            raise ValueError("The answer names another passkey.")
        self.sign_count, self.backup_state = verified.new_sign_count, verified.credential_backed_up
        self.save(update_fields=["sign_count", "backup_state"])

    def _fits_but_for_the_counter(self, attempt: SignedAnswer) -> bool:
        """Whether only the counter was wrong: somebody may have a copy of the key."""
        counter = self.sign_count
        try:
            self._check(attempt, counter=0)
        except UNREADABLE:
            return False
        self.sign_count = counter
        self.save(update_fields=["sign_count"])
        return True

    def _record(self, tag: AccountEvent, attempt: Attempt) -> None:
        super()._record(OWN_TAGS.get(tag, tag), attempt)

    def _count_failure(self, attempt: Attempt) -> None:
        if attempt.outcome is Outcome.EXPIRED:
            # Without an open challenge nothing was judged, so that nothing was guessed. If it counted, a browser that
            # sends one answer several times at once would cool the passkey off before the right one is judged.
            record_refusal(AccountEvent.CODE_REFUSED, scope=REFUSED_CODES, key=self.public_id, **self._told(attempt))
            return
        if attempt.outcome is not Outcome.COPIED:
            super()._count_failure(attempt)
            return
        self.disabled_at = timezone.now()
        self.save(update_fields=["disabled_at"])
        # The copy may have been the first of the two to sign in, and may have had its browser remembered.
        Session.objects.filter(user=self.user_id, verified_by=self.persistent_id).end(EndReason.FACTOR_GONE)
        self.user.trusted_devices.filter(revoked_at=None).update(revoked_at=self.disabled_at)
        record_event(AccountEvent.PASSKEY_COPIED, **self._told(attempt))
        emails.passkey_copied(self.user, key=f"{self.public_id}:{self.disabled_at.isoformat()}")


class Ceremony(models.TextChoices):
    """What a browser is asked to do: make a passkey, or sign with one."""

    SET_UP = "set_up", "Set up"
    SIGN = "sign", "Sign"


class PasskeyChallenge(models.Model):
    """Random bytes that a passkey has to sign, bound to one session and good for one answer.

    No secret: the browser gets them in the clear. Spending deletes the row, so that of two answers one is judged.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="passkey_challenges")
    ceremony = models.CharField(max_length=10, choices=Ceremony)
    challenge = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "ceremony"], name="one_passkey_challenge_per_session"),
        ]

    def __str__(self) -> str:
        return f"{self.get_ceremony_display()} in {self.session}"

    @classmethod
    def issue(cls, session: Session, ceremony: Ceremony, challenge: str) -> None:
        """Store a challenge that replaces the session's open one of this ceremony."""
        now = timezone.now()
        values = {"challenge": challenge, "created_at": now, "expires_at": now + settings.PASSKEY_CHALLENGE_LIFE}
        cls.objects.update_or_create(session=session, ceremony=ceremony, defaults=values)

    @classmethod
    def spend(cls, session: Session, ceremony: Ceremony) -> str:
        """Return the session's open challenge and use it up; "" if there is none, or it has expired."""
        found = cls.objects.filter(session=session, ceremony=ceremony).first()
        if found is None:
            return ""
        taken, _ = cls.objects.filter(pk=found.pk, challenge=found.challenge).delete()
        return found.challenge if taken and found.expires_at > timezone.now() else ""
