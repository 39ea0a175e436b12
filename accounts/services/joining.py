"""Creating an account for a person who proved a mailbox with a link that we sent there (docs/security.md#joining): a
registration, or a colleague's invitation.

The page behind the link holds the form (`accounts.forms.JoinForm`) and, in one transaction, spends its link and calls
`create_account`. Then it redirects to what `begin` returns, so that the second factor is set up in the same visit:

    form = JoinForm(request.POST if request.method == "POST" else None, email=email, first_name=…, last_name=…)
    if form.is_valid():
        try:
            with transaction.atomic():
                ...  # lock and spend the link, or raise that it's gone
                user = joining.create_account(**form.account(), reason="registration")
                ...  # memberships of the user
        except joining.UsernameTakenError:
            form.refuse_username()
        else:
            return redirect(joining.begin(request=request, user=user))

Whether a username is taken is told only here, behind the link.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import User
from accounts.navigation import with_query
from accounts.services import renaming, signing_in
from core.events import record_event
from core.throttle import Limit

# 'Taken' says that an account exists: so many names may be tried behind one link.
TRIES = Limit("account:join_tries", 20, dt.timedelta(hours=1))


class UsernameTakenError(Exception):
    """Another account has a username that reads the same."""


def is_taken(username: str) -> bool:
    """Whether an account has this username, in any spelling, had it, or is to have it."""
    return renaming.is_taken(username=username)


def create_account(
    *,
    username: str,
    password: str,
    email: str,
    first_name: str = "",
    last_name: str = "",
    reason: str,
    confirmed: bool = True,
    details: Mapping[str, str] | None = None,
) -> User:
    """Create a customer's account, never a staff member's, and record it with its reason. Its email counts as
    confirmed: the caller has seen the link that was sent there used. With `confirmed=False` it doesn't yet. `details`:
    other fields of the account, such as its address. Raises UsernameTakenError, also where two ask at once."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username,
                email,
                password,
                first_name=first_name,
                last_name=last_name,
                email_confirmed_at=timezone.now() if confirmed else None,
                **(details or {}),
            )
    except IntegrityError as error:
        if is_taken(username):
            raise UsernameTakenError from error
        raise
    record_event(AccountEvent.CREATED, subject=user, by=user, on_behalf_of=user, reason=reason)
    return user


def begin(*, request: HttpRequest, user: User, then: str = "") -> str:
    """Begin the new account's session as after its password, and return the address where its second factor is set up;
    `then` is the page after that. What the visitor's session held before, the link's hash for one, is gone."""
    signing_in.begin_session(request=request, user=user)
    return with_query("accounts:mfa-setup", next=then)
