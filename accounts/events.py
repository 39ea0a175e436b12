"""The tags of what happens to accounts (SECURITY: audit)."""

from django.db.models import TextChoices


class AccountEvent(TextChoices):
    """Sign-in, factors, devices, locks and what staff do to accounts."""

    PASSWORD_ACCEPTED = "account:password:accepted", "Password accepted"
    PASSWORD_WRONG = "account:password:wrong", "Wrong password"
    PASSWORD_REFUSED = "account:password:refused", "Password refused while cooling off"
    PASSWORD_LOCKED = "account:password:locked", "Cooling-off after wrong passwords"
    NETWORK_REFUSED = "account:network:refused", "Sign-in refused: too many failures from one network"
    CODE_REQUESTED = "account:code:requested", "Code requested"
    CODE_NOT_SENT = "account:code:not_sent", "Code could not be sent"
    CODE_LIMITED = "account:code:limited", "Code not sent: limit reached"
    CODE_ACCEPTED = "account:code:accepted", "Code accepted"
    CODE_WRONG = "account:code:wrong", "Wrong code"
    CODE_REFUSED = "account:code:refused", "Code refused while cooling off"
    CODE_LOCKED = "account:code:locked", "Cooling-off after wrong codes"
    METHOD_ADDED = "account:method:added", "Sign-in method added"
    METHOD_OFF = "account:method:off", "Sign-in method switched off after wrong codes"
    DEVICE_REMEMBERED = "account:device:remembered", "Device remembered"
    DEVICE_USED = "account:device:used", "Remembered device spared the code"
    SIGNED_IN = "account:session:started", "Signed in"
    SESSION_ENDED = "account:session:ended", "Session ended"
    LOCKED = "account:lock:set", "Account locked"
    UNLOCKED = "account:lock:lifted", "Account unlocked"
    CREATED = "account:user:created", "Account created"
    CHANGED = "account:user:changed", "Account changed by staff"
    VIEWED = "staff:user:viewed", "Account looked at by staff"
    EVENTS_VIEWED = "staff:events:viewed", "Event log of an account read by staff"
