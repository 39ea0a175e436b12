"""Inviting a colleague, and accepting (docs/security.md#delegates)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models.sessions import hash_token
from accounts.services.signing_in import BROUGHT_ALONG
from core.dates import carrier_today
from core.events import record_event
from core.idempotency import create_once
from core.throttle import Limit
from policies import emails
from policies.delegates.people import administrators_of, members_with
from policies.emails import AccessChange
from policies.events import PolicyEvent
from policies.models import Invitation, Membership
from policies.models.reach import forget
from policies.roles import giveable

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping

    from django.http import HttpRequest

    from accounts.models import User

INVITATIONS = Limit("policies:invitations", settings.INVITATIONS_PER_DAY, dt.timedelta(days=1))
HELD = "invitation"


class MayNotGiveError(Exception):
    """Why an invitation can't be made or accepted, in a sentence for the page."""


class GoneError(Exception):
    """The invitation was accepted, withdrawn, or has expired, or its giver isn't an administrator anymore."""


class TooManyError(Exception):
    """The administrator's limit of the day is reached."""

    def __init__(self, until: dt.datetime | None) -> None:
        super().__init__("You’ve sent too many invitations today.")
        self.until = until


def invite(
    *,
    place: Membership,
    by: User,
    first_name: str,
    last_name: str,
    email: str,
    capabilities: Iterable[str],
    key: uuid.UUID,
) -> Invitation:
    """Invite a colleague under one's own membership; a worker mails the link. The same form twice invites once.

    Capabilities that the giver hasn't got are a ValueError: the form offers none. Raises MayNotGiveError and
    TooManyError.
    """
    given = _checked(place, capabilities)
    with transaction.atomic():
        own = _locked(place)
        sent = Invitation.objects.filter(invited_by=by)
        if not sent.filter(idempotency_key=key).exists():
            _refuse_twice(own, email)
            _count(by)
        now = timezone.now()
        invitation, is_new = create_once(
            sent,
            key=key,
            create=lambda: Invitation.objects.create(
                given_under=own,
                invited_by=by,
                first_name=first_name,
                last_name=last_name,
                email=email,
                capabilities=given,
                idempotency_key=key,
                created_at=now,
                mailed_at=now,
                expires_at=now + settings.INVITATION_LIFE,
            ),
        )
        if is_new:
            _tell(invitation, PolicyEvent.DELEGATE_INVITED, AccessChange.INVITED, by=by)
            emails.invitation(invitation)
    return invitation


def resend(*, invitation: Invitation, by: User) -> None:
    """Mail it again, for another seven days; the link of the earlier mail stops working. Raises GoneError and
    TooManyError."""
    with transaction.atomic():
        found = _open(invitation)
        _count(by)
        found.mailings += 1
        found.mailed_at = timezone.now()
        found.expires_at = found.mailed_at + settings.INVITATION_LIFE
        found.token_hash = ""
        found.save(update_fields=["mailings", "mailed_at", "expires_at", "token_hash"])
        _tell(found, PolicyEvent.INVITATION_RESENT, AccessChange.INVITED, by=by)
        emails.invitation(found)


def withdraw(*, invitation: Invitation, by: User) -> None:
    """Let nobody accept it any more. Raises GoneError where somebody has, or it was withdrawn already."""
    with transaction.atomic():
        found = _open(invitation)
        found.withdrawn_at, found.withdrawn_by = timezone.now(), by
        found.save(update_fields=["withdrawn_at", "withdrawn_by"])
        _tell(found, PolicyEvent.INVITATION_WITHDRAWN, AccessChange.WITHDRAWN, by=by)


