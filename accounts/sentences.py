"""What the page of an account's activity says of each event of accounts (S-15; `core.sentences`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accounts.events import AccountEvent
from accounts.models.consents import Paperless
from core.sentences import Kind, Sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

_VIA = {
    "text": " with a text code",
    "voice": " with a code by phone call",
    "authenticator": " with an authenticator app",
    "passkey": " with a passkey",
    "recovery": " with a recovery code",
    "remembered device": " on a remembered device, without a code",
}
_METHODS = {
    "text": " from a text message",
    "voice": " from a phone call",
    "authenticator": " from an authenticator app",
    "recovery": " from the recovery codes",
}
_FIELDS = {
    "first_name": "first name",
    "last_name": "last name",
    "is_active": "whether it can sign in",
    "is_staff": "staff rights",
    "is_superuser": "staff rights",
    "groups": "staff rights",
    "zip": "ZIP code",
}


def _via(data: Mapping[str, Any]) -> str:
    return _VIA.get(str(data.get("via", "")), "")


def _method(data: Mapping[str, Any]) -> str:
    return _METHODS.get(str(data.get("method", "")), "")


def _named(data: Mapping[str, Any]) -> str:
    """Return the name of a method or a device, which its owner gave it."""
    name = data.get("name") or data.get("label")
    return f": {name}" if name else ""


def _times(data: Mapping[str, Any]) -> str:
    """Return how often it was refused, on the line that counts (`core.refusals`)."""
    refused = data.get("refused")
    return f", {refused} times" if refused else ""


def _fields(data: Mapping[str, Any]) -> str:
    names = [_FIELDS.get(name, str(name).replace("_", " ")) for name in data.get("fields") or []]
    return f": {', '.join(dict.fromkeys(names))}" if names else ""


def _removed(data: Mapping[str, Any]) -> str:
    removed = data.get("removed") or []
    return f" and removed sign-in methods ({', '.join(map(str, removed))})" if removed else ""


def _purpose(data: Mapping[str, Any]) -> str:
    return {
        "activation": " to choose a password",
        "reset": " to choose a new password",
        "confirm_email": " to confirm an email",
        "lock": " to lock the account",
    }.get(str(data.get("purpose", "")), "")


def _category(data: Mapping[str, Any]) -> str:
    category = str(data.get("category", ""))
    return f": {Paperless(category).label.lower()}" if category in Paperless.values else ""


def _ended(data: Mapping[str, Any]) -> str:
    count = data.get("sessions")
    return f": {count}" if count else ""


SENTENCES: dict[str, Sentence] = {
    AccountEvent.PASSWORD_ACCEPTED: Sentence(Kind.SIGN_IN, "{who} entered the right password{browser}."),
    AccountEvent.PASSWORD_WRONG: Sentence(Kind.SIGN_IN, "{who} entered a wrong password for your account{browser}."),
    AccountEvent.PASSWORD_REFUSED: Sentence(
        Kind.SIGN_IN, "{who} tried a password after too many wrong ones; we refused it{detail}{browser}.", _times
    ),
    AccountEvent.PASSWORD_LOCKED: Sentence(
        Kind.SIGN_IN, "After too many wrong passwords, sign-in to your account was locked for a while."
    ),
    AccountEvent.NETWORK_REFUSED: Sentence(
        Kind.SIGN_IN, "After too many failed sign-ins, we refused a network for a while{detail}.", _times
    ),
    AccountEvent.CODE_REQUESTED: Sentence(Kind.SIGN_IN, "{who} asked for a code{browser}."),
    AccountEvent.CODE_NOT_SENT: Sentence(Kind.SIGN_IN, "A code could not be sent to your phone."),
    AccountEvent.CODE_LIMITED: Sentence(
        Kind.SIGN_IN, "{who} asked for another code; we sent none, because of a limit{detail}.", _times
    ),
    AccountEvent.CEILING_REACHED: Sentence(
        Kind.SIGN_IN, "A code was not sent, because many codes were being sent at that time."
    ),
    AccountEvent.CODE_ACCEPTED: Sentence(Kind.SIGN_IN, "{who} entered the right code{detail}{browser}.", _method),
    AccountEvent.CODE_WRONG: Sentence(Kind.SIGN_IN, "{who} entered a wrong code after the right password{browser}."),
    AccountEvent.CODE_REFUSED: Sentence(
        Kind.SIGN_IN, "{who} tried a code after too many wrong ones; we refused it{detail}{browser}.", _times
    ),
    AccountEvent.CODE_LOCKED: Sentence(
        Kind.SIGN_IN, "After too many wrong codes, we stopped accepting codes for a while."
    ),
    AccountEvent.METHOD_ADDED: Sentence(Kind.SECURITY, "{who} added a sign-in method{detail}.", _named),
    AccountEvent.METHOD_OFF: Sentence(Kind.SECURITY, "A sign-in method was switched off after too many wrong codes."),
    AccountEvent.METHOD_RENAMED: Sentence(Kind.SECURITY, "{who} renamed a sign-in method{detail}.", _named),
    AccountEvent.METHOD_REPLACED: Sentence(Kind.SECURITY, "{who} replaced a sign-in method{detail}.", _named),
    AccountEvent.METHOD_CHOSEN: Sentence(
        Kind.SECURITY, "{who} chose the sign-in method that we ask for first{detail}.", _named
    ),
    AccountEvent.PASSKEY_ACCEPTED: Sentence(Kind.SIGN_IN, "{who} used a passkey{browser}."),
    AccountEvent.PASSKEY_WRONG: Sentence(
        Kind.SIGN_IN, "{who} tried a passkey after the right password; we didn’t accept it{browser}."
    ),
    AccountEvent.PASSKEY_COPIED: Sentence(
        Kind.SECURITY, "A passkey was disabled, because it may have been copied{detail}.", _named
    ),
    AccountEvent.PASSKEY_LIMITED: Sentence(
        Kind.SIGN_IN, "{who} tried a passkey too often; we refused it{detail}.", _times
    ),
    AccountEvent.METHOD_REMOVED: Sentence(Kind.SECURITY, "{who} removed a sign-in method{detail}.", _named),
    AccountEvent.DEVICE_REMEMBERED: Sentence(
        Kind.SECURITY, "{who} had us remember a device, so that it isn’t asked for a code{detail}.", _named
    ),
    AccountEvent.DEVICE_USED: Sentence(Kind.SIGN_IN, "{who} used a remembered device in place of a code{browser}."),
    AccountEvent.DEVICE_RENAMED: Sentence(Kind.SECURITY, "{who} renamed a remembered device{detail}.", _named),
    AccountEvent.DEVICE_REVOKED: Sentence(
        Kind.SECURITY, "{who} revoked a remembered device, so that it’s asked for a code again{detail}.", _named
    ),
    AccountEvent.DEVICES_REVOKED: Sentence(Kind.SECURITY, "{who} revoked all remembered devices."),
    AccountEvent.PHONE_KEPT: Sentence(Kind.SECURITY, "{who} confirmed that your phone is still yours."),
    AccountEvent.SIGNED_IN: Sentence(Kind.SIGN_IN, "{who} signed in{detail}{browser}.", _via),
    AccountEvent.SIGNED_IN_UNFAMILIAR: Sentence(
        Kind.SIGN_IN, "We emailed you about a sign-in from a browser or network that was new to us."
    ),
    AccountEvent.SESSION_ENDED: Sentence(Kind.SIGN_IN, "{who} signed out{browser}."),
    AccountEvent.SESSION_CLOSED: Sentence(Kind.SIGN_IN, "{who} ended a session in another browser{detail}.", _named),
    AccountEvent.SESSIONS_CLOSED: Sentence(Kind.SIGN_IN, "{who} ended all other sessions{detail}.", _ended),
    AccountEvent.SIGNED_OUT_EVERYWHERE: Sentence(
        Kind.SIGN_IN, "{who} ended all sessions and revoked all remembered devices."
    ),
    AccountEvent.CALENDAR_CREATED: Sentence(Kind.DETAILS, "{who} made an address of your calendar."),
    AccountEvent.CALENDAR_REVOKED: Sentence(Kind.DETAILS, "{who} revoked the address of your calendar."),
    AccountEvent.ACTIVITY_EXPORTED: Sentence(Kind.DETAILS, "{who} downloaded this list."),
    AccountEvent.ACTIVITY_REMINDED: Sentence(Kind.DETAILS, "We reminded you to review this page."),
    AccountEvent.LOCKED: Sentence(Kind.SECURITY, "{who} locked your account."),
    AccountEvent.UNLOCKED: Sentence(Kind.SECURITY, "{who} unlocked your account{detail}.", _removed),
    AccountEvent.LINK_MADE: Sentence(Kind.SECURITY, "We emailed a link{detail}.", _purpose),
    AccountEvent.LINK_ASKED: Sentence(Kind.SECURITY, "{who} had us email you a link to choose a password."),
    AccountEvent.RECOVERY_DRAWN: Sentence(Kind.SECURITY, "{who} made new recovery codes."),
    AccountEvent.FACTOR_RESET_ASKED: Sentence(Kind.SECURITY, "{who} asked to remove all your sign-in methods."),
    AccountEvent.FACTOR_RESET_APPROVED: Sentence(Kind.SECURITY, "{who} approved removing all your sign-in methods."),
    AccountEvent.FACTOR_RESET_ENDED: Sentence(
        Kind.SECURITY, "{who} stopped the removal of your sign-in methods; they stay."
    ),
    AccountEvent.FACTOR_RESET_DONE: Sentence(
        Kind.SECURITY, "All your sign-in methods were removed, as web support was asked."
    ),
    AccountEvent.USERNAME_ASKED: Sentence(Kind.SECURITY, "{who} asked for the username of your account{browser}."),
    AccountEvent.RESET_ASKED: Sentence(Kind.SECURITY, "{who} asked for a link to choose a new password{browser}."),
    AccountEvent.PASSWORD_SET: Sentence(Kind.SECURITY, "{who} chose a password with a link that we emailed."),
    AccountEvent.PASSWORD_TAKEN_OVER: Sentence(Kind.SECURITY, "The password of our former site now works here."),
    AccountEvent.PASSWORD_CHANGED: Sentence(Kind.SECURITY, "{who} changed your password{browser}."),
    AccountEvent.DETAILS_CHANGED: Sentence(Kind.DETAILS, "{who} changed your account{detail}.", _fields),
    AccountEvent.USERNAME_CHANGED: Sentence(Kind.SECURITY, "{who} changed your username{browser}."),
    AccountEvent.EMAIL_ASKED: Sentence(Kind.SECURITY, "{who} asked to change the account’s email{browser}."),
    AccountEvent.EMAIL_CANCELLED: Sentence(Kind.SECURITY, "{who} cancelled a new email before it was confirmed."),
    AccountEvent.EMAIL_CONFIRMED: Sentence(Kind.SECURITY, "{who} confirmed your email with a link that we sent there."),
    AccountEvent.EMAIL_RESTORED: Sentence(Kind.SECURITY, "{who} restored your former email."),
    AccountEvent.CONSENT_GIVEN: Sentence(Kind.DETAILS, "{who} agreed to electronic delivery{detail}.", _category),
    AccountEvent.CONSENT_WITHDRAWN: Sentence(Kind.DETAILS, "{who} withdrew electronic delivery{detail}.", _category),
    AccountEvent.PASSWORD_VOIDED: Sentence(
        Kind.SECURITY, "Your password was made void. A new one is chosen with a link."
    ),
    AccountEvent.REGISTRATION_ASKED: Sentence(Kind.DETAILS, "{who} asked for an account{browser}."),
    AccountEvent.REGISTRATION_MATCHED: Sentence(Kind.DETAILS, "We found you in our records."),
    AccountEvent.REGISTRATION_FAILED: Sentence(Kind.DETAILS, "We couldn’t finish your registration by ourselves."),
    AccountEvent.REGISTRATION_RETRIED: Sentence(Kind.DETAILS, "{who} had your registration tried again."),
    AccountEvent.REGISTRATION_LIMITED: Sentence(
        Kind.DETAILS, "{who} asked for an account too often; we refused it{detail}.", _times
    ),
    AccountEvent.REGISTRATION_CODE_WRONG: Sentence(Kind.DETAILS, "{who} entered a wrong code of a letter."),
    AccountEvent.REGISTRATION_DECIDED: Sentence(Kind.DETAILS, "{who} completed your registration."),
    AccountEvent.REGISTRATION_REFUSED: Sentence(Kind.DETAILS, "{who} refused a registration."),
    AccountEvent.REGISTRATION_PRINTED: Sentence(Kind.DETAILS, "{who} printed a letter with a code for you."),
    AccountEvent.REGISTRATION_DONE: Sentence(Kind.DETAILS, "{who} opened your account."),
    AccountEvent.REGISTRATION_STOPPED: Sentence(Kind.DETAILS, "We stopped a registration, because access had changed."),
    AccountEvent.CREATED: Sentence(Kind.DETAILS, "{who} created your account."),
    AccountEvent.CHANGED: Sentence(Kind.DETAILS, "{who} changed your account{detail}.", _fields),
    AccountEvent.VIEWED: Sentence(Kind.SUPPORT, "{who} looked at your account."),
    AccountEvent.EVENTS_VIEWED: Sentence(Kind.SUPPORT, "{who} looked at the activity of your account."),
    AccountEvent.LOOK_STARTED: Sentence(Kind.SUPPORT, "{who} began to view the portal as you see it."),
    AccountEvent.LOOK_PAGE: Sentence(Kind.SUPPORT, "{who} viewed one of your pages as you see it."),
    AccountEvent.LOOK_ENDED: Sentence(Kind.SUPPORT, "{who} stopped viewing the portal as you see it."),
}
