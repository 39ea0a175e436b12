"""Setting up a passkey, and signing in with one (docs/security.md#passkeys).

django-otp-webauthn makes the options that a browser gets, and checks a new passkey. Its views stay out: they keep the
challenge in Django's session and log in by themselves, past our session rows, counters, and events.
"""

from __future__ import annotations

import json
from typing import Any

import django_otp
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django_otp_webauthn.helpers import WebAuthnHelper
from webauthn import base64url_to_bytes
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.events import AccountEvent
from accounts.guards import session_of, user_of
from accounts.methods import devices_of, method_of
from accounts.models import Outcome, Passkey, PasskeyChallenge, SignedAnswer, User
from accounts.models.passkeys import UNREADABLE, Ceremony
from accounts.services import changes, signing_in
from accounts.services.changes import Change
from core.events import record_event
from core.refusals import record_refusal
from core.throttle import Limit

CHALLENGES = Limit("account:passkey_challenges", *settings.PASSKEY_CHALLENGES)
REFUSED = "account:passkeys_refused"


class NotAddedError(Exception):
    """A passkey that wasn't added; the message says why, to the user."""


class TooOftenError(Exception):
    """This user's browsers asked for too many challenges."""


class NoPasskeyError(Exception):
    """The user has no passkey that is in use, so there's nothing to ask a browser for."""


class Helper(WebAuthnHelper):
    """The library's own, but the owner's device must check fingerprint, face, or PIN, and we keep no attestation: we
    don't ask for one."""

    def get_generate_registration_options_kwargs(self, *, user: User) -> dict[str, Any]:
        options: dict[str, Any] = super().get_generate_registration_options_kwargs(user=user)
        options["authenticator_selection"] = AuthenticatorSelectionCriteria(
            user_verification=UserVerificationRequirement.REQUIRED, resident_key=ResidentKeyRequirement.PREFERRED
        )
        return options

    def get_credential_display_name(self, user: User) -> str:
        return user.get_username()

    def create_attestation(self, credential: Passkey, attestation_object: bytes, client_data_json: bytes) -> None:
        return None


def works_at(request: HttpRequest) -> bool:
    """Whether the page was opened at the portal's own address. Browsers make and find passkeys at no other one, and at
    no IP address."""
    return f"{request.scheme}://{request.get_host()}" in settings.OTP_WEBAUTHN_ALLOWED_ORIGINS


def may_add(user: User) -> bool:
    """Whether the user has a method that works without a passkey: one is a further method, never the first."""
    return any(method_of(device).alone for device in devices_of(user))


def creation_options(*, request: HttpRequest) -> dict[str, Any]:
    """Return what the browser needs to make a passkey, with a challenge for this session. Raises TooOftenError."""
    _count(request)
    options, state = Helper(request=request).register_begin(user=user_of(request))
    PasskeyChallenge.issue(session_of(request), Ceremony.SET_UP, state["challenge"])
    made: dict[str, Any] = options
    return made


def request_options(*, request: HttpRequest) -> dict[str, Any]:
    """Return what the browser needs to sign with one of the user's passkeys, with a challenge for this session. Raises
    NoPasskeyError or TooOftenError."""
    if not Passkey.objects.devices_for_user(user_of(request), confirmed=True).filter(disabled_at=None).exists():
        raise NoPasskeyError
    _count(request)
    options, state = Helper(request=request).authenticate_begin(user=user_of(request), require_user_verification=True)
    PasskeyChallenge.issue(session_of(request), Ceremony.SIGN, state["challenge"])
    made: dict[str, Any] = options
    return made


def _count(request: HttpRequest) -> None:
    user = user_of(request)
    if not CHALLENGES.hit(str(user.pk)).allowed:
        record_refusal(AccountEvent.PASSKEY_LIMITED, scope=REFUSED, key=user.public_id, subject=user, by=user)
        raise TooOftenError


def add(*, request: HttpRequest, answer: str, name: str) -> Passkey:
    """Keep the passkey that the browser has made for this session's challenge. Remembered devices don't survive a new
    method. Raises NotAddedError."""
    challenge = PasskeyChallenge.spend(session_of(request), Ceremony.SET_UP)
    if not challenge:
        raise NotAddedError("That took too long. Try again.")
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_of(request).pk)
        if not may_add(user):
            raise NotAddedError("Set up an authenticator app or a phone first. A passkey is a further method.")
        if not session_of(request).is_still_open():
            raise NotAddedError("Your session has ended. Sign in again.")
        passkey = _registered(request, user, challenge, answer)
        passkey.name = name
        passkey.save(update_fields=["name"])
        user.bump_epoch()
        record_event(
            AccountEvent.METHOD_ADDED,
            subject=user,
            by=user,
            device=passkey.public_id,
            method=passkey.METHOD,
            name=passkey.name,
            synced=passkey.is_synced(),
        )
        changes.announce(change=Change.METHOD_ADDED, user=user, by=user)
    user_of(request).refresh_from_db(fields=["security_epoch"])
    return passkey


def _registered(request: HttpRequest, user: User, challenge: str, answer: str) -> Passkey:
    """Check what the browser made, and store it. Raises NotAddedError."""
    state = {"challenge": challenge, "require_user_verification": True}
    try:
        with transaction.atomic():
            passkey: Passkey = Helper(request=request).register_complete(user=user, state=state, data=_read(answer))
    except IntegrityError as error:
        raise NotAddedError("This passkey is already set up.") from error
    except UNREADABLE as error:
        raise NotAddedError("We couldn’t check this passkey. Try again, or use a different method.") from error
    return passkey


def passkey_of(*, user: User, answer: str) -> Passkey | None:
    """Return the user's passkey that an answer names, None where it is nobody's or another user's."""
    try:
        named = base64url_to_bytes(_read(answer)["rawId"])
    except UNREADABLE:
        return None
    try:
        return Passkey.objects.devices_for_user(user, confirmed=True).get(
            credential_id_sha256=Passkey.get_credential_id_sha256(named)
        )
    except ObjectDoesNotExist:
        return None


def verify(*, request: HttpRequest, passkey: Passkey, answer: str) -> Outcome:
    """Judge an answer under the passkey's row lock. The right one completes the session's sign-in.

    The challenge is spent before, whatever becomes of the answer.
    """
    session = session_of(request)
    challenge = PasskeyChallenge.spend(session, Ceremony.SIGN)
    try:
        given = _read(answer)
    except UNREADABLE:
        given = {}
    attempt = SignedAnswer(code="", session=session, answer=given, challenge=challenge)
    accepted = django_otp.verify_token(user_of(request), passkey.persistent_id, attempt)
    if accepted is not None:
        signing_in.complete(request=request, device=accepted)
    return attempt.outcome or Outcome.WRONG


def _read(answer: str) -> dict[str, Any]:
    """Return what a browser has sent. Raises one of `UNREADABLE`."""
    given = json.loads(answer)
    if not isinstance(given, dict):
        raise TypeError("An answer is an object.")
    return given
