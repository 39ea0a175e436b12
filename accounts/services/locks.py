"""Why an account can't sign in, until when, and how staff lock and unlock it (S-14; docs/security.md#lockout).

A *lock* is set by staff and lasts until staff lift it. A *cool-off* follows wrong passwords or codes, and ends itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.events import AccountEvent
from accounts.methods import devices_of, would_do
from accounts.models import AccountLink, AccountLock, DetailChange, FactorReset, Purpose, RecoverySet, User
from accounts.models.sessions import EndReason
from accounts.services import enrollment, links, signing_in
from accounts.services.changes import Change
from accounts.services.signing_in import PASSWORDS_ON_DEVICE
from core.events import record_event, subject_label
from core.models import Event


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why a user can't sign in: what it concerns, why, and until when (None: until staff lift it)."""

    what: str
    why: str
    until: dt.datetime | None


def obstacles_of(user: User) -> list[Obstacle]:
    """Return what keeps this user out now: a lock, and cool-offs of the password and of each method."""
    found = [Obstacle("The account", f"Locked: {lock.reason}", None) for lock in user.locks.filter(lifted_at=None)]
    if not user.is_active:
        found.append(Obstacle("The account", "Deactivated by staff", None))
    until = signing_in.cool_off_of(user)
    if until is not None:
        found.append(Obstacle("Password", "Too many wrong passwords", until))
    browsers = {browser.public_id: browser for browser in user.trusted_devices.usable()}
    for public_id in sorted(PASSWORDS_ON_DEVICE.closed_among(browsers)):
        browser, until = browsers[public_id], PASSWORDS_ON_DEVICE.closed_until(public_id)
        if until is not None:
            found.append(Obstacle(f"Password on {browser.label}", "Too many wrong passwords", until))
    for device in [*devices_of(user), *RecoverySet.objects.filter(user=user)]:
        if device.is_off():
            found.append(Obstacle(device.name, device.why_off, None))
        elif device.is_cooling_off():
            found.append(Obstacle(device.name, "Too many wrong codes", device.cool_off_until))
    return found


def locked_now() -> QuerySet[User]:
    """Return the users whom staff locked, or whose password cools off after wrong ones. Two queries, and its own.

    A cool-off is kept under a hash of the account, so the event log says whom to ask about.
    """
    since = timezone.now() - settings.SIGN_IN_COOL_OFF
    locked = Event.objects.filter(tag=AccountEvent.PASSWORD_LOCKED, at__gt=since, subject_type=subject_label(User))
    known = {int(pk) for pk in locked.values_list("subject_id", flat=True)}
    cooling_off = signing_in.cooling_off_among(known)
    by_staff = AccountLock.objects.filter(user=OuterRef("pk"), lifted_at=None)
    return User.objects.filter(Q(pk__in=cooling_off) | Exists(by_staff))


def _refuse_unless_served(user: User, by: User) -> None:
    if not user.is_served_by(by):
        raise PermissionDenied


def lock(*, user: User, by: User, reason: str) -> AccountLock:
    """Lock an account at once, end its sessions, and revoke its remembered devices. A locked account keeps the lock it
    has. Raises PermissionDenied if `by` may not (see `User.is_served_by`)."""
    _refuse_unless_served(user, by)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        return _lock(user, by=by, reason=reason)


