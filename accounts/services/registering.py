"""Registration (S-06, S-07; docs/security.md#registration).

The request stores what was typed and answers the same to everyone. A worker matches it, and mails a link to the address
on file, hands a letter to staff, or leaves it to them. The link or the letter's code opens the page that makes the
account.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import emails, registrants
from accounts.events import AccountEvent
from accounts.forms import JoinForm
from accounts.models import Registration, User
from accounts.models.registrations import Reason, hash_code
from accounts.models.sessions import hash_token
from accounts.registrants import Applicant, Match
from accounts.services import changes, joining
from accounts.services.asking import count, folded_number, networks_of
from accounts.services.changes import Change
from core import work
from core.clients import client_ip, network_key
from core.crypto import keyed_hash
from core.events import record_event
from core.idempotency import create_once
from core.refusals import record_refusal
from core.throttle import Limit

HOUR = dt.timedelta(hours=1)
# Registrations of one network, for one policy number, and of one name; whether they exist isn't asked.
NETWORK = Limit("registration:network", settings.REGISTRATIONS_AN_HOUR, HOUR)
POLICY = Limit("registration:policy", settings.REGISTRATIONS_AN_HOUR, HOUR)
NAME = Limit("registration:name", settings.REGISTRATIONS_AN_HOUR, HOUR)
# Codes of letters that one network enters.
CODES = Limit("registration:codes", 10, HOUR)
HELD = "registration"
Status = Registration.Status


class TooManyError(Exception):
    """A limit is reached. `retry_at` says when there's room again."""

    def __init__(self, retry_at: dt.datetime | None) -> None:
        super().__init__()
        self.retry_at = retry_at


class NoLongerPossibleError(Exception):
    """The link or code was used, or the party has an account or lost access since."""


def ask(
    *,
    request: HttpRequest,
    key: uuid.UUID,
    policy_number: str,
    full_name: str,
    birth: dt.date,
    zip_code: str,
    email: str,
) -> Registration:
    """Store a request for an account and hand it to a worker. The same form sent twice is one request.

    Raises TooManyError. Nothing here depends on what the carrier has on file.
    """
    known = Registration.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    by_number, by_name = POLICY.of(folded_number(policy_number)), NAME.of(_folded(full_name))
    refused = count(*networks_of(request, NETWORK), by_number, by_name)
    if refused is not None:
        scope, counted = refused.counter.limit.scope, refused.counter.key
        record_refusal(AccountEvent.REGISTRATION_LIMITED, scope=scope, key=counted, limit=scope)
        raise TooManyError(refused.until)

    def create() -> Registration:
        made = Registration.objects.create(
            idempotency_key=key,
            policy_number=policy_number,
            full_name=full_name,
            zip=zip_code,
            email=email,
            date_of_birth_hash=keyed_hash("date_of_birth", birth.isoformat()),
        )
        record_event(AccountEvent.REGISTRATION_ASKED, subject=made)
        work.hand_over(made)
        return made

    registration, _new = create_once(Registration.objects.all(), key=key, create=create)
    return registration


def _folded(typed: str) -> str:
    """Return what spellings of a name share, for counting them."""
    plain = unicodedata.normalize("NFKD", typed).casefold()
    return "".join(character for character in plain if character.isalnum())


def match(registration_id: int) -> None:
    """Match a stored request, and take the next step. Runs in a worker; repeated, it does nothing more."""
    with work.attempt(Registration, registration_id) as registration:
        if registration is None:
            return
        settle(registration, registrants.match_registrant(Applicant.of(registration)))


def settle(registration: Registration, found: Match) -> None:
    """Take the step that a match asks for: a link to the address on file, a letter, or staff. Everyone on file hears
    of it at once. The caller holds the row."""
    registration.parties = list(found.parties)
    registration.status, registration.reason, address = _decide(found, typed=registration.email)
    keep_address(registration, address)
    record_event(AccountEvent.REGISTRATION_MATCHED, subject=registration, **registration.facts())
    if not found.parties:
        return
    if address:
        emails.registration(registration)
    if found.reason is Reason.HAS_ACCOUNT:
        own = User.objects.filter(pk__in=found.accounts, is_active=True)
        emails.registration_known(registration, [*found.emails, *(user.email for user in own)])
    else:
        emails.registration_noted(registration, [email for email in found.emails if email != address])


def _decide(found: Match, *, typed: str) -> tuple[str, str, str]:
    """Return the status, the reason for staff, and the email that the link goes to."""
    if not found.parties:
        return Status.UNMATCHED, found.reason or Reason.NO_PERSON, ""
    if found.reason is Reason.HAS_ACCOUNT:
        return Status.KNOWN, found.reason, ""
    if found.reason is not None:
        return Status.REVIEW, found.reason, ""
    own = [email for email in found.emails if email in found.own]
    if own:
        return Status.LINK, "", next((email for email in own if email.casefold() == typed.casefold()), own[0])
    if not found.posted:
        return Status.REVIEW, Reason.SHARED_EMAIL if found.emails else Reason.NO_ADDRESS, ""
    return Status.LETTER, Reason.SHARED_EMAIL if found.emails else Reason.NO_EMAIL, ""


