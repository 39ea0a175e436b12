"""Tables of accounts: who there is, how they sign in and recover, and what they agreed to."""

from accounts.models.calendars import CalendarAddress
from accounts.models.challenges import Challenge
from accounts.models.changes import DetailChange, FormerUsername
from accounts.models.consents import DeliveryConsent, Paperless
from accounts.models.devices import Attempt, AuthenticatorDevice, Channel, CodeDevice, Outcome, PhoneDevice
from accounts.models.links import AccountLink, Purpose
from accounts.models.locks import AccountLock
from accounts.models.looks import Look, LookEnd
from accounts.models.passkeys import Passkey, PasskeyChallenge, SignedAnswer
from accounts.models.recovery import FactorReset, PasswordReset, RecoveryCode, RecoverySet, UsernameReminder
from accounts.models.registrations import Registration
from accounts.models.sessions import FamiliarPlace, Session, TrustedDevice
from accounts.models.users import Notice, User

__all__ = [
    "AccountLink",
    "AccountLock",
    "Attempt",
    "AuthenticatorDevice",
    "CalendarAddress",
    "Challenge",
    "Channel",
    "CodeDevice",
    "DeliveryConsent",
    "DetailChange",
    "FactorReset",
    "FamiliarPlace",
    "FormerUsername",
    "Look",
    "LookEnd",
    "Notice",
    "Outcome",
    "Paperless",
    "Passkey",
    "PasskeyChallenge",
    "PasswordReset",
    "PhoneDevice",
    "Purpose",
    "RecoveryCode",
    "RecoverySet",
    "Registration",
    "Session",
    "SignedAnswer",
    "TrustedDevice",
    "User",
    "UsernameReminder",
]