def mail_context(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the token of an invitation that is about to be mailed. None for one that is over, or was mailed again since.
    The hook `mail.invitation`."""
    with transaction.atomic():
        usable = Invitation.objects.usable().select_for_update(of=("self",)).filter(public_id=stored["invitation"])
        found = usable.first()
        if found is None or found.mailings != stored["mailing"]:
            return None
        path = reverse("policies:invitation-link", args=[found.draw_token()])
    return {"address": f"{settings.PUBLIC_URL.rstrip('/')}{path}", "days": settings.INVITATION_LIFE.days}


def hold(*, request: HttpRequest, token: str) -> None:
    """Move an invitation from the URL into the session. The session keeps the token's hash, through the visitor's
    sign-in too, and only of an invitation that works: a guess creates no session."""
    found = Invitation.objects.usable().filter(token_hash=hash_token(token)).first()
    if found is not None:
        request.session[BROUGHT_ALONG] = {HELD: found.token_hash}


def held(*, request: HttpRequest) -> Invitation | None:
    """Return the invitation that this browser has opened, if it can still be accepted."""
    token_hash = request.session.get(BROUGHT_ALONG, {}).get(HELD)
    if not token_hash:
        return None
    usable = Invitation.objects.usable().filter(token_hash=token_hash)
    found = usable.select_related("given_under__policyholder", "given_under__agency", "invited_by").first()
    return found if found is not None and found.given_under.is_in_effect(carrier_today()) else None


def let_go(*, request: HttpRequest) -> None:
    """Forget the opened invitation."""
    request.session.pop(BROUGHT_ALONG, None)


def accept(*, invitation: Invitation, user: User) -> Membership:
    """Make the person who opened the link a delegate, once. The link proves the mailbox; the account may have another
    email (docs/decisions/0088-delegates.md). Raises GoneError, and MayNotGiveError for an account that can't."""
    with transaction.atomic():
        found = _open(invitation)
        own = found.given_under
        if found.has_expired() or not (own.administrator and own.is_in_effect(carrier_today())):
            raise GoneError
        if user.is_of_staff:
            raise MayNotGiveError("Staff don’t act for customers. Use an account of your own.")
        if members_with(own).filter(user=user, revoked_at=None).exists():
            raise MayNotGiveError("This account has access already.")
        membership = Membership(
            user=user,
            role=own.role,
            policyholder_id=own.policyholder_id,
            agency_id=own.agency_id,
            administrator=False,
            capabilities=[each for each in giveable(own) if each in found.capabilities],
            given_under=own,
            granted_by=found.invited_by,
        )
        try:
            with transaction.atomic():
                membership.save()
        except IntegrityError as error:
            raise MayNotGiveError("This account has access already.") from error
        found.accepted_at, found.membership = timezone.now(), membership
        found.save(update_fields=["accepted_at", "membership"])
        forget(user.pk)
        record_event(
            PolicyEvent.MEMBERSHIP_GRANTED,
            subject=membership,
            by=user,
            on_behalf_of=user,
            **membership.facts(),
            reason="invitation",
            invitation=found.public_id,
            invited_by=found.invited_by.username,
        )
        _notify(own, AccessChange.JOINED, key=f"{found.public_id}-joined")
    return membership


def change(*, member: Membership, place: Membership, capabilities: Iterable[str], by: User) -> None:
    """Give a delegate other capabilities. From now on the access is given under the membership of who changed it.
    Raises GoneError where it ended meanwhile."""
    given = _checked(place, capabilities)
    with transaction.atomic():
        own = _locked(place)
        found = Membership.objects.select_for_update().get(pk=member.pk)
        if found.revoked_at is not None or not found.is_delegates:
            raise GoneError
        before = found.capabilities
        if before == given and found.given_under_id == own.pk:
            return
        found.capabilities, found.given_under, found.granted_by = given, own, by
        found.save(update_fields=["capabilities", "given_under", "granted_by"])
        forget(found.user_id)
        event = record_event(
            PolicyEvent.MEMBERSHIP_CHANGED,
            subject=found,
            by=by,
            on_behalf_of=found.user,
            **found.facts(),
            values={"capabilities": {"from": before, "to": given}},
        )
        _notify(own, AccessChange.CHANGED, key=f"event-{event.pk}")


def end(*, member: Membership, place: Membership, by: User) -> None:
    """End somebody's access at once, open sessions included. The carrier's feed won't grant it again. Ending it twice
    changes nothing."""
    with transaction.atomic():
        own = _locked(place)
        found = Membership.objects.select_for_update().get(pk=member.pk)
        if found.revoked_at is not None:
            return
        found.revoke(by=by, reason="ended by an administrator")
        _notify(own, AccessChange.ENDED, key=f"{found.public_id}-ended")


def _checked(place: Membership, capabilities: Iterable[str]) -> list[str]:
    """Return the capabilities in the table's order. Raises ValueError for one that the giver can't give."""
    wanted, possible = set(capabilities), giveable(place)
    if beyond := wanted - set(possible):
        raise ValueError(f"Not the giver's to give: {sorted(beyond)}")
    return [each.value for each in possible if each in wanted]


def _locked(place: Membership) -> Membership:
    """Return the giver's membership under its lock. Raises MayNotGiveError where it isn't an administrator's now."""
    own = Membership.objects.select_for_update().get(pk=place.pk)
    if not (own.administrator and own.is_in_effect(carrier_today())):
        raise MayNotGiveError("You’re no longer an administrator here.")
    return own


def _open(invitation: Invitation) -> Invitation:
    """Return an invitation under its lock. Raises GoneError where it isn't open any more."""
    waiting = Invitation.objects.open().select_for_update(of=("self", "given_under"))
    found = waiting.select_related("given_under", "invited_by").filter(pk=invitation.pk).first()
    if found is None:
        raise GoneError
    return found


def _refuse_twice(own: Membership, email: str) -> None:
    if members_with(own).filter(user__email__iexact=email, revoked_at=None).exists():
        raise MayNotGiveError("Someone with this email has access already.")
    at_party = Invitation.objects.open().filter(
        given_under__role=own.role, given_under__policyholder=own.policyholder_id, given_under__agency=own.agency_id
    )
    if at_party.filter(email__iexact=email, given_under__revoked_at=None).exists():
        raise MayNotGiveError("This person was invited already. Send that invitation again, or withdraw it.")


def _count(by: User) -> None:
    allowance = INVITATIONS.hit(str(by.pk))
    if not allowance.allowed:
        raise TooManyError(allowance.retry_at)


def _tell(invitation: Invitation, tag: PolicyEvent, what: AccessChange, *, by: User) -> None:
    record_event(
        tag,
        subject=invitation,
        by=by,
        party=invitation.given_under.party_key,
        capabilities=invitation.capabilities,
        mailing=invitation.mailings,
    )
    _notify(invitation.given_under, what, key=f"{invitation.public_id}-{tag.rpartition(':')[2]}-{invitation.mailings}")


def _notify(place: Membership, what: AccessChange, *, key: str) -> None:
    """Mail all administrators of the party, the one who did it too."""
    for each in administrators_of(place):
        emails.access_changed(each.user, what=what, key=f"{key}-{each.user_id}")