def keep_address(registration: Registration, address: str) -> None:
    """Save it with the email that its link goes to, if any. An earlier link or code stops working."""
    registration.sent_to = address
    registration.token_hash = registration.code_hash = ""
    registration.expires_at = timezone.now() + settings.REGISTRATION_LINK_LIFE if address else None
    registration.save()


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the token of a registration's link, and return what its mail says; None where the link was used, has
    expired, or gave way to a letter or to a link to another address. The hook `mail.registration`."""
    with transaction.atomic():
        usable = Registration.objects.usable().filter(status=Status.LINK, public_id=stored["registration"])
        registration = usable.select_for_update().first()
        expires = registration.expires_at if registration is not None else None
        if registration is None or expires is None or expires.isoformat() != stored["until"]:
            return None
        token = registration.draw_token()
    address = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:register-open', args=[token])}"
    return {"address": address, "hours": link_hours()}


def hold_token(*, request: HttpRequest, token: str) -> None:
    """Move a link's token from the URL into the session, if it works: a guess makes no session."""
    registration = Registration.objects.usable().filter(token_hash=hash_token(token)).first()
    if registration is not None:
        request.session[HELD] = registration.token_hash


def hold_code(*, request: HttpRequest, code: str) -> bool:
    """Take the code of a letter into the session; False for one that doesn't work. Raises TooManyError."""
    network = network_key(client_ip(request))
    allowance = CODES.hit(network)
    if not allowance.allowed:
        record_refusal(AccountEvent.REGISTRATION_LIMITED, scope=CODES.scope, key=network, limit=CODES.scope)
        raise TooManyError(allowance.retry_at)
    registration = Registration.objects.usable().filter(status=Status.POSTED, code_hash=hash_code(code)).first()
    if registration is None:
        record_event(AccountEvent.REGISTRATION_CODE_WRONG)
        return False
    request.session[HELD] = registration.code_hash
    return True


def held(*, request: HttpRequest) -> Registration | None:
    """Return the registration whose link or code this browser gave, if it still works."""
    kept = request.session.get(HELD)
    if not kept:
        return None
    usable = Registration.objects.usable()
    return usable.filter(token_hash=kept).first() or usable.filter(code_hash=kept).first()


def join_form(registration: Registration, data: Any = None) -> JoinForm:
    """Return the form of the account that a registration makes. After a letter it asks for the email: what was typed
    for the registration may be a stranger's, who hoped that the person would enter the code."""
    person = registrants.person_on_file(registration.parties)
    return JoinForm(
        data,
        email=registration.sent_to,
        first_name=person.first_name if person else "",
        last_name=person.last_name if person else "",
        tried_by=registration.public_id,
    )


def link_hours() -> int:
    """Return how many hours the link to the address on file works."""
    return int(settings.REGISTRATION_LINK_LIFE.total_seconds() // 3600)


def finish(*, registration: Registration, username: str, password: str, email: str = "") -> User:
    """Make the account of a held registration, with its memberships, and use the registration up.

    The email that the link went to is confirmed by it. After a letter, the account has `email`, which counts once its
    own link is used. Raises UsernameTakenError, and NoLongerPossibleError where the registration was
    used at the same moment, or the person has an account by now.
    """
    with transaction.atomic():
        locked = Registration.objects.usable().select_for_update(of=("self",)).filter(pk=registration.pk).first()
        if locked is None:
            raise NoLongerPossibleError
        try:
            with transaction.atomic():
                user = _make_account(locked, username=username, password=password, email=email)
        except _NotGrantedError:
            _stop(locked)
        else:
            return user
    raise NoLongerPossibleError


class _NotGrantedError(Exception):
    """The parties may have no account (any more)."""


def _make_account(registration: Registration, *, username: str, password: str, email: str) -> User:
    person = registrants.person_on_file(registration.parties)
    if person is None:
        raise _NotGrantedError
    reason = f"registration {registration.pk}"
    user = joining.create_account(
        username=username,
        password=password,
        email=registration.sent_to or email,
        first_name=person.first_name,
        last_name=person.last_name,
        confirmed=bool(registration.sent_to),
        details=person.fields,
        reason=reason,
    )
    by = registration.decided_by
    if not registrants.grant_registrant(user=user, parties=registration.parties, by=by, reason=reason):
        raise _NotGrantedError
    registration.status, registration.user, registration.token_hash = Status.DONE, user, ""
    registration.code_hash, registration.date_of_birth_hash = "", ""
    registration.save()
    record_event(AccountEvent.REGISTRATION_DONE, subject=registration, by=user, user=user.public_id)
    _tell(registration, user)
    return user


def _tell(registration: Registration, user: User) -> None:
    """Tell every address on file and the account's own, each with a link that locks it."""
    on_file = registrants.judge_parties(registration.parties).emails
    changes.announce(change=Change.CREATED, user=user, by=user, former=on_file)


def _stop(registration: Registration) -> None:
    """Leave a registration to staff whose person has an account, or lost access, since it was matched."""
    found = registrants.judge_parties(registration.parties)
    has_account = found.reason is Reason.HAS_ACCOUNT
    registration.status = Status.KNOWN if has_account else Status.REVIEW
    registration.reason = found.reason or Reason.NO_PERSON
    keep_address(registration, "")
    record_event(AccountEvent.REGISTRATION_STOPPED, subject=registration, **registration.facts())


def purge() -> None:
    """Close registrations whose link or code wasn't used in time, and delete those past `settings.REGISTRATIONS_KEPT`.
    The event log keeps who was matched, what was decided, and by whom."""
    now = timezone.now()
    waiting = Registration.objects.filter(status__in=[Status.LINK, Status.POSTED], expires_at__lte=now)
    waiting.update(status=Status.EXPIRED, token_hash="", code_hash="")
    Registration.objects.filter(created_at__lte=now - settings.REGISTRATIONS_KEPT).exclude(
        status=Status.QUEUED
    ).delete()
