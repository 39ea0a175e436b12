"""`settings.SESSION_ENGINE`: Django's session API over `accounts.models.Session` rows.

The cookie's key is hashed before it meets the database. Limits are enforced where the row is loaded, so that a session
past one is over for every part of the portal; why it ended is kept on the store for the page that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuthenticatorDevice, CodeDevice, Passkey, PhoneDevice, RecoverySet, TrustedDevice, User
from accounts.models.sessions import EndReason, Session, hash_token
from core import memo
from core.statements import Joined

# All that decides who is there, for every page at once. Whether a row opens anything is for Python to say: the limits
# are in `Session.limit_passed`, the devices' state in `accounts.middleware`.
WHO = Joined(
    """
    SELECT {session}, {user}, {remembered}, {authenticator}, {phone}, {passkey}, {recovery}
    FROM accounts_session AS "session"
    LEFT JOIN accounts_user AS "user" ON "user".id = "session".user_id
    LEFT JOIN accounts_trusteddevice AS "remembered" ON "remembered".id = "session".trusted_device_id
    LEFT JOIN accounts_authenticatordevice AS "authenticator"
        ON "authenticator".user_id = "session".user_id
        AND 'accounts.authenticatordevice/' || "authenticator".id = "session".verified_by
    LEFT JOIN accounts_phonedevice AS "phone"
        ON "phone".user_id = "session".user_id
        AND 'accounts.phonedevice/' || "phone".id = "session".verified_by
    LEFT JOIN accounts_passkey AS "passkey"
        ON "passkey".user_id = "session".user_id
        AND 'accounts.passkey/' || "passkey".id = "session".verified_by
    LEFT JOIN accounts_recoveryset AS "recovery"
        ON "recovery".user_id = "session".user_id
        AND 'accounts.recoveryset/' || "recovery".id = "session".verified_by
    WHERE "session".key_hash = %s
    """,
    # Which device it was: its secrets are read where a code is checked, not for every page.
    only=dict.fromkeys(("authenticator", "phone", "passkey", "recovery"), ("id", "user_id", "confirmed")),
    session=Session,
    user=User,
    remembered=TrustedDevice,
    authenticator=AuthenticatorDevice,
    phone=PhoneDevice,
    passkey=Passkey,
    recovery=RecoverySet,
)


class SessionStore(SessionBase):
    """One request's view of its session. `row` is the stored session, None before anything was stored; `device` is
    the one whose code verified it; `end_reason` says why the cookie's session is no longer accepted."""

    if TYPE_CHECKING:
        # Django's own, which its type stubs leave out.
        _session_cache: dict[str, Any]

        def _get_new_session_key(self) -> str: ...
        def _get_session(self, no_load: bool = False) -> dict[str, Any]: ...

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.row: Session | None = None
        self.device: CodeDevice | None = None
        self.end_reason: EndReason | None = None

    @property
    def public_id(self) -> str:
        """The row's public id, for the event log; empty before there is a row."""
        return self.row.public_id if self.row is not None else ""

    def load(self) -> dict[str, Any]:
        row = self._read(hash_token(self.session_key or ""))
        if row is not None and row.ended_at is None:
            self.end_reason = row.limit_passed(timezone.now())
            if self.end_reason is None:
                self.row = row
                # For `UsernameBackend.get_user`, which Django calls next.
                memo.hand_on(("user", row.user_id), row.user)
                return self.decode(row.data)
            row.end(self.end_reason)
        elif row is not None:
            self.end_reason = EndReason(row.end_reason)
        self._session_key = None
        return {}

    def _read(self, key_hash: str) -> Session | None:
        """Read the session, with the user, the remembered device, and the device that verified it."""
        found = WHO.first(key_hash)
        if found is None:
            return None
        row: Session = found["session"]
        self.device = found["authenticator"] or found["phone"] or found["passkey"] or found["recovery"]
        user, remembered = found["user"], found["remembered"]
        if user is not None:
            row.user = user
        if remembered is not None:
            row.trusted_device = remembered
            if remembered.user_id == row.user_id:
                remembered.user = user
        return row

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(key_hash=hash_token(session_key)).exists()

    def create(self) -> None:
        """Store a new, empty row under a new key."""
        self.row = None
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Store the data. Raises UpdateError where the row was ended meanwhile (a sign-out in another tab)."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        if must_create:
            values = {"data": self.encode(data), "user_id": data.get(SESSION_KEY)}
            try:
                with transaction.atomic():
                    self.row = Session.objects.create(key_hash=hash_token(self.session_key), **values)
            except IntegrityError as error:
                raise CreateError from error
            return
        with transaction.atomic():
            self._store(data)

    def _store(self, data: dict[str, Any]) -> None:
        """Write what this request changed. Where another request has stored something since this one read the row, only
        the keys that changed here are laid over it: a slow page must not take a finished sign-in back."""
        if self.row is None:
            raise UpdateError
        now_stored = Session.objects.open().select_for_update().filter(pk=self.row.pk).values_list("data", flat=True)
        current = now_stored.first()
        if current is None:
            raise UpdateError
        if current != self.row.data:
            was = self.decode(self.row.data)
            kept = {key: value for key, value in self.decode(current).items() if key in data or key not in was}
            changed = {key: value for key, value in data.items() if key not in was or was[key] != value}
            data = kept | changed
            self._session_cache = data
        self.row.data = self.encode(data)
        self.row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        Session.objects.filter(pk=self.row.pk).update(data=self.row.data, user_id=self.row.user_id)

    def cycle_key(self) -> None:
        """Rotate: the same row under a new key; the old key opens nothing from now on (docs/security.md#sessions)."""
        self._get_session()
        if self.row is None:
            kept = self._session_cache
            self.create()
            self._session_cache = kept
            return
        self._session_key = self._get_new_session_key()
        self.row.key_hash = hash_token(self._session_key)
        if not Session.objects.open().filter(pk=self.row.pk).update(key_hash=self.row.key_hash):
            raise SessionInterrupted("The session was ended while this request was under way.")
        self.modified = True

    def delete(self, session_key: str | None = None) -> None:
        """End the row on the server; used by sign-out and when another user signs in."""
        key = session_key or self.session_key
        if key is None:
            return
        Session.objects.filter(key_hash=hash_token(key)).end(EndReason.SIGNED_OUT)
        self.row = None

    @classmethod
    def clear_expired(cls) -> None:
        """`manage.py clearsessions`: the same as the hourly task."""
        from accounts.tasks import purge_sessions

        purge_sessions()
