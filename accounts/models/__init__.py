"""Tables of accounts: users, sessions, second factors, codes in transit, remembered devices, locks, links, and
requests for an account."""

from accounts.models.challenges import Challenge
from accounts.models.devices import Attempt, AuthenticatorDevice, CodeDevice, Outcome, PhoneDevice
from accounts.models.links import AccountLink, Purpose
from accounts.models.locks import AccountLock
from accounts.models.registrations import Registration
from accounts.models.sessions import Session, TrustedDevice
from accounts.models.users import Notice, User

__all__ = [
    "AccountLink",
    "AccountLock",
    "Attempt",
    "AuthenticatorDevice",
    "Challenge",
    "CodeDevice",
    "Notice",
    "Outcome",
    "PhoneDevice",
    "Purpose",
    "Registration",
    "Session",
    "TrustedDevice",
    "User",
]
