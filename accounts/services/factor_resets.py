"""Staff remove second factors whose owner lost them (docs/security.md#factor-reset).

Two persons decide, or one who called the owner back at the number on file. Every address is told at once. After a delay
a beat task removes the factors, unless the owner stopped it by the mail's lock link or after signing in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts import emails
from accounts.events import AccountEvent
from accounts.methods import devices_of
from accounts.models import FactorReset, Purpose, User
from accounts.models.sessions import EndReason
from accounts.services import changes, enrollment, links, locks
from accounts.services.changes import Change
from core.events import record_event
from core.templatetags.show import moment

PERMISSION = "accounts.reset_factors"
Status, Way = FactorReset.Status, FactorReset.Way


class NotPossibleError(Exception):
    """Why a reset can't be asked for or decided now, in a sentence for staff."""


def refusal(user: User) -> str:
    """Return why no reset can be asked for, as a sentence; "" if one can."""
    if not user.is_active:
        return "This account is inactive."
    if not user.email:
        return "This account has no email to send the notice to."
    if not devices_of(user):
        return "This account has no second factor. Its owner sets one up after the password."
    if FactorReset.objects.open().filter(user=user).exists():
        return "A reset of this account’s second factors is open already."
    return ""


def number_on_file(user: User) -> str:
    """Return the phone number to call back: the account's own, unless it was changed lately; else ""."""
    changed = locks.recent_changes_of(user).filter(change=Change.PHONE).exists()
    return "" if changed else user.phone


def pending(user: User) -> FactorReset | None:
    """Return the reset of this user's factors that takes effect after the delay, if there is one."""
    return FactorReset.objects.filter(user=user, status=Status.WAITING).first()


def ask(*, user: User, by: User, way: str, reason: str) -> FactorReset:
    """Ask for a reset. With a call-back the delay begins at once, else when a second person approves.

    Raises PermissionDenied for the staff member's own account, and for a staff account unless a superuser asks; and
    NotPossibleError.
    """
    _refuse_unless_served(user, by)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        why_not = refusal(user)
        called = ""
        if way == Way.CALL_BACK:
            called = "".join(filter(str.isdigit, number_on_file(user)))[-4:]
            why_not = why_not or ("" if called else "There’s no number on file to call back. A second person decides.")
        if why_not:
            raise NotPossibleError(why_not)
        reset = FactorReset.objects.create(user=user, way=way, reason=reason, called=called, asked_by=by)
        record_event(
            AccountEvent.FACTOR_RESET_ASKED,
            subject=user,
            by=by,
            on_behalf_of=user,
            reason=reason,
            way=way,
            called=called,
        )
        if way == Way.CALL_BACK:
            _begin(reset, by=by)
    return reset


def approve(*, reset: FactorReset, by: User, reason: str) -> None:
    """Approve a reset that another person asked for; the delay begins. Raises PermissionDenied for the person who asked
    and as `ask` does, and NotPossibleError where it isn't waiting for approval any more."""
    _refuse_unless_served(reset.user, by)
    with transaction.atomic():
        reset = _locked(reset, Status.ASKED)
        if reset.asked_by_id == by.pk:
            raise PermissionDenied
        reset.approved_by, reset.approved_at = by, timezone.now()
        reset.save(update_fields=["approved_by", "approved_at"])
        record_event(
            AccountEvent.FACTOR_RESET_APPROVED, subject=reset.user, by=by, on_behalf_of=reset.user, reason=reason
        )
        _begin(reset, by=by)


def _begin(reset: FactorReset, *, by: User) -> None:
    """Begin the delay, and tell every address, each with a lock link of its own."""
    reset.status, reset.due_at = Status.WAITING, timezone.now() + settings.FACTOR_RESET_DELAY
    reset.save(update_fields=["status", "due_at"])
    for address in _addresses(reset.user):
        link = links.issue(user=reset.user, purpose=Purpose.LOCK, email=address, by=by, change=Change.FACTOR_RESET_DUE)
        emails.factor_reset(link, due=reset.due_at)


