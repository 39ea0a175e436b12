"""Forgotten passwords (S-11; docs/security.md#recovery).

The request stores what was typed and looks nobody up. The worker does, and mails the owner a link and a code. Either
opens the page for another password, once, and that is all: it signs nobody in, lifts no lock or cool-off, and removes
no factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import emails
from accounts.events import AccountEvent
from accounts.models import AccountLink, PasswordReset, Purpose, User
from accounts.models.links import life_of
from accounts.models.users import fold_username
from accounts.services import changes, links
from accounts.services.asking import Refused, count, networks_of, stored_origin
from accounts.services.changes import Change
from core import easy_codes, work
from core.clients import client_ip, network_key, user_agent
from core.events import record_event
from core.origin import acting_from
from core.throttle import Limit

NAME = Limit("account:resets_of_name", *settings.RESETS_PER_NAME)
NETWORK = Limit("account:resets_from_network", *settings.RESETS_PER_NETWORK)
ACCOUNT = Limit("account:resets_of_account", *settings.RESETS_PER_ACCOUNT)
TYPED = Limit("account:reset_codes_from_network", *settings.RESET_CODES_PER_NETWORK)


class Answer(StrEnum):
    """What the worker did for an account, as the event log says it."""

    LINK = "link"
    ACTIVATION = "activation link: no password yet"
    SEVERAL = "mail: several accounts have this email"
    CLOSED = "mail: locked or inactive"
    UNCONFIRMED = "nothing: email not confirmed"
    TOO_MANY = "nothing: too many mails"


class Typed(StrEnum):
    """What became of a typed code. An account that doesn't exist gives the same answers as a wrong code."""

    RIGHT = "right"
    WRONG = "wrong"
    OVER = "over"


def ask(*, request: HttpRequest, typed: str) -> PasswordReset | Refused:
    """Store a request for whichever account has this username or confirmed email, and hand its id to the worker."""
    refused = count(*networks_of(request, NETWORK), NAME.of(fold_username(typed)))
    if refused is not None:
        return refused
    with transaction.atomic():
        reset = PasswordReset.objects.create(typed=typed, ip=client_ip(request), agent=user_agent(request))
        work.hand_over(reset)
    return reset