def lock_with_link(*, link: AccountLink) -> bool:
    """Lock an account with a link that was mailed about a change of it. Any such link works until staff lift the lock,
    and locks no more than the first. False if it no longer works."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=link.user_id)
        if not AccountLink.objects.usable().filter(pk=link.pk, purpose=Purpose.LOCK).exists():
            return False
        reason = f"By the owner, with the link of a mail: {Change.of(link).headline}"
        _lock(user, by=None, reason=reason, link=link.public_id)
        return True


def _lock(user: User, *, by: User | None, reason: str, **told: Any) -> AccountLock:
    """Lock a user whose row the caller holds."""
    present = user.locks.filter(lifted_at=None).first()
    if present is not None:
        return present
    made = AccountLock.objects.create(user=user, created_by=by, reason=reason)
    user.bump_epoch()
    user.sessions.open().end(EndReason.LOCKED)
    for reset in FactorReset.objects.select_for_update().open().filter(user=user):
        # By the owner with the link of a mail, or by staff.
        status = FactorReset.Status.CANCELLED if by else FactorReset.Status.STOPPED
        reset.end(status, by=by, reason="The account was locked.")
        record_event(AccountEvent.FACTOR_RESET_ENDED, subject=user, by=by, on_behalf_of=user, how=status)
    record_event(AccountEvent.LOCKED, subject=user, by=by, reason=reason, **told)
    return made


def recent_changes_of(user: User) -> QuerySet[DetailChange]:
    """Return the changes of details that an intruder may have made, with the former values; newest first."""
    return user.detail_changes.filter(at__gt=timezone.now() - settings.RECENT_CHANGES)


def former_emails_of(user: User) -> dict[str, DetailChange]:
    """Return the emails that the account had lately, but for the present one: each by the latest change that took it
    away."""
    found: dict[str, DetailChange] = {}
    for change in recent_changes_of(user).filter(change=Change.EMAIL):
        email = change.former["email"]
        if email and email.casefold() != user.email.casefold():
            found.setdefault(email, change)
    return found


def unlock(
    *, user: User, by: User, reason: str, kept: Mapping[str, bool] | None = None, email: str | None = None
) -> list[Obstacle]:
    """End the lock and every cool-off, record who, why, and what, and return what was lifted.

    Behind a lock, someone else may have the password or a factor. So lifting it voids the password, `kept` says for
    each factor (by its public id) whether it stays, `email` says which email is the owner's if it was changed lately,
    and the owner gets a link to choose a password there. Lock links sent so far are void: an intruder may read one. A
    cool-off alone changes none of these. Raises PermissionDenied if `by` may not (see `User.is_served_by`), and
    ValueError if the account is locked and a factor or the email is undecided.
    """
    _refuse_unless_served(user, by)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        lifted = obstacles_of(user)
        locked = user.locks.filter(lifted_at=None).exists()
        decided = _start_over(user, by, kept or {}, email) if locked else {}
        user.locks.filter(lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by, lift_reason=reason)
        signing_in.forget_failures(user)
        for device in [*devices_of(user), *RecoverySet.objects.filter(user=user)]:
            if device.is_off() or device.is_cooling_off():
                device.switch_on()
        record_event(
            AccountEvent.UNLOCKED,
            subject=user,
            by=by,
            reason=reason,
            lifted=[f"{each.what}: {each.why}" for each in lifted],
            **decided,
        )
        if locked and user.email:
            links.send_activation(user=user, by=by)
        return lifted


def _start_over(user: User, by: User, kept: Mapping[str, bool], email: str | None) -> dict[str, Any]:
    """Void the password, remove the factors that staff don't keep, restore the email, and return the names of factors
    kept and removed."""
    found = devices_of(user)
    if {device.public_id for device in found} - set(kept):
        raise ValueError("Each factor of a locked account needs a decision.")
    if found and not would_do([device for device in found if kept[device.public_id]], found):
        # That is a reset of the second factors, which no one person decides (`factor_resets`).
        raise ValueError("One factor that works by itself stays with a locked account, unless its factors are reset.")
    _settle_email(user, by, email)
    user.links.open().filter(purpose=Purpose.LOCK).update(voided_at=timezone.now())
    user.set_unusable_password()
    user.save(update_fields=["password", "password_changed_at"])
    record_event(AccountEvent.PASSWORD_VOIDED, subject=user, by=by, because="unlocked")
    # An intruder may have made them, or seen them.
    RecoverySet.objects.filter(user=user).delete()
    decided: dict[str, Any] = {"kept": [], "removed": []}
    for device in found:
        decided["kept" if kept[device.public_id] else "removed"].append(device.name)
        if not kept[device.public_id]:
            enrollment.remove(device=device, by=by)
    return decided


def _settle_email(user: User, by: User, email: str | None) -> None:
    """Restore a former email, as confirmed as it was, or keep the present one."""
    former = former_emails_of(user)
    if not former or email == user.email:
        return
    if email not in former:
        raise ValueError("The email of a locked account was changed lately and needs a decision.")
    was = parse_datetime(former[email].former["confirmed_at"] or "")
    present, confirmed = user.email, user.email_confirmed_at
    user.email = email
    user.save(update_fields=["email"])
    others = User.objects.filter(email__iexact=email, email_confirmed_at__isnull=False).exclude(pk=user.pk)
    user.email_confirmed_at = None if others.exists() else was
    user.save(update_fields=["email_confirmed_at"])
    DetailChange.objects.create(
        user=user,
        change=Change.EMAIL,
        former={"email": present, "confirmed_at": confirmed.isoformat() if confirmed else None},
        by=by,
    )
    record_event(AccountEvent.EMAIL_RESTORED, subject=user, by=by)