def _addresses(user: User) -> Iterable[str]:
    """Return the present email, and those that were replaced lately."""
    return {each.casefold(): each for each in (*locks.former_emails_of(user), user.email) if each}.values()


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the notice says, with its link drawn. The hook `mail.factor_reset`."""
    drawn = links.mail_context(stored)
    due = parse_datetime(stored["due"])
    if drawn is None or due is None:
        return None
    return drawn | {"days": drawn["hours"] // 24, "due": moment(due), "page": stored["page"]}


def cancel(*, reset: FactorReset, by: User, reason: str) -> None:
    """End an open reset (staff). Raises as `approve` does; the person who asked may cancel, too."""
    _refuse_unless_served(reset.user, by)
    with transaction.atomic():
        reset = _locked(reset, Status.ASKED, Status.WAITING)
        _end(reset, Status.CANCELLED, by=by, reason=reason)


def stop(*, user: User) -> bool:
    """End the reset that is in its delay (the owner, signed in). Return False where there is none."""
    with transaction.atomic():
        reset = FactorReset.objects.select_for_update().filter(user=user, status=Status.WAITING).first()
        if reset is None:
            return False
        _end(reset, Status.STOPPED, by=user)
    return True


def _end(reset: FactorReset, status: FactorReset.Status, *, by: User | None = None, reason: str = "") -> None:
    reset.end(status, by=by, reason=reason)
    record_event(
        AccountEvent.FACTOR_RESET_ENDED, subject=reset.user, by=by, on_behalf_of=reset.user, how=status, reason=reason
    )


def _locked(reset: FactorReset, *among: FactorReset.Status) -> FactorReset:
    found = FactorReset.objects.select_for_update(of=("self",)).select_related("user").get(pk=reset.pk)
    if found.status not in among:
        raise NotPossibleError(f"This reset has ended or changed: {found.get_status_display().lower()}.")
    return found


def _refuse_unless_served(user: User, by: User) -> None:
    if not user.is_served_by(by):
        raise PermissionDenied


def carry_out_due() -> int:
    """Carry out what is due, and let lapse what nobody approved (beat). Return how many resets were carried out."""
    for reset in FactorReset.objects.filter(
        status=Status.ASKED, asked_at__lte=timezone.now() - settings.FACTOR_RESET_LAPSES
    ):
        with transaction.atomic():
            still = FactorReset.objects.select_for_update().filter(pk=reset.pk, status=Status.ASKED).first()
            if still is not None:
                _end(still, Status.LAPSED)
    return sum(_carry_out(pk) for pk in FactorReset.objects.due().values_list("pk", flat=True))


def _carry_out(pk: int) -> bool:
    """Remove the factors, void the password, and mail a link for a new one. The person who opens it signs in and
    sets up a factor in a session of that password."""
    with transaction.atomic():
        reset = FactorReset.objects.select_for_update(skip_locked=True, of=("self",)).due().filter(pk=pk).first()
        if reset is None:
            return False
        user = User.objects.select_for_update().get(pk=reset.user_id)
        began = (reset.due_at or timezone.now()) - settings.FACTOR_RESET_DELAY
        if not user.is_active or user.locks.filter(created_at__gt=began).exists():
            _end(reset, Status.CANCELLED, reason="The account was locked or deactivated meanwhile.")
            return False
        removed = devices_of(user)
        for device in removed:
            enrollment.remove(device=device, by=None)
        user.set_unusable_password()
        user.save(update_fields=["password", "password_changed_at"])
        user.sessions.open().end(EndReason.EVERYWHERE)
        record_event(AccountEvent.PASSWORD_VOIDED, subject=user, because="second factors reset")
        record_event(
            AccountEvent.FACTOR_RESET_DONE, subject=user, on_behalf_of=user, removed=[each.name for each in removed]
        )
        reset.end(Status.DONE)
        changes.announce(change=Change.FACTORS_RESET, user=user, by=None, former=list(locks.former_emails_of(user)))
        # A locked account gets its link when staff unlock it.
        if not user.locks.filter(lifted_at=None).exists():
            links.send_activation(user=user, by=None)
    return True