def remember(*, response: HttpResponse, reset: PasswordReset) -> None:
    """Let this browser type the code of this request. A cookie of its own, so that no visitor fills the table of
    sessions."""
    response.set_cookie(
        settings.RESET_COOKIE_NAME,
        reset.public_id,
        max_age=settings.RESET_LINK_LIFE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_remembered(*, request: HttpRequest) -> bool:
    """Whether this browser has asked for a code within the last 30 minutes."""
    return bool(request.COOKIES.get(settings.RESET_COOKIE_NAME))


def forget(*, response: HttpResponse) -> None:
    """Let this browser type no more codes: the password is set."""
    response.delete_cookie(settings.RESET_COOKIE_NAME, samesite="Lax")


def send(reset_id: int) -> None:
    """Look up whose password a request is about, and mail the owner. Runs in a worker."""
    with work.attempt(PasswordReset, reset_id) as reset:
        if reset is None:
            return
        with acting_from(stored_origin(reset)):
            _answer(reset)
        reset.finish()


def _answer(reset: PasswordReset) -> None:
    found = User.objects.known_as(reset.typed)
    if not found:
        return
    answer = _answer_for(found[0], reset) if len(found) == 1 else _answer_several(found, reset)
    for user in found:
        record_event(AccountEvent.RESET_ASKED, subject=user, answer=answer, reset=reset.public_id)


def _answer_several(found: list[User], reset: PasswordReset) -> Answer:
    """Ask for the username: nobody can say which of these accounts is meant."""
    if not ACCOUNT.hit(f"email:{found[0].email.casefold()}").allowed:
        return Answer.TOO_MANY
    emails.reset_by_username(found[0], key=reset.public_id)
    return Answer.SEVERAL


def _answer_for(user: User, reset: PasswordReset) -> Answer:
    """Mail what this account may have. Only a confirmed email counts, except for an account that nobody has opened yet:
    its activation link goes where the first one went."""
    if not (user.email_confirmed_at or _is_new(user)):
        return Answer.UNCONFIRMED
    if not ACCOUNT.hit(str(user.pk)).allowed:
        return Answer.TOO_MANY
    if not user.is_active or user.locks.filter(lifted_at=None).exists():
        emails.reset_refused(user, key=reset.public_id)
        return Answer.CLOSED
    if not user.has_usable_password() or user.email_confirmed_at is None:
        links.send_activation(user=user, by=None)
        return Answer.ACTIVATION
    reset.link = link = links.issue(user=user, purpose=Purpose.RESET, email=user.email, by=None)
    reset.password_mark = PasswordReset.mark_of(user.password)
    reset.save(update_fields=["link", "password_mark"])
    emails.password_reset(reset, link)
    return Answer.LINK


def send_for(*, user: User, by: User) -> AccountLink:
    """Mail the owner a link for another password, as web support was asked to by phone. It lives no longer, and does no
    more, than one that the owner asks for; there is no code, since no browser asked."""
    with transaction.atomic():
        link = links.issue(user=user, purpose=Purpose.RESET, email=user.email, by=by)
        mark, done = PasswordReset.mark_of(user.password), PasswordReset.Status.DONE
        emails.password_reset(PasswordReset.objects.create(status=done, link=link, password_mark=mark), link)
    return link


def _is_new(user: User) -> bool:
    """Whether the carrier has made this account, with the email it has on file, and nobody has ever opened it here. A
    password of a former system counts for nothing: it's the one that was forgotten."""
    opened = user.links.filter(purpose=Purpose.ACTIVATION, used_at__isnull=False).exists()
    taken_over = user.password_taken_over_at is not None and user.password_changed_at is None
    has_none = taken_over or not user.has_usable_password()
    return bool(user.email) and has_none and user.last_login is None and not opened


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the token and the code of a request that is about to be mailed; no code for one that staff made. None if its
    link no longer works. The hook `mail.password_reset`."""
    reset = PasswordReset.objects.select_related("link").filter(public_id=stored["reset"]).first()
    if reset is None or reset.link is None:
        return None
    drawn = links.mail_context({"link": reset.link.public_id})
    if drawn is None:
        return None
    minutes = int(life_of(Purpose.RESET).total_seconds() // 60)
    asked_by_staff = reset.link.created_by_id is not None
    code = "" if asked_by_staff else easy_codes.in_groups(reset.draw_code())
    return {"address": drawn["address"], "code": code, "minutes": minutes}


def judge_code(*, request: HttpRequest, code: str) -> tuple[Typed, int]:
    """Judge a code typed in the browser that asked for it, and return what became of it with the tries that are left.
    The right one opens the page of the link, as the link itself does."""
    if not TYPED.hit(network_key(client_ip(request))).allowed:
        return Typed.OVER, 0
    held = request.COOKIES.get(settings.RESET_COOKIE_NAME, "")[:64]
    with transaction.atomic():
        since = timezone.now() - settings.RESET_LINK_LIFE * 2
        reset = PasswordReset.objects.select_for_update().filter(public_id=held, created_at__gt=since).first()
        if reset is None or not reset.count_try():
            return Typed.OVER, 0
        right = reset.accepts(code)
        link = _usable(reset) if right else None
        if link is None:
            left = max(0, settings.RESET_CODE_TRIES - reset.failures - 1)
            return (Typed.WRONG if left else Typed.OVER), left
        reset.code_used_at = timezone.now()
        reset.save(update_fields=["code_used_at"])
    request.session[links.HELD] = link.token_hash
    return Typed.RIGHT, 0


def _usable(reset: PasswordReset) -> AccountLink | None:
    return AccountLink.objects.usable().filter(reset=reset, purpose=Purpose.RESET).first()


def held(*, request: HttpRequest) -> AccountLink | None:
    """Return the reset link that this browser has opened, by the link or by its code, if it still works."""
    link = links.held(request=request, purpose=Purpose.RESET)
    return link if link is not None and _has_same_password(link, link.user) else None


def _has_same_password(link: AccountLink, user: User) -> bool:
    """Whether the account still has the password that was forgotten."""
    return PasswordReset.objects.filter(link=link, password_mark=PasswordReset.mark_of(user.password)).exists()


def reset(*, request: HttpRequest, link: AccountLink, password: str) -> bool:
    """Use a reset link: set the password, end every session, and tell the owner. Return False if the link no longer
    works."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=link.user_id)
        if not _has_same_password(link, user) or not links.use_for_password(link=link, user=user, password=password):
            return False
        changes.announce(change=Change.PASSWORD, user=user, by=user)
    links.let_go(request=request, user=user)
    return True
